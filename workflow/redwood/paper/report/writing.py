"""Writing the report: one file that needs nothing else, made of what a run has left in its folder.

Pages of other stages are in it whole, as are the figures; every number has a link to the chapter
that it is from, and every table and figure one to the job that made it.
"""

import os
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from redwood.errors import InputError
from redwood.inputs import read_json, require_intact
from redwood.outputs import file_digest, require_ending, write_text
from redwood.pages import render
from redwood.paper.captions import first_sentence, read_caption
from redwood.paper.report.findings import Results, answers, model_header, model_rows
from redwood.paper.report.policies import policy_rows
from redwood.paper.report.provenance import Job, Provenance, read_provenance
from redwood.paper.report.reading import read_results

_TEMPLATE: Final = Path(__file__).with_name("page.html")
# The figures of the first screen, and those of each chapter. Others of the run stand in the last.
_FIRST: Final = ("tradeoff", "ranks")
_CHAPTERS: Final[Mapping[str, Sequence[str]]] = {
    "surrogates": ("training",),
    "fidelity": ("distributions", "arrivals", "correlations"),
    "privacy": ("found_shares", "dcr", "attacks"),
    "grid": ("grid", "site_load", "transfer_map"),
}
_TABLE: Final = re.compile(r"<!-- table -->\n(.*)<!-- end of table -->", re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """A figure: its name, the image as a data URL, what it shows in words, and the job."""

    name: str
    image: str
    caption: str
    job: Job | None

    @property
    def alt(self) -> str:
        return first_sentence(self.caption)


@dataclass(frozen=True)
class Whole:
    """A page of another stage as it is: its title, its HTML and the job that made it."""

    title: str
    html: str
    job: Job | None
    place: str


def write_report(
    results: Path,
    captions: Path,
    output: Path,
    interactive: Path | None = None,
    document: Path | None = None,
) -> None:
    """Write the report of a run.

    Args:
        results: the folder of the dataset, with its manifest.
        captions: a folder with a text FIGURE.rst for each figure.
        output: the page (HTML).
        interactive: a page of its own in which the grid can be tried, to be shown with it.
        document: the paper of the run (PDF), to which there is a link.

    Raises:
        InputError: a result or a caption is missing or damaged, or is no such result.
    """
    require_ending(output, ".html")
    provenance = read_provenance(results / "ro-crate-metadata.json")
    found = read_results(results)
    figures = {
        path.stem: _figure(path, captions, provenance)
        for path in sorted((results / "figures").glob("*.png"))
    }
    if not figures:
        raise InputError(f"{results}/figures: has no figures (PNG)")
    placed = {*_FIRST, *(name for names in _CHAPTERS.values() for name in names)}
    page = render(
        _TEMPLATE,
        dataset=results.name,
        card=found.card,
        answers=answers(found),
        header=model_header(found),
        models=model_rows(found),
        more_models=len(found.table1["models"]) - len(model_rows(found)),
        first=[figures[name] for name in _FIRST if name in figures],
        figures={
            chapter: [figures[name] for name in names if name in figures]
            for chapter, names in _CHAPTERS.items()
        },
        further=[figure for name, figure in figures.items() if name not in placed],
        data=_pages(results, provenance, _DATA),
        notes=_notes(results, found, provenance),
        surrogates=_surrogates(found, provenance),
        table1=_table(results / "tables/table1.html"),
        table2=_table(results / "tables/table2.html"),
        lead=found.table1["recommendation"]["words"],
        policies=policy_rows(found),
        engines=_engines(results),
        engines_file=_ENGINES,
        interactive=None if interactive is None else _page(interactive),
        document=None if document is None else os.path.relpath(document, output.parent),
        provenance=provenance,
        made=provenance.made,
        shown={
            path.name: file_digest(path) for path in sorted((results / "tables").glob("*.html"))
        },
    )
    write_text(output, page)


# Made where other simulators were there.
_ENGINES: Final = "simulation/engines/comparison.json"
_DATA: Final = {
    "records/card.html": "The data card in full",
    "records/calibration.html": "Generated records against published facts, in full",
}


def _figure(path: Path, captions: Path, provenance: Provenance) -> Figure:
    require_intact(path)
    caption = read_caption(path, captions)
    image = f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}"
    return Figure(path.stem, image, caption, provenance.made(f"figures/{path.name}"))


def _pages(results: Path, provenance: Provenance, titles: Mapping[str, str]) -> list[Whole]:
    """The pages that are there: which there are depends on where the records are from."""
    return [
        Whole(title, _page(results / name), provenance.made(name), Path(name).stem)
        for name, title in titles.items()
        if (results / name).exists()
    ]


def _notes(results: Path, found: Results, provenance: Provenance) -> list[Whole]:
    names = {model: f"release/decisions/{model}/note.html" for model in found.decisions}
    return [
        Whole(
            f"{model}: {'released' if found.decisions[model]['released'] else 'withheld'}",
            _page(results / name),
            provenance.made(name),
            f"note-{model}",
        )
        for model, name in names.items()
    ]


def _engines(results: Path) -> list[dict[str, Any]]:
    """What is told of each other simulator: how far from ours, and what it leaves out."""
    if not (results / _ENGINES).exists():
        return []
    read = read_json(results / _ENGINES, "comparison of simulators")
    told = []
    for name, engine in read["engines"].items():
        if "apart" not in engine:
            continue
        version = f" {engine['version']}" if engine["version"] else ""
        far = ", ".join(f"{words} by {100 * far:.2g} %" for words, far in engine["apart"].items())
        words = (
            f"{engine['title']}{version} ({name}) differs from REDWOOD's engine at most in {far}"
        )
        taus = [row["tau"] for row in read["ranked_alike"] if row["engine"] == name]
        known = [tau for tau in taus if tau is not None]
        if known:
            words += f"; it ranks the policies with a τ of {min(known):.2f} or more"
        if not engine["asks_policies"]:
            words += "; it asks no policy: its one run is set beside each of ours"
        left = "It leaves out, or does otherwise:" if engine["left_out"] else ""
        told.append({"words": f"{words}. {left}".strip(), "left_out": engine["left_out"]})
    return told


def _page(path: Path) -> str:
    require_intact(path)
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such page") from None


def _table(path: Path) -> str:
    if (found := _TABLE.search(_page(path))) is None:
        raise InputError(f"{path}: has no table of `redwood paper`; write it again")
    return found[1]


def _surrogates(found: Results, provenance: Provenance) -> list[dict[str, Any]]:
    """What there is to know of each model before it is measured."""
    table = found.table1
    jobs = {
        model: provenance.made(f"surrogates/{model}/sample.parquet") for model in table["models"]
    }
    trained = {model: provenance.made(f"surrogates/{model}/model") for model in table["models"]}
    return [
        {
            "name": model,
            "role": "control" if model in table["controls"] else "model",
            "rows": table["rows"][model],
            "trained": trained[model],
            "sampled": jobs[model],
        }
        for model in table["models"]
    ]
