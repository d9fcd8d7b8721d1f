"""Table I for readers: ten columns that fit a page, and below them, folded, all the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from redwood.paper.comparison import (
    SIMULATION,
    compared_measures,
    compared_of_law,
    floor_range,
    leaders,
    typical_multiples,
    typical_of_draws,
    typical_other_multiples,
)
from redwood.paper.evaluations import Evaluated, Measure, Measures
from redwood.paper.other_floors import OtherFloors
from redwood.paper.outcome_measures import RANKING
from redwood.paper.recommendation import Decision
from redwood.paper.rendering import NONE, Block, Cell, Page
from redwood.paper.table1_panels import (
    FLOOR,
    OTHER_SCALE,
    Rows,
    floor_rows,
    heading,
    multiple_blocks,
    multiple_cell,
    other_floor_name,
    value_blocks,
    value_cell,
)

# Columns of the first level beside the model's name, and those that it has after the paper's own
# measures, if they were measured.
_MOST_COLUMNS = 9
_AFTER_THE_PAPER_S = ("c2st", RANKING)

_MARKS = (
    "Bold: the best model of the column, and every other that the 95 % intervals do not tell from "
    "it. Controls{controls} are never bold. Asterisk: not told from real rows, for the interval "
    "reaches the floor."
)
_RULES = [
    "Two models are not told apart where they differ by at most √(a² + b²), a and b being the "
    "halves of the two intervals that face each other. Where no model has an interval, nothing is "
    "bold.",
    "Where the floor is of one sample of real rows, a value has an asterisk if the interval of "
    "value − floor reaches 0.",
    f"{FLOOR}: the holdout baseline, what real rows reach in place of the synthetic ones, as many "
    "of them. No model can be expected to do better.",
]
_ROWS_NOTE = (
    "Rows evaluated: as many of a sample as the real samples of the floor have rows, which share "
    "none and come from the training rows; so it may be a row or two fewer than were drawn."
)
_OTHER_UNITS_NOTE = (
    "The test rows are of other units than the training rows (`records.split.method`). So is the "
    f"row {FLOOR}, then: nothing here is compared with rows of the same units."
)
_DRAWS_NOTE = "Below a floor: the least and the greatest of several draws of real rows."


@dataclass(frozen=True)
class TableOne:
    """What Table I is made of.

    Attributes:
        evaluated: model or control → what is known of it.
        published: the paper's figures: model, measure, value.
        decided: model → what the release gate decided.
        other: the second floor.
    """

    evaluated: Mapping[str, Evaluated]
    published: pd.DataFrame
    decided: Mapping[str, Decision]
    other: OtherFloors | None

    @cached_property
    def measured(self) -> dict[str, Measures]:
        return {model: one.measures for model, one in self.evaluated.items()}

    @cached_property
    def models(self) -> dict[str, Measures]:
        """The measures of those that are no controls."""
        return {m: one.measures for m, one in self.evaluated.items() if not one.is_control}

    @cached_property
    def titles(self) -> dict[str, Measure]:
        """Every measure that some model has, in the order of their first occurrence."""
        found: dict[str, Measure] = {}
        for measures in self.measured.values():
            for name, measure in measures.items():
                found.setdefault(name, measure)
        return found

    @cached_property
    def controls(self) -> list[str]:
        return [model for model, one in self.evaluated.items() if one.is_control]

    @property
    def remarks(self) -> dict[str, str]:
        """What is to be known of a model before its values."""
        return {model: text for model in self.evaluated if (text := self._remark(model))}

    def _remark(self, model: str) -> str:
        one, decision = self.evaluated[model], self.decided.get(model)
        remarks = {
            "control": one.is_control,
            "fails privacy": one.passes is False,
            "released": decision is not None and decision.released,
            "withheld": decision is not None and not decision.released,
        }
        return ", ".join(remark for remark, holds in remarks.items() if holds)


def page_of(content: TableOne, lead: str, shortfalls: Sequence[str]) -> Page:
    """The page.

    Args:
        content: what it shows.
        lead: which model to publish and which to replay, in words.
        shortfalls: what did not go as asked, a sentence each.
    """
    header, rows, definitions = _first_level(content)
    titles = content.titles
    definitions |= {heading(m): _definition(m) for m in titles.values()}
    definitions |= {measure["title"]: _definition(measure) for measure in titles.values()}
    measured = content.measured
    remarks = content.remarks
    first = Block("This run in short", rows, None, remarks, brief=True)
    blocks = [first] if len(header) > 1 else []
    blocks += value_blocks(
        measured, content.models, titles, content.published, content.other, remarks
    )
    blocks += multiple_blocks(measured, titles, content.other)
    sizes = sorted({one.rows for one in content.evaluated.values()})
    sizes_text = " to ".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
    caption = f"Surrogates by measure, {sizes_text} rows of each sample evaluated."
    if (other := content.other) is not None:
        caption += (
            f" Two floors for two questions. {other.same.capitalize()}: does a sample stand in for "
            f"these very records? {other.title.capitalize()}: is it what others would have sent on "
            "other days?"
        )
    named = f" ({', '.join(content.controls)})" if content.controls else ""
    notes = [_MARKS.format(controls=named), _note_of_trainings(content)]
    folded = {
        "Warnings": list(shortfalls),
        "Remarks on single values": _remarks_on_values(content),
        "How to read it": _how_to_read(content),
        "Privacy of each model": [
            f"Privacy, {model}: {one.words}." for model, one in content.evaluated.items()
        ],
        "Definitions of the measures": [
            f"{measure['title']}: {_definition(measure)}" for measure in titles.values()
        ],
    }
    return Page("Table I", caption, header, blocks, notes, lead, folded, definitions)


def _first_level(content: TableOne) -> tuple[list[str], Rows, dict[str, str]]:
    """Header, rows and, of columns that are no measure, definitions of the first level."""
    measured, titles, other = content.measured, content.titles, content.other
    some = next(iter(measured.values()), {})
    same, law = typical_multiples(measured), typical_other_multiples(measured)
    typical: list[tuple[str, Mapping[str, float], Cell, Cell]] = []
    definitions = {}
    if same:
        name = f"{other.same} ↓" if other is not None else "typical ↓"
        draws = _draws(some, compared_measures(measured), "floor_draws")
        typical.append((name, same, draws, Cell(NONE)))
        definitions[name] = (
            "How many times as far from real rows as other real rows are: the geometric mean over "
            f"{_names(titles, compared_measures(measured))}; a multiple below 1 counts as 1."
        )
    if law and other is not None:
        name = f"{other.title} ↓"
        draws = _draws(some, compared_of_law(measured), "other_floor_draws")
        typical.append((name, law, Cell(NONE), draws))
        definitions[name] = (
            f"How many times as far from real rows as those of {other.title} are: the geometric "
            f"mean over {_names(titles, compared_of_law(measured))}."
        )
    names = _first_measures(content, _MOST_COLUMNS - len(typical))
    header = ["model", *(column[0] for column in typical)]
    header += [heading(titles[name]) for name in names]
    floors = floor_rows(measured, names, other)
    if other is not None and len(floors) == 1:
        floors.append((other_floor_name(other), [Cell(NONE) for _ in names]))
    of_typical = [[of_same for *_, of_same, _ in typical], [of_other for *_, of_other in typical]]
    rows = [
        (name, [*before, *cells]) for (name, cells), before in zip(floors, of_typical, strict=False)
    ]
    best = {name: leaders(name, content.models) for name in names}
    rows += [
        (
            model,
            [
                *(multiple_cell(values[model]) for _, values, _, _ in typical),
                *(value_cell(measures.get(name), model in best[name]) for name in names),
            ],
        )
        for model, measures in measured.items()
    ]
    return header, rows, definitions


def _first_measures(content: TableOne, room: int) -> list[str]:
    """The paper's measures on their own scale, those that tell most, then others that fit."""
    titles = content.titles
    own = [name for name in dict.fromkeys(content.published["measure"]) if name in titles]
    after = [name for name in _AFTER_THE_PAPER_S if name in titles]
    first = [*own[: room - len(after)], *after]
    scales = OTHER_SCALE.values()
    others = [name for name in titles if name not in first and name not in scales]
    known = [name for name in others if titles[name]["value"] is not None]
    chosen = {*first, *known[: room - len(first)]}
    order = [*own, *(name for name in titles if name not in own and name not in after), *after]
    return [name for name in order if name in chosen]


