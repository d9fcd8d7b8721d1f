"""`redwood records …`: make or get raw dumps, clean them, split the jobs, and look at them."""

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
Sites = Annotated[Path | None, typer.Option(help="Table of sites, resources/sites.csv.")]
Options = Annotated[str, typer.Option(help="Section records.cleaning, as JSON.")]
Dataset = Annotated[str, typer.Option(help="Name of the table.")]
JobTable = Annotated[Path, typer.Option(help="Job table, a file or a folder partitioned by day.")]


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
    from redwood.configuration import Generate
    from redwood.records.generation.dumps import generate as generate_dumps
    from redwood.validation import read_section

    values = {"start": start.date(), "days": days, "sites": sites, "jobs": jobs}
    options = read_section(Generate, values, "records generate")
    generate_dumps(options, seed, output)


@app.command()
def calibrate(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Generated dumps: files or folders.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for calibration.json and .html.")],
) -> None:
    """Compare generated dumps with what is published of genuine ones.

    Example: redwood records calibrate raw --output calibration
    """
    from redwood.records.calibration.calibrating import calibrate as calibrate_dumps

    calibrate_dumps(inputs, output)


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
def clean(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Files, folders, globs.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the job table and its account.")],
    dataset: Dataset = "jobs",
    seed: Seed = 0,
    all_jobs: Annotated[
        bool, typer.Option("--all-jobs", help="Keep jobs of every kind, not the paper's alone.")
    ] = False,
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

    CSV, JSON and Standard Workload Format (plain, .gz or .zst) and Parquet are read. Users and
    tasks become hashes, keyed by the environment variable REDWOOD_HASH_KEY, else by a random key.

    Example: redwood records clean raw --output records

    Example: redwood records clean 'dumps/2024-*.csv.gz' --output records --all-jobs
    --features creationtime,computingsite,jobstatus,workload

    --options takes everything else that the configuration has under records.cleaning, such as
    '{"columns": {"SITE": "COMPUTINGSITE"}, "utc_offset_hours": 1}'.
    """
    from redwood.configuration import Cleaning
    from redwood.records.cleaning import clean as clean_dumps
    from redwood.sites import SITES_FILE
    from redwood.validation import read_section

    section = read_section(Cleaning, options, "records clean --options")
    chosen = {"analysis_of_daod": False} if all_jobs else {}
    if features is not None:
        chosen["features"] = [name.strip() for name in features.split(",")]
    section = read_section(Cleaning, section.model_dump() | chosen, "records clean")
    clean_dumps(inputs, output, dataset, seed, section, sites or SITES_FILE, workers)


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
    key: Annotated[Path | None, typer.Option(help="Random key of the hashes.")] = None,
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
) -> None:
    """Gather cleaned files into the job table, each job once, partitioned by day.

    Example: redwood records gather jobs_01 jobs_02 --cleaned cleaned --output records
    """
    from redwood.configuration import Cleaning
    from redwood.records.gathering import gather as gather_files
    from redwood.validation import read_section

    section = read_section(Cleaning, options, "records gather --options")
    gather_files([cleaned / name for name in names], output, dataset, section)


@app.command()
def split(
    table: Annotated[Path, typer.Option(help="Table description.")],
    jobs: JobTable,
    seed: Seed,
    output: Annotated[Path, typer.Option(help="Folder for the parts.")],
    method: Annotated[str, typer.Option(help="random, time or task.")] = "random",
    train: Annotated[float, typer.Option(help="Share of training rows.")] = 0.6,
    validation: Annotated[float, typer.Option(help="Share of validation rows.")] = 0.2,
    rows: Annotated[int | None, typer.Option(help="Divide only so many jobs.")] = None,
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


@app.command()
def card(
    table: Annotated[Path, typer.Option(help="Table description.")],
    jobs: JobTable,
    output: Annotated[Path, typer.Option(help="Folder for card.html and card.json.")],
    cleaning: Annotated[Path | None, typer.Option(help="cleaning.json.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="rejected.parquet.")] = None,
    split: Annotated[Path | None, typer.Option(help="split.json.")] = None,
) -> None:
    """Describe a table on one page: is it what you take it for, and is it usable?

    Example: redwood records card --table records/table.json --jobs records/jobs
    --cleaning records/cleaning.json --rejected records/rejected.parquet --output records
    """
    from redwood.records.card.describing import card as describe

    describe(table, jobs, cleaning, rejected, split, output)
