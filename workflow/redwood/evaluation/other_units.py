"""The second floor: what real rows of other units score, such as other tasks or users.

The floor of `redwood evaluate` takes real rows of the units that the test rows are of, too: it asks
whether a sample stands in for these very records. A sample that invents its tasks cannot come near
it, and neither can the law itself. The second floor asks whether a sample is what others would have
sent on other days. Both have the same reference, the test rows; only the real rows in place of the
sample differ.

* Where there are other realisations of the same law, such as generated records with another seed,
  each is a draw: as many of its rows as the sample has, against the test rows.
* Elsewhere the training rows are split, at random, into two halves of as many rows that share no
  unit: by each column that names units, and by blocks of weeks, whose rows are then moved so that
  the blocks of either half follow each other from the same moment. A draw is rows of one half
  against rows of the other, half as many of each as the sample has, so that units are thinned as
  those of the test rows are. Half of the units differ from another half by √2 more than two whole
  sets, as the error of a mean over units goes: values of measures that tend to 0 as units and rows
  grow are divided by that. Rows of other weeks are still of the same users, and closer: the floor
  is of the draws by units, where the table names units that rows can be split by, and of those by
  blocks of time elsewhere. Each kind's mean is beside it.

What takes its time (`COSTLY_FLOOR`, unless `COSTLY_VALUE = False`) is found of one draw of each
kind only.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from redwood import plugins
from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.contract import MEASURES, Inapplicable, Samples
from redwood.evaluation.reading import (
    RealRows,
    in_time_order,
    read_real,
    read_rows,
    sample_size,
)
from redwood.inputs import read_json
from redwood.outputs import require_ending, write_json, writing_folder
from redwood.seeds import generator
from redwood.tables import Column, table_digest, to_numbers

FILE = "other_floors.json"
REALISATION = "realisation"
# Lengths of blocks of time; the longest of which there are enough.
_BLOCKS_S = {"4 weeks": 28 * 86400.0, "weeks": 7 * 86400.0, "days": 86400.0, "hours": 3600.0}
_LEAST_BLOCKS = 8
_LEAST_UNITS = 10
# The lighter half has at least this share of the rows.
_LEAST_SHARE = 0.25


@dataclass(frozen=True)
class Draw:
    """Real rows in place of a sample, and what they are compared with.

    Attributes:
        by: what the units are that they do not share: `realisation`, a column, `weeks`, …
        samples: with these rows as the synthetic ones.
        scale: what values that tend to 0 are multiplied with.
    """

    by: str
    samples: Samples
    scale: float = 1.0


def find_other_floors(
    table: Path,
    train: Path,
    holdout: Path,
    output: Path,
    options: Evaluation,
    seed: int,
    rows: int | None = None,
    realisations: Sequence[Path] = (),
    evaluated: Path | None = None,
) -> dict[str, Any]:
    """Find the second floor of every measure but those of privacy, and write the folder `output`.

    Args:
        table, train, holdout, options, seed: as for `evaluate`.
        output: the folder to write, with `other_floors.json`.
        rows: the number of rows of the samples; by default as many as `holdout` has.
        realisations: tables of other realisations of the same law; the training rows are split if
            there are none.
        evaluated: what `evaluate` wrote of one more realisation, which costly measures are taken
            from.

    Returns:
        what the file holds.

    Raises:
        InputError: as for `evaluate`; or the rows can be split by nothing.
    """
    require_ending(output)
    real = read_real(table, train, holdout, options)
    rows = sample_size(rows or len(real.holdout), len(real.train))
    left_out: list[str] = []
    if realisations:
        draws = list(_of_realisations(real, realisations, rows, options, seed))
    else:
        draws = list(_of_splits(real, rows, options, seed, left_out))
    if not draws:
        raise InputError(f"{train}: no rows of other units: {'; '.join(left_out)}")
    units = [] if real.train_units is None else list(real.train_units.columns)
    # The kinds of draw that the floor is of.
    counts = {draw.by for draw in draws} & {REALISATION, *units} or {draw.by for draw in draws}
    known = {} if evaluated is None else read_json(evaluated / "measures.json", "evaluation")
    measures = {}
    for name in options.measures:
        plugin = plugins.load(MEASURES, name)
        if plugin.ASPECT == "privacy":
            continue
        costly = getattr(plugin, "COSTLY_FLOOR", False) and getattr(plugin, "COSTLY_VALUE", True)
        value = known.get("measures", {}).get(name, {}).get("value") if costly else None
        found = (
            [(REALISATION, float(value))]
            if value is not None
            else list(_values(plugin, _first_of_each(draws, counts) if costly else draws))
        )
        floors = [floor for kind, floor in found if kind in counts]
        if floors:
            by: dict[str, list[float]] = {}
            for kind, floor in found:
                by.setdefault(kind, []).append(floor)
            measures[name] = {
                "floor": float(np.mean(floors)),
                "floor_draws": floors,
                "by": {kind: float(np.mean(of_kind)) for kind, of_kind in by.items()},
            }
            print(
                f"{plugin.TITLE}: {measures[name]['floor']:.4g} "
                f"[{min(floors):.4g}, {max(floors):.4g}]",
                file=sys.stderr,
            )
    content = {
        "rows": rows,
        "train": table_digest(train),
        "holdout": table_digest(holdout),
        "seed": seed,
        "title": f"other {units[-1]}s" if units else "other times",
        "words": _words(draws, counts, left_out),
        "left_out": left_out,
        "measures": measures,
    }
    with writing_folder(output) as folder:
        write_json(folder / FILE, content)
    return content


def _values(plugin: Any, draws: Sequence[Draw]) -> Iterator[tuple[str, float]]:
    """A measure's value of each draw that it applies to."""
    tends_to_0 = plugin.DIRECTION == "lower" and getattr(plugin, "LIMIT", 0.0) == 0
    for draw in draws:
        try:
            # As in evaluations.
            with threadpool_limits(1):
                value = plugin.measure(draw.samples).value
        except ImportError:
            raise
        except Inapplicable as reason:
            print(f"{plugin.TITLE}: not by {draw.by}: {reason}", file=sys.stderr)
            continue
        except Exception as error:
            print(f"{plugin.TITLE}: not by {draw.by}: {type(error).__name__}", file=sys.stderr)
            continue
        if np.isfinite(value):
            yield draw.by, float(value) * (draw.scale if tends_to_0 else 1.0)


