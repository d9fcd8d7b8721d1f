"""`redwood records …`: get raw dumps, clean them and split the jobs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="From raw PanDA dumps to the split job table.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(help="Seed of the run.", min=0)]
Sites = Annotated[Path | None, typer.Option(help="Table of sites, resources/sites.csv.")]
Options = Annotated[str, typer.Option(help="Section records.cleaning, as JSON.")]
Dataset = Annotated[str, typer.Option(help="Name of the table.")]
Key = Annotated[Path | None, typer.Option(help="Random key of the hashes.")]
JobTable = Annotated[Path, typer.Option(help="Job table, a file or a folder partitioned by day.")]


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
def download(
    options: Annotated[str, typer.Option(help="Section records.source.bigpanda, as JSON.")],
    output: Annotated[Path, typer.Option(help="Folder to write the dumps to.")],
) -> None:
    """Ask a BigPanDA monitor for job records, window by window, at its own pace.

    The token is read from the environment variable REDWOOD_BIGPANDA_TOKEN. Windows that are there
    already are not asked for again.

    Example: redwood records download --output raw --options '{"sites": ["CERN"],
    "start": "2024-01-01T00:00", "end": "2024-01-03T00:00"}'
    """
    from redwood.configuration import BigPanda
    from redwood.records.bigpanda import download as download_windows
    from redwood.validation import read_section

    download_windows(read_section(BigPanda, options, "records download --options"), output)


@app.command()
def hash_key(
    output: Annotated[Path, typer.Option(help="Where to put the key.")],
) -> None:
    """Draw the random key that the hashes of all dumps of a run share; keep it to yourself.

    Example: redwood records hash-key --output records/.hash_key
    """
    from redwood.records.privacy import write_key

    write_key(output)


@app.command()
def clean_file(
    dump: Annotated[Path, typer.Argument(help="One dump.")],
    output: Annotated[Path, typer.Option(help="Folder for the cleaned file.")],
    seed: Seed = 0,
    options: Options = "{}",
    sites: Sites = None,
    name: Annotated[str | None, typer.Option(help="How reports name the dump.")] = None,
    key: Key = None,
) -> None:
    """Clean one of many dumps, so that others can be cleaned elsewhere at the same time.

    Example: redwood records clean-file raw/jobs_01.csv.gz --key .hash_key --output cleaned/jobs_01
    """
    from redwood.configuration import Cleaning
    from redwood.records.cleaned_file import clean_file as clean_one
    from redwood.sites import SITES_FILE
    from redwood.validation import read_section

    section = read_section(Cleaning, options, "records clean-file --options")
    clean_one(dump, name or dump.name, output, section, seed, key, sites or SITES_FILE)


@app.command()
def gather(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Cleaned files, in order of the dumps.")
    ],
    cleaned: Annotated[Path, typer.Option(help="Folder with the cleaned files.")],
    output: Annotated[Path, typer.Option(help="Folder for the job table and its account.")],
    dataset: Dataset = "jobs",
    options: Options = "{}",
    key: Key = None,
) -> None:
    """Gather cleaned files into the job table, each job once, partitioned by day.

    Example: redwood records gather jobs_01 jobs_02 --cleaned cleaned --key .hash_key
    --output records
    """
    from redwood.configuration import Cleaning
    from redwood.records.gathering import gather as gather_files
    from redwood.validation import read_section

    section = read_section(Cleaning, options, "records gather --options")
    folders = [cleaned / name for name in names]
    gather_files(folders, output, dataset, section, key_file=key)


@app.command()
def split(
    table: Annotated[Path, typer.Option(help="Table description.")],
    jobs: JobTable,
    seed: Seed,
    output: Annotated[Path, typer.Option(help="Folder for the parts.")],
    method: Annotated[str, typer.Option(help="random, time, task or user.")] = "random",
    train: Annotated[float, typer.Option(help="Share of training rows.")] = 0.6,
    validation: Annotated[float, typer.Option(help="Share of validation rows.")] = 0.2,
    rows: Annotated[int | None, typer.Option(help="Divide only this many jobs.")] = None,
) -> None:
    """Divide the job table into training, validation and test rows.

    Example: redwood records split --table table.json --jobs jobs --method random --seed 1
    --output records
    """
    from redwood.configuration import Split
    from redwood.records.splitting import split as split_table
    from redwood.validation import read_section

    values = {"method": method, "train": train, "validation": validation, "rows": rows}
    split_table(table, jobs, read_section(Split, values, "records split"), seed, output)
