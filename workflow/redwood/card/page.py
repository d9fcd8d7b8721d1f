"""The facts of the data card → one self-contained page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from redwood.card.charts import daily_chart, hourly_chart, week_chart
from redwood.card.findings import plain_words, reasons
from redwood.card.wording import counted, in_human_units, number, share
from redwood.pages import render

Facts = dict[str, Any]

_TEMPLATE: Final = Path(__file__).with_name("card.html")
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
        charts=list(_charts(facts["arrivals"], facts["noun"])) if facts["arrivals"] else [],
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


def _charts(span: Facts, noun: str) -> Iterator[tuple[str, str]]:
    """Charts of the arrivals, SVG, and their captions."""
    if span["hourly"]:
        yield hourly_chart(span["hourly"], span["first_day"], noun), ""
    else:
        weekends = "Saturdays and Sundays are fainter."
        yield daily_chart(span["daily"], noun), weekends
    if span["hour_of_week"]:
        most = max(v for row in span["hour_of_week"] for v in row if v is not None)
        darkest = f"The fuller the colour, the more {noun}s; the busiest hour has {number(most)}."
        yield week_chart(span["hour_of_week"], noun), darkest


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


def _quantity(value: float | str, unit: str | None) -> str:
    if isinstance(value, str):
        return value
    human = in_human_units(value, unit)
    return number(value) + (f" ({human})" if human else "")


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
