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
from redwood.evaluation.membership import shares_units
from redwood.evaluation.reading import read_real, read_samples, sample_size
from redwood.evaluation.verdict import privacy_verdict
from redwood.outliers import collapsed, merging, sentinels
from redwood.outputs import require_ending, write_json, writing_folder
from redwood.seeds import generator
from redwood.tables import table_digest

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
        role: what made the rows: a `model`, a `control` that models are judged by, or `law`, the
            control that is another realisation of the records' law.
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
    units_are_shared = shares_units(samples)
    rows = min(len(samples.synthetic), len(samples.holdout))
    verdict = privacy_verdict(measured, rows, units_are_shared)
    print(f"privacy: {verdict.words}", file=sys.stderr)
    summary = {
        "role": role,
        "rows": len(samples.synthetic),
        "given": given,
        "digests": {"synthetic": table_digest(synthetic)},
        "seed": seed,
        "options": options.model_dump(mode="json"),
        "measures": measured,
        "shares_units": units_are_shared,
        "privacy": {
            "passes": verdict.passes,
            "words": verdict.words,
            "left_to_canaries": verdict.left_to_canaries,
        },
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
    real = read_real(table, train, holdout, options)
    rows = sample_size(rows or len(real.holdout), len(real.train))
    draws = real.draws(rows, generator(seed, "evaluation"))
    # Real rows stand in for the sample, which what is found does not depend on.
    samples = real.samples(draws[0], draws, options, seed)
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
        "of_law": aspect == "law" or getattr(plugin, "OF_LAW", False),
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
