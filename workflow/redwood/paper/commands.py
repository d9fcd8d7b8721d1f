"""`redwood paper …`: tables and figures."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Tables and figures.", no_args_is_help=True)
figures = typer.Typer(help="One figure, as PNG and PDF.", no_args_is_help=True)
app.add_typer(figures, name="figure")

Output = Annotated[Path, typer.Option(help="path of the files without their endings")]
Dpi = Annotated[int, typer.Option(help="resolution of the PNG", min=50, max=600)]
Table = Annotated[Path, typer.Option(help="description of the table (JSON)")]
Recorded = Annotated[Path, typer.Option(help="recorded rows (parquet)")]
Synthetic = Annotated[list[str], typer.Option(help="MODEL=PATH, a model's sample; repeatable")]
Controls = Annotated[list[str] | None, typer.Option(help="MODEL that is a control; repeatable")]
Evaluations = Annotated[list[Path], typer.Argument(help="folders that `redwood evaluate` wrote")]

Scenarios = Annotated[list[Path], typer.Argument(help="folders that `redwood simulate` wrote")]


@app.command()
def table1(
    evaluations: Evaluations,
    paper: Annotated[Path, typer.Option(help="the paper's figures (CSV)")],
    output: Output,
    outcomes: Annotated[
        Path | None, typer.Option(help="what `redwood simulation outcomes` wrote")
    ] = None,
    decision: Annotated[
        list[Path] | None, typer.Option(help="decision.json of the release gate; repeatable")
    ] = None,
) -> None:
    """Table I: models by measures.

    Example: redwood paper table1 evaluation/smote evaluation/tvae
    --paper resources/paper_table1.csv --outcomes simulation/outcomes.csv --output tables/table1
    """
    from redwood.paper.table1 import write_table1

    write_table1(evaluations, paper, output, outcomes, decision or [])


@app.command()
def table2(
    outcomes: Annotated[Path, typer.Argument(help="what `redwood simulation outcomes` wrote")],
    output: Output,
) -> None:
    """Table II: policies on recorded and on synthetic jobs.

    Example: redwood paper table2 simulation/outcomes.csv --output tables/table2
    """
    from redwood.paper.table2 import write_table2

    write_table2(outcomes, output)


@figures.command()
def distributions(
    table: Table,
    recorded: Recorded,
    synthetic: Synthetic,
    output: Output,
    control: Controls = None,
    dpi: Dpi = 150,
) -> None:
    """The features' distributions.

    Example: redwood paper figure distributions --table table.json --recorded test.parquet
    --synthetic smote=sample.parquet --output figures/distributions
    """
    from redwood.paper.distributions import draw_distributions
    from redwood.paper.reading import named_paths

    samples = named_paths(synthetic, "--synthetic")
    draw_distributions(table, recorded, samples, dpi, output, control or [])


@figures.command()
def arrivals(
    table: Table,
    recorded: Recorded,
    synthetic: Synthetic,
    output: Output,
    control: Controls = None,
    dpi: Dpi = 150,
) -> None:
    """When jobs arrive.

    Example: redwood paper figure arrivals --table table.json --recorded test.parquet
    --synthetic smote=sample.parquet --output figures/arrivals
    """
    from redwood.paper.arrivals import draw_arrivals
    from redwood.paper.reading import named_paths

    samples = named_paths(synthetic, "--synthetic")
    draw_arrivals(table, recorded, samples, dpi, output, control or [])


@figures.command()
def correlations(evaluations: Evaluations, output: Output, dpi: Dpi = 150) -> None:
    """The associations of the features.

    Example: redwood paper figure correlations evaluation/smote --output figures/correlations
    """
    from redwood.paper.correlations import draw_correlations

    draw_correlations(evaluations, dpi, output)


@figures.command()
def dcr(evaluations: Evaluations, output: Output, dpi: Dpi = 150) -> None:
    """The distances to the closest training row.

    Example: redwood paper figure dcr evaluation/smote --output figures/dcr
    """
    from redwood.paper.dcr import draw_dcr

    draw_dcr(evaluations, dpi, output)


@figures.command()
def attacks(evaluations: Evaluations, output: Output, dpi: Dpi = 150) -> None:
    """The membership attacks.

    Example: redwood paper figure attacks evaluation/smote --output figures/attacks
    """
    from redwood.paper.attacks import draw_attacks

    draw_attacks(evaluations, dpi, output)


@figures.command()
def grid(runs: Scenarios, output: Output, dpi: Dpi = 150) -> None:
    """The simulated grid along time.

    Example: redwood paper figure grid runs/recorded/* --output figures/grid
    """
    from redwood.paper.grid import draw_grid

    draw_grid(runs, dpi, output)


@figures.command("site-load")
def site_load(runs: Scenarios, output: Output, dpi: Dpi = 150) -> None:
    """Which sites are busy when.

    Example: redwood paper figure site-load runs/recorded/* --output figures/site_load
    """
    from redwood.paper.site_load import draw_site_load

    draw_site_load(runs, dpi, output)


@figures.command("transfer-map")
def transfer_map(
    runs: Scenarios,
    resources: Annotated[Path, typer.Option(help="folder with sites.csv")],
    output: Output,
    dpi: Dpi = 150,
) -> None:
    """What was moved from where to where.

    Example: redwood paper figure transfer-map runs/recorded/* --resources resources
    --output figures/transfer_map
    """
    from redwood.paper.transfer_map import draw_transfer_map

    draw_transfer_map(runs, resources, dpi, output)


@figures.command()
def training(
    folders: Annotated[list[Path], typer.Argument(help="model folders, SURROGATES/MODEL/model")],
    output: Output,
    dpi: Dpi = 150,
) -> None:
    """The losses by epoch.

    Example: redwood paper figure training surrogates/tvae/model --output figures/training
    """
    from redwood.paper.training import draw_training

    draw_training(folders, dpi, output)
