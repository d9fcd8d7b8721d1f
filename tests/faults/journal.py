"""What was tried and what became of it, line by line, so that a run that was killed goes on."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from redwood.outputs import write_text


@dataclass(frozen=True)
class Outcome:
    """What became of a fault that was tried.

    Attributes:
        kind: its line in the table of faults.
        what: what it was done to.
        lost: what went wrong; empty if it was survived.
    """

    kind: str
    what: str
    lost: str = ""


class Journal:
    """Outcomes by the name of the trial that gave them, in a file that only grows."""

    def __init__(self, path: Path, of: Mapping[str, object]) -> None:
        """Go on with a journal, or begin one.

        Args:
            path: the file.
            of: what the trials are of: commit, seed, machine.

        Raises:
            ValueError: the journal is of other trials.
        """
        self._path = path
        first = json.dumps(of)
        begun, *lines = path.read_text().split("\n") if path.exists() else (first, "")
        if begun != first:
            raise ValueError(f"{path} is of {begun}, not of {first}: move it away, or go back")
        # The last line is empty, or cut off.
        write_text(path, "\n".join([begun, *lines[:-1], ""]))
        self._entries: dict[str, list[Outcome]] = {}
        for line in lines[:-1]:
            trial, outcomes = json.loads(line)
            self._entries[trial] = [Outcome(**one) for one in outcomes]

    def __contains__(self, trial: str) -> bool:
        return trial in self._entries

    def add(self, trial: str, outcomes: Iterable[Outcome]) -> None:
        self._entries[trial] = [*outcomes]
        line = json.dumps([trial, [asdict(one) for one in self._entries[trial]]])
        with self._path.open("a") as stream:
            stream.write(f"{line}\n")

    def outcomes(self, block: str) -> list[Outcome]:
        """All outcomes of the trials whose names begin with this word."""
        trials = [trial for trial in self._entries if trial.split()[0] == block]
        return [one for trial in trials for one in self._entries[trial]]
