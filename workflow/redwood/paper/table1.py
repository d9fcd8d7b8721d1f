"""Table I: how faithful and how close each model is, with floors and the paper's own figures.

What the values come to is beside them: multiples of the floor and marks (see
`redwood.paper.comparison`), and which model to publish (`redwood.paper.recommendation`). Of several
trainings of a model see `redwood.paper.combining`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.outputs import write_json, write_text, writing
from redwood.paper.comparison import (
    LAW,
    SIMULATION,
    compared_measures,
    compared_of_law,
    floor_range,
    is_of_faithfulness,
    is_of_law,
    leaders,
    multiple,
    other_multiple,
    reaches_floor,
    typical_multiples,
    typical_of_draws,
    typical_other_multiples,
)
from redwood.paper.evaluations import NUMBERS, Evaluated, Measure, Measures, read_evaluations
from redwood.paper.other_floors import OtherFloors, read_other_floors, with_other_floors
from redwood.paper.outcome_measures import outcome_measures
from redwood.paper.outcomes import read_outcomes
from redwood.paper.reading import read_csv
from redwood.paper.recommendation import read_decision, recommend
from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number, with_interval

FLOOR = "real (floor)"

_ARROWS = {"lower": " ↓", "higher": " ↑", "near floor": " ≈ floor"}
_DERIVED = (
    *("floor_low", "floor_high", "multiple"),
    *("other_floor", "other_floor_low", "other_floor_high", "other_multiple"),
)
_TITLE = "This run: value and 95 % interval"
_FURTHER_TITLE = "This run, measures that the paper does not have"
_LAW_TITLE = "This run, measures of the law: how those who send rows behave, whoever they are"
_SIMULATED_TITLE = "This run, what the simulation makes of the jobs"
_MULTIPLES_TITLE = "This run, as multiples of the floor"
_OTHER_MULTIPLES_TITLE = "This run, as multiples of the floor: privacy and simulation"
_LAW_MULTIPLES_TITLE = "This run, as multiples of the floor: the law"
_SHORT_TITLE = "This run in short: typical multiples of the two floors"
# More columns than this stand below each other, so that the table fits on a page.
_MOST_MEASURES = 7
_PAPER_TITLE = "For orientation, the paper's own figures (arXiv 2410.07940), on other data"
# Real rows, too, score about .87 and .80 there: whatever that scale is, it is not a distance
# per column. Where what it seems to be was measured, the paper's values stand there.
_OTHER_SCALE = {"wd": "wd_paper", "jsd": "jsd_paper"}
_SCALE_NOTE = (
    "On another scale, on which even a perfect sample scores about 0.87 (WD) and 0.80 (JSD): to be "
    "compared with the paper's other models only, not with this run."
)

_REACHES = "*"
_NOTES = [
    "Bold: the best model of the column, and every other that the 95 % intervals do not tell from "
    "it: the difference is at most √(a² + b²), a and b being the halves of the two intervals that "
    "face each other. Controls{controls} are never bold; where no model has an interval, nothing "
    "is.",
    "Asterisk: the interval reaches the floor, so the value cannot be told from that of real rows; "
    "where the floor is of one sample of real rows, the interval of value − floor reaches 0.",
]
_FLOOR_NOTE = (
    f"{FLOOR}: the holdout baseline, what real rows reach in place of the synthetic ones, as many "
    "of them. No model can be expected to do better."
)
_OTHER_UNITS_NOTE = (
    "The test rows are of other units than the training rows (`records.split.method`). So is the "
    f"row {FLOOR}, then: nothing here is compared with rows of the same units."
)
_DRAWS_NOTE = "Below a floor: the least and the greatest of several draws of real rows."

# Title, headings (none: those of the panel above) and rows, each a name and its cells.
_Rows = list[tuple[str, list[Cell]]]
_Panel = tuple[str, list[str], _Rows]


def write_table1(
    evaluations: Sequence[Path],
    paper: Path,
    prefix: Path,
    outcomes: Path | None = None,
    decisions: Sequence[Path] = (),
    other_floors: Path | None = None,
) -> list[str]:
    """Write Table I: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    A summary goes beside them as JSON.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model; folders of the
            same name are of several trainings of that model.
        paper: CSV with the paper's figures: model, measure, value.
        prefix: the files' path without their endings.
        outcomes: the CSV that `redwood simulation outcomes` wrote; its outcomes on the models' jobs
            join the measures.
        decisions: what the release gate decided (`decision.json`), of some models.
        other_floors: the folder that `redwood other-floors` wrote, what real rows of other units
            score; by the second floor the table then tells the population from the stand-in.

    Returns:
        What did not go as asked in the evaluations and the simulation, a sentence each; notes say
        it, too.

    Raises:
        InputError: an evaluation is missing, incomplete or given twice, another file is not what
            it should be, or trainings of a model were evaluated by other measures.
    """
    published = read_csv(paper, ("model", "measure", "value"), numbers=("value",))
    evaluated = read_evaluations(evaluations)
    shortfalls = [
        f"{model}: {warning}" for model, one in evaluated.items() for warning in one.warnings
    ]
    if outcomes is not None:
        read = read_outcomes(outcomes)
        simulated = outcome_measures(read)
        shortfalls += [f"Simulation: {sentence}" for sentence in read.shortfalls]
        evaluated = {
            model: replace(one, measures={**one.measures, **_simulated(simulated.get(model, {}))})
            for model, one in evaluated.items()
        }
    other = None if other_floors is None else read_other_floors(other_floors)
    if other is not None:
        evaluated = with_other_floors(evaluated, other)
        shortfalls += [
            f"{model}: {one.rows:,} rows, where the floor of {other.title} is of {other.rows:,}"
            for model, one in evaluated.items()
            if one.rows != other.rows
        ]
    tidy = _tidy(evaluated)
    others = "" if other is None else other.title
    recommendation = recommend(evaluated, dict(map(read_decision, decisions)), others)
    titles = _titles(evaluated)
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    _page(evaluated, titles, published, recommendation.words, shortfalls, other).save(prefix)
    write_json(
        f"{prefix}.json",
        {
            "models": list(evaluated),
            "measures": list(titles),
            "without_value": int(tidy["value"].isna().sum()),
            "typical_multiples": typical_multiples(_measures(evaluated)),
            "typical_other_multiples": typical_other_multiples(_measures(evaluated)),
            "other_floor": None if other is None else {"title": other.title, "words": other.words},
            "recommendation": {
                "model": recommendation.model,
                "replay": recommendation.replay,
                "words": recommendation.words,
            },
            "of_the_paper_not_shown": sorted(set(published["measure"]) - set(titles)),
            "remarks": shortfalls,
        },
    )
    return shortfalls


def _measures(evaluated: Mapping[str, Evaluated]) -> dict[str, Measures]:
    return {model: one.measures for model, one in evaluated.items()}


def _simulated(measures: Measures) -> Measures:
    """Outcomes of the simulation, which runs the first training's jobs, as measures like others."""
    more = {"aspect": SIMULATION, "limit": 0.0, "needs_densities": False, "trainings": 1}
    more["of_law"] = False
    return {name: {**measure, **more} for name, measure in measures.items()}


