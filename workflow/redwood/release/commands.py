"""`redwood release …`: whether a sample may be published, and the sample if it may."""

from pathlib import Path
from typing import Annotated

import typer

from redwood.errors import InputError

app = typer.Typer(
    help="Decide by privacy measures and planted canaries whether a sample may be published.",
    no_args_is_help=True,
)

Table = Annotated[Path, typer.Option(help="description of the table (JSON)")]
Train = Annotated[Path, typer.Option(help="the rows that the surrogate learned from")]
Levels = Annotated[
    list[str],
    typer.Option("--level", help="record, or a column whose equal values make a unit; repeatable"),
]


@app.command()
def plant(
    table: Table,
    train: Train,
    level: Levels,
    output: Annotated[Path, typer.Option(help="folder to write")],
    seed: Annotated[int, typer.Option(min=0, help="same seed, same canaries")] = 1,
    units: Annotated[
        int, typer.Option(min=8, help="canaries of each level, one in eight planted")
    ] = 1800,
    size: Annotated[
        list[int] | None,
        typer.Option(min=1, help="rows of a canary; repeatable, ascending [1, 5, 20, 50, 200]"),
    ] = None,
) -> None:
    """Plant made-up records, tasks, users among the training rows of a shadow model.

    Example: redwood release plant --table table.json --train train.parquet --level record
    --level task --level user --seed 1 --output canaries
    """
    from redwood.release.canaries import Planting, plant

    sizes = {"sizes": tuple(size)} if size else {}
    levels = plant(table, train, Planting(tuple(level), units, **sizes), seed, output)["levels"]
    told = [f"{name} {found['planted']} of {found['units']}" for name, found in levels.items()]
    fewer = [name for name, found in levels.items() if found["planted"] < units // 8]
    if fewer:
        told[-1] += (
            f"; fewer than the {units} asked for of {', '.join(fewer)}: the table does not tell "
            "them apart, or has too few rows"
        )
    typer.echo(f"{output}: canaries planted: {', '.join(told)}")


@app.command()
def audit(
    table: Table,
    train: Train,
    canaries: Annotated[
        list[Path], typer.Option(help="canaries.parquet, as `plant` wrote it; repeatable")
    ],
    synthetic: Annotated[
        list[Path],
        typer.Option(
            help="sample of the shadow model that was trained with them; one for each --canaries, "
            "in the same order"
        ),
    ],
    output: Annotated[Path, typer.Option(help="JSON file to write")],
    seed: Annotated[int, typer.Option(min=0, help="seed of what is drawn")] = 1,
    up_to_rows: Annotated[
        int | None, typer.Option(min=1, help="judge canaries of up to so many rows only")
    ] = None,
) -> None:
    """Measure how many of the planted canaries an attacker finds in the shadow models' samples.

    Example: redwood release audit --table table.json --train train.parquet
    --canaries canaries/canaries.parquet --synthetic shadow.parquet --seed 1 --output audit.json
    """
    from redwood.release.audit import Shadow, audit

    if len(canaries) != len(synthetic):
        raise InputError(
            f"--canaries is given {len(canaries)} times and --synthetic {len(synthetic)} times, "
            "expected one of each for each shadow model"
        )
    shadows = list(map(Shadow, canaries, synthetic))
    levels = audit(table, train, shadows, seed, output, up_to_rows)["levels"]
    told = [
        f"{name} {100 * found['found']:.0f} % of {found['planted']} planted found, at most "
        f"{100 * found['at_most']:.0f} %"
        if "found" in found
        else f"{name} not judged"
        for name, found in levels.items()
    ]
    typer.echo(f"{output}: {'; '.join(told)}")


@app.command()
def audit_units(
    table: Table,
    train: Train,
    holdout: Annotated[Path, typer.Option(help="rows of other units of the same law")],
    synthetic: Annotated[Path, typer.Option(help="the sample")],
    level: Annotated[str, typer.Option(help="column that names units, by which rows were split")],
    output: Annotated[Path, typer.Option(help="JSON file to write")],
    seed: Annotated[int, typer.Option(min=0, help="seed of what is drawn")] = 1,
) -> None:
    """Measure how many training units any sample gives away, by units that were held out.

    Example: redwood release audit-units --table table.json --train train.parquet
    --holdout test.parquet --synthetic sample.parquet --level task --output units.json
    """
    from redwood.release.held_out import audit_units

    found = audit_units(table, train, holdout, synthetic, level, seed, output)
    typer.echo(
        f"{output}: {100 * found['found']:.0f} % of {found['planted']} {level}s of training found, "
        f"at most {100 * found['at_most']:.0f} %, where {100 * found['false_alarms']:.0f} % of "
        f"{found['others']} held-out ones are taken for such"
    )


@app.command()
def decide(
    table: Table,
    sample: Annotated[Path, typer.Option(help="the sample to be published")],
    evaluation: Annotated[Path, typer.Option(help="folder that `redwood evaluate` wrote of it")],
    audit: Annotated[Path, typer.Option(help="what `audit` wrote")],
    model: Annotated[str, typer.Option(help="the model's name, for the note")],
    level: Levels,
    output: Annotated[Path, typer.Option(help="folder to write")],
    surrogate: Annotated[
        Path | None, typer.Option(help="folder of the model that made the sample")
    ] = None,
    shadow: Annotated[
        list[Path] | None, typer.Option(help="folder of a shadow model; repeatable")
    ] = None,
) -> None:
    """Write the sample for publication if it may be published, and a note that says why or why not.

    Example: redwood release decide --table table.json --sample sample.parquet
    --evaluation evaluation --audit audit.json --model sequoia --level record --level task
    --level user --output release
    """
    from redwood.release.decision import decide

    passes = decide(
        table, sample, evaluation, audit, model, level, output, surrogate, tuple(shadow or ())
    )
    typer.echo(f"{output}: {'released' if passes else 'withheld, see note.md'}")
