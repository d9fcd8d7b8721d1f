"""The page that shows targets beside what generated dumps achieve."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from redwood.pages import render

_TEMPLATE: Final = Path(__file__).with_name("page.html")
# The ends of the plot, in tolerances from the target.
_MOST: Final = 3.0

# What each source is, one line each.
SOURCES = {
    "ATLAS 2017-08": "31.4 million job chains of August 2017: aggregates of public ATLAS analytics "
    "notebooks",
    "ATLAS 2017-09/10": "user jobs of 21 days of 2017, floored to 100,000 a day: the same "
    "notebooks",
    "ATLAS 2016 reprocessing": "wall time and efficiency of the reprocessing of 2016: the same "
    "notebooks",
    "aggregates 2005-18": "aggregates of genuine grid jobs of 2005 to 2018, collected for this "
    "project; their origin is not known more exactly",
    "LCG-2005": "eleven days of the LHC Computing Grid, November 2005: Parallel Workloads Archive "
    "(data: Hui Li; conversion: Dror Feitelson)",
    "IN2P3 2018": "nulls in 246,395 jobs of 30 May to 11 June 2018: public ATLAS analytics "
    "notebooks",
    "100 documents of 2017": "100 job records in Elasticsearch: public ATLAS analytics notebooks",
    "arXiv 2410.07940": "AI Surrogate Model for Distributed Computing Workloads: its table and "
    "text",
}


def page(results: list[dict[str, Any]], jobs: int) -> str:
    """A page of its own that needs nothing else.

    Args:
        results: targets beside what was achieved, as `calibration.compare` returns them.
        jobs: distinct jobs in the dumps.
    """
    # What was missed comes first, then what cannot be told; so do the groups that have either.
    ordered = sorted(results, key=_order)
    groups: dict[str, list[dict[str, Any]]] = {}
    for result in ordered:
        groups.setdefault(result["group"], []).append(result)
    return render(
        _TEMPLATE,
        jobs=jobs,
        verdicts=[result["holds"] for result in results],
        dots=[_dot(result) for result in ordered if result["achieved"] is not None],
        groups=list(groups.items()),
        sources={result["source"]: SOURCES.get(result["source"], "") for result in results},
        shown=_shown,
    )


def _order(result: Mapping[str, Any]) -> tuple[int, float]:
    """Missed ones first, the farthest from its target on top; then untold, then met ones."""
    place = {False: 0, None: 1, True: 2}[result["holds"]]
    return place, -abs(_position(result))


def _position(result: Mapping[str, Any]) -> float:
    """Where what was achieved stands: 0 at the target, −1 and 1 at the ends of the tolerance."""
    away = (result["achieved"] if result["achieved"] is not None else result["target"]) - result[
        "target"
    ]
    if away == 0:
        return 0.0
    width = result["high"] - result["target"] if away > 0 else result["target"] - result["low"]
    return float(away / width) if width else math.copysign(math.inf, away)


def _dot(result: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the plot: its name, its verdict and where its dot stands, cut at the ends."""
    position = _position(result)
    cut = min(max(position, -_MOST), _MOST)
    return {
        "meaning": result["meaning"],
        "verdict": {False: "missed", None: "untold", True: "met"}[result["holds"]],
        "left": 50 * (1 + cut / _MOST),
        "beyond": position != cut,
        "words": f"{_shown(result['achieved'])}, target {_shown(result['target'])}",
    }


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
