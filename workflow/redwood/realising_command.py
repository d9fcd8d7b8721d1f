"""`redwood generator realise`: the stages generator and records, one after the other."""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from redwood.records.commands import Options, Sites

if TYPE_CHECKING:
    from redwood.configuration import Cleaning, Generate


def realise(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")],
    days: Annotated[int, typer.Option(help="Length of the recorded window.")],
    sites: Annotated[int, typer.Option(help="Number of computing sites.")],
    jobs: Annotated[int, typer.Option(help="User-analysis jobs; other activities come on top.")],
    seed: Annotated[int, typer.Option(help="Seed of the records to do as.", min=0)],
    table: Annotated[Path, typer.Option(help="Their description.")],
    like: Annotated[Path, typer.Option(help="Rows of them: as many are drawn, of their time.")],
    output: Annotated[Path, typer.Option(help="Folder for 1.parquet, 2.parquet, …")],
    number: Annotated[int, typer.Option(help="How many realisations.", min=1)] = 1,
    options: Options = "{}",
    site_table: Sites = None,
) -> None:
    """Generate the records of other users, on other days, of the same grid, and clean them.

    Each realisation has new users, tasks and jobs, and the sites of the records of `--seed`. What a
    surrogate of those records should be like, if it were the law itself.

    Example: redwood generator realise --start 2024-01-01 --days 150 --sites 83 --jobs 60000
    --seed 2410 --table table.json --like test.parquet --number 3 --output realisations
    """
    from redwood.configuration import Cleaning, Generate
    from redwood.sites import SITES_FILE
    from redwood.validation import read_section

    values = {"start": start.date(), "days": days, "sites": sites, "jobs": jobs}
    write_realisations(
        read_section(Generate, values, "generator realise"),
        read_section(Cleaning, options, "generator realise --options"),
        seed,
        number,
        table,
        like,
        SITES_FILE if site_table is None else site_table,
        output,
    )


def write_realisations(
    generated: "Generate",
    cleaning: "Cleaning",
    seed: int,
    number: int,
    table: Path,
    like: Path,
    sites: Path,
    output: Path,
) -> None:
    """Write the rows of each realisation to the folder `output`: 1.parquet, 2.parquet, …

    Args:
        generated, cleaning, seed: of the records to do as, whose sites are kept.
        number: how many.
        table: the description of those records; features and columns that name units are written.
        like: rows of them. As many are drawn of each realisation, between the first and the last
            time that they have; all if there are fewer.
        sites: table of sites and their core powers.
        output: the folder to write.

    Raises:
        InputError: a table cannot be read, or of a realisation no row is left.
    """
    from redwood.generator.dumps import generate
    from redwood.outputs import require_ending, writing_folder
    from redwood.records.cleaning import clean
    from redwood.seeds import derive_seed, generator
    from redwood.tables import TableDescription, read_table, write_table

    require_ending(output)
    description = TableDescription.load(table).with_units()
    model = read_table(like, description)
    with writing_folder(output) as folder:
        for realisation in range(1, number + 1):
            own = derive_seed(seed, "realisation", realisation)
            with TemporaryDirectory(dir=folder.parent, prefix=".realisation") as name:
                raw, records = Path(name) / "raw", Path(name) / "records"
                generate(generated, own, raw, grid_seed=seed)
                clean([raw], records, description.name, own, cleaning, sites, workers=1)
                rows = read_table(records / "jobs", description)
            for column in description.features:
                if column.kind == "timestamp":
                    known = model[column.name]
                    rows = rows[rows[column.name].between(known.min(), known.max())]
                    break
            random = generator(own, "rows")
            drawn = rows.iloc[random.permutation(len(rows))[: len(model)]].sort_index()
            write_table(drawn, folder / f"{realisation}.parquet", description)
