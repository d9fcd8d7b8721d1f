"""Generated dumps against published facts: how near is each statistic, and is that near enough?

The dumps are read like anybody's, and measured without knowing how they were made.
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError
from redwood.facts import fact_file
from redwood.generator.calibration.jobs import JobTable, read_jobs
from redwood.generator.calibration.page import page
from redwood.generator.calibration.statistics import Statistic, measure
from redwood.inputs import read_text
from redwood.names import nth_row
from redwood.outputs import write_json, write_text
from redwood.progress import ProgressReport
from redwood.synthetic import MARKER

TARGETS_FILE = fact_file("generation_targets.csv")
_NUMBERS = ("target", "low", "high")
_LIMITS = ("least_number", "least_per_day", "most_per_day", "least_days")
_WORDS = ("group", "name", "meaning", "unit", "measured_on", "source", "note")
_DAY = 86_400


@dataclass(frozen=True)
class Extent:
    """How much there is to measure.

    Attributes:
        jobs: distinct jobs.
        days: from the first to the last of them.
        sites: how many sites were asked for, `None` if nobody knows.
    """

    jobs: int
    days: float
    sites: int | None = None


def calibrate(inputs: list[Path], output: Path) -> list[dict[str, Any]]:
    """Measure dumps and write calibration.json and calibration.html to the folder `output`.

    Returns:
        What `compare` does.

    Raises:
        InputError: there is no dump, one cannot be read, or none holds a job.
    """
    with ProgressReport("calibrating", 2, "steps") as report:
        jobs = read_jobs(inputs)
        report.advance()
        results = compare(measure(jobs), _extent(jobs, inputs))
        write_json(output / "calibration.json", results)
        write_text(output / "calibration.html", page(results, len(jobs)))
        report.advance()
    return results


def compare(statistics: dict[str, Statistic], extent: Extent) -> list[dict[str, Any]]:
    """Each target beside what was achieved.

    Returns:
        Per target `group`, `name`, `meaning`, `unit`, `target`, `low`, `high`, `achieved` (null if
        there was nothing to measure), `number` (of jobs, chains or tasks it is measured on),
        `holds` (null if that cannot be told), `why` (it cannot be told), `measured_on`, `source`,
        `note`.
    """
    results = []
    for target in load_targets().to_dict("records"):
        value, number = statistics.get(target["name"], Statistic(math.nan, 0))
        there = math.isfinite(value)
        why = _not_testable(target, number, extent) if there else "nothing to measure it on"
        results.append(
            {
                **{name: target[name] for name in ("group", "name", "meaning", "unit")},
                **{name: float(target[name]) for name in _NUMBERS},
                "achieved": value if there else None,
                "number": number,
                "holds": None if why else bool(target["low"] <= value <= target["high"]),
                "why": why,
                **{name: target[name] for name in ("measured_on", "source", "note")},
            }
        )
    return results


@cache
def load_targets(path: Path = TARGETS_FILE) -> pd.DataFrame:
    """The table of targets; limits that a target does not have are NaN.

    Raises:
        InputError: the file is missing, lacks a column, or has a target outside its tolerance.
    """
    try:
        empty = {name: [""] for name in _LIMITS}
        texts = dict.fromkeys(_WORDS, str)
        targets = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=empty)
    except FileNotFoundError:
        raise InputError(f"{path}: no such table of targets") from None
    for column in (*_WORDS, *_NUMBERS, *_LIMITS):
        if column not in targets.columns:
            raise InputError(f"{path}: column {column!r} is missing")
    outside = ~targets["target"].between(targets["low"], targets["high"])
    if outside.any():
        row = int(outside.idxmax())
        raise InputError(
            f"{path}: {nth_row(row)}: target {targets['target'][row]} is outside its tolerance"
        )
    return targets


def _not_testable(target: dict[str, Any], number: int, extent: Extent) -> str:
    """Why a target cannot be tested on so little or so much, empty if it can."""
    per_day = extent.jobs / extent.days if extent.days else math.inf
    if number < target["least_number"]:
        return f"measured on {number:,}; {target['least_number']:,.0f} needed"
    if extent.days < target["least_days"]:
        return f"{extent.days:.0f} days; {target['least_days']:.0f} needed"
    if per_day < target["least_per_day"]:
        return f"{per_day:,.0f} jobs a day; {target['least_per_day']:,.0f} needed"
    if per_day > target["most_per_day"]:
        return f"{per_day:,.0f} jobs a day; {target['most_per_day']:,.0f} at most"
    if target["name"] == "values_computingsite" and (extent.sites or math.inf) < target["target"]:
        return f"{extent.sites} sites asked for"
    return ""


def _extent(jobs: JobTable, inputs: list[Path]) -> Extent:
    created = jobs.times["creationtime"]
    days = math.ceil((created[-1] - created[0]) / _DAY) if len(jobs) else 0
    for path in inputs:
        marker = (path if path.is_dir() else path.parent) / MARKER
        if marker.is_file():
            sites = json.loads(read_text(marker)).get("sites")
            return Extent(len(jobs), days, sites)
    return Extent(len(jobs), days)
