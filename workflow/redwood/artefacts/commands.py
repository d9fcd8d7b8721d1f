"""`redwood artefacts …`: where results come from, and whether they are what they were."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Trace results to their source, check them, compare and bundle them.",
    no_args_is_help=True,
)

Results = Annotated[Path, typer.Argument(help="results of a dataset: results/NAME")]


@app.command()
def manifest(
    results: Results,
    last: Annotated[
        list[str],
        typer.Option(help="a result of each job whose results no other reads; repeatable"),
    ],
    configuration: Annotated[str, typer.Option(help="the configuration as used, in JSON")],
) -> None:
    """Write ro-crate-metadata.json: every file of a run, its digest, and how it was made.

    The workflow does this last, from the project's root, by what Snakemake has recorded there.

    Example: redwood artefacts manifest results/mine --last results/mine/tables/table1.csv
    --configuration '{"dataset": "mine"}'
    """
    from redwood.artefacts.manifest import write_manifest

    unexplained = write_manifest(results, last, configuration)
    for path in unexplained:
        typer.echo(f"{path}: Snakemake has no record of how it was made", err=True)
