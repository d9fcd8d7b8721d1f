"""`redwood evaluate`."""

from pathlib import Path
from typing import Literal

import typer


def evaluate(
    table: Path = typer.Option(..., help="description of the table (JSON)"),
    train: Path = typer.Option(..., help="the rows that the surrogate learned from"),
    holdout: Path = typer.Option(..., help="real rows that it never saw"),
    synthetic: Path = typer.Option(..., help="its synthetic rows"),
    output: Path = typer.Option(..., help="folder to write"),
    seed: int = typer.Option(1, min=0, help="seed of the real rows drawn for the floor"),
    previous: Path | None = typer.Option(
        None, help="synthetic rows of an earlier release, which an attacker has, too"
    ),
    densities: Path | None = typer.Option(
        None, help="the model's log densities of the rows, as `redwood surrogates score` wrote them"
    ),
    floors: Path | None = typer.Option(
        None, help="folder that `redwood floors` wrote for samples of as many rows; saves time"
    ),
    role: Literal["model", "control", "law"] = typer.Option(
        "model",
        help="what made the rows: a control is never recommended for publication; `law` is the one "
        "that is another realisation of the records' law",
    ),
    options: str = typer.Option("{}", help="the `evaluation` section of the configuration, JSON"),
) -> None:
    """Measure how faithful synthetic rows are, each measure with its floor and interval.

    Example: redwood evaluate --table table.json --train train.parquet --holdout test.parquet
    --synthetic sample.parquet --seed 1 --output evaluation
    """
    from redwood.configuration import Evaluation
    from redwood.evaluation import evaluating
    from redwood.validation import read_section

    checked = read_section(Evaluation, options, "--options")
    summary = evaluating.evaluate(
        table, train, holdout, synthetic, output, checked, seed, previous, densities, role, floors
    )
    measured = summary["measures"]
    lacking = [name for name, entry in measured.items() if entry["value"] is None]
    done = f"{output}: {len(measured) - len(lacking)} of {len(measured)} measures"
    without = [f"without a value: {', '.join(lacking)}"] if lacking else []
    typer.echo("; ".join([done, *without, *summary["warnings"]]))


def floors(
    table: Path = typer.Option(..., help="description of the table (JSON)"),
    train: Path = typer.Option(..., help="the rows that surrogates learn from"),
    holdout: Path = typer.Option(..., help="real rows that they never see"),
    output: Path = typer.Option(..., help="folder to write"),
    rows: int | None = typer.Option(
        None, min=1, help="rows of the samples [default: as many as the holdout has]"
    ),
    seed: int = typer.Option(1, min=0, help="seed of the evaluations"),
    options: str = typer.Option("{}", help="the `evaluation` section of the configuration, JSON"),
) -> None:
    """Find once what all evaluations by the same real rows share: what real rows score themselves.

    Example: redwood floors --table table.json --train train.parquet --holdout test.parquet
    --seed 1 --output floors
    """
    from redwood.configuration import Evaluation
    from redwood.evaluation import evaluating
    from redwood.validation import read_section

    checked = read_section(Evaluation, options, "--options")
    evaluating.find_floors(table, train, holdout, output, checked, seed, rows)


def other_floors(
    table: Path = typer.Option(..., help="description of the table (JSON)"),
    train: Path = typer.Option(..., help="the rows that surrogates learn from"),
    holdout: Path = typer.Option(..., help="real rows that they never see"),
    output: Path = typer.Option(..., help="folder to write"),
    realisation: list[Path] = typer.Option(
        [], help="rows of another realisation of the same law; give it again for further ones"
    ),
    evaluated: Path | None = typer.Option(
        None, help="evaluation of one more realisation, whose costly measures are taken over"
    ),
    rows: int | None = typer.Option(
        None, min=1, help="rows of the samples [default: as many as the holdout has]"
    ),
    seed: int = typer.Option(1, min=0, help="seed of the evaluations"),
    options: str = typer.Option("{}", help="the `evaluation` section of the configuration, JSON"),
) -> None:
    """Find the second floor: what real rows of other units, such as other tasks, score.

    Without realisations, training rows are split by the units of the table and by blocks of weeks.

    Example: redwood other-floors --table table.json --train train.parquet --holdout test.parquet
    --seed 1 --output other_floors
    """
    from redwood.configuration import Evaluation
    from redwood.evaluation import other_units
    from redwood.validation import read_section

    checked = read_section(Evaluation, options, "--options")
    found = other_units.find_other_floors(
        table, train, holdout, output, checked, seed, rows, realisation, evaluated
    )
    typer.echo(f"{output}: {found['title']}: {found['words']}")
