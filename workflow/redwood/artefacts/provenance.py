"""From the last results back to what they were made from: jobs, what they read and wrote."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from redwood.artefacts.hashing import files_of
from redwood.artefacts.job_records import JobRecord, JobRecords

# Of code, of pins, of the key of hashes: rules have them as parameters.
_DIGEST = re.compile(r"'([0-9a-f]{16})'")


@dataclass(frozen=True)
class Job:
    """A job that made results.

    Attributes:
        rule: its rule.
        inputs, outputs: paths as the rule names them, files and folders.
        command: its shell line.
        digests: of the code that it ran, of the pinned versions that it ran with, and of the key
            of hashes, each as far as its rule has one.
        pins: its environment as in `envs/`, YAML; empty if it has none.
        by_conda: whether conda made that environment; otherwise the run's own Python served.
        start, end: seconds since 1970; from when it was handed to where it ran.
        seconds, megabytes: wall time and peak resident memory, if Snakemake measured them.
    """

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    command: str
    digests: tuple[str, ...]
    pins: str
    by_conda: bool
    start: float
    end: float
    seconds: float | None
    megabytes: float | None


@dataclass
class Provenance:
    """Where results come from.

    Attributes:
        jobs: those that made them, each after those whose results it read.
        inputs: what no job has made: raw dumps, facts, policies of one's own.
        unexplained: results of which no record says how they were made.
    """

    jobs: list[Job] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    @property
    def dumps(self) -> list[str]:
        """Those of the inputs that are raw records, in order."""
        cleaned = {
            path for job in self.jobs if job.rule == "records_clean_file" for path in job.inputs
        }
        return [path for path in self.inputs if path in cleaned and not _is_fact(path)]


def trace(
    last: Iterable[str], records: JobRecords, results: Path, downloads: Path | None = None
) -> Provenance:
    """Follow the records from the last results of a run back to its inputs.

    Args:
        last: a result of each job whose results no other job reads.
        records: Snakemake's.
        results: the folder of the dataset; what lies elsewhere and has no record is an input.
        downloads: a folder in it where all files are from the job that has written one of them.

    Raises:
        InputError: a record cannot be understood.
    """
    found, seen = Provenance(), set()

    def visit(path: str) -> None:
        if path in seen:
            return
        seen.add(path)
        record = records.get(path)
        if record is None:
            inside = Path(path).is_relative_to(results)
            (found.unexplained if inside else found.inputs).append(path)
            return
        seen.update(record.written)
        for one in record.inputs:
            visit(one)
        found.jobs.append(_job(record, downloads))

    for path in last:
        visit(path)
    found.inputs.sort()
    found.unexplained.sort()
    return found


def _is_fact(path: str) -> bool:
    """Whether an input comes with the project."""
    return Path(path).parts[0] == "resources"


def _job(record: JobRecord, downloads: Path | None) -> Job:
    outputs = record.written
    if downloads and any(Path(path).is_relative_to(downloads) for path in outputs):
        outputs = tuple(sorted({*outputs, *map(str, files_of(downloads))}))
    digests = {
        match[1]
        for parameter in record.parameters
        if (match := _DIGEST.fullmatch(parameter)) is not None
    }
    seconds, megabytes = _measured(record.logs)
    return Job(
        record.rule,
        record.inputs,
        outputs,
        record.command,
        tuple(sorted(digests)),
        record.pins,
        record.by_conda,
        record.start,
        record.end,
        seconds,
        megabytes,
    )


def _measured(logs: Iterable[str]) -> tuple[float | None, float | None]:
    """Seconds and MB from the benchmark beside a log, as all rules name them."""
    for log in logs:
        folder, _, name = log.partition("/logs/")
        benchmark = Path(folder, "benchmarks", name).with_suffix(".tsv")
        if benchmark.is_file():
            with open(benchmark, newline="") as stream:
                row = next(csv.DictReader(stream, delimiter="\t"), {})
            return _number(row.get("s")), _number(row.get("max_rss"))
    return None, None


def _number(text: str | None) -> float | None:
    """A measured value; jobs that end at once have "NA" or "-"."""
    try:
        return float(text or "")
    except ValueError:
        return None
