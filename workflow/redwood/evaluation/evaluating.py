"""Evaluating: real and synthetic tables in, a folder of measures out."""

import sys
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_args

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from redwood import plugins
from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.contract import (
    MEASURES,
    Aspect,
    Inapplicable,
    Result,
    Role,
    Samples,
)
from redwood.evaluation.floors import read_floors, write_floors
from redwood.evaluation.verdict import privacy_verdict
from redwood.outliers import collapsed, merging, sentinels
from redwood.outputs import require_ending, write_json, writing_folder
from redwood.seeds import generator
from redwood.tables import (
    DENSITIES,
    TableDescription,
    read_table,
    table_digest,
    to_numbers,
    to_scale,
)

# Synthetic rows are thinned to so much if three real samples of that size can then be drawn.
_MOST_KEPT = 0.99
_NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(("value", "low", "high", "floor")),
    "floor_draws": [],
}


def evaluate(
    table: Path,
    train: Path,
    holdout: Path,
    synthetic: Path,
    output: Path,
    options: Evaluation,
    seed: int,
    previous: Path | None = None,
    densities: Path | None = None,
    role: Role = "model",
    floors: Path | None = None,
) -> dict[str, Any]:
    """Measure the synthetic rows and write the folder `output`.

    `measures.json` has each measure's value, interval, floor, aspect and definition, what the
    privacy measures come to, and warnings of what did not go as asked; `columns.csv` the values per
    column; `association.parquet`, `dcr.parquet`, `autocorrelation.parquet` and `roc_*.parquet` what
    figures are drawn from.

    Args:
        table: the description of all tables.
        train: the rows that the surrogate learned from.
        holdout: real rows that it never saw.
        synthetic: its rows.
        output: the folder to write.
        options: which measures, and how.
        seed: of whatever is drawn.
        previous: synthetic rows of an earlier release, which an attacker has, too.
        densities: what `redwood surrogates score` wrote of the training and the holdout rows.
        role: what made the rows: a `model`, or a `control` that models are judged by.
        floors: what `find_floors` has written for as many rows; found anew for another number.

    Returns:
        What `measures.json` holds.

    Raises:
        InputError: a table cannot be read, has too few rows or a number that its column's scale has
            no place for, a target that is asked for is none of its numeric features, a measure
            does not say what it is about, none has a value, or `floors` are those of other tables.
    """
    require_ending(output)
    samples, given = read_samples(
        table, train, holdout, synthetic, options, seed, previous, densities
    )
    if floors is not None:
        samples.of_real_rows.update(
            read_floors(floors, _determined_by(train, holdout, samples, options))
        )
    measured: dict[str, dict] = {}
    columns: list[pd.DataFrame] = []
    details: dict[str, pd.DataFrame] = {}
    warnings = _warnings(samples, train, holdout)
    for name in options.measures:
        plugin = plugins.load(MEASURES, name)
        begin = time.monotonic()
        entry = _described(plugin, name)
        try:
            # More threads would add up in another order, to other last digits.
            with threadpool_limits(1):
                result = plugin.measure(samples)
            measured[name] = entry | _numbers(result)
        except Inapplicable as reason:
            measured[name] = entry | _NOTHING | {"note": str(reason)}
            print(f"{plugin.TITLE}: not for this table: {reason}", file=sys.stderr)
            continue
        except ImportError:
            raise
        except Exception as error:
            # The others have nothing to do with it. Its text is left out, which may quote a row.
            place = traceback.extract_tb(error.__traceback__)[-1]
            words = f"failed: {type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
            measured[name] = entry | _NOTHING | {"note": words}
            warnings.append(f"{plugin.TITLE} {words}")
            print(warnings[-1], file=sys.stderr)
            continue
        if result.warning:
            warnings.append(f"{plugin.TITLE} {result.warning}")
        details |= result.details
        if result.columns is not None:
            columns.append(result.columns.assign(measure=name))
        print(
            f"{plugin.TITLE}: {result.value:.4g} [{result.low:.4g}, {result.high:.4g}], "
            f"floor {result.floor:.4g}  ({time.monotonic() - begin:.1f} s)",
            file=sys.stderr,
        )
    if all(entry["value"] is None for entry in measured.values()):
        reasons = (f"{entry['title']}: {entry['note']}" for entry in measured.values())
        raise InputError(f"{synthetic}: no measure has a value: {'; '.join(reasons)}")
    verdict = privacy_verdict(measured)
    print(f"privacy: {verdict.words}", file=sys.stderr)
    summary = {
        "role": role,
        "rows": len(samples.synthetic),
        "given": given,
        "digests": {"synthetic": table_digest(synthetic)},
        "seed": seed,
        "options": options.model_dump(mode="json"),
        "measures": measured,
        "privacy": {"passes": verdict.passes, "words": verdict.words},
        "warnings": warnings,
    }
    with writing_folder(output) as folder:
        write_json(folder / "measures.json", summary)
        per_column = pd.concat(columns) if columns else pd.DataFrame(columns=["column", "measure"])
        per_column = per_column.reindex(columns=["column", "measure", "value", "floor"])
        per_column.to_csv(folder / "columns.csv", index=False)
        for name, frame in details.items():
            frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    return summary


