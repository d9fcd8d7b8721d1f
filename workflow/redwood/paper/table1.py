"""Table I: how faithful and how close each model is, with floors and the paper's own figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.outputs import write_json, write_text, writing
from redwood.paper.outcome_measures import OUTCOME_MEASURES, outcome_measures
from redwood.paper.reading import named_folders, read_csv
from redwood.paper.rendering import NONE, Block, Cell, Page, plain_number, with_interval

FLOOR = "real (floor)"

_ARROWS = {"lower": " ↓", "higher": " ↑", "near floor": " ≈ floor"}
_NUMBERS = ("value", "low", "high", "floor")
_TITLE = "This run: value and 95 % interval"
_FURTHER_TITLE = "This run, measures that the paper does not have"
_SIMULATED_TITLE = "This run, what the simulation makes of the jobs"
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

Measures = dict[str, dict[str, Any]]


def write_table1(
    evaluations: Sequence[Path], paper: Path, prefix: Path, outcomes: Path | None = None
) -> None:
    """Write Table I: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    A summary goes beside them as JSON.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model.
        paper: CSV with the paper's figures: model, measure, value.
        prefix: the files' path without their endings.
        outcomes: the CSV that `redwood simulation outcomes` wrote; its outcomes on the models' jobs
            join the measures.

    Raises:
        InputError: an evaluation is missing or incomplete, or two have the same name.
    """
    published = read_csv(paper, ("model", "measure", "value"), numbers=("value",))
    measured: dict[str, Measures] = {}
    rows: dict[str, int] = {}
    verdicts: dict[str, str] = {}
    for model, folder in named_folders(evaluations).items():
        measured[model], rows[model], verdicts[model] = _read(folder / "measures.json")
    if outcomes is not None:
        columns = ("workload", "policy", "seed", "outcome", "value")
        simulated = outcome_measures(read_csv(outcomes, columns, numbers=("value",)))
        for model, measures in simulated.items():
            if model in measured:
                measured[model] |= measures
    tidy = _tidy(measured, rows)
    page = _page(measured, rows, verdicts, published)
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
            "of_the_paper_not_shown": sorted(set(published["measure"]) - set(shown)),
        },
    )


def _read(path: Path) -> tuple[Measures, int, str]:
    """The measures of an evaluation, its number of rows, what it says of privacy."""
    content = read_json(path, "evaluation")
    try:
        measures, rows = content["measures"], int(content["rows"])
        privacy = str(content["privacy"]["words"])
        for name, measure in measures.items():
            for key in ("title", "definition", "unit", "direction", *_NUMBERS):
                if key not in measure:
                    raise InputError(f"{path}: measure {name!r} has no {key!r}")
            if measure["direction"] not in _ARROWS:
                raise InputError(
                    f"{path}: measure {name!r}: direction is {measure['direction']!r}, "
                    f"expected one of {', '.join(_ARROWS)}"
                )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not the measures of an evaluation: {error!r}") from None
    return measures, rows, privacy


def _tidy(measured: Mapping[str, Measures], rows: Mapping[str, int]) -> pd.DataFrame:
    table = [
        {
            "model": model,
            "measure": name,
            **{key: measure[key] for key in _NUMBERS},
            "rows": rows[model],
            "seeds": 1,
        }
        for model, measures in measured.items()
        for name, measure in measures.items()
    ]
    columns = ["model", "measure", *_NUMBERS, "rows", "seeds"]
    return pd.DataFrame(table, columns=columns).astype(dict.fromkeys(_NUMBERS, "float64"))


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
    verdicts: Mapping[str, str],
    published: pd.DataFrame,
) -> Page:
    titles = _titles(measured)
    in_paper = set(published["measure"])
    published = published.replace(
        {"measure": {name: here for name, here in _OTHER_SCALE.items() if here in titles}}
    )
    panels = _panels(titles, in_paper | set(published["measure"]))
    width = max(map(len, panels), default=0)
    headers: list[list[str]] = []
    blocks: list[Block] = []

    def add(title: str, rows_of_block: list[tuple[str, list[Cell]]], header: bool) -> None:
        padded = [
            (name, cells + [Cell("")] * (width - len(cells))) for name, cells in rows_of_block
        ]
        blocks.append(Block(title, padded, headers[-1] if header else None))

    for panel in panels:
        names = [titles[name]["title"] + _ARROWS[titles[name]["direction"]] for name in panel]
        headers.append(["model", *names, *[""] * (width - len(panel))])
        results = [(FLOOR, [_floor(measured, name) for name in panel])]
        results += [
            (model, [_cell(measures.get(name)) for name in panel])
            for model, measures in measured.items()
        ]
        # The page has the header of the first panel.
        further = len(headers) > 1
        simulated = all(name in OUTCOME_MEASURES for name in panel)
        title = _SIMULATED_TITLE if simulated else _FURTHER_TITLE if further else _TITLE
        add(title, results, header=further)
        if cited := _cited(published, panel):
            add(_PAPER_TITLE, cited, header=False)
    header = headers[0] if headers else ["model"]
    notes = [f"Privacy, {model}: {words}." for model, words in verdicts.items()]
    notes += [_definition(measure) for measure in titles.values()]
    notes.append(
        f"{FLOOR}: real rows, as many, in place of the synthetic ones. "
        "No model can be expected to do better than that."
    )
    sizes = sorted(set(rows.values()))
    sizes_text = " to ".join(f"{size:,}" for size in dict.fromkeys((sizes[0], sizes[-1])))
    caption = f"Surrogates by measure, on {sizes_text} synthetic rows each."
    return Page("Table I", caption, header, blocks, notes)


def _panels(titles: Measures, published: set[str]) -> list[list[str]]:
    """The measures that stand side by side: the paper's own, all others, the simulation's."""
    simulated = [name for name in titles if name in OUTCOME_MEASURES]
    ours = [name for name in titles if name not in published and name not in simulated]
    of_the_paper = [name for name in titles if name in published]
    return [
        names[begin : begin + _MOST_MEASURES]
        for names in (of_the_paper, ours, simulated)
        for begin in range(0, len(names), _MOST_MEASURES)
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
    return Cell(" to ".join(dict.fromkeys(map(plain_number, (known[0], known[-1])))))


def _cell(measure: Mapping[str, Any] | None) -> Cell:
    if measure is None:
        return Cell(NONE, footnote="Not measured for this model.")
    if measure["value"] is None:
        return Cell(NONE, footnote=measure.get("note", ""))
    value, interval = with_interval(measure["value"], measure["low"], measure["high"])
    return Cell(value, interval, measure.get("note", ""))


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
