"""Evaluating: real and synthetic tables in, a folder of measures out."""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from redwood import plugins
from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.contract import Inapplicable, Result, Samples
from redwood.outputs import write_json, writing_folder
from redwood.seeds import generator
from redwood.tables import TableDescription, read_table, to_numbers

MEASURES = "redwood.evaluation.measures"


def evaluate(
    table: Path,
    train: Path,
    holdout: Path,
    synthetic: Path,
    output: Path,
    options: Evaluation,
    seed: int,
) -> None:
    """Measure the synthetic rows and write the folder `output`.

    `measures.json` has each measure's value, interval, floor and definition; `columns.csv` the
    values per column; `association.parquet` and `dcr.parquet` what figures are drawn from.

    Raises:
        InputError: a table cannot be read, has too few rows, or the target is none of its features.
    """
    samples = read_samples(table, train, holdout, synthetic, options, seed)
    measured: dict[str, dict] = {}
    columns: list[pd.DataFrame] = []
    details: dict[str, pd.DataFrame] = {}
    for name in options.measures:
        plugin = plugins.load(MEASURES, name)
        begin = time.monotonic()
        entry = {
            "title": plugin.TITLE,
            "definition": plugin.DEFINITION,
            "unit": plugin.UNIT,
            "direction": plugin.DIRECTION,
        }
        try:
            result = plugin.measure(samples)
        except Inapplicable as reason:
            measured[name] = entry | dict.fromkeys(("value", "low", "high", "floor"))
            measured[name]["note"] = str(reason)
            print(f"{plugin.TITLE}: not for this table: {reason}", file=sys.stderr)
            continue
        measured[name] = entry | _numbers(result)
        details |= result.details
        if result.columns is not None:
            columns.append(result.columns.assign(measure=name))
        print(
            f"{plugin.TITLE}: {result.value:.4g} [{result.low:.4g}, {result.high:.4g}], "
            f"floor {result.floor:.4g}  ({time.monotonic() - begin:.1f} s)",
            file=sys.stderr,
        )
    rows = {name: len(getattr(samples, name)) for name in ("train", "holdout", "synthetic")}
    with writing_folder(output) as folder:
        write_json(
            folder / "measures.json",
            {"rows": rows["synthetic"], "input": rows, "seed": seed, "measures": measured},
        )
        per_column = pd.concat(columns) if columns else pd.DataFrame(columns=["column", "measure"])
        per_column = per_column.reindex(columns=["column", "measure", "value", "floor"])
        per_column.to_csv(folder / "columns.csv", index=False)
        for name, frame in details.items():
            frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")


def read_samples(
    table: Path, train: Path, holdout: Path, synthetic: Path, options: Evaluation, seed: int
) -> Samples:
    """Read the tables and draw the real rows that stand in for a perfect surrogate.

    Both real samples have as many rows as the synthetic one and share none. Where `train` is too
    small for that, the synthetic rows are thinned to half of its rows.
    """
    description = TableDescription.load(table).only_features()
    if options.target not in description:
        raise InputError(
            f"evaluation.target is {options.target!r}, which is no feature of {table}; "
            f"there are {', '.join(column.name for column in description.columns)}"
        )
    frames = {path: read_table(path, description) for path in (train, holdout, synthetic)}
    for path, frame in frames.items():
        if len(frame) < 2 * options.groups:
            raise InputError(
                f"{path}: {len(frame)} rows, expected at least {2 * options.groups}: "
                f"two for each of the {options.groups} groups of the intervals"
            )
    rows = min(len(frames[synthetic]), len(frames[train]) // 2)
    if rows < len(frames[synthetic]):
        print(
            f"evaluates {rows} of {len(frames[synthetic])} synthetic rows: the floor takes two "
            f"samples of that size from the {len(frames[train])} training rows",
            file=sys.stderr,
        )
    random = generator(seed, "evaluation")
    drawn = random.permutation(len(frames[train]))[: 2 * rows]
    chosen = random.permutation(len(frames[synthetic]))[:rows]
    return Samples(
        description=description,
        train=frames[train],
        holdout=in_time_order(frames[holdout], description),
        synthetic=in_time_order(frames[synthetic].iloc[chosen], description),
        fresh=in_time_order(frames[train].iloc[drawn[:rows]], description),
        other=in_time_order(frames[train].iloc[drawn[rows:]], description),
        target=options.target,
        groups=options.groups,
        seed=seed,
    )


def in_time_order(frame: pd.DataFrame, description: TableDescription) -> pd.DataFrame:
    """The rows sorted by the first timestamp; as they are where there is none."""
    for column in description.features:
        if column.kind == "timestamp":
            order = np.argsort(to_numbers(frame[column.name], column), kind="stable")
            return frame.iloc[order].reset_index(drop=True)
    return frame.reset_index(drop=True)


def _numbers(result: Result) -> dict[str, float | str]:
    numbers = {name: float(getattr(result, name)) for name in ("value", "low", "high", "floor")}
    return numbers | ({"note": result.note} if result.note else {})
