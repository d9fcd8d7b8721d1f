"""A scenario: everything that decides what a simulation does, in one file."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import write_json
from redwood.simulation.checks import is_count, is_positive


@dataclass(frozen=True)
class InputFile:
    """A file that a scenario reads: its path as it was given, and the digest of its content."""

    path: str
    sha256: str

    @classmethod
    def of(cls, path: str | Path) -> "InputFile":
        return cls(str(path), _digest(path))

    def check(self, scenario: str | Path) -> None:
        """Raise an `InputError` if the file is not what it was when the scenario was written."""
        found = _digest(self.path)
        if found != self.sha256:
            raise InputError(
                f"{scenario}: {self.path} has changed since: its sha256 is {found[:12]}…, "
                f"expected {self.sha256[:12]}…"
            )


@dataclass(frozen=True)
class Scenario:
    """Platform, jobs, policy, seed and options of one simulation.

    Paths are kept as they were given: relative ones are relative to the folder in which the
    simulation is run, so that a results folder can move and equal runs write equal files.

    Attributes:
        workload: what the jobs are called in outcomes: `recorded`, or a surrogate's name.
        platform: the platform, see `platform.py`.
        table: the description of the job table.
        jobs: the job table.
        policy: name of the brokerage policy.
        seed: of datasets, replicas and whatever the policy draws.
        load_factor: arrivals are this many times as fast as in the job table.
        interval_s: step of the time series in s.
        tcp_gamma: see `network.Network`.
    """

    workload: str
    platform: InputFile
    table: InputFile
    jobs: InputFile
    policy: str
    seed: int
    load_factor: float
    interval_s: float
    tcp_gamma: float

    def save(self, path: str | Path) -> None:
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "Scenario":
        """Read a scenario that `save` wrote and check that its files are still the same.

        Raises:
            InputError: the file is missing or no scenario, or a file that it names has changed.
        """
        content = read_json(path, "scenario")
        try:
            files = {key: InputFile(**content[key]) for key in ("platform", "table", "jobs")}
            scenario = cls(**{**content, **files})
        except (KeyError, TypeError) as error:
            raise InputError(f"{path}: not a scenario: {error}") from None
        scenario._check(path)
        for file in files.values():
            file.check(path)
        return scenario

    def _check(self, path: str | Path) -> None:
        for key in ("workload", "policy"):
            if not isinstance(getattr(self, key), str):
                raise InputError(f"{path}: {key} is {getattr(self, key)!r}, expected a text")
        if not is_count(self.seed):
            raise InputError(f"{path}: seed is {self.seed!r}, expected a whole number from 0")
        for key in ("load_factor", "interval_s"):
            if not is_positive(getattr(self, key)):
                raise InputError(
                    f"{path}: {key} is {getattr(self, key)!r}, expected a positive number"
                )
        if self.tcp_gamma != 0 and not is_positive(self.tcp_gamma):
            raise InputError(f"{path}: tcp_gamma is {self.tcp_gamma!r}, expected a number from 0")


def _digest(path: str | Path) -> str:
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise InputError(f"{path}: no such file") from None