def _draws(measures: Measures, names: Sequence[str], draws: str) -> Cell:
    """What the draws of real rows come to themselves: the mean and the range."""
    found = typical_of_draws(measures, names, draws)
    if not found:
        return Cell("1")
    return Cell(f"{sum(found) / len(found):.1f}", f"[{min(found):.1f}, {max(found):.1f}]")


def _names(titles: Measures, names: Sequence[str]) -> str:
    return ", ".join(titles[name]["title"] for name in names)


def _how_to_read(content: TableOne) -> list[str]:
    measured, titles, other = content.measured, content.titles, content.other
    notes = [*_RULES, _ROWS_NOTE]
    if compared := compared_measures(measured):
        notes.append(
            "Multiple of the floor: value over floor, how many times as far from real rows a "
            "sample is as other real rows are; for measures that tend to 0 for real rows as their "
            "number grows. Typical: what a model's multiples come to in one number, their "
            f"geometric mean over {_names(titles, compared)}; a multiple below 1 counts as 1."
        )
    if other is not None:
        notes.append(
            f"{other_floor_name(other)}: what real rows of {other.title} score: {other.words}."
        )
        if of_law := compared_of_law(measured):
            notes.append(
                f"Typical of {other.title}: likewise, with the floor of {other.title}, over "
                f"{_names(titles, of_law)}: measures that do not ask for the same "
                f"{other.title.removeprefix('other ')} again. In the rows of real rows stands what "
                "their draws come to themselves, each against the mean of the others: no sample "
                "can be expected to do better."
            )
    if not all(one.shares_units for one in content.evaluated.values()):
        notes.append(_OTHER_UNITS_NOTE)
    if any(floor_range(measure) for of in measured.values() for measure in of.values()):
        notes.append(_DRAWS_NOTE)
    return notes


