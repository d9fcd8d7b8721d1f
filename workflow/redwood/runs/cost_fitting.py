"""Fitting costs to what finished runs have measured: the files of Snakemake's `benchmark:`."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linprog, lsq_linear

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.costs import Cost
from redwood.runs.requests import RECORDED
from redwood.runs.row_counts import RowCounts, counted_rows

# A shorter job is but the start of Python, whatever its rows.
_LEAST_S = 0.5
# Numbers within this factor cannot tell a base from a slope, or what is done once from what epochs
# repeat. Then half of a job, at most what starting up may take, is base, and the rest grows with
# rows and epochs, so that larger jobs are granted too much rather than too little.
_ALIKE = 3
_MOST_BASE_S, _MOST_BASE_MB = 5.0, 300.0
_TRACE = 1e-6


@dataclass(frozen=True)
class Measurement:
    """One job that was measured.

    Attributes:
        rule, variant: the rule whose cost it is, and the model or policy where that matters.
        rows, times: what it had to do, as in a `Job`.
        seconds: how long it took.
        megabytes: peak of resident memory; `None` where Snakemake saw none, as of a job that ended
            before it looked.
    """

    rule: str
    variant: str
    rows: int
    times: int
    seconds: float
    megabytes: float | None


def measurements(results: Path) -> list[Measurement]:
    """The measured jobs of one dataset's results.

    Raises:
        InputError: the folder holds no finished run, or a file of it is wrong.
    """
    counts = counted_rows(results, _sampled(results))
    if counts is None:
        raise InputError(
            f"{results}: no finished run: expected records/cleaning.json and records/split.json, "
            "which tell the rows"
        )
    found = [
        _measurement(rule, variant, rows, times, path)
        for rule, variant, rows, times, path in _measured_jobs(results, counts)
    ]
    if not found:
        raise InputError(f"{results}/benchmarks: no measured job, expected Snakemake's tables")
    return found


def fit(measured: Sequence[Measurement]) -> list[Cost]:
    """The cost of each rule and variant.

    Time is fitted by least squares of relative errors. Memory is the lowest line that no measured
    job exceeds: a job that is too slow waits, one that needs more than it asked for is killed. What
    a simulation keeps in memory is its jobs, so there all policies count together.
    """
    groups = defaultdict(list)
    for one in measured:
        groups[one.rule, one.variant].append(one)
    costs = []
    for (rule, variant), group in sorted(groups.items()):
        policies = COST_SCALES[rule].times == "seeds"
        alike = [one for one in measured if one.rule == rule] if policies else group
        costs.append(
            Cost(
                *(rule, variant, *_time(group), *_memory(alike)),
                most_rows=max(one.rows for one in group),
                measured=len(group),
            )
        )
    return costs


def _time(group: Sequence[Measurement]) -> tuple[float, float, float]:
    """`base_s`, `s_per_row` and `s_per_pass`."""
    rows = np.array([one.rows for one in group], float)
    times = np.array([one.times for one in group], float)
    seconds = np.maximum(_LEAST_S, [one.seconds for one in group])
    once = [rows] if times.max() >= _ALIKE * times.min() else []
    base, *per_row, per_pass = _line([*once, rows * times], seconds, _MOST_BASE_S)
    return base, float(sum(per_row)), per_pass


def _memory(group: Sequence[Measurement]) -> tuple[float, float]:
    """`base_mb` and `mb_per_row`; nothing where no memory was seen."""
    seen = [(one.rows, one.megabytes) for one in group if one.megabytes is not None]
    if not seen:
        return 0.0, 0.0
    rows, megabytes = np.array(seen, float).T
    return _line_above(rows, megabytes, _MOST_BASE_MB)


def _line(grows_with: Sequence[np.ndarray], y: np.ndarray, most_base: float) -> list[float]:
    """Base and slopes, none negative, that are closest to `y` by relative errors.

    Args:
        grows_with: [slopes] arrays (jobs,).
        y: (jobs,), all above 0.
        most_base: bound of the base where the last of `grows_with` is much alike in all jobs.
    """
    scales = [values.max() for values in grows_with]
    columns = [values / scale for values, scale in zip(grows_with, scales, strict=True)]
    base = _base_if_alike(grows_with[-1], y, most_base)
    if base is None:
        columns.insert(0, np.ones(len(y)))
    design = np.column_stack(columns) / y[:, None]
    found = lsq_linear(design, 1 - (base or 0.0) / y, (0.0, np.inf), tol=1e-14).x
    base, *slopes = found if base is None else (base, *found)
    # Rounding leaves traces where nothing grows.
    slopes = [slope if slope > _TRACE * y.max() else 0.0 for slope in slopes]
    return [float(base), *(float(one / scale) for one, scale in zip(slopes, scales, strict=True))]


def _line_above(x: np.ndarray, y: np.ndarray, most_base: float) -> tuple[float, float]:
    """Base and slope, neither negative, of the lowest line that is nowhere below `y`.

    The lowest is that of the least excess in all: a GB more for a small job matters as little as
    one for a large one. `most_base` is as in `_line`.
    """
    base = _base_if_alike(x, y, most_base)
    if base is not None:
        return base, float(((y - base) / x).max())
    scale = x.max()
    design = np.column_stack([np.ones(len(y)), x / scale])
    base, slope = linprog(design.sum(axis=0), -design, -y, bounds=(0, None)).x
    return float(base), float(slope / scale)


def _base_if_alike(x: np.ndarray, y: np.ndarray, most_base: float) -> float | None:
    """The base that is assumed where sizes are too much alike to tell it; else `None`."""
    return float(min(y.min() / 2, most_base)) if x.max() < _ALIKE * x.min() else None


def _measured_jobs(results: Path, counts: RowCounts) -> Iterator[tuple[str, str, int, int, Path]]:
    """Rule, variant, rows, times and file of each measurement whose result is still there."""
    benchmarks = results / "benchmarks"
    rows_of = _rows_of_dumps(results)
    for path in _tables(benchmarks / "records_clean_file"):
        rows = rows_of.get(path.name.removesuffix(".tsv"))
        if rows is not None:
            yield "records_clean_file", "", rows, 1, path
    further = sorted([*results.glob("trainings/*"), *results.glob("shadows/*")])
    for path in (file for one in (results, *further) for file in _tables(one / "benchmarks")):
        rule = _rule_of(path.stem)
        if rule is None or rule == "simulate":
            continue
        scale = COST_SCALES[rule]
        named = path.stem.removeprefix(rule).removeprefix("_")
        times = _epochs(path.parents[1], rule, named) if scale.times == "epochs" else 1
        variant = named if scale.variants else ""
        yield scale.like or rule, variant, getattr(counts, scale.rows), times, path
    for run in sorted((results / "simulation/runs").glob("*/*")):
        path = benchmarks / f"simulate_{run.parent.name}_{run.name}.tsv"
        if path.exists():
            rows = counts.test if run.parent.name == RECORDED else counts.sampled
            yield "simulate", run.name, rows, len(list(run.glob("seed-*"))) or 1, path


def _tables(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tsv"))


def _rule_of(name: str) -> str | None:
    """The rule whose measurement is called `name`: the longest that it begins with."""
    fitting = [rule for rule in COST_SCALES if re.match(rf"{rule}(_|$)", name)]
    return max(fitting, key=len, default=None)


def _epochs(training: Path, rule: str, model: str) -> int:
    """Epochs that a training took: the lines of its losses; 1 for a model without."""
    stage = "surrogates" if rule == "surrogates_train" else "release/shadow_models"
    losses = training / stage / model / "model/losses.csv"
    return max(1, len(losses.read_text().splitlines()) - 1) if losses.exists() else 1


def _sampled(results: Path) -> int | None:
    """Rows of the models' samples, all alike; `None` if there are none."""
    for summary in sorted((results / "surrogates").glob("*/sample.json")):
        return int(read_json(summary, "summary of a sample")["rows"])
    return None


def _rows_of_dumps(results: Path) -> dict[str, int]:
    files = read_json(results / "records/cleaning.json", "account of the cleaning")["files"]
    return {file["file"].replace("/", "__"): int(file["rows"]) for file in files}


def _measurement(rule: str, variant: str, rows: int, times: int, path: Path) -> Measurement:
    """That of a file; of several in it, as of a rule that is repeated, the last one."""
    with open(path, encoding="utf-8", newline="") as stream:
        lines = list(csv.DictReader(stream, delimiter="\t"))
    try:
        last = lines[-1]
        megabytes = None if last["max_rss"] in ("-", "NA", "0.00") else float(last["max_rss"])
        return Measurement(rule, variant, rows, times, float(last["s"]), megabytes)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected a measurement of Snakemake's, `s` and `max_rss` numbers: {error!r}"
        ) from None
