"""From the last results back to what they were made from: jobs, what they read and wrote."""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import files_of
from redwood.runs.snakemake_records import FORMAT, JobRecord, SnakemakeRecords

# Digests of code, of pins and of the key of hashes: rules have them as parameters.
_DIGEST = re.compile(r"'([0-9a-f]{16})'")


@dataclass(frozen=True)
class Job:
    """A job that made results.

    Attributes:
        record: what Snakemake has recorded of it.
        outputs: files and folders that it made, as the rule names them.
        digests: of the code that it ran, of the pinned versions that it ran with, and of the key
            of hashes, each if its rule has one.
        seconds, megabytes: wall time and peak resident memory, if Snakemake measured them.
    """

    record: JobRecord
    outputs: tuple[str, ...]
    digests: tuple[str, ...]
    seconds: float | None
    megabytes: float | None

    @property
    def command(self) -> str:
        """Its shell line, on one line."""
        return " ".join(self.record.command.split())


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
            path
            for job in self.jobs
            if job.record.rule == "records_clean_file"
            for path in job.record.inputs
        }
        return [path for path in self.inputs if path in cleaned and not _is_fact(path)]


def trace(
    last: Iterable[str], records: SnakemakeRecords, results: Path, downloads: Path | None = None
) -> Provenance:
    """Follow the records from the last results of a run back to its inputs.

    Args:
        last: a result of each job whose results no other job reads.
        records: Snakemake's.
        results: the folder of the dataset; what lies elsewhere and has no record is an input.
        downloads: a folder in it where all files are from the job that has written one of them.

    Raises:
        InputError: Snakemake keeps no records here, or one is in another format.
    """
    if not records.are_there:
        raise InputError(
            f"{records.folder}/metadata: no such folder, expected Snakemake's records of its jobs, "
            "which it keeps there unless told --persistence-backend db"
        )
    found, seen = Provenance(), set()

    def visit(path: str) -> None:
        if path in seen:
            return
        seen.add(path)
        record = records.of(path)
        if record is None:
            inside = Path(path).is_relative_to(results)
            (found.unexplained if inside else found.inputs).append(path)
            return
        if record.format != FORMAT:
            raise InputError(
                f"{records.folder}: the record of {path} has format {record.format}, expected "
                f"{FORMAT} (Snakemake 9.27); make the file again with the locked Snakemake: "
                "--forcerun"
            )
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
    digests = {match[1] for match in map(_DIGEST.fullmatch, record.parameters) if match}
    return Job(record, outputs, tuple(sorted(digests)), *_measured(record.logs))


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
