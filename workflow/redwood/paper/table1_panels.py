"""The second level of Table I: every measure with floors and intervals, and multiples."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import pandas as pd

from redwood.paper.comparison import (
    LAW,
    SIMULATION,
    floor_range,
    is_of_faithfulness,
    is_of_law,
    leaders,
    multiple,
    other_multiple,
    reaches_floor,
    typical_multiples,
)
from redwood.paper.evaluations import Measure, Measures
from redwood.paper.other_floors import OtherFloors
from redwood.paper.rendering import NONE, Block, Cell, plain_number, with_interval

FLOOR = "real (floor)"

_ARROWS = {"lower": " ↓", "higher": " ↑", "near floor": " ≈ floor"}
_TITLE = "Value and 95 % interval: the paper's measures"
_FURTHER_TITLE = "Value and 95 % interval: measures that the paper does not have"
_LAW_TITLE = (
    "Value and 95 % interval: measures of the law, how those who send rows behave, whoever they are"
)
_SIMULATED_TITLE = "Value and 95 % interval: what the simulation makes of the jobs"
_MULTIPLES_TITLE = "As multiples of the floor"
_OTHER_MULTIPLES_TITLE = "As multiples of the floor: privacy and simulation"
_LAW_MULTIPLES_TITLE = "As multiples of the floor: the law"
_PAPER_TITLE = "For orientation, the paper's own figures (arXiv 2410.07940), on other data"
# More columns than this stand below each other, so that the table fits on a page.
_MOST_MEASURES = 7
# Real rows, too, score about .87 and .80 there: whatever that scale is, it is not a distance
# per column. Where what it seems to be was measured, the paper's values stand there.
OTHER_SCALE = {"wd": "wd_paper", "jsd": "jsd_paper"}
_SCALE_NOTE = (
    "On another scale, on which even a perfect sample scores about 0.87 (WD) and 0.80 (JSD): to be "
    "compared with the paper's other models only, not with this run."
)
_REACHES = "*"

Rows = list[tuple[str, list[Cell]]]
_Column = TypeVar("_Column")


def heading(measure: Measure) -> str:
    """A measure as it heads a column: its title, and which way is better."""
    return measure["title"] + _ARROWS[measure["direction"]]


def other_floor_name(other: OtherFloors) -> str:
    """The name of the row of the second floor."""
    return f"real, {other.title} (floor)"


def value_blocks(
    measured: Mapping[str, Measures],
    models: Mapping[str, Measures],
    titles: Measures,
    published: pd.DataFrame,
    other: OtherFloors | None,
    remarks: Mapping[str, str],
) -> Iterator[Block]:
    """The values with their intervals, and after those that the paper has its own figures.

    Args:
        measured: model or control → its measures.
        models: the same of models alone.
        titles: every measure that is shown.
        published: the paper's figures.
        other: the second floor.
        remarks: on models.
    """
    in_paper = set(published["measure"])
    published = published.replace(
        {"measure": {name: here for name, here in OTHER_SCALE.items() if here in titles}}
    )
    for place, panel in enumerate(_panels(titles, in_paper | set(published["measure"]))):
        best = {name: leaders(name, models) for name in panel}
        rows = floor_rows(measured, panel, other)
        rows += [
            (model, [value_cell(measures.get(name), model in best[name]) for name in panel])
            for model, measures in measured.items()
        ]
        title = {SIMULATION: _SIMULATED_TITLE, LAW: _LAW_TITLE}.get(
            titles[panel[0]]["aspect"], _FURTHER_TITLE if place else _TITLE
        )
        header = ["model", *(heading(titles[name]) for name in panel)]
        yield Block(title, rows, header, remarks, folded=True)
        if cited := _cited(published, panel):
            yield Block(_PAPER_TITLE, cited, header, folded=True)


def floor_rows(
    measured: Mapping[str, Measures], names: Sequence[str], other: OtherFloors | None
) -> Rows:
    """What real rows score by these measures: of the same units, and of others where known."""
    rows = [(FLOOR, [_floor(measured, name) for name in names])]
    if other is not None and any(name in other.measures for name in names):
        rows.append((other_floor_name(other), [_second_floor(other, name) for name in names]))
    return rows


def value_cell(measure: Measure | None, leads: bool) -> Cell:
    """A value with its interval and marks; without one, a footnote says why."""
    if measure is None:
        return Cell(NONE, footnote="Not measured for this model.")
    if measure["value"] is None:
        return Cell(NONE, footnote=measure.get("note", ""))
    appended = _REACHES if reaches_floor(measure) else ""
    value, interval = with_interval(measure["value"], measure["low"], measure["high"])
    return Cell(value, interval, "", leads, appended)


def multiple_cell(found: float | None) -> Cell:
    """A multiple of a floor, to one decimal below a hundred."""
    if found is None:
        return Cell(NONE)
    return Cell(f"{found:.1f}" if found < 99.95 else f"{found:.0f}")


def multiple_blocks(
    measured: Mapping[str, Measures], titles: Measures, other: OtherFloors | None
) -> Iterator[Block]:
    """Multiples of the floors; those of faithfulness first, with the typical one as the last.

    Measures of the law are by the second floor, where that is known.
    """
    known = other is not None
    law_title = _LAW_MULTIPLES_TITLE
    if other is not None:
        law_title = f"As multiples of the floor of {other.title}: the law"
    groups: dict[str, list[tuple[str, Mapping[str, float | None]]]] = {
        _MULTIPLES_TITLE: [],
        law_title: [],
        _OTHER_MULTIPLES_TITLE: [],
    }
    faithful, law, others = groups.values()
    for name, measure in titles.items():
        is_law = measure["aspect"] == LAW
        if not (known and is_law):
            columns = faithful if is_of_faithfulness(measure) else law if is_law else others
            _add(columns, measure, {m: multiple(of.get(name)) for m, of in measured.items()})
        if known and is_of_law(measure):
            _add(law, measure, {m: other_multiple(of.get(name)) for m, of in measured.items()})
    if typical := typical_multiples(measured):
        faithful.append(("typical", typical))
    for title, columns in groups.items():
        for panel in _in_panels(columns):
            rows = [
                (model, [multiple_cell(column[model]) for _, column in panel]) for model in measured
            ]
            yield Block(title, rows, ["model", *(name for name, _ in panel)], folded=True)


def _panels(titles: Measures, published: set[str]) -> list[list[str]]:
    """The measures that stand side by side: the paper's own, others, law, the simulation's."""
    groups: list[list[str]] = [[], [], [], []]
    for name, measure in titles.items():
        own = {LAW: 2, SIMULATION: 3}.get(measure["aspect"])
        groups[(0 if name in published else 1) if own is None else own].append(name)
    return [panel for names in groups for panel in _in_panels(names)]


def _in_panels(columns: Sequence[_Column]) -> list[list[_Column]]:
    begins = range(0, len(columns), _MOST_MEASURES)
    return [list(columns[begin : begin + _MOST_MEASURES]) for begin in begins]


def _add(
    columns: list[tuple[str, Mapping[str, float | None]]],
    measure: Measure,
    column: Mapping[str, float | None],
) -> None:
    if any(found is not None for found in column.values()):
        columns.append((measure["title"], column))


def _floor(measured: Mapping[str, Measures], name: str) -> Cell:
    """The floors of a measure, a range where those of the models differ."""
    floors = [measures[name]["floor"] for measures in measured.values() if name in measures]
    known = sorted(floor for floor in floors if floor is not None)
    if not known:
        return Cell(NONE)
    ranges = [floor_range(measures[name]) for measures in measured.values() if name in measures]
    draws = [end for ends in ranges if ends is not None for end in ends]
    below = f"[{plain_number(min(draws))}, {plain_number(max(draws))}]" if draws else ""
    return Cell(" to ".join(dict.fromkeys(map(plain_number, (known[0], known[-1])))), below)


def _second_floor(other: OtherFloors, name: str) -> Cell:
    """What real rows of other units score, and the range of the draws."""
    if (found := other.measures.get(name)) is None:
        return Cell(NONE)
    draws = found["floor_draws"]
    below = f"[{plain_number(min(draws))}, {plain_number(max(draws))}]" if len(draws) > 1 else ""
    return Cell(plain_number(found["floor"]), below)


def _cited(published: pd.DataFrame, names: Sequence[str]) -> Rows:
    rows = []
    for model, figures in published.groupby("model", sort=False):
        values = dict(zip(figures["measure"], figures["value"], strict=True))
        cells = [
            Cell(f"{values[name]:.3f}", footnote=_SCALE_NOTE if name in OTHER_SCALE else "")
            if name in values
            else Cell(NONE)
            for name in names
        ]
        if set(values) & set(names):
            rows.append((f"{model} (paper)", cells))
    return rows
