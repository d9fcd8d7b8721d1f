"""What has changed between two runs, in words; outcomes side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from redwood.errors import InputError
from redwood.explore.knobs import Knobs, differences
from redwood.inputs import read_json
from redwood.jackknife import jackknife_half
from redwood.simulation.outcomes import OUTCOMES

# Of which sentences are made, the most important first.
_TOLD = ("turnaround_mean", "queue_time_mean", "throughput", "wan_bytes", "failed_share",
         "lost_share", "carbon")  # fmt: skip
# A smaller part of a value, or a change of a job by less than so many seconds, is none.
_NEGLIGIBLE, _SAME_S = 0.005, 60.0

# Between a number and its unit, where no line ends.
_BLANK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Result:
    """A run that is shown.

    Attributes:
        number: what the page calls it, from 1.
        knobs: that made it.
        folder: of its seed.
        summary: of its seed.
    """

    number: int
    knobs: Knobs
    folder: Path
    summary: Mapping[str, Any]

    @classmethod
    def read(cls, number: int, knobs: Knobs, folder: Path) -> "Result":
        """Read its summary.

        Raises:
            InputError: it is missing, or of another version.
        """
        path = folder / "summary.json"
        summary = read_json(path, "summary of a run")
        outcomes = summary.get("outcomes")
        if not isinstance(outcomes, dict) or "turnaround_mean" not in outcomes:
            raise InputError(f"{path}: has no outcomes, of another version; simulate again")
        return cls(number, knobs, folder, summary)

    def value(self, outcome: str) -> float | None:
        """Of an outcome; `None` if it is undefined, or unknown to the version that made it."""
        found = self.summary["outcomes"].get(outcome)
        return None if found is None else found["value"]

    def shown(self, outcome: str) -> str:
        """The value as people read it, with its unit; a dash if there is none."""
        return _with_unit(outcome, self.value(outcome))


def in_words(one: Result, other: Result) -> list[str]:
    """What was turned, and what came of it: `other` against `one`, a sentence each.

    Jobs are compared one by one if both runs have the same ones. An interval is that of a
    difference of two runs of the same jobs (see `jackknife`), of which each group is left out in
    both; without one nothing is called certain.
    """
    turned = differences(one.knobs, other.knobs)
    sentences = [
        f"Run {other.number} against run {one.number}: "
        + ("; ".join(turned) if turned else "the same knobs")
        + "."
    ]
    paired = one.knobs.workload == other.knobs.workload
    if paired and turned:
        sentences += _job_by_job(one, other)
    for name in _TOLD:
        before, after = one.value(name), other.value(name)
        if name in OUTCOMES and before is not None and after is not None:
            sentences.append(_sentence(name, one, other, before, after, paired))
    return sentences


def _sentence(
    name: str, one: Result, other: Result, before: float, after: float, paired: bool
) -> str:
    outcome = OUTCOMES[name]
    title = f"{outcome.title}: {_with_unit(name, after)}"
    largest = max(abs(before), abs(after))
    if largest == 0 or abs(after - before) <= _NEGLIGIBLE * largest:
        return f"{title}, as before."
    direction = "more" if after > before else "less"
    how_much = f"{_percent(abs(after / before - 1))} {direction}" if before else direction
    if before and after / before >= 3:
        how_much = f"{after / before:.3g} times as much"
    sentence = f"{title} instead of {_with_unit(name, before)}, {how_much}"
    half = _half(name, one, other) if paired else None
    if half is None:
        return f"{sentence}."
    if half >= abs(after - before):
        return f"{sentence}, which may be chance (95 % interval ±{_BLANK}{_with_unit(name, half)})."
    verdict = ""
    if outcome.better is not None:
        verdict = ": better" if (direction == "less") == (outcome.better == "less") else ": worse"
    return f"{sentence} (±{_BLANK}{_with_unit(name, half)}){verdict}."


def _half(name: str, one: Result, other: Result) -> float | None:
    """Half of the 95 % interval of the difference, if it is known."""
    groups = [run.summary["outcomes"].get(name, {}).get("without_group") for run in (one, other)]
    if any(group is None or None in group for group in groups) or len(groups[0]) != len(groups[1]):
        return None
    return float(jackknife_half(np.subtract(groups[1], groups[0])))


def _job_by_job(one: Result, other: Result) -> list[str]:
    times = []
    for run in (one, other):
        table = pq.read_table(
            run.folder / "jobs.parquet",
            columns=["submit", "end", "start"],
            page_checksum_verification=True,
        )
        took = table["end"].to_numpy() - table["submit"].to_numpy()
        times.append(np.where(np.isfinite(table["start"].to_numpy()), took, np.nan))
    if len(times[0]) != len(times[1]):
        return []
    change = times[1] - times[0]
    change = change[np.isfinite(change)]
    if not len(change):
        return []
    sooner, later = float(np.mean(change < -_SAME_S)), float(np.mean(change > _SAME_S))
    median = _minutes(float(np.median(change)))
    return [
        f"Job by job: {_percent(sooner)} took at least a minute less from submission to end, "
        f"{_percent(later)} at least a minute more; the median changed by {median}."
    ]


def _minutes(seconds: float) -> str:
    if abs(seconds) < _SAME_S:
        return "less than a minute"
    return f"{seconds / 60:+.3g}{_BLANK}min".replace("-", "−")


def _with_unit(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    outcome = OUTCOMES[name]
    return f"{value / outcome.scale:.3g}{_BLANK}{outcome.shown_unit}".strip()


def _percent(share: float) -> str:
    return f"{100 * share:.0f}{_BLANK}%"