def _first_of_each(draws: Sequence[Draw], kinds: Collection[str]) -> list[Draw]:
    first: dict[str, Draw] = {}
    for draw in draws:
        if draw.by in kinds:
            first.setdefault(draw.by, draw)
    return list(first.values())


def _words(draws: Sequence[Draw], counts: Collection[str], left_out: Sequence[str]) -> str:
    """How the second floor was found, a sentence."""
    if REALISATION in counts:
        return (
            f"{len(draws)} other realisations of the law that made the records, as many rows of "
            "each as a sample has, against the test rows"
        )
    kinds = [kind for kind in dict.fromkeys(draw.by for draw in draws) if kind in counts]
    number = sum(draw.by == kinds[0] for draw in draws)
    rows = len(draws[0].samples.synthetic)
    words = (
        f"training rows split into halves that share nothing, {number} times each by "
        f"{', by '.join(kinds)}: {rows:,} rows of one half against as many of the other, scaled "
        "from half of the units to all where a measure tends to 0"
    )
    return "; ".join([words, *left_out])


def _of_realisations(
    real: RealRows, paths: Sequence[Path], rows: int, options: Evaluation, seed: int
) -> Iterator[Draw]:
    draws = real.draws(rows, generator(seed, "evaluation"))
    for number, path in enumerate(paths):
        frame = read_rows(path, real.description, 2 * options.groups)
        random = generator(seed, "other units", number)
        chosen = frame.iloc[random.permutation(len(frame))[:rows]]
        yield Draw(
            REALISATION,
            real.samples(in_time_order(chosen, real.description), draws, options, seed),
        )


