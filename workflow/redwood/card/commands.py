"""`redwood card`: describe a table on one page."""

from pathlib import Path
from typing import Annotated

import typer


def card(
    table: Annotated[Path, typer.Option(help="Table description.")],
    jobs: Annotated[Path, typer.Option(help="The table: a file, or a folder of them.")],
    output: Annotated[Path, typer.Option(help="Folder for card.html and card.json.")],
    cleaning: Annotated[Path | None, typer.Option(help="cleaning.json.")] = None,
    rejected: Annotated[Path | None, typer.Option(help="rejected.parquet.")] = None,
    split: Annotated[Path | None, typer.Option(help="split.json.")] = None,
) -> None:
    """Describe a table on one page: is it what you take it for, and is it usable?

    Example: redwood card --table records/table.json --jobs records/jobs
    --cleaning records/cleaning.json --rejected records/rejected.parquet --output records
    """
    from redwood.card.describing import card as describe

    describe(table, jobs, cleaning, rejected, split, output)
