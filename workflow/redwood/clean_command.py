"""`redwood records clean`: the stages records and card, one after the other."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from redwood.records.commands import Dataset, Options, Seed, Sites


def clean(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Files, folders, globs.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the job table and its account.")],
    dataset: Dataset = "jobs",
    seed: Seed = 0,
    all_jobs: Annotated[
        bool,
        typer.Option(
            "--all-jobs", help="Keep jobs of every kind, test jobs too, not the paper's alone."
        ),
    ] = False,
    day_first: Annotated[
        bool | None,
        typer.Option("--day-first/--month-first", help="What 3/4/2025 begins with."),
    ] = None,
    features: Annotated[
        str | None, typer.Option(help="Columns that a row must have, separated by commas.")
    ] = None,
    options: Options = "{}",
    sites: Sites = None,
    workers: Annotated[
        int | None, typer.Option(help="Dumps cleaned at once; one a processor if not given.", min=1)
    ] = None,
) -> None:
    """Clean raw dumps into the job table; every row is kept or rejected with a reason.

    A data card, card.html, says whether they are usable.

    CSV, JSON, Parquet and DuckDB are read, and job logs of Slurm, HTCondor and the workloads
    archives; text also as .gz or .zst. Users and tasks become hashes, keyed by the environment
    variable REDWOOD_HASH_KEY, else by a random key.

    Example: redwood records clean raw --output records

    Example: redwood records clean 'dumps/2024-*.csv.gz' --output records --all-jobs
    --features creationtime,computingsite,jobstatus,workload

    --options takes everything else that the configuration has under records.cleaning, such as
    '{"columns": {"SITE": "COMPUTINGSITE"}, "utc_offset_hours": 1}'.
    """
    from redwood import api
    from redwood.configuration import Cleaning
    from redwood.validation import read_section

    section = read_section(Cleaning, options, "records clean --options").model_dump()
    section |= {"analysis_of_daod": False, "keep_robots": True} if all_jobs else {}
    section |= {} if day_first is None else {"day_first": day_first}
    if features is not None:
        section["features"] = [name.strip() for name in features.split(",")]
    records = api.clean(
        inputs, output, name=dataset, seed=seed, sites=sites, workers=workers, **section
    )
    rows = records.account["rows"]
    print(
        f"{rows['kept']:,} of {rows['input']:,} rows are in {output / 'jobs'}, the others in "
        f"{output / 'rejected.parquet'}; whether they are usable is in {records.card}",
        file=sys.stderr,
    )
