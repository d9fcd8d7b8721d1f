"""The charts of the data card: inline SVG, coloured by the page, so that it may be light or dark.

The colours of states are Okabe and Ito's, told apart with any colour vision.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from typing import Any, Final

from redwood.card.wording import number, share

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# More bars than these are drawn together, each the mean of some days.
_MOST_BARS = 200
_MOST_TICKS = 14
_WIDTH, _LEFT, _RIGHT = 900, 62, 8


def daily_chart(daily: Mapping[str, int], noun: str) -> str:
    """Rows made each day, a bar a day (or some days, where there are many); weekends paler."""
    days = [date.fromisoformat(text) for text in daily]
    counts = list(daily.values())
    step = math.ceil(len(days) / _MOST_BARS)
    bars = []
    for start in range(0, len(days), step):
        group = counts[start : start + step]
        mean = sum(group) / len(group)
        is_weekend = step == 1 and days[start].weekday() >= 5
        name = str(days[start]) if step == 1 else f"{step} days from {days[start]}"
        weekday = f", {WEEKDAYS[days[start].weekday()]}" if step == 1 else ""
        tip = f"{name}{weekday}: {number(round(mean))} {noun}s a day"
        bars.append((mean, tip, "bar pale" if is_weekend else "bar"))
    ticks = [(index / step, text) for index, text in _date_ticks(days)]
    return _bar_chart(bars, ticks, f"{noun}s per day", "day of creation, UTC")


def hourly_chart(hourly: Sequence[int], first_day: str, noun: str) -> str:
    """Rows made each hour of a few days."""
    bars = []
    last = max(hour for hour, count in enumerate(hourly) if count)
    hourly = hourly[: last + 1]
    for hour, count in enumerate(hourly):
        day = date.fromordinal(date.fromisoformat(first_day).toordinal() + hour // 24)
        tip = f"{day} {hour % 24:02}:00: {count:,} {noun}s"
        bars.append((float(count), tip, "bar"))
    every = 3 if len(hourly) <= 49 else 6
    ticks = [(hour, f"{hour % 24:02}:00") for hour in range(0, len(hourly), every)]
    return _bar_chart(bars, ticks, f"{noun}s per hour", f"hour of creation from {first_day}, UTC")


def week_chart(hour_of_week: Sequence[Sequence[float | None]], noun: str) -> str:
    """Mean number of rows an hour, by weekday and hour of the day."""
    left, top, width, height = 44, 6, 30, 22
    most = max((v for row in hour_of_week for v in row if v is not None), default=0) or 1
    parts = []
    for weekday, row in enumerate(hour_of_week):
        y = top + weekday * height
        parts.append(_text(left - 6, y + height / 2 + 4, WEEKDAYS[weekday], "end"))
        for hour, value in enumerate(row):
            if value is None:
                continue
            tip = f"{WEEKDAYS[weekday]} {hour:02}:00–{hour + 1:02}:00: {number(round(value, 1))}"
            parts.append(
                f'<rect class="cell" x="{left + hour * width}" y="{y}" width="{width - 1}" '
                f'height="{height - 1}" style="fill-opacity:{_opacity(value / most)}">'
                f"<title>{tip} {noun}s per hour</title></rect>"
            )
    bottom = top + 7 * height
    parts += [
        _text(left + hour * width, bottom + 15, f"{hour:02}", "middle") for hour in range(0, 25, 3)
    ]
    parts.append(_text(left + 12 * width, bottom + 32, "hour of the day, UTC", "middle"))
    legend = left + 24 * width + 22
    for step in range(10):
        parts.append(
            f'<rect class="cell" x="{legend}" y="{top + (9 - step) * 14}" width="14" height="14" '
            f'style="fill-opacity:{_opacity((step + 0.5) / 10)}"/>'
        )
    parts += [
        _text(legend + 20, top + 10, number(float(f"{most:.2g}")), "start"),
        _text(legend + 20, top + 140, "0", "start"),
        _text(legend, top + 162, f"{noun}s per hour", "start"),
    ]
    return _svg(_WIDTH, bottom + 40, parts, f"{noun}s per hour by weekday and hour")


def states_chart(states: Mapping[str, Any]) -> str:
    """Shares of the final states at the largest sites, at all others, and everywhere."""
    rows = [(entry["site"], entry["states"]) for entry in states["sites"]]
    if states["others"]["sites"]:
        rows.append((f"{states['others']['sites']} others", states["others"]["states"]))
    rows.insert(0, ("all sites", states["all"]))
    left, right, height = 190, 84, 24
    width = _WIDTH - left - right
    parts = []
    bottom = len(rows) * height + 12
    for percent in range(0, 101, 20):
        x = left + width * percent / 100
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 15, f"{percent} %", "middle"))
    for index, (site, counts) in enumerate(rows):
        y = index * height + (8 if index else 0)
        total, x = sum(counts.values()), float(left)
        name = site if len(site) <= 26 else site[:25] + "…"
        parts.append(_text(left - 8, y + 16, name, "end", "strong" if not index else ""))
        for state, count in counts.items():
            if not count:
                continue
            length = width * count / total
            tip = f"{site}: {share(count, total)} {state} ({count:,})"
            parts.append(
                f'<rect class="state-{state}" x="{x:.1f}" y="{y + 3}" width="{length:.2f}" '
                f'height="{height - 6}"><title>{escape(tip)}</title></rect>'
            )
            x += length
        parts.append(_text(_WIDTH - 4, y + 16, f"{total:,}", "end"))
    parts.append(_text(_WIDTH - 4, bottom + 15, "jobs", "end"))
    return _svg(_WIDTH, bottom + 22, parts, "final states by site")


def small_histogram(counts: Sequence[int], tip: str) -> str:
    """The shape of a column, without axes; its range stands beside it in the table."""
    if not counts:
        return ""
    width, height = 132, 30
    # A constant is a thin bar as any other value is.
    counts = [*[0] * 20, *counts, *[0] * 20] if len(counts) == 1 else counts
    most, step = max(counts), width / len(counts)
    parts = [f"<title>{escape(tip)}</title>"]
    for index, count in enumerate(counts):
        if count:
            # A bin that is not empty is seen, however small its share.
            tall = max(1.0, (height - 1) * count / most)
            parts.append(
                f'<rect class="bar" x="{index * step:.2f}" y="{height - tall:.1f}" '
                f'width="{max(0.8, step - 0.4):.2f}" height="{tall:.1f}"/>'
            )
    parts.append(f'<line class="axis" x1="0" x2="{width}" y1="{height}" y2="{height}"/>')
    body = "".join(parts)
    return (
        f'<svg class="small" viewBox="0 0 {width} {height + 1}" width="{width}" '
        f'height="{height + 1}" role="img">{body}</svg>'
    )


def _bar_chart(
    bars: Sequence[tuple[float, str, str]],
    ticks: Sequence[tuple[float, str]],
    ordinate: str,
    abscissa: str,
) -> str:
    """Bars of (height, tip, class) and ticks of (position in bars, text)."""
    top, height = 22, 170
    width = _WIDTH - _LEFT - _RIGHT
    bottom, step = top + height, width / len(bars)
    levels = _levels(max(bar[0] for bar in bars))
    parts = [_text(4, 12, ordinate, "start")]
    for level in levels:
        y = bottom - height * level / levels[-1]
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(_text(_LEFT - 6, y + 4, number(level), "end"))
    gap = min(2.0, 0.15 * step)
    for index, (value, tip, style) in enumerate(bars):
        tall = height * value / levels[-1]
        parts.append(
            f'<rect class="{style}" x="{_LEFT + index * step + gap / 2:.2f}" '
            f'y="{bottom - tall:.1f}" width="{step - gap:.2f}" height="{tall:.1f}">'
            f"<title>{escape(tip)}</title></rect>"
        )
    parts.append(
        f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    )
    for position, text in ticks:
        x = _LEFT + position * step
        parts.append(
            f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        )
        parts.append(_text(x + 2, bottom + 16, text, "start"))
    parts.append(_text(_LEFT + width / 2, bottom + 34, abscissa, "middle"))
    return _svg(_WIDTH, bottom + 42, parts, f"{ordinate} by {abscissa}")


def _levels(most: float) -> list[float]:
    """Three to six round numbers from 0 to at least `most`."""
    rough = max(most, 1) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    step = max(1, step)
    return [step * index for index in range(math.ceil(max(most, 1) / step) + 1)]


def _date_ticks(days: Sequence[date]) -> list[tuple[int, str]]:
    """Days, Mondays, months or years: the finest that leaves few enough ticks."""
    rules = (
        (lambda day: True, "%d %b"),
        (lambda day: day.weekday() == 0, "%d %b"),
        (lambda day: day.day == 1, "%b %Y"),
        (lambda day: day.day == 1 and day.month in (1, 4, 7, 10), "%b %Y"),
        (lambda day: day.day == 1 and day.month == 1, "%Y"),
    )
    for is_tick, form in rules:
        ticks = [(index, day.strftime(form)) for index, day in enumerate(days) if is_tick(day)]
        if len(ticks) <= _MOST_TICKS:
            return ticks
    return ticks[:: math.ceil(len(ticks) / _MOST_TICKS)]


def _opacity(part: float) -> str:
    return f"{0.04 + 0.96 * part:.3f}"


def _text(x: float, y: float, text: str, anchor: str, style: str = "") -> str:
    styled = f' class="{style}"' if style else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{styled}>{escape(str(text))}</text>'
    )


def _svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height:.0f}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