def _warnings(samples: Samples, train: Path, holdout: Path) -> list[str]:
    """What there is to say of the tables: values that stand apart, columns that have collapsed."""
    features = samples.description.numeric_features
    merged = [outlier for column in features if (outlier := merging(samples.train, column))]
    found = [
        f"{train.name}: {outlier}: beside it measures see the other values of the column as one"
        for outlier in merged
    ]
    of_train, of_holdout = (
        sentinels(rows, samples.description) for rows in (samples.train, samples.holdout)
    )
    found += [f"{train.name}: {outlier}" for outlier in of_train if outlier not in merged]
    found += [f"{holdout.name}: {outlier}" for outlier in of_holdout]
    made, real = (rows.nunique().to_dict() for rows in (samples.synthetic, samples.fresh))
    return found + collapsed(made, real)


def find_floors(
    table: Path,
    train: Path,
    holdout: Path,
    output: Path,
    options: Evaluation,
    seed: int,
    rows: int | None = None,
) -> None:
    """Find what takes measures their time and is the same for every sample of as many rows.

    The folder `output` is for `evaluate` of samples by the same tables, options and seed.

    Args:
        table, train, holdout, options, seed: as for `evaluate`.
        output: the folder to write.
        rows: the number of rows of the samples; by default as many as `holdout` has.

    Raises:
        InputError: as for `evaluate`.
    """
    require_ending(output)
    description, real, unseen = _read_real(table, train, holdout, options)
    rows = _sample_size(rows or len(unseen), len(real))
    # Real rows stand in for the sample, which what is found does not depend on.
    fresh, *others = _real_draws(real, rows, generator(seed, "evaluation"), description)
    samples = Samples(
        description=description,
        train=real,
        holdout=in_time_order(unseen, description),
        synthetic=fresh,
        fresh=fresh,
        others=tuple(others),
        target=options.target,
        groups=options.groups,
        seed=seed,
        target_class=options.target_class,
        conditionals=options.conditionals,
    )
    for name in options.measures:
        plugin = plugins.load(MEASURES, name)
        if getattr(plugin, "COSTLY_FLOOR", False):
            try:
                with threadpool_limits(1):
                    plugin.measure(samples)
            except ImportError:
                raise
            except Exception as error:
                # Each evaluation says why.
                print(f"{plugin.TITLE}: not found: {type(error).__name__}", file=sys.stderr)
    write_floors(output, samples.of_real_rows, _determined_by(train, holdout, samples, options))


def _determined_by(
    train: Path, holdout: Path, samples: Samples, options: Evaluation
) -> dict[str, Any]:
    """All that floors depend on."""
    return {
        "rows": len(samples.synthetic),
        "train": table_digest(train),
        "holdout": table_digest(holdout),
        "seed": samples.seed,
        "options": options.model_dump(mode="json", exclude={"measures"}),
    }


def read_samples(
    table: Path,
    train: Path,
    holdout: Path,
    synthetic: Path,
    options: Evaluation,
    seed: int,
    previous: Path | None = None,
    densities: Path | None = None,
) -> tuple[Samples, dict[str, int]]:
    """Read the tables and draw the real rows that stand in for a perfect surrogate.

    The real samples, three where `train` has enough rows and two otherwise, have as many rows as
    the synthetic one and share none. Where `train` is too small even for two, or too small for
    three by a few rows, as after a split of 60 to 20 %, the synthetic rows are thinned.

    Returns:
        the samples, and how many rows each table has.
    """
    description, real, unseen = _read_real(table, train, holdout, options)
    made = _read(synthetic, description, 2 * options.groups)
    released = [] if previous is None else [_read(previous, description, 1)]
    rows = _sample_size(len(made), len(real))
    if rows < len(made):
        print(
            f"evaluates {rows} of {len(made)} synthetic rows: the floor takes "
            f"{len(real) // rows} samples of that size from the {len(real)} training rows",
            file=sys.stderr,
        )
    random = generator(seed, "evaluation")
    fresh, *others = _real_draws(real, rows, random, description)
    chosen, left_out = np.split(random.permutation(len(made)), [rows])
    released += [made.iloc[left_out]] if len(left_out) else []
    samples = Samples(
        description=description,
        train=real,
        holdout=in_time_order(unseen, description),
        synthetic=in_time_order(made.iloc[chosen], description),
        fresh=fresh,
        others=tuple(others),
        target=options.target,
        groups=options.groups,
        seed=seed,
        earlier=pd.concat(released, ignore_index=True) if released else None,
        densities=None if densities is None else _read_densities(densities, real, unseen),
        target_class=options.target_class,
        conditionals=options.conditionals,
    )
    given = {"train": len(real), "holdout": len(unseen), "synthetic": len(made)}
    return samples, given | ({} if previous is None else {"previous": len(released[0])})