def _tidy(evaluated: Mapping[str, Evaluated]) -> pd.DataFrame:
    table = [
        {
            "model": model,
            "measure": name,
            **{key: measure[key] for key in NUMBERS},
            **dict(zip(_DERIVED, _derived(measure), strict=True)),
            "rows": one.rows,
            "seeds": measure["trainings"],
        }
        for model, one in evaluated.items()
        for name, measure in one.measures.items()
    ]
    numbers = [*NUMBERS, *_DERIVED]
    columns = ["model", "measure", *numbers, "rows", "seeds"]
    return pd.DataFrame(table, columns=columns).astype(dict.fromkeys(numbers, "float64"))


def _derived(measure: Measure) -> tuple[float | None, ...]:
    """The ends of the range of the floor and the multiple of it; the second floor, likewise."""
    return (
        *(floor_range(measure) or (None, None)),
        multiple(measure),
        measure.get("other_floor"),
        *(floor_range(measure, "other_floor_draws") or (None, None)),
        other_multiple(measure),
    )


def _titles(evaluated: Mapping[str, Evaluated]) -> dict[str, Measure]:
    """Every measure that some model has, in the order of their first occurrence."""
    found: dict[str, Measure] = {}
    for one in evaluated.values():
        for name, measure in one.measures.items():
            found.setdefault(name, measure)
    return found


def _page(
    evaluated: Mapping[str, Evaluated],
    titles: Measures,
    published: pd.DataFrame,
    lead: str,
    shortfalls: Sequence[str],
    other: OtherFloors | None,
) -> Page:
    measured = _measures(evaluated)
    panels = [
        *_short(measured, other),
        *_results(evaluated, titles, published, other),
        *_multiples(measured, titles, other),
    ]
    width = max((len(headings) for _, headings, _ in panels), default=0)
    remarks = {model: text for model, one in evaluated.items() if (text := _remark(one))}
    blocks = [
        Block(
            title,
            [(name, _padded(cells, width, Cell(""))) for name, cells in rows],
            # The page has the header of the first panel.
            ["model", *_padded(headings, width, "")] if headings and place else None,
            remarks,
        )
        for place, (title, headings, rows) in enumerate(panels)
    ]
    header = ["model", *_padded(panels[0][1], width, "")] if panels else ["model"]
    sizes = sorted({one.rows for one in evaluated.values()})
    sizes_text = " to ".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
    caption = f"Surrogates by measure, on {sizes_text} synthetic rows each."
    if other is not None:
        caption += (
            f" Two floors for two questions. {other.same.capitalize()}: does a sample stand in for "
            f"these very records? {other.title.capitalize()}: is it what others would have sent on "
            "other days?"
        )
    notes = _notes(evaluated, titles, other) + list(shortfalls)
    return Page("Table I", caption, header, blocks, notes, lead)


