"""The charts of the data card: SVG that stands in the page and takes its colour from there."""

import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape
from typing import Any, Final

import matplotlib
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# More bars than these are drawn together, each the mean of some days.
_MOST_BARS: Final = 200
_ACCENT: Final = "#0072b2"
# Placeholders of the colours that the page's style has for final states.
_STATES: Final = {
    "finished": _ACCENT,
    "failed": "#d55e00",
    "closed": "#9aa3ad",
    "cancelled": "#cc79a7",
    "other": "#444c55",
}
_SHAPES_IN_A_LINE: Final = 3
# Equal input, equal bytes; text stays text, in the font of the page.
_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "redwood",
    "svg.fonttype": "none",
    "font.size": 8,
    # Names from a dump are no formulas.
    "text.parse_math": False,
}
_LONGEST_NAME: Final = 26


def daily_chart(daily: Mapping[str, int], noun: str) -> str:
    """Rows made each day, a bar a day (or some days, where there are many); weekends paler."""
    days = [date.fromisoformat(text) for text in daily]
    step = math.ceil(len(days) / _MOST_BARS)
    first = np.arange(0, len(days), step)
    means = np.add.reduceat([*daily.values()], first) / np.diff([*first, len(days)])
    weekend = [step == 1 and days[i].weekday() >= 5 for i in first]
    begins = [datetime.combine(days[i], datetime.min.time()) for i in first]
    label = f"{noun.capitalize()}s per day, UTC"
    return _bars(begins, means, step, np.where(weekend, 0.5, 1.0), label)


def hourly_chart(hourly: Sequence[int], first_day: str, noun: str) -> str:
    """Rows made each hour of a few days."""
    midnight = datetime.fromisoformat(first_day)
    counts = np.trim_zeros(np.array(hourly), "b")
    hours = [midnight + timedelta(hours=hour) for hour in range(len(counts))]
    label = f"{noun.capitalize()}s per hour, UTC"
    return _bars(hours, counts, 1 / 24, np.ones(len(counts)), label)


def week_chart(hour_of_week: Sequence[Sequence[float | None]], noun: str) -> str:
    """Mean number of rows an hour, by weekday and hour of the day."""
    means = np.array(hour_of_week, dtype=float)
    label = f"{noun.capitalize()}s per hour of the week, UTC"
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(4.9, 2.6), layout="constrained")
        axes = figure.subplots()
        # Cells as opaque as they are full, on whatever the page's colour is.
        levels = matplotlib.colors.LinearSegmentedColormap.from_list(
            "page", [f"{_ACCENT}0a", f"{_ACCENT}ff"]
        )
        axes.pcolormesh(np.arange(25), np.arange(8), means, cmap=levels, vmin=0)
        axes.set_yticks(np.arange(7) + 0.5, _WEEKDAYS)
        axes.invert_yaxis()
        axes.set_xticks(range(0, 25, 3), [f"{hour:02}" for hour in range(0, 25, 3)])
        axes.tick_params(length=0)
        axes.set_title(label, loc="left", fontsize=9)
        axes.spines[:].set_visible(False)
        return _svg(figure, label)


