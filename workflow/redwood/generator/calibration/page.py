"""The page that shows targets beside what generated dumps achieve."""

from itertools import groupby
from pathlib import Path
from typing import Any, Final

from redwood.pages import render

_TEMPLATE: Final = Path(__file__).with_name("page.html")

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
    groups = groupby(results, key=lambda result: result["group"])
    return render(
        _TEMPLATE,
        jobs=jobs,
        verdicts=[result["holds"] for result in results],
        groups=[(group, list(members)) for group, members in groups],
        sources={result["source"]: SOURCES.get(result["source"], "") for result in results},
        shown=_shown,
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
