"""`redwood records …`: generate, retrieve, clean, split."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="From raw PanDA dumps to the split job table.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(help="Seed of the run.", min=0)]


@app.command()
def generate(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")],
    days: Annotated[int, typer.Option(help="Length of the recorded window.")],
    sites: Annotated[int, typer.Option(help="Number of computing sites.")],
    jobs: Annotated[int, typer.Option(help="User-analysis jobs; other activities come on top.")],
    seed: Seed,
    output: Annotated[Path, typer.Option(help="Folder to write the dumps to.")],
) -> None:
    """Write synthetic raw dumps as PanDA would.

    Example: redwood records generate --start 2024-01-01 --days 150 --sites 83 --jobs 60000
    --seed 2410 --output raw
    """
    from redwood.configuration import Generate, read_section
    from redwood.records.generation.dumps import generate as generate_dumps

    values = {"start": start.date(), "days": days, "sites": sites, "jobs": jobs}
    options = read_section(Generate, values, "records generate")
    generate_dumps(options, seed, output)


@app.command()
def retrieve(
    url: Annotated[str, typer.Option(help="Address of the file.")],
    output: Annotated[Path, typer.Option(help="Where to put it.")],
    sha256: Annotated[str | None, typer.Option(help="Expected digest.")] = None,
) -> None:
    """Get a public trace and check it.

    Example: redwood records retrieve --url https://www.cs.huji.ac.il/labs/parallel/workload/l_lcg/LCG-2005-1.swf.gz
    --output LCG-2005-1.swf.gz
    """
    from redwood.records.retrieval import retrieve as retrieve_file

    retrieve_file(url, sha256, output)


@app.command()
def clean(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Files, folders, globs.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the job table and its account.")],
    dataset: Annotated[str, typer.Option(help="Name of the table.")],
    seed: Seed,
    options: Annotated[str, typer.Option(help="Section records.cleaning, as JSON.")] = "{}",
    sites: Annotated[Path | None, typer.Option(help="Table of sites, resources/sites.csv.")] = None,
) -> None:
    """Clean raw dumps into the job table; every row is kept or rejected with a reason.

    Users and tasks become hashes, keyed by the environment variable REDWOOD_HASH_KEY, else by a
    random key.

    Example: redwood records clean raw --output records --dataset mine --seed 1
    --options '{"analysis_of_daod": false}'
    """
    from redwood.configuration import Cleaning, read_section
    from redwood.records.cleaning import clean as clean_dumps
    from redwood.records.sites import SITES_FILE

    section = read_section(Cleaning, options, "records clean --options")
    clean_dumps(inputs, output, dataset, seed, section, sites or SITES_FILE)


@app.command()
def split(
    table: Annotated[Path, typer.Option(help="Table description.")],
    jobs: Annotated[Path, typer.Option(help="Job table.")],
    seed: Seed,
    output: Annotated[Path, typer.Option(help="Folder for the parts.")],
    method: Annotated[str, typer.Option(help="random, time or task.")] = "random",
    train: Annotated[float, typer.Option(help="Share of training rows.")] = 0.6,
    validation: Annotated[float, typer.Option(help="Share of validation rows.")] = 0.2,
) -> None:
    """Divide the job table into training, validation and test rows.

    Example: redwood records split --table table.json --jobs jobs.parquet --method random
    --seed 1 --output records
    """
    from redwood.configuration import Split, read_section
    from redwood.records.splitting import split as split_table

    values = {"method": method, "train": train, "validation": validation}
    split_table(table, jobs, read_section(Split, values, "records split"), seed, output)
