"""The facts of the data card → one self-contained page."""

from html import escape
from typing import Any, Final

from redwood.card.account import division, origin, reading, rejected
from redwood.card.figure import (
    daily_chart,
    hourly_chart,
    small_histogram,
    states_chart,
    week_chart,
)
from redwood.card.html import meter, section, small, table
from redwood.card.style import STYLE
from redwood.card.wording import NONE, counted, in_human_units, number, share

Facts = dict[str, Any]

_LEVELS: Final = {"problem": "Problem", "care": "Care", "note": "Note"}


def page(facts: Facts) -> str:
    """The page, HTML."""
    title = f"Data card: {escape(facts['dataset'])}"
    body = "\n".join(
        filter(
            None,
            (
                _head(facts),
                _verdict(facts["verdict"]),
                _columns(facts),
                _numbers(facts),
                _categories(facts),
                _sample(facts["sample"]),
                _arrivals(facts),
                _states(facts["states"]),
                rejected(facts),
                reading(facts),
                division(facts["split"]),
                origin(facts),
            ),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{body}\n</main>\n</body>\n</html>\n"
    )


def _head(facts: Facts) -> str:
    account, span = facts["cleaning"], facts["arrivals"]
    tiles = []
    if account:
        counts = account["rows"]
        tiles += [
            (f"{counts['input']:,}", "rows in the raw files", ""),
            (f"{counts['kept']:,}", "kept", share(counts["kept"], counts["input"])),
            (f"{counts['rejected']:,}", "rejected", share(counts["rejected"], counts["input"])),
        ]
    else:
        tiles.append((f"{facts['rows']:,}", "rows", ""))
    tiles.append((str(len(facts["columns"])), "columns", ""))
    if span:
        period = f"{span['first_day']} to {span['last_day']}"
        tiles.append((f"{span['days']:,}", f"day{'s' * (span['days'] != 1)}", period))
    site = next((c for c in facts["columns"] if c["name"] == "computingsite"), None)
    if site:
        tiles.append((f"{site['distinct']:,}", "computing sites", ""))
    shown = "".join(
        f"<div><b>{value}</b><span>{label}</span><small>{escape(more)}</small></div>"
        for value, label, more in tiles
    )
    banner = (
        '<p class="banner"><b>Synthetic records.</b> These were generated to stand in for a dump. '
        "No real job is among them; conclusions about the real grid cannot be drawn.</p>"
        if facts["synthetic"]
        else ""
    )
    return (
        f"<header><p class='kind'>Data card</p><h1>{escape(facts['dataset'])}</h1></header>\n"
        f"{banner}<div class='tiles'>{shown}</div>"
    )


def _verdict(verdict: Facts) -> str:
    items = "".join(
        f"<li class='{finding['level']}'><b class='level'>{_LEVELS[finding['level']]}</b>"
        f"<div>{escape(finding['text'])}"
        f"{small(finding['advice'])}</div></li>"
        for finding in verdict["findings"]
    )
    return (
        f"<section class='verdict {verdict['level']}'><h2>{escape(verdict['headline'])}</h2>"
        f"{''.join(f'<p>{escape(sentence)}</p>' for sentence in verdict['summary'])}"
        f"{f'<ul>{items}</ul>' if items else ''}</section>"
    )


def _columns(facts: Facts) -> str:
    rows = []
    for column in facts["columns"]:
        distinct = f"{'> ' if column['more_distinct'] else ''}{column['distinct']:,}"
        rows.append(
            [
                f"<b>{escape(column['name'])}</b>{small(column['meaning'])}",
                escape(column["kind"]) + small(column["unit"]),
                column["role"],
                distinct,
                _missing(column, facts["rows"]),
                _examples(column),
            ]
        )
    note = (
        "Features are what models learn and measures judge; they have a value in every row. "
        "Auxiliary columns are carried along. Of users and tasks only counts are shown, and no "
        "value that fewer than five rows have is named."
    )
    heads = ("Column", "Type, unit", "Role", "Distinct values", "Missing", "Samples")
    return section("What each column holds", table(heads, rows, right=(3, 4)), note)


def _examples(column: Facts) -> str:
    if column["private"]:
        return "<i>not shown</i>"
    values = [
        _quantity(value, column["unit"]) if isinstance(value, int | float) else value
        for value in column["examples"]
    ]
    return " · ".join(f"<span class='one'>{escape(value)}</span>" for value in values) or NONE


def _numbers(facts: Facts) -> str:
    rows = []
    for column in facts["columns"]:
        if column["kind"] == "categorical":
            continue
        cells = [
            _value(column[name], column["unit"])
            for name in ("minimum", "median", "percentile_99", "maximum")
        ]
        is_log = column["scale"] == "log" and not column["negative"]
        scale = "logarithmic" if is_log else "linear"
        tip = f"{column['name']} from its least to its greatest value, {scale} scale"
        shape = small_histogram(column["histogram"], tip)
        zeros = share(column["zeros"], facts["rows"]) if column["kind"] != "timestamp" else NONE
        name = f"<b>{escape(column['name'])}</b>{small(column['unit'])}"
        rows.append([name, *cells, zeros, f"{shape}{small(scale)}"])
    if not rows:
        return ""
    sampled = facts["quantile_rows"]
    note = "Counts, least and greatest values are exact; median and 99 % quantile " + (
        "are exact too."
        if sampled == facts["rows"]
        else f"and the shapes are those of {sampled:,} rows drawn at random."
    )
    note += " Decimal prefixes (1 GB = 10⁹ bytes); times in UTC."
    heads = ("Column", "Least", "Median", "99 % quantile", "Greatest", "Zeros", "Shape")
    return section("Numbers and times", table(heads, rows, right=(1, 2, 3, 4, 5)), note)


def _categories(facts: Facts) -> str:
    blocks = []
    for column in facts["columns"]:
        if column["kind"] != "categorical" or column["private"]:
            continue
        lines = [(entry["value"], entry["rows"], "") for entry in column["top"]]
        others = column["others"]
        if others["values"]:
            lines.append((counted(others["values"], "other"), others["rows"], "pale"))
        if column["missing"]:
            lines.append(("missing", column["missing"], "pale"))
        most = max((rows for _, rows, _ in lines), default=1)
        body = "".join(
            f"<tr><td>{escape(value)}</td><td class='r'>{share(rows, facts['rows'])}</td>"
            f"<td class='wide'>{meter(rows, most, style)}</td></tr>"
            for value, rows, style in lines
        )
        head = f"{escape(column['name'])} <small>{counted(column['distinct'], 'value')}</small>"
        blocks.append(f"<div><h3>{head}</h3><table class='words'>{body}</table></div>")
    body = f"<div class='columns'>{''.join(blocks)}</div>"
    return section("Categories", body) if blocks else ""


def _sample(sample: Facts) -> str:
    if not sample["rows"]:
        return ""
    rows = [
        [f"<span class='one'>{escape(_plain(cell))}</span>" for cell in row]
        for row in sample["rows"]
    ]
    right = [i for i, cell in enumerate(sample["rows"][0]) if not isinstance(cell, str)]
    body = table(sample["columns"], rows, right=right)
    return section("Some rows, drawn at random", body, "Features only.")


def _plain(cell: str | float | None) -> str:
    if cell is None:
        return NONE
    return cell if isinstance(cell, str) else number(cell)


def _arrivals(facts: Facts) -> str:
    span, noun = facts["arrivals"], facts["noun"]
    if not span:
        return ""
    body = f"<p>By {escape(span['column'])}, {span['first']} to {span['last']} UTC.</p>"
    if span["hourly"]:
        body += f"<figure>{hourly_chart(span['hourly'], span['first_day'], noun)}</figure>"
    else:
        body += f"<figure>{daily_chart(span['daily'], noun)}"
        body += "<figcaption>Saturdays and Sundays are fainter.</figcaption></figure>"
    if span["hour_of_week"]:
        body += f"<figure>{week_chart(span['hour_of_week'], noun)}</figure>"
    return section("When they arrived", body)


def _states(states: Facts | None) -> str:
    if not states:
        return ""
    legend = "".join(f"<span><i class='state-{s}'></i>{s}</span>" for s in states["all"])
    chart = f"<div class='legend'>{legend}</div><figure>{states_chart(states)}</figure>"
    return section("How they ended, by site", chart)


def _missing(column: Facts, rows: int) -> str:
    if not column["missing"]:
        return "0"
    return f"{column['missing']:,}{small(share(column['missing'], rows))}"


def _value(value: float | str | None, unit: str | None) -> str:
    if value is None or isinstance(value, str):
        return NONE if value is None else escape(value).replace(" ", "<br>")
    return escape(number(value)) + small(in_human_units(value, unit))


def _quantity(value: float, unit: str | None) -> str:
    human = in_human_units(value, unit)
    return number(value) + (f" ({human})" if human else "")