def _remarks_on_values(content: TableOne) -> list[str]:
    """Notes on values that are there, each with the models that it is of."""
    found: dict[tuple[str, str], list[str]] = {}
    for model, measures in content.measured.items():
        for measure in measures.values():
            if (note := measure.get("note", "")) and measure["value"] is not None:
                found.setdefault((measure["title"], note), []).append(model)
    return [f"{title}, {', '.join(models)}: {note}" for (title, note), models in found.items()]


def _note_of_trainings(content: TableOne) -> str:
    """Over how many trainings the values and intervals are."""
    counts = sorted({one.trainings for one in content.evaluated.values()})
    if counts[-1] == 1:
        return (
            "Each model was trained once. The intervals are over rows: they do not say how much "
            "another training of the same model would differ (`surrogates.seeds`)."
        )
    number = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    simulated = any(measure["aspect"] == SIMULATION for measure in content.titles.values())
    return (
        f"Each model was trained {number} times, each time with another seed. A value is the mean "
        "of its trainings, and its interval covers both the rows and the trainings. A model fails "
        "privacy if the sample of one training does."
        + (" What is simulated is the first training's sample." if simulated else "")
    )


def _definition(measure: Measure) -> str:
    unit = f" In {measure['unit']}." if measure["unit"] not in ("", "1", None) else ""
    return f"{measure['definition']}{unit}"