def _padded(items: Sequence[Any], width: int, empty: Any) -> list[Any]:
    return [*items, *[empty] * (width - len(items))]


def _remark(one: Evaluated) -> str:
    remarks = {"control": one.is_control, "fails privacy": one.passes is False}
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def _notes(
    evaluated: Mapping[str, Evaluated], titles: Measures, other: OtherFloors | None
) -> list[str]:
    measured = _measures(evaluated)
    controls = ", ".join(model for model, one in evaluated.items() if one.is_control)
    notes = [f"Privacy, {model}: {one.words}." for model, one in evaluated.items()]
    notes += [note.format(controls=f" ({controls})" if controls else "") for note in _NOTES]
    notes.append(_note_of_trainings(titles, evaluated))
    if compared := [titles[name]["title"] for name in compared_measures(measured)]:
        notes.append(
            "Multiple of the floor: value over floor, how many times as far from real rows a "
            "sample is as other real rows are; for measures that tend to 0 for real rows as their "
            "number grows. Typical: what a model's multiples come to in one number, their "
            f"geometric mean over {', '.join(compared)}; a multiple below 1 counts as 1."
        )
    if other is not None:
        notes.append(
            f"{_other_floor(other)}: what real rows of {other.title} score: {other.words}."
        )
        if of_law := [titles[name]["title"] for name in compared_of_law(measured)]:
            notes.append(
                f"Typical of {other.title}: likewise, with the floor of {other.title}, over "
                f"{', '.join(of_law)}: measures that do not ask for the same "
                f"{other.title.removeprefix('other ')} again. Below a typical multiple of real "
                "rows, and beside it, what their draws come to themselves, each against the mean "
                "of the others: no sample can be expected to do better."
            )
    notes += [_definition(measure) for measure in titles.values()]
    notes.append(_FLOOR_NOTE)
    if not all(one.shares_units for one in evaluated.values()):
        notes.append(_OTHER_UNITS_NOTE)
    if any(floor_range(measure) for of in measured.values() for measure in of.values()):
        notes.append(_DRAWS_NOTE)
    return notes


def _note_of_trainings(titles: Measures, evaluated: Mapping[str, Evaluated]) -> str:
    """Over how many trainings the values and intervals are."""
    counts = sorted({one.trainings for one in evaluated.values()})
    if counts[-1] == 1:
        return (
            "Each model was trained once. The intervals are over rows: they do not say how much "
            "another training of the same model would differ (`surrogates.seeds`)."
        )
    number = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    simulated = any(measure["aspect"] == SIMULATION for measure in titles.values())
    return (
        f"Each model was trained {number} times, each time with another seed. A value is the mean "
        "of its trainings, and its interval covers both the rows and the trainings. A model fails "
        "privacy if the sample of one training does."
        + (" What is simulated is the first training's sample." if simulated else "")
    )


def _other_floor(other: OtherFloors) -> str:
    """The name of the row of the second floor."""
    return f"real, {other.title} (floor)"


def _short(measured: Mapping[str, Measures], other: OtherFloors | None) -> Iterator[_Panel]:
    """What the table comes to: each model by both floors."""
    same, law = typical_multiples(measured), typical_other_multiples(measured)
    if other is None or not (same and law):
        return
    some = next(iter(measured.values()))
    rows = [
        (FLOOR, [_draws(some, compared_measures(measured), "floor_draws"), Cell("")]),
        (
            _other_floor(other),
            [Cell(""), _draws(some, compared_of_law(measured), "other_floor_draws")],
        ),
    ]
    rows += [
        (model, [_multiple_cell(same[model]), _multiple_cell(law[model])]) for model in measured
    ]
    yield _SHORT_TITLE, [f"{other.same} ↓", f"{other.title}: the law ↓"], rows


def _draws(measures: Measures, names: Sequence[str], draws: str) -> Cell:
    """What the draws of real rows come to themselves: the mean and the range."""
    found = typical_of_draws(measures, names, draws)
    if not found:
        return Cell("1")
    return Cell(f"{sum(found) / len(found):.1f}", f"[{min(found):.1f}, {max(found):.1f}]")


