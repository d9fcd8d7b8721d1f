"""The manifest of a run: what it has made, from what, how, with which source and versions."""

import json
from collections.abc import Sequence
from pathlib import Path

from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.runs.checking import CONFIGURATION, MANIFEST
from redwood.runs.crate import Run, crate_of
from redwood.runs.damage import Digests, find_damage
from redwood.runs.provenance import Provenance, trace
from redwood.runs.short_names import ShortNames
from redwood.runs.snakemake_records import SnakemakeRecords
from redwood.runs.software import machine, package_versions, read_citation
from redwood.runs.source_code import source_state

PROJECT = Path(__file__).resolve().parents[3]


def write_manifest(
    results: Path, last: Sequence[str], configuration: str, downloads: Path | None = None
) -> list[str]:
    """Write `ro-crate-metadata.json` and `configuration.json` into the folder of a dataset.

    Every file is read, and must be what the job wrote that made it.

    Args:
        results: the folder, relative to the project as Snakemake names it.
        last: a result of each job whose results no other job reads, as Snakemake names it.
        configuration: as used, in JSON; `records.source.files` become the dumps that were read.
        downloads: a folder of raw dumps that a job has got and whose names its rule does not know.

    Returns:
        The results of which nothing says how they were made.

    Raises:
        InputError: the configuration is not JSON, a file is missing, is damaged or was added to a
            job's folder, or Snakemake's records of its jobs are missing or in another format.
    """
    try:
        used = json.loads(configuration)
        origin = used["records"]["source"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise InputError(f"--configuration: not a configuration in JSON: {error!r}") from None
    for path in last:
        if not Path(path).is_relative_to(results) or not Path(path).exists():
            raise InputError(f"--last: {path}: no such file, expected one in {results}")
    provenance = trace(last, SnakemakeRecords(), results, downloads)
    names = ShortNames(path for job in provenance.jobs for path in job.record.inputs)
    origin["files"] = [names[path] for path in provenance.dumps]
    write_json(results / CONFIGURATION, names.in_values(used))
    digests = Digests(results, afresh=True)
    run = Run(
        results=results,
        configuration=results / CONFIGURATION,
        workflow=PROJECT / "Snakefile",
        provenance=provenance,
        digest=digests.of,
        intact=_intact(results, provenance, digests),
        names=names,
        source=source_state(PROJECT),
        citation=read_citation(PROJECT / "CITATION.cff"),
        packages=package_versions(),
        machine=machine(),
    )
    write_json(results / MANIFEST, crate_of(run).metadata.generate())
    return provenance.unexplained


def _intact(results: Path, provenance: Provenance, digests: Digests) -> set[str]:
    """The results that are as they were written, as all must be of which a digest was kept."""
    damage = find_damage(results, digests)
    digests.save()
    outputs = {path for job in provenance.jobs for path in job.outputs}
    faults = [
        f"{results / name}: {words}"
        for name, words in (*damage.files.items(), *damage.added.items())
        if damage.makers(name, outputs, results)
    ]
    if faults:
        raise InputError(
            f"{'; '.join(faults)}: such results get no manifest; run again, which makes again what "
            "is damaged"
        )
    return damage.intact