def sites_chart(sites: Sequence[Mapping[str, Any]], noun: str) -> str:
    """Rows of the busiest sites, a bar a site, divided by how the jobs ended.

    Args:
        sites: name and rows by final state of each, the busiest first.
        noun: what a row is.
    """
    names = [str(entry["site"]) for entry in sites]
    totals = [sum(entry["states"].values()) for entry in sites]
    told = ", ".join(f"{name} {total:,}" for name, total in zip(names, totals, strict=True))
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(4.9, 2.6), layout="constrained")
        axes = figure.subplots()
        places, left = np.arange(len(sites)), np.zeros(len(sites))
        for state in sites[0]["states"]:
            rows = np.array([entry["states"][state] for entry in sites], dtype=float)
            axes.barh(places, rows, 0.72, left, color=_STATES.get(state, _STATES["other"]))
            left += rows
        for place, total in zip(places, totals, strict=True):
            axes.annotate(
                f"{total:,}", (total, place), (3, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(places, [_cut(name) for name in names])
        axes.set_ylim(len(sites) - 0.4, -0.6)
        axes.set_xlim(0, 1.16 * max(totals))
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(f"{noun.capitalize()}s of the busiest sites", loc="left", fontsize=9)
        return _svg(figure, f"{noun.capitalize()}s of the busiest sites: {told}")


def shapes_chart(columns: Sequence[Mapping[str, Any]]) -> str:
    """How the values of numbers spread, a panel a column, from its least to its greatest value.

    Args:
        columns: each with its `name`, `counts` in equal bins of its scale, where in these its
            median lies (`middle`, 0 to 1), and in words its `least`, `median` and `greatest` value
            and its `scale`.
    """
    told = "; ".join(
        f"{c['name']} from {c['least']} to {c['greatest']}, median {c['median']}" for c in columns
    )
    lines = math.ceil(len(columns) / _SHAPES_IN_A_LINE)
    with matplotlib.rc_context(_STYLE):
        # Laid out by hand: to measure so many texts takes as long as all the rest.
        tall = 1.25 * lines
        edges = {"left": 0.005, "right": 0.995, "top": 1 - 0.2 / tall, "bottom": 0.2 / tall}
        figure = Figure(figsize=(9.0, tall))
        grid = figure.subplots(
            *(lines, _SHAPES_IN_A_LINE),
            squeeze=False,
            gridspec_kw={**edges, "wspace": 0.06, "hspace": 0.65},
        )
        for axes, column in zip(grid.flat, columns, strict=False):
            counts = np.array(column["counts"], dtype=float)
            axes.stairs(counts / counts.max(), np.linspace(0, 1, len(counts) + 1), fill=True,
                        color=_ACCENT)  # fmt: skip
            axes.axvline(column["middle"], color="black", linewidth=1)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1.05)
            axes.set_yticks([])
            axes.set_xticks([0, 1], [column["least"], column["greatest"]])
            for tick, side in zip(axes.get_xticklabels(), ("left", "right"), strict=True):
                tick.set_horizontalalignment(side)
            axes.tick_params(axis="x", length=0)
            axes.spines[["top", "right", "left"]].set_visible(False)
            title = f"{_cut(column['name'])}, median {column['median']} ({column['scale']})"
            axes.set_title(title, loc="left", fontsize=8)
        for axes in grid.flat[len(columns) :]:
            axes.set_visible(False)
        return _svg(figure, f"How numbers spread: {told}")


def _bars(
    begins: Sequence[datetime], heights: np.ndarray, days: float, alpha: np.ndarray, label: str
) -> str:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.0, 2.4), layout="constrained")
        axes = figure.subplots()
        first = date2num(list(begins))
        bars = axes.bar(first, heights, 0.85 * days, align="edge", color=_ACCENT)
        for bar, opacity in zip(bars, alpha, strict=True):
            bar.set_alpha(opacity)
        locator = AutoDateLocator(minticks=4, maxticks=12)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlim(first[0], first[-1] + days)
        axes.grid(axis="y", alpha=0.25)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_title(label, loc="left", fontsize=9)
        return _svg(figure, label)


def _cut(name: str) -> str:
    """A name from a dump in one line."""
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _svg(figure: Figure, label: str) -> str:
    """A figure as an element of a page: no header, no names that two figures would share."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    _, _, body = text.getvalue().partition("<svg ")
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*">', "<g>", body)
    body = re.sub(r' (?:xmlns(?::xlink)?|version)="[^"]*"', "", body)
    head, _, body = body.partition(">")
    [view] = re.findall(r'viewBox="[^"]*"', head)
    body = body.replace("#000000", "currentColor").replace(_ACCENT, "var(--accent)")
    for state, colour in _STATES.items():
        body = body.replace(colour, f"var(--{state})")
    return f'<svg {view} role="img" aria-label="{escape(label)}">{body}'
