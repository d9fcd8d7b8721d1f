"""The verbs `redwood surrogates train`, `sample` and `score`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from redwood.errors import InputError

app = typer.Typer(help="Train generative models of a table and draw rows.", no_args_is_help=True)


@app.command()
def train(
    model: Annotated[str, typer.Argument(help="smote, tvae, …: a folder of surrogates/models")],
    table: Annotated[Path, typer.Option(help="table description, JSON")],
    train: Annotated[Path, typer.Option(help="training rows, a table")],
    validation: Annotated[Path, typer.Option(help="validation rows, a table")],
    output: Annotated[Path, typer.Option(help="model folder to write")],
    seed: Annotated[int, typer.Option(min=0, help="same seed, same model")] = 1,
    options: Annotated[str, typer.Option(help="the model's options, JSON object")] = "{}",
) -> None:
    """Train a model on a table and write its folder.

    A training that was interrupted goes on when the same line is given again.

    Example: redwood surrogates train tvae --table table.json --train train.parquet
    --validation validation.parquet --output model --seed 1 --options '{"epochs": 100}'
    """
    from redwood.surrogates.training import train_model

    summary = train_model(
        model, table, train, validation, output, _json_object(options, "--options"), seed
    )
    done = f"{output}: {model} learned from {summary['rows']['train']} rows"
    typer.echo("; ".join([done, *summary["warnings"]]))


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="model folder, as `train` wrote it")],
    output: Annotated[Path, typer.Option(help="table to write: .parquet, .csv, .arrow, …")],
    seed: Annotated[int, typer.Option(min=0, help="same seed, same rows")] = 1,
    rows: Annotated[int | None, typer.Option(help="number of rows")] = None,
    like: Annotated[Path | None, typer.Option(help="as many rows as this table")] = None,
    load: Annotated[
        float | None,
        typer.Option(help="density of the rows in time; 1 as in training"),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(help="column=value or column=low..high that all rows are to have; repeatable"),
    ] = None,
) -> None:
    """Draw rows from a trained model.

    Example: redwood surrogates sample model --rows 10000 --seed 1 --output sample.parquet

    Example: redwood surrogates sample model --load 1.2 --given computingsite=BNL
    --given creationtime=2024-06-01..2024-06-08 --seed 1 --output busy_week.parquet
    """
    from redwood.surrogates.sampling import parse_conditions, rows_at, sample_model
    from redwood.tables import table_rows

    conditions = parse_conditions(given or [])
    if [rows, like, load].count(None) != 2:
        raise typer.BadParameter("give one of --rows, --like and --load")
    if rows is None:
        rows = table_rows(like) if like is not None else rows_at(load or 0, folder, conditions)
    summary = sample_model(folder, rows, seed, output, conditions)
    typer.echo("; ".join([f"{output}: {rows} rows", *summary["warnings"]]))


@app.command()
def score(
    folder: Annotated[Path, typer.Argument(help="model folder, as `train` wrote it")],
    train: Annotated[Path, typer.Option(help="the rows that it learned from")],
    holdout: Annotated[Path, typer.Option(help="rows that it never saw")],
    output: Annotated[Path, typer.Option(help="table to write")],
) -> None:
    """Write how likely a model holds rows that it learned from and rows that it never saw.

    This is what an attacker knows who has the model's folder; `redwood evaluate --densities` tries
    it. Models that can only draw rows refuse.

    Example: redwood surrogates score model --train train.parquet --holdout test.parquet
    --output densities.parquet
    """
    from redwood.surrogates.scoring import score_rows

    scored, impossible = score_rows(folder, train, holdout, output)
    told = f"; {impossible} of them are impossible to the model" if impossible else ""
    typer.echo(f"{output}: {scored} rows{told}")


def _json_object(text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name} is {text!r}, expected a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{name} is {text!r}, expected a JSON object")
    return value
