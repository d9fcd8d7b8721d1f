"""`redwood paper …`: tables and figures."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from redwood.errors import InputError

app = typer.Typer(help="Tables and figures.", no_args_is_help=True)
figures = typer.Typer(help="One figure, as PNG and PDF.", no_args_is_help=True)
app.add_typer(figures, name="figure")


def _without_ending(path: Path) -> Path:
    """The path, unless it ends as one of the files that it is to begin."""
    if path.suffix in _ENDINGS:
        raise InputError(
            f"--output is {path}: several files are written, each with an ending of its own; "
            f"expected a path without one, such as {path.with_suffix('')}"
        )
    return path


_ENDINGS = (".csv", ".html", ".json", ".md", ".parquet", ".pdf", ".png", ".tex")
Output = Annotated[
    Path,
    typer.Option(help="path of the files without their endings", callback=_without_ending),
]
Dpi = Annotated[int, typer.Option(help="resolution of the PNG", min=50, max=600)]


@app.command()
def table1(
    evaluations: Annotated[
        list[Path],
        typer.Argument(
            help="folders that `redwood evaluate` wrote, each named as its model; those of one "
            "name are of several trainings"
        ),
    ],
    paper: Annotated[Path, typer.Option(help="the paper's figures (CSV)")],
    output: Output,
    outcomes: Annotated[
        Path | None, typer.Option(help="what `redwood simulation outcomes` wrote")
    ] = None,
    decision: Annotated[
        list[Path] | None, typer.Option(help="decision.json of the release gate; repeatable")
    ] = None,
    other_floors: Annotated[
        Path | None, typer.Option(help="folder that `redwood other-floors` wrote: a second floor")
    ] = None,
) -> None:
    """Table I: models by measures.

    Example: redwood paper table1 evaluation/smote evaluation/tvae
    --paper resources/paper_table1.csv --outcomes simulation/outcomes.csv --output tables/table1
    """
    from redwood.paper.table1 import write_table1

    _say(write_table1(evaluations, paper, output, outcomes, decision or [], other_floors))


@app.command()
def table2(
    outcomes: Annotated[Path, typer.Argument(help="what `redwood simulation outcomes` wrote")],
    output: Output,
) -> None:
    """Table II: policies on recorded and on synthetic jobs.

    Example: redwood paper table2 simulation/outcomes.csv --output tables/table2
    """
    from redwood.paper.table2 import write_table2

    _say(write_table2(outcomes, output))


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="folder of a dataset, with its manifest")],
    captions: Annotated[Path, typer.Option(help="folder with a text for each figure (.rst)")],
    output: Annotated[Path, typer.Option(help="the page to write (HTML)")],
    interactive: Annotated[
        Path | None, typer.Option(help="a page in which the grid can be tried, to be shown")
    ] = None,
    document: Annotated[
        Path | None, typer.Option(help="the paper of the run (PDF), to be linked")
    ] = None,
) -> None:
    """The report of a run: one page, from the data to the decision.

    Example: redwood paper report results/embedded --captions workflow/report
    --output results/report.html
    """
    from redwood.paper.report.writing import write_report

    write_report(results, captions, output, interactive, document)


@app.command()
def document(
    results: Annotated[Path, typer.Argument(help="folder of a dataset, with its manifest")],
    captions: Annotated[Path, typer.Option(help="folder with a text for each figure (.rst)")],
    output: Annotated[Path, typer.Option(help="the paper to write (PDF)")],
) -> None:
    """The paper of a run: its tables and figures in one PDF, and beside it a few rows.

    Example: redwood paper document results/embedded --captions workflow/report
    --output results/embedded/paper/paper.pdf
    """
    from redwood.paper.document.writing import write_paper

    write_paper(results, captions, output)


def _say(shortfalls: list[str]) -> None:
    for sentence in shortfalls:
        print(f"not as asked: {sentence}", file=sys.stderr)


def _of_samples(figure: str, what: str) -> None:
    """Add the command of a figure that is drawn from tables of rows."""

    def draw(
        table: Annotated[Path, typer.Option(help="description of the table (JSON)")],
        recorded: Annotated[Path, typer.Option(help="recorded rows (parquet)")],
        synthetic: Annotated[
            list[str], typer.Option(help="MODEL=PATH, a model's sample; repeatable")
        ],
        output: Output,
        control: Annotated[
            list[str] | None, typer.Option(help="MODEL that is a control; repeatable")
        ] = None,
        dpi: Dpi = 150,
    ) -> None:
        from redwood.paper.reading import named_paths

        samples = named_paths(synthetic, "--synthetic")
        _function(figure)(table, recorded, samples, dpi, output, control or [])

    example = "--table table.json --recorded test.parquet --synthetic smote=sample.parquet"
    _add(figure, what, example, draw)


def _of_folders(figure: str, what: str, example: str) -> None:
    """Add the command of a figure that is drawn from folders that other stages wrote."""

    def draw(
        folders: Annotated[list[Path], typer.Argument(help=f"folders such as {example}")],
        output: Output,
        dpi: Dpi = 150,
    ) -> None:
        _function(figure)(folders, dpi, output)

    _add(figure, what, example, draw)


def _function(figure: str) -> Callable[..., None]:
    """`draw_FIGURE` of the figure's module, imported when it is asked for."""
    function: Callable[..., None] = getattr(
        import_module(f"redwood.paper.{figure}"), f"draw_{figure}"
    )
    return function


