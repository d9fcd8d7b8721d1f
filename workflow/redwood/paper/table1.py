"""Table I: how faithful and how close each model is, with floors and the paper's own figures.

What the values come to is beside them: multiples of the floor and marks (see
`redwood.paper.comparison`), and which model to publish (`redwood.paper.recommendation`).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import write_json, write_text, writing
from redwood.paper.comparison import (
    CONTROLS,
    compared_measures,
    floor_range,
    is_control,
    is_of_faithfulness,
    leaders,
    multiple,
    reaches_floor,
    typical_multiples,
)
from redwood.paper.outcome_measures import OUTCOME_MEASURES, outcome_measures
from redwood.paper.reading import named_folders, read_csv, read_outcomes
from redwood.paper.recommendation import Decision, recommend
from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number, with_interval

FLOOR = "real (floor)"

_ARROWS = {"lower": " ↓", "higher": " ↑", "near floor": " ≈ floor"}
_NUMBERS = ("value", "low", "high", "floor")
_DERIVED = ("floor_low", "floor_high", "multiple")
_TITLE = "This run: value and 95 % interval"
_FURTHER_TITLE = "This run, measures that the paper does not have"
_SIMULATED_TITLE = "This run, what the simulation makes of the jobs"
_MULTIPLES_TITLE = "This run, as multiples of the floor"
_OTHER_MULTIPLES_TITLE = "This run, as multiples of the floor: privacy and simulation"
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
_MARK_NOTES = [
    "Bold: the best model of the column, and every other that the 95 % intervals do not tell from "
    "it: the difference is at most √(a² + b²), a and b being the halves of the two intervals that "
    f"face each other. Controls ({', '.join(CONTROLS)}) never are, and nothing is where no model "
    "has an interval.",
    "Asterisk: the interval reaches the floor, so the value is not told from that of real rows.",
]
_DRAWS_NOTE = "Below a floor: the least and the greatest of several draws of real rows."

Measures = dict[str, dict[str, Any]]
# The heading of each column and its number for each model.
_Columns = list[tuple[str, Mapping[str, float | None]]]


def write_table1(
    evaluations: Sequence[Path],
    paper: Path,
    prefix: Path,
    outcomes: Path | None = None,
    decisions: Sequence[Path] = (),
) -> None:
    """Write Table I: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    A summary goes beside them as JSON.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model.
        paper: CSV with the paper's figures: model, measure, value.
        prefix: the files' path without their endings.
        outcomes: the CSV that `redwood simulation outcomes` wrote; its outcomes on the models' jobs
            join the measures.
        decisions: what the release gate decided (`decision.json`), of some models.

    Raises:
        InputError: an evaluation is missing or incomplete, or two have the same name.
    """
    published = read_csv(paper, ("model", "measure", "value"), numbers=("value",))
    measured: dict[str, Measures] = {}
    rows: dict[str, int] = {}
    privacy: dict[str, bool | None] = {}
    verdicts: dict[str, str] = {}
    for model, folder in named_folders(evaluations).items():
        path = folder / "measures.json"
        measured[model], rows[model], privacy[model], verdicts[model] = _read(path)
    if outcomes is not None:
        columns = ("workload", "policy", "seed", "outcome", "value")
        simulated = outcome_measures(read_outcomes(outcomes, columns))
        for model, measures in simulated.items():
            if model in measured:
                measured[model] |= measures
    tidy = _tidy(measured, rows)
    recommendation = recommend(measured, privacy, dict(map(_decision, decisions)))
    failing = [model for model, passes in privacy.items() if passes is False]
    page = _page(measured, rows, failing, verdicts, published, recommendation.words)
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    page.save(prefix)
    shown = list(_titles(measured))
    write_json(
        f"{prefix}.json",
        {
            "models": list(measured),
            "measures": shown,
            "without_value": int(tidy["value"].isna().sum()),
            "typical_multiples": typical_multiples(measured),
            "recommendation": {"model": recommendation.model, "words": recommendation.words},
            "of_the_paper_not_shown": sorted(set(published["measure"]) - set(shown)),
        },
    )


def _decision(path: Path) -> tuple[str, Decision]:
    """The model and what the release gate decided on it."""
    content = read_json(path, "decision of the release gate")
    try:
        failed = [check["title"] for check in content["checks"] if not check["passed"]]
        return content["model"], Decision(content["released"] is True, failed)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a decision of the release gate: {error!r}") from None


def _read(path: Path) -> tuple[Measures, int, bool | None, str]:
    """The measures of an evaluation, its number of rows, its verdict on privacy and the words."""
    content = read_json(path, "evaluation")
    try:
        measures, rows = content["measures"], int(content["rows"])
        passes, words = content["privacy"]["passes"], str(content["privacy"]["words"])
        if not (passes is None or isinstance(passes, bool)):
            raise InputError(f"{path}: privacy passes is {passes!r}, expected true, false or null")
        for name, measure in measures.items():
            for key in ("title", "definition", "unit", "direction", *_NUMBERS):
                if key not in measure:
                    raise InputError(f"{path}: measure {name!r} has no {key!r}")
            if measure["direction"] not in _ARROWS:
                raise InputError(
                    f"{path}: measure {name!r}: direction is {measure['direction']!r}, "
                    f"expected one of {', '.join(_ARROWS)}"
                )
            draws = measure.get("floor_draws", [])
            if not isinstance(draws, list) or not all(isinstance(x, int | float) for x in draws):
                raise InputError(
                    f"{path}: measure {name!r}: floor_draws is {draws!r}, expected a list of "
                    "numbers"
                )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not the measures of an evaluation: {error!r}") from None
    return measures, rows, passes, words


def _tidy(measured: Mapping[str, Measures], rows: Mapping[str, int]) -> pd.DataFrame:
    table = [
        {
            "model": model,
            "measure": name,
            **{key: measure[key] for key in _NUMBERS},
            **dict(zip(_DERIVED, _derived(name, measure), strict=True)),
            "rows": rows[model],
            "seeds": 1,
        }
        for model, measures in measured.items()
        for name, measure in measures.items()
    ]
    numbers = [*_NUMBERS, *_DERIVED]
    columns = ["model", "measure", *numbers, "rows", "seeds"]
    return pd.DataFrame(table, columns=columns).astype(dict.fromkeys(numbers, "float64"))


def _derived(name: str, measure: Mapping[str, Any]) -> tuple[float | None, ...]:
    """The ends of the range of the floor, and the multiple of it."""
    return *(floor_range(measure) or (None, None)), multiple(name, measure)


def _titles(measured: Mapping[str, Measures]) -> Measures:
    """Every measure that some model has, in the order of their first occurrence."""
    found: Measures = {}
    for measures in measured.values():
        for name, measure in measures.items():
            found.setdefault(name, measure)
    return found


def _page(
    measured: Mapping[str, Measures],
    rows: Mapping[str, int],
    failing: Sequence[str],
    verdicts: Mapping[str, str],
    published: pd.DataFrame,
    lead: str,
) -> Page:
    titles = _titles(measured)
    in_paper = set(published["measure"])
    published = published.replace(
        {"measure": {name: here for name, here in _OTHER_SCALE.items() if here in titles}}
    )
    panels = _panels(titles, in_paper | set(published["measure"]))
    multiples = _multiples(measured, titles)
    width = max(
        (len(columns) for columns in (*panels, *(part[1] for part in multiples))), default=0
    )
    remarks = {model: _remark(model, failing) for model in measured if _remark(model, failing)}
    headers: list[list[str]] = []
    blocks: list[Block] = []

    def begin(names: Sequence[str]) -> None:
        headers.append(["model", *names, *[""] * (width - len(names))])

    def add(title: str, rows_of_block: list[tuple[str, list[Cell]]], header: bool) -> None:
        padded = [
            (name, cells + [Cell("")] * (width - len(cells))) for name, cells in rows_of_block
        ]
        blocks.append(Block(title, padded, headers[-1] if header else None, remarks))

    for panel in panels:
        begin([titles[name]["title"] + _ARROWS[titles[name]["direction"]] for name in panel])
        best = {name: leaders(name, measured) for name in panel}
        results = [(FLOOR, [_floor(measured, name) for name in panel])]
        results += [
            (model, [_cell(measures.get(name), model in best[name]) for name in panel])
            for model, measures in measured.items()
        ]
        # The page has the header of the first panel.
        further = len(headers) > 1
        simulated = all(name in OUTCOME_MEASURES for name in panel)
        title = _SIMULATED_TITLE if simulated else _FURTHER_TITLE if further else _TITLE
        add(title, results, header=further)
        if cited := _cited(published, panel):
            add(_PAPER_TITLE, cited, header=False)
    for title, columns in multiples:
        begin([heading for heading, _ in columns])
        results = [
            (model, [_multiple_cell(column[model]) for _, column in columns]) for model in measured
        ]
        add(title, results, header=True)
    header = headers[0] if headers else ["model"]
    notes = [f"Privacy, {model}: {words}." for model, words in verdicts.items()]
    notes += _MARK_NOTES + _notes_of_multiples(measured, titles)
    notes += [_definition(measure) for measure in titles.values()]
    notes.append(
        f"{FLOOR}: real rows, as many, in place of the synthetic ones. "
        "No model can be expected to do better than that."
    )
    if any(floor_range(measure) for measures in measured.values() for measure in measures.values()):
        notes.append(_DRAWS_NOTE)
    sizes = sorted(set(rows.values()))
    sizes_text = " to ".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
    caption = f"Surrogates by measure, on {sizes_text} synthetic rows each."
    return Page("Table I", caption, header, blocks, notes, lead)


def _remark(model: str, failing: Sequence[str]) -> str:
    remarks = {"control": is_control(model), "fails privacy": model in failing}
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def _panels(titles: Measures, published: set[str]) -> list[list[str]]:
    """The measures that stand side by side: the paper's own, all others, the simulation's."""
    simulated = [name for name in titles if name in OUTCOME_MEASURES]
    ours = [name for name in titles if name not in published and name not in simulated]
    of_the_paper = [name for name in titles if name in published]
    return [panel for names in (of_the_paper, ours, simulated) for panel in _in_panels(names)]


def _in_panels(columns: list[Any]) -> list[list[Any]]:
    begins = range(0, len(columns), _MOST_MEASURES)
    return [columns[begin : begin + _MOST_MEASURES] for begin in begins]


def _multiples(measured: Mapping[str, Measures], titles: Measures) -> list[tuple[str, _Columns]]:
    """Panels of multiples of the floor, the title and the columns of each.

    Those of faithfulness come first, with the typical one as their last column.
    """
    faithful: _Columns = []
    others: _Columns = []
    for name, measure in titles.items():
        column = {model: multiple(name, of.get(name)) for model, of in measured.items()}
        if any(found is not None for found in column.values()):
            columns = faithful if is_of_faithfulness(name) else others
            columns.append((measure["title"], column))
    if typical := typical_multiples(measured):
        faithful.append(("typical", typical))
    return [
        (title, panel)
        for title, columns in ((_MULTIPLES_TITLE, faithful), (_OTHER_MULTIPLES_TITLE, others))
        for panel in _in_panels(columns)
    ]


def _multiple_cell(found: float | None) -> Cell:
    return Cell(NONE if found is None else f"{found:.1f}")


def _notes_of_multiples(measured: Mapping[str, Measures], titles: Measures) -> list[str]:
    compared = [titles[name]["title"] for name in compared_measures(measured)]
    if not compared:
        return []
    return [
        "Multiple of the floor: value over floor, how many times as far from real rows a sample "
        "is as other real rows are; for measures that tend to 0 for real rows as their number "
        f"grows. Typical: geometric mean over {', '.join(compared)}, none counted below 1."
    ]


def _definition(measure: Mapping[str, Any]) -> str:
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


def _cell(measure: Mapping[str, Any] | None, leads: bool) -> Cell:
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
