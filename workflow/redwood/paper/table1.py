"""Table I: how faithful and how close each model is, with floors, beside the paper's figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError
from redwood.outputs import write_text, writing
from redwood.paper.reading import read_csv, read_json
from redwood.paper.rendering import Block, Page, plain_number, with_uncertainty

_ARROWS = {"lower": " ↓", "higher": " ↑", "near floor": " ≈ floor"}
_PAPER_TITLE = "The paper's own figures (arXiv 2410.07940): other rows, its own scales"


def write_table1(evaluations: Sequence[Path], paper: Path, prefix: Path) -> None:
    """Write Table I: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model.
        paper: CSV with the paper's figures: model, measure, value.
        prefix: the files' path without their endings.

    Raises:
        InputError: an evaluation is missing or incomplete, or two have the same name.
    """
    measured: dict[str, dict[str, Any]] = {}
    for folder in evaluations:
        if folder.name in measured:
            raise InputError(f"{folder}: a model {folder.name!r} is evaluated twice")
        measured[folder.name] = read_json(folder / "measures.json", "evaluation")
    tidy = _tidy(measured)
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    published = read_csv(paper, ("model", "measure", "value"))
    _page(measured, published).save(prefix)


def _tidy(measured: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            "model": model,
            "measure": name,
            **{key: measure[key] for key in ("value", "low", "high", "floor")},
            "rows": content["rows"],
            "seeds": 1,
        }
        for model, content in measured.items()
        for name, measure in content["measures"].items()
    ]
    return pd.DataFrame(rows).astype(dict.fromkeys(("value", "low", "high", "floor"), "float64"))


def _page(measured: dict[str, dict[str, Any]], published: pd.DataFrame) -> Page:
    first = next(iter(measured.values()))["measures"]
    header = [
        "model",
        *(measure["title"] + _ARROWS[measure["direction"]] for measure in first.values()),
    ]
    blocks = [
        Block("This run: value [95 % interval]", [_floor_row(measured, first), *_rows(measured)]),
        Block(_PAPER_TITLE, _published_rows(published, list(first))),
    ]
    sizes = sorted({content["rows"] for content in measured.values()})
    notes = [f"{m['title']} (unit: {m['unit']}): {m['definition']}" for m in first.values()]
    notes.append(
        "Real against real, the floor: real rows in place of the synthetic ones, as many of them; "
        "no surrogate can be expected to do better."
    )
    notes.append(
        "The paper's WD and JSD are on a scale on which even a perfect sample scores about .87 "
        "and .80: its figures are comparable among themselves, not with this run's."
    )
    notes += [
        f"{model}, {measure['title']}: {measure['note']}."
        for model, content in measured.items()
        for measure in content["measures"].values()
        if measure.get("note")
    ]
    caption = f"Surrogates by measure, on {' to '.join(map(str, sizes))} synthetic rows each."
    return Page("Table I", caption, header, blocks, notes)


def _floor_row(measured: dict[str, dict[str, Any]], first: dict[str, Any]) -> list[str]:
    cells = ["real against real"]
    for name in first:
        floors = [content["measures"][name]["floor"] for content in measured.values()]
        known = sorted({plain_number(floor) for floor in floors if floor is not None}, key=float)
        cells.append(" to ".join(dict.fromkeys((known[0], known[-1]))) if known else "–")
    return cells


def _rows(measured: dict[str, dict[str, Any]]) -> list[list[str]]:
    return [
        [model, *(_cell(measure) for measure in content["measures"].values())]
        for model, content in measured.items()
    ]


def _cell(measure: dict[str, Any]) -> str:
    if measure["value"] is None:
        return "–"
    return with_uncertainty(measure["value"], measure["low"], measure["high"])


def _published_rows(published: pd.DataFrame, measures: list[str]) -> list[list[str]]:
    rows = []
    for model, figures in published.groupby("model", sort=False):
        values = dict(zip(figures["measure"], figures["value"], strict=True))
        cells = [f"{values[name]:.3f}" if name in values else "–" for name in measures]
        rows.append([f"{model} (paper)", *cells])
    return rows
