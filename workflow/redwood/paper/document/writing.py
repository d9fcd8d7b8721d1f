"""Writing the paper: one PDF of a run's tables and figures, and beside it a table of a few rows.

The PDF is set by Typst, which comes as one package from PyPI with its fonts, so that it is made in
the same way everywhere; what depends on the machine that sets it (fonts of the system, the date) is
left out, and the same results give the same bytes. Nothing is asked of the network. Those who write
in LaTeX take the tables (`tables/*.tex`, `paper/sample.tex`) and the figures (`figures/*.pdf`).
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from redwood.errors import InputError
from redwood.inputs import read_json, require_intact
from redwood.outputs import file_digest, require_ending, write_json, write_text, writing
from redwood.paper.captions import first_sentence, read_caption
from redwood.paper.document.run_facts import run_facts
from redwood.paper.document.sample_rows import sample_rows
from redwood.paper.report.findings import answers
from redwood.paper.report.provenance import read_provenance
from redwood.paper.report.reading import read_results

_TEMPLATE: Final = Path(__file__).with_name("paper.typ")
_REFERENCES: Final = Path(__file__).with_name("references.bib")
# The figures of each chapter, in an order in which they fill pages. Others stand with the grid's.
_CHAPTERS: Final[Mapping[str, Sequence[str]]] = {
    "data": ("pipeline",),
    "fidelity": ("arrivals", "training", "distributions", "correlations"),
    "privacy": ("tradeoff", "found_shares", "dcr", "attacks"),
    "grid": ("ranks", "grid", "site_load", "transfer_map"),
}
# Of a run that trains nothing by epochs, plants nothing or measures no attack.
_MAY_LACK: Final = ("training", "found_shares", "attacks")
_TABLES: Final = ("table1", "table2")
_NEEDED: Final = (
    "configuration.json",
    *(f"records/{name}.json" for name in ("card", "table")),
    *(f"tables/{name}.{ending}" for name in _TABLES for ending in ("html", "json")),
    *("tables/table2.csv", "tables/table2_ranking.csv"),
    *(
        f"figures/{name}.pdf"
        for names in _CHAPTERS.values()
        for name in names
        if name not in _MAY_LACK
    ),
    # Last of all, as it tells of the others.
    "ro-crate-metadata.json",
)
# A figure of many points is shown as PNG rather than weigh down the PDF.
_MOST_BYTES: Final = 2_000_000


def write_paper(results: Path, captions: Path, output: Path) -> None:
    """Write the paper of a run, and beside it `sample.csv`, `.md` and `.tex`.

    Args:
        results: the folder of a dataset, of a run that has ended.
        captions: a folder with a text FIGURE.rst for each figure.
        output: the PDF.

    Raises:
        InputError: a result or a caption is missing, damaged, or of an earlier version.
    """
    require_ending(output, ".pdf")
    _require_all(results)
    found = read_results(results)
    sample = sample_rows(results, found)
    configuration = read_json(results / "configuration.json", "configuration of a run")
    facts = {
        "dataset": results.name,
        "answers": [
            {"question": answer.question, "text": "".join(words.text for words in answer.words)}
            for answer in answers(found)
        ],
        "run": run_facts(configuration, found, read_provenance(results / "ro-crate-metadata.json")),
        "summary": found.card["verdict"]["summary"],
        "figures": _figures(results, captions),
        "sample": {"words": sample.words, "page": sample.page and sample.page.content()},
        "tables": {name: _page(results / f"tables/{name}.json") for name in _TABLES},
        "digests": [file_digest(results / f"tables/{name}.html") for name in _TABLES],
        "shown": found.table1["titles"],
    }
    pdf = _compile(results, facts)
    with writing(output) as partial:
        partial.write_bytes(pdf)
    beside = output.with_name("sample")
    for ending, text in sample.texts().items():
        write_text(f"{beside}{ending}", text)


def _require_all(results: Path) -> None:
    """Say at once all that is missing, not one thing after the other."""
    missing = [name for name in _NEEDED if not (results / name).exists()]
    if len(missing) == len(_NEEDED):
        raise InputError(f"{results}: holds no results of a run; `./run paper` makes them")
    if missing:
        raise InputError(
            f"{results}: {len(missing)} of the paper's {len(_NEEDED)} sources are missing: "
            f"{', '.join(missing)}; `./run paper` makes what is missing and then the paper"
        )


def _page(path: Path) -> dict[str, Any]:
    page = read_json(path, "summary of a table").get("page")
    if not isinstance(page, dict):
        raise InputError(
            f"{path}: has no page to show; a summary of an earlier version is made again by "
            f"`redwood paper {path.stem}`"
        )
    return page


def _figures(results: Path, captions: Path) -> dict[str, list[dict[str, str]]]:
    """Chapter → its figures: the file of each, its caption, and what it shows in a sentence."""
    there = {path.stem: path for path in sorted((results / "figures").glob("*.pdf"))}
    chapters = {
        chapter: [name for name in names if name in there] for chapter, names in _CHAPTERS.items()
    }
    placed = {name for names in chapters.values() for name in names}
    chapters["grid"] += [name for name in there if name not in placed]
    return {
        chapter: [_figure(there[name], captions) for name in names]
        for chapter, names in chapters.items()
    }


def _figure(path: Path, captions: Path) -> dict[str, str]:
    if path.stat().st_size > _MOST_BYTES:
        path = path.with_suffix(".png")
    require_intact(path)
    if not path.exists():
        raise InputError(f"{path}: no such figure; `./run paper` makes it")
    caption = read_caption(path, captions)
    return {"file": path.name, "caption": caption, "alt": first_sentence(caption)}


def _compile(results: Path, facts: Mapping[str, Any]) -> bytes:
    """Set the paper in a folder of its own: Typst reads nothing outside."""
    import matplotlib
    import typst

    with TemporaryDirectory() as name:
        folder = Path(name)
        for source in (_TEMPLATE, _REFERENCES):
            shutil.copy(source, folder)
        for figures in facts["figures"].values():
            for figure in figures:
                shutil.copy(results / "figures" / figure["file"], folder)
        write_json(folder / "facts.json", facts)
        pdf: bytes = typst.compile(
            folder / _TEMPLATE.name,
            root=folder,
            # Beside its own fonts that of the figures, for signs that those lack.
            font_paths=[Path(matplotlib.get_data_path(), "fonts", "ttf")],
            ignore_system_fonts=True,
        )
    return pdf