def _results(
    evaluated: Mapping[str, Evaluated],
    titles: Measures,
    published: pd.DataFrame,
    other: OtherFloors | None,
) -> Iterator[_Panel]:
    """The values with their intervals, and below those that the paper has its own figures."""
    in_paper = set(published["measure"])
    published = published.replace(
        {"measure": {name: here for name, here in _OTHER_SCALE.items() if here in titles}}
    )
    measured = _measures(evaluated)
    models = {model: one.measures for model, one in evaluated.items() if not one.is_control}
    for place, panel in enumerate(_panels(titles, in_paper | set(published["measure"]))):
        best = {name: leaders(name, models) for name in panel}
        rows = [(FLOOR, [_floor(measured, name) for name in panel])]
        if other is not None and any(name in other.measures for name in panel):
            rows.append((_other_floor(other), [_second_floor(other, name) for name in panel]))
        rows += [
            (model, [_cell(measures.get(name), model in best[name]) for name in panel])
            for model, measures in measured.items()
        ]
        title = {SIMULATION: _SIMULATED_TITLE, LAW: _LAW_TITLE}.get(
            titles[panel[0]]["aspect"], _FURTHER_TITLE if place else _TITLE
        )
        yield title, [titles[n]["title"] + _ARROWS[titles[n]["direction"]] for n in panel], rows
        if cited := _cited(published, panel):
            yield _PAPER_TITLE, [], cited


def _panels(titles: Measures, published: set[str]) -> list[list[str]]:
    """The measures that stand side by side: the paper's own, others, law, the simulation's."""
    groups: list[list[str]] = [[], [], [], []]
    for name, measure in titles.items():
        own = {LAW: 2, SIMULATION: 3}.get(measure["aspect"])
        groups[(0 if name in published else 1) if own is None else own].append(name)
    return [panel for names in groups for panel in _in_panels(names)]


def _in_panels(columns: Sequence[Any]) -> list[Any]:
    begins = range(0, len(columns), _MOST_MEASURES)
    return [columns[begin : begin + _MOST_MEASURES] for begin in begins]


def _multiples(
    measured: Mapping[str, Measures], titles: Measures, other: OtherFloors | None
) -> Iterator[_Panel]:
    """Multiples of the floors; those of faithfulness first, with the typical one as the last.

    Measures of the law are by the second floor, where that is known.
    """
    known = other is not None
    groups: dict[str, list[tuple[str, Mapping[str, float | None]]]] = {
        _MULTIPLES_TITLE: [],
        (
            f"This run, as multiples of the floor of {other.title}: the law"
            if other is not None
            else _LAW_MULTIPLES_TITLE
        ): [],
        _OTHER_MULTIPLES_TITLE: [],
    }
    faithful, law, others = groups.values()
    for name, measure in titles.items():
        if not (known and measure["aspect"] == LAW):
            columns = (
                faithful
                if is_of_faithfulness(measure)
                else law
                if measure["aspect"] == LAW
                else others
            )
            _add(
                columns, measure, {model: multiple(of.get(name)) for model, of in measured.items()}
            )
        if known and is_of_law(measure):
            _add(law, measure, {m: other_multiple(of.get(name)) for m, of in measured.items()})
    if typical := typical_multiples(measured):
        faithful.append(("typical", typical))
    for title, columns in groups.items():
        for panel in _in_panels(columns):
            rows = [
                (model, [_multiple_cell(column[model]) for _, column in panel])
                for model in measured
            ]
            yield title, [heading for heading, _ in panel], rows


def _add(
    columns: list[tuple[str, Mapping[str, float | None]]],
    measure: Measure,
    column: Mapping[str, float | None],
) -> None:
    if any(found is not None for found in column.values()):
        columns.append((measure["title"], column))


def _multiple_cell(found: float | None) -> Cell:
    return Cell(NONE if found is None else f"{found:.1f}")


def _definition(measure: Measure) -> str:
    unit = f" In {measure['unit']}." if measure["unit"] not in ("", "1", None) else ""
    return f"{measure['title']}: {measure['definition']}{unit}"


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


def _cell(measure: Measure | None, leads: bool) -> Cell:
    if measure is None:
        return Cell(NONE, footnote="Not measured for this model.")
    if measure["value"] is None:
        return Cell(NONE, footnote=measure.get("note", ""))
    value, interval = with_interval(measure["value"], measure["low"], measure["high"])
    appended = _REACHES if reaches_floor(measure) else ""
    return Cell(value, interval, measure.get("note", ""), leads, appended)


def _cited(published: pd.DataFrame, names: Sequence[str]) -> list[tuple[str, list[Cell]]]:
    rows = []
    for model, figures in published.groupby("model", sort=False):
        values = dict(zip(figures["measure"], figures["value"], strict=True))
        cells = [
            Cell(f"{values[name]:.3f}", footnote=_SCALE_NOTE if name in _OTHER_SCALE else "")
            if name in values
            else Cell(NONE)
            for name in names
        ]
        if set(values) & set(names):
            rows.append((f"{model} (paper)", cells))
    return rows