def _of_splits(
    real: RealRows, rows: int, options: Evaluation, seed: int, left_out: list[str]
) -> Iterator[Draw]:
    """Draws by every kind of unit; `left_out` learns of those that rows cannot be split by."""
    time = next((c for c in real.description.features if c.kind == "timestamp"), None)
    kinds: dict[str, np.ndarray] = {}
    if real.train_units is not None:
        for name in real.train_units.columns:
            kinds[name] = _numbered(real.train_units[name])
    blocks = None if time is None else _blocks(to_numbers(real.train[time.name], time))
    if blocks is not None:
        kinds[blocks[0]] = blocks[1]
    for by, unit in kinds.items():
        sizes = np.bincount(unit)
        if len(sizes) < min(_LEAST_UNITS, _LEAST_BLOCKS):
            left_out.append(f"not by {by}, of which there are {len(sizes)}")
            continue
        for number in range(options.other_draws):
            random = generator(seed, "other units", by, number)
            first = _halves(sizes, random)[unit]
            if min(first.mean(), 1 - first.mean()) < _LEAST_SHARE:
                left_out.append(f"not by {by}, of which one has most of the rows")
                break
            frame = real.train
            if blocks is not None and time is not None and by == blocks[0]:
                frame = _moved(frame, time, unit, first, blocks[2])
            if draw := _between(real, frame, first, by, rows, options, random, seed):
                yield draw
            else:
                left_out.append(f"not by {by}: too few rows")
                break


def _between(
    real: RealRows,
    frame: pd.DataFrame,
    first: np.ndarray,
    by: str,
    rows: int,
    options: Evaluation,
    random: np.random.Generator,
    seed: int,
) -> Draw | None:
    """Rows of one half of the units against rows of the other; `None` of too few rows."""
    ones, others = (random.permutation(np.flatnonzero(half)) for half in (first, ~first))
    number = min(rows // 2, len(ones), len(others) // 2)
    if number < 2 * options.groups:
        return None
    chosen, reference, rest = ones[:number], others[:number], np.sort(others[number:])
    units = real.train_units

    def part(places: np.ndarray) -> pd.DataFrame:
        return in_time_order(frame.iloc[places], real.description)

    halved = replace(
        real,
        train=frame.iloc[rest].reset_index(drop=True),
        holdout=part(reference),
        train_units=None if units is None else units.iloc[rest].reset_index(drop=True),
        holdout_units=None,
    )
    fresh = part(random.permutation(rest)[:number])
    samples = halved.samples(part(chosen), [fresh], options, seed)
    return Draw(by, samples, np.sqrt(0.5))


def _numbered(units: pd.Series) -> np.ndarray:
    """The number of each row's unit; a row without one is a unit by itself."""
    codes = pd.factorize(units)[0].astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(np.count_nonzero(alone))
    return codes


def _blocks(times: np.ndarray) -> tuple[str, np.ndarray, float] | None:
    """Blocks of time: their name, the number of each row's, and their length in s.

    Blocks follow each other from the first row; those without rows have no number. `None` if the
    rows span too short a time.
    """
    span = float(np.ptp(times))
    for name, length in _BLOCKS_S.items():
        if span >= _LEAST_BLOCKS * length:
            number = np.floor((times - times.min()) / length).astype(np.int64)
            return name, np.unique(number, return_inverse=True)[1], length
    return None


def _halves(sizes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Which units are of the first half: (units,) bool.

    Units in random order, each to the half that has fewer rows so far.
    """
    first = np.zeros(len(sizes), dtype=bool)
    rows = [0, 0]
    for unit in random.permutation(len(sizes)):
        half = int(rows[1] < rows[0]) if rows[0] != rows[1] else int(random.random() < 0.5)
        first[unit] = half == 0
        rows[half] += sizes[unit]
    return first


def _moved(
    frame: pd.DataFrame, time: Column, block: np.ndarray, first: np.ndarray, length: float
) -> pd.DataFrame:
    """The rows with the blocks of each half moved to follow each other from the first moment.

    Each is moved by whole blocks, so that hours of the day, and of the week where blocks are weeks,
    stay what they are.
    """
    times = to_numbers(frame[time.name], time)
    position = np.floor((times - times.min()) / length).astype(np.int64)
    shift = np.zeros(len(frame))
    for half in (first, ~first):
        place = np.unique(block[half], return_inverse=True)[1]
        shift[half] = (place - position[half]) * length
    moved = frame[time.name] + pd.to_timedelta(shift, unit="s")
    return frame.assign(**{time.name: moved.astype(frame[time.name].dtype)})
