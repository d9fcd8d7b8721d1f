"""The page that shows targets beside what generated dumps achieve."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import Any

_STYLE = """\
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #c62828; --none: #777; }
@media (prefers-color-scheme: dark) { :root { --good: #56d364; --bad: #ff7b72; --none: #999; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; }
h2 { margin-top: 2.2rem; font-size: 1.15rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0;
         border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
small { color: var(--none); display: block; }
.met { color: var(--good); } .missed { color: var(--bad); font-weight: 600; }
.untold { color: var(--none); }
"""

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
    return "\n".join(_lines(results, jobs)) + "\n"


def _lines(results: list[dict[str, Any]], jobs: int) -> Iterator[str]:
    verdicts = [result["holds"] for result in results]
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>Generated records against published facts</title>\n<style>{_STYLE}</style>"
    yield "</head>\n<body>\n<h1>Generated records against published facts</h1>"
    yield (
        f"<p>{jobs:,} distinct synthetic jobs, read from the dumps. "
        f"Of {len(verdicts)} targets {verdicts.count(True)} are met; missed: "
        f"{verdicts.count(False)}; cannot be told at this size or rate: {verdicts.count(None)}. "
        "A target is met when what was achieved lies within the tolerance; "
        "tolerances are those of <code>resources/generation_targets.csv</code>.</p>"
    )
    for group, members in groupby(results, key=lambda result: result["group"]):
        yield f"<section>\n<h2>{escape(group)}</h2>\n<div class=wide>\n<table>"
        yield (
            "<thead><tr><th>what<th class=number>target<th class=number>tolerance"
            "<th class=number>achieved<th>met<th>source</tr></thead>\n<tbody>"
        )
        for result in members:
            yield _row(result)
        yield "</tbody>\n</table>\n</div>\n</section>"
    yield "<section>\n<h2>Sources</h2>\n<dl>"
    for source in dict.fromkeys(result["source"] for result in results):
        yield f"<dt>{escape(source)}<dd>{escape(SOURCES.get(source, ''))}"
    yield "</dl>\n</section>\n</body>\n</html>"


def _row(result: dict[str, Any]) -> str:
    details = [f"{result['measured_on']}; {result['number']:,} measured", result["note"]]
    small = "".join(f"<small>{escape(detail)}</small>" for detail in details if detail)
    unit = "" if result["unit"] in ("share", "ratio", "values") else f" {escape(result['unit'])}"
    tolerance = (
        "exact"
        if result["low"] == result["high"]
        else f"{_shown(result['low'])} to {_shown(result['high'])}"
    )
    return (
        f"<tr><td>{escape(result['meaning'])}{small}"
        f"<td class=number>{_shown(result['target'])}{unit}"
        f"<td class=number>{tolerance}"
        f"<td class=number>{_shown(result['achieved'])}"
        f"<td>{_verdict(result)}<td>{escape(result['source'])}</tr>"
    )


def _verdict(result: dict[str, Any]) -> str:
    if result["holds"] is None:
        return f"<span class=untold>cannot be told<small>{escape(result['why'])}</small></span>"
    if result["holds"]:
        return "<span class=met>met</span>"
    return "<span class=missed>missed</span>"


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
