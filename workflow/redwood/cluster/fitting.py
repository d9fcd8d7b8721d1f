"""Fitting costs to what finished runs have measured: the files of Snakemake's `benchmark:`."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import lsq_linear

from redwood.cluster.costs import Cost
from redwood.cluster.rules import RULES
from redwood.cluster.sizes import Sizes, counted_sizes
from redwood.errors import InputError

# Below this a job is the start of Python, whatever its rows.
_LEAST_S = 0.5
# Sizes this much alike cannot tell a base from a slope: then a base is what starting up may take,
# and the rest grows with rows, so that larger jobs are promised too much rather than too little.
_ALIKE = 3
_MOST_BASE_S, _MOST_BASE_MB = 5, 300


@dataclass(frozen=True)
class Measurement:
    """One job that was measured: seconds and MB, for so much work and so many rows."""

    rule: str
    variant: str
    work: float
    rows: int
    seconds: float
    megabytes: float


def measurements(results: Path) -> list[Measurement]:
    """The measured jobs of one dataset's results.

    Raises:
        InputError: the folder holds no finished run.
    """
    sizes = counted_sizes(results, None)
    if sizes is None:
        raise InputError(f"{results}: no finished run: there is no records/split.json to count by")
    found = []
    for rule, variant, times, path in _measured_jobs(results):
        rows = getattr(sizes, RULES[rule].scale)
        if rule == "records_clean_file":
            rows = _rows_of_dump(results, path.name.removesuffix(".tsv"), sizes)
        seconds, megabytes = _read(path)
        found.append(Measurement(rule, variant, rows * times, rows, seconds, megabytes))
    if not found:
        raise InputError(f"{results}/benchmarks: no measured job")
    return found


def fit(measured: Sequence[Measurement]) -> list[Cost]:
    """The cost of each rule and variant: least squares of relative errors, nothing negative."""
    groups = defaultdict(list)
    for one in measured:
        groups[one.rule, one.variant].append(one)
    costs = []
    for (rule, variant), group in sorted(groups.items()):
        seconds = [max(_LEAST_S, one.seconds) for one in group]
        megabytes = [one.megabytes for one in group]
        base_s, s_per_work = _line([one.work for one in group], seconds, _MOST_BASE_S)
        base_mb, mb_per_row = _line([one.rows for one in group], megabytes, _MOST_BASE_MB)
        most = max(one.rows for one in group)
        costs.append(Cost(rule, variant, base_s, s_per_work, base_mb, mb_per_row, most, len(group)))
    return costs


def _line(x: Sequence[float], y: Sequence[float], most_base: float) -> tuple[float, float]:
    """Base and slope, neither negative, that are closest to `y` by relative errors."""
    values, scale = np.asarray(y, float), max(x)
    design = np.column_stack([np.ones(len(x)), np.asarray(x, float) / scale]) / values[:, None]
    if scale >= _ALIKE * min(x):
        most_base = np.inf
    base, slope = lsq_linear(design, np.ones(len(x)), ([0, 0], [most_base, np.inf])).x
    return float(base), float(slope / scale)


def _measured_jobs(results: Path) -> Iterator[tuple[str, str, int, Path]]:
    """Rule, variant, times and file of each measurement whose result is still there."""
    benchmarks = results / "benchmarks"
    for path in sorted((benchmarks / "records_clean_file").glob("*.tsv")):
        yield "records_clean_file", "", 1, path
    for path in sorted(benchmarks.glob("*.tsv")):
        rule = _rule_of(path.stem)
        if rule is None or rule == "simulate" or RULES[rule].like == "surrogates_sample":
            continue
        named = path.stem.removeprefix(rule).removeprefix("_")
        variant = named if RULES[rule].variants else ""
        times = 1
        if RULES[rule].repeats == "epochs":
            times = _epochs(results, rule, named)
        yield RULES[rule].like or rule, variant, times, path
    for run in sorted((results / "simulation/runs").glob("*/*")):
        path = benchmarks / f"simulate_{run.parent.name}_{run.name}.tsv"
        if path.exists():
            yield "simulate", run.name, len(list(run.glob("seed-*"))) or 1, path


def _rule_of(name: str) -> str | None:
    """The rule whose measurement is called `name`: the longest that it begins with."""
    fitting = [rule for rule in RULES if re.match(rf"{rule}(_|$)", name)]
    return max(fitting, key=len, default=None)


def _epochs(results: Path, rule: str, model: str) -> int:
    """Epochs that a training took: the lines of its losses; 1 for a model without."""
    stage = "surrogates" if rule == "surrogates_train" else "release/twins"
    losses = results / stage / model / "model/losses.csv"
    return max(1, len(losses.read_text().splitlines()) - 1) if losses.exists() else 1


def _rows_of_dump(results: Path, dump: str, sizes: Sizes) -> int:
    from redwood.inputs import read_json

    files = read_json(results / "records/cleaning.json", "account of the cleaning")["files"]
    rows = {file["file"].replace("/", "__"): int(file["rows"]) for file in files}
    return rows.get(dump, sizes.dump)


def _read(path: Path) -> tuple[float, float]:
    """Seconds and MB of a measurement; of several, the last one."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    try:
        return float(rows[-1]["s"]), _megabytes(rows[-1]["max_rss"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a measurement of Snakemake's: {error!r}") from None


def _megabytes(text: str) -> float:
    # A job that ended before Snakemake looked has no memory to show.
    return 100.0 if text in ("-", "NA", "0.00") else float(text)