def _read_real(
    table: Path, train: Path, holdout: Path, options: Evaluation
) -> tuple[TableDescription, pd.DataFrame, pd.DataFrame]:
    """The features of a table, the rows that were learned from, and the holdout."""
    description = TableDescription.load(table).only_features()
    if "target" in options.model_fields_set:
        _require_target(description, options.target, table)
    real = _read(train, description, 4 * options.groups)
    return description, real, _read(holdout, description, 2 * options.groups)


def _real_draws(
    real: pd.DataFrame, rows: int, random: np.random.Generator, description: TableDescription
) -> list[pd.DataFrame]:
    """Two or three samples of as many real rows, which share none, in time order."""
    drawn = random.permutation(len(real))
    return [
        in_time_order(real.iloc[drawn[begin : begin + rows]], description)
        for begin in range(0, min(3, len(real) // rows) * rows, rows)
    ]


def _sample_size(synthetic: int, train: int) -> int:
    """How many synthetic rows are evaluated: all, or as many as real samples can have."""
    for_three = train // 3
    if _MOST_KEPT * synthetic <= for_three:
        return min(synthetic, for_three)
    return min(synthetic, train // 2)


def _require_target(description: TableDescription, target: str, table: Path) -> None:
    numeric = [column.name for column in description.numeric_features]
    if target in numeric:
        return
    problem = "a categorical feature" if target in description else "no feature"
    raise InputError(
        f"evaluation.target is {target!r}, which is {problem} of {table}; "
        f"expected one of {', '.join(numeric) or 'its numeric features, of which it has none'}"
    )


def _read(path: Path, description: TableDescription, least: int) -> pd.DataFrame:
    """A table with at least `least` rows, each of its numbers on the scale of its column."""
    frame = read_table(path, description)
    if len(frame) < least:
        raise InputError(
            f"{path}: {len(frame)} rows, expected at least {least}, "
            "in proportion to evaluation.groups, the groups of the intervals"
        )
    for column in description.numeric_features:
        numbers = to_numbers(frame[column.name], column)
        with np.errstate(invalid="ignore", divide="ignore"):
            off_scale = np.flatnonzero(~np.isfinite(to_scale(numbers, column)))
        if len(off_scale):
            wanted = " above -1, as its scale is log(1 + x)" if column.scale == "log" else ""
            raise InputError(
                f"{path}: row {off_scale[0]}: {column.name!r} is {numbers[off_scale[0]]:g}, "
                f"expected a finite number{wanted}"
            )
    return frame


def _read_densities(
    path: Path, train: pd.DataFrame, holdout: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """The log densities of the training and of the holdout rows, one for each row of theirs."""
    frame = read_table(path, DENSITIES)
    found = []
    for origin, rows in (("train", train), ("holdout", holdout)):
        values = frame.loc[frame["origin"] == origin, "log_density"].to_numpy(np.float64)
        if len(values) != len(rows):
            raise InputError(
                f"{path}: {len(values)} rows of origin {origin!r}, expected {len(rows)}, one for "
                f"each row of the {origin} table"
            )
        found.append(values)
    return found[0], found[1]


def in_time_order(frame: pd.DataFrame, description: TableDescription) -> pd.DataFrame:
    """The rows sorted by the first timestamp; as they are where there is none."""
    for column in description.features:
        if column.kind == "timestamp":
            order = np.argsort(to_numbers(frame[column.name], column), kind="stable")
            return frame.iloc[order].reset_index(drop=True)
    return frame.reset_index(drop=True)


def _described(plugin: ModuleType, name: str) -> dict[str, Any]:
    """What a measure says of itself."""
    aspect = getattr(plugin, "ASPECT", None)
    if aspect not in get_args(Aspect):
        raise InputError(
            f"{plugin.__file__}: the measure {name!r} has ASPECT {aspect!r}, "
            f"expected one of {', '.join(get_args(Aspect))}"
        )
    return {
        "title": plugin.TITLE,
        "definition": plugin.DEFINITION,
        "unit": plugin.UNIT,
        "aspect": aspect,
        "direction": plugin.DIRECTION,
        "limit": getattr(plugin, "LIMIT", 0.0 if plugin.DIRECTION == "lower" else None),
        "needs_densities": getattr(plugin, "NEEDS_DENSITIES", False),
    } | ({"attacker": plugin.ATTACKER} if hasattr(plugin, "ATTACKER") else {})


def _numbers(result: Result) -> dict[str, Any]:
    numbers = {name: float(getattr(result, name)) for name in ("value", "low", "high", "floor")}
    floors = {"floor_draws": [float(floor) for floor in result.floor_draws]}
    if result.difference is not None:
        floors["difference"] = [float(end) for end in result.difference]
    if not np.isfinite([*numbers.values(), *np.concatenate([*floors.values()])]).all():
        raise ArithmeticError("a value is no number")
    note = "; ".join(filter(None, (result.note, result.warning)))
    return numbers | floors | ({"note": note} if note else {})