def _add(figure: str, what: str, example: str, draw: Callable[..., None]) -> None:
    name = figure.replace("_", "-")
    told = f"Example: redwood paper figure {name} {example} --output figures/{figure}"
    figures.command(name, help=f"{what}\n\n{told}")(draw)


_of_samples("distributions", "The features' distributions.")
_of_samples("arrivals", "When jobs arrive.")
_of_folders("correlations", "The associations of the features.", "evaluation/smote")
_of_folders("dcr", "The distances to the closest training row.", "evaluation/smote")
_of_folders("attacks", "The membership attacks.", "evaluation/smote")
_of_folders("found_shares", "What is found of planted units by size.", "release/decisions/smote")
_of_folders("grid", "The simulated grid along time.", "simulation/runs/recorded/random")
_of_folders("site_load", "Which sites are busy when.", "simulation/runs/recorded/random")
_of_folders("training", "The losses by epoch.", "surrogates/tvae/model")


@figures.command("pipeline")
def pipeline(
    cleaning: Annotated[Path, typer.Option(help="account of the cleaning (JSON)")],
    split: Annotated[Path, typer.Option(help="account of the split (JSON)")],
    output: Output,
    dpi: Dpi = 150,
) -> None:
    """From raw records to the parts of the job table.

    Example: redwood paper figure pipeline --cleaning records/cleaning.json
    --split records/split.json --output figures/pipeline
    """
    from redwood.paper.pipeline import draw_pipeline

    draw_pipeline(cleaning, split, dpi, output)


@figures.command("ranks")
def ranks(
    outcomes: Annotated[Path, typer.Argument(help="what `redwood simulation outcomes` wrote")],
    output: Output,
    dpi: Dpi = 150,
) -> None:
    """How policies rank on recorded and on synthetic jobs.

    Example: redwood paper figure ranks simulation/outcomes.csv --output figures/ranks
    """
    from redwood.paper.ranks import draw_ranks

    draw_ranks(outcomes, dpi, output)


@figures.command("tradeoff")
def tradeoff(
    table: Annotated[Path, typer.Argument(help="the summary of Table I (JSON)")],
    output: Output,
    decision: Annotated[
        list[Path] | None, typer.Option(help="decision.json of the release gate; repeatable")
    ] = None,
    dpi: Dpi = 150,
) -> None:
    """Privacy against fidelity.

    Example: redwood paper figure tradeoff tables/table1.json --decision
    release/decisions/sequoia/decision.json --output figures/tradeoff
    """
    from redwood.paper.tradeoff import draw_tradeoff

    draw_tradeoff(table, decision or [], dpi, output)


@figures.command("transfer-map")
def transfer_map(
    runs: Annotated[list[Path], typer.Argument(help="folders that `redwood simulate` wrote")],
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
