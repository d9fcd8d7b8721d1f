"""The facts of the data card → one self-contained page."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from redwood.card.charts import (
    daily_chart,
    hourly_chart,
    shapes_chart,
    sites_chart,
    week_chart,
)
from redwood.card.findings import plain_words, reasons
from redwood.card.wording import counted, in_human_units, number, share
from redwood.pages import render

Facts = dict[str, Any]

_TEMPLATE: Final = Path(__file__).with_name("card.html")
# Sites in the picture at the top.
_BUSIEST: Final = 10
_ORIGINS: Final = {
    "from_cpu_time": "CPU time × core power of the site",
    "from_hs06sec": "HS06SEC of the dump, without a CPU time",
    "never_ran": "0: closed or cancelled before they ran",
    "default_core_power": "with the default core power, the site's being unknown",
}
_SITES: Final = {
    "known": "named as in the table of sites",
    "folded": "queues folded into their site",
    "unknown": "unknown to the table of sites",
    "masked": "masked, since the name may be anything",
}
_HASH_KEYS: Final = {
    "environment": "keyed by REDWOOD_HASH_KEY: equal in all runs with that key",
    "random": "keyed at random for this run: not to be joined with another run's",
    "seed": "keyed by the run's seed: for made-up users and pseudonyms only",
}


def page(facts: Facts) -> str:
    """The page, HTML."""
    account = facts["cleaning"]
    sample = facts["sample"]
    first_row = sample["rows"][0] if sample["rows"] else []
    return render(
        _TEMPLATE,
        facts=facts,
        tiles=list(_tiles(facts)),
        load=_load(facts["arrivals"], facts["noun"]) if facts["arrivals"] else None,
        halves=list(_halves(facts)),
        shapes=_shapes(facts["columns"]),
        sample_heads=[
            name if isinstance(cell, str) else f">{name}"
            for name, cell in zip(sample["columns"], first_row, strict=False)
        ],
        steps=list(_steps(account)) if account else [],
        meanings={code: text for code, text, _ in reasons(facts)} if account else {},
        origins=_named(account["workload"], _ORIGINS) if account else {},
        sites=_named(account["sites"], _SITES) if account else {},
        hash_key=_HASH_KEYS.get(account["hash_key"], account["hash_key"]) if account else "",
        **{"share": share, "number": number, "counted": counted, "grouped": "{:,}".format},
        **{"in_human_units": in_human_units, "quantity": _quantity, "plain": _plain},
    )


def _tiles(facts: Facts) -> Iterator[tuple[int, str, str]]:
    """Number, label and a remark of each of the numbers that stand at the top."""
    account, span = facts["cleaning"], facts["arrivals"]
    if account:
        rows = account["rows"]
        yield rows["input"], "rows in the raw files", ""
        yield rows["kept"], "kept", share(rows["kept"], rows["input"])
        yield rows["rejected"], "rejected", share(rows["rejected"], rows["input"])
    else:
        yield facts["rows"], "rows", ""
    yield len(facts["columns"]), "columns", ""
    if span:
        period = f"{span['first_day']} to {span['last_day']}"
        yield span["days"], f"day{'s' * (span['days'] != 1)}", period
    for column in facts["columns"]:
        if column["name"] == "computingsite":
            yield column["distinct"], "computing sites", ""


def _load(span: Facts, noun: str) -> tuple[str, str]:
    """The chart of the arrivals along time, SVG, and its caption."""
    when = f"By {span['column']}, {span['first']} to {span['last']} UTC."
    if span["hourly"]:
        return hourly_chart(span["hourly"], span["first_day"], noun), when
    return daily_chart(span["daily"], noun), f"{when} Saturdays and Sundays are fainter."


def _halves(facts: Facts) -> Iterator[tuple[str, str]]:
    """Charts that take half of the page's width, SVG, and their captions."""
    span, states, noun = facts["arrivals"], facts["states"], facts["noun"]
    if states and states["sites"]:
        named = states["sites"][:_BUSIEST]
        there = [state for state, rows in states["all"].items() if rows]
        yield (
            sites_chart(named, noun),
            f"{counted(len(named), 'site')} of {_facts_of(facts, 'computingsite')['distinct']}, "
            f"from left to right: {', '.join(there)}.",
        )
    if span and span["hour_of_week"]:
        most = max(v for row in span["hour_of_week"] for v in row if v is not None)
        yield (
            week_chart(span["hour_of_week"], noun),
            f"By weekday and hour of the day. The fuller the colour, the more {noun}s; the busiest "
            f"hour has {number(most)}.",
        )


def _facts_of(facts: Facts, name: str) -> Facts:
    """The facts of a column."""
    return next(column for column in facts["columns"] if column["name"] == name)


def _shapes(columns: Sequence[Facts]) -> str:
    """The chart of how numbers spread, SVG; empty where there are none."""
    shown = []
    for column in columns:
        if column["kind"] not in ("numeric", "integer") or len(column["histogram"]) < 2:
            continue
        is_log = column["scale"] == "log" and not column["negative"]
        low, high = column["histogram_span"]
        places = [low, column["median"], high]
        low, middle, high = map(math.log1p, places) if is_log else places
        words = {
            name: _short(column[key], column["unit"])
            for name, key in (("least", "minimum"), ("median", "median"), ("greatest", "maximum"))
        }
        shown.append(
            {
                "name": column["name"],
                "counts": column["histogram"],
                "middle": (middle - low) / (high - low),
                "scale": "logarithmic" if is_log else "linear",
                **words,
            }
        )
    return shapes_chart(shown) if shown else ""


def _steps(account: Facts) -> Iterator[Facts]:
    """The steps of the cleaning as a funnel."""
    total, lost = account["rows"]["input"], sum(account["unreadable"].values())
    yield {"reason": "All rows of the files", "text": "", "rejected": None, "left": total}
    if account["unreadable"]:
        text = "; ".join(f"{text} ({rows:,})" for text, rows in account["unreadable"].items())
        yield {"reason": "unreadable", "text": text, "rejected": lost, "left": total - lost}
    for step in account["steps"]:
        plain = plain_words(step["reason"], "")
        text = f"{plain}: {step['description']}" if plain else step["description"]
        yield {**step, "text": text}


def _named(counts: Facts, names: dict[str, str]) -> dict[str, int]:
    """Counts that are not 0, by what they are of."""
    return {names[key]: counts[key] for key in names if counts.get(key)}


def _short(value: float, unit: str | None) -> str:
    """A quantity in one unit."""
    return in_human_units(value, unit) or f"{number(value)} {unit or ''}".rstrip()


def _quantity(value: float | str, unit: str | None) -> str:
    if isinstance(value, str):
        return value
    human = in_human_units(value, unit)
    return number(value) + (f" ({human})" if human else "")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
