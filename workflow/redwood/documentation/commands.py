"""`redwood documentation`: the site."""

from pathlib import Path
from typing import Annotated

import typer


def documentation(
    source: Annotated[Path, typer.Argument(help="folder of the pages, with index.md")],
    output: Annotated[Path, typer.Option(help="folder to write; begin with its index.html")],
) -> None:
    """Build the documentation as a site that works offline, search included.

    Example: redwood documentation docs --output results/docs
    """
    from redwood.documentation.building import build

    build(source, output)
