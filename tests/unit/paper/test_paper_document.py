"""The paper: one PDF that has the run's tables and figures, and never a private row."""

import json
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
import test_paper_report
from pypdf import PdfReader

from redwood.errors import InputError
from redwood.outputs import file_digest
from redwood.paper.document.writing import write_paper
from redwood.paper.style import PAGE_WIDTH, save_figure, use_style

ROOT = Path(__file__).resolve().parents[3]
CAPTIONS = ROOT / "workflow/report"
TEMPLATE = ROOT / "workflow/redwood/paper/document/paper.typ"
FIGURES = (
    *("pipeline", "distributions", "arrivals", "correlations", "tradeoff", "dcr", "ranks"),
    *("grid", "site_load", "transfer_map", "training"),
)
A4 = 842
# A run with smote withheld and tvae released.
results = test_paper_report.results


def draw(folder, name, height=1.0):
    use_style()
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(PAGE_WIDTH, height))
    axis.set_title(f"drawn {name}")
    save_figure(figure, folder / "figures" / name, 60, {})


@pytest.fixture
def run(results, tables):
    """The same, with what the paper needs besides."""
    card = json.loads((results / "records/card.json").read_text())
    (results / "records/card.json").write_text(
        json.dumps({**card, "cleaning": {"rows": {"input": 2381}}})
    )
    configuration = {
        **{"seed": 2410, "seeds": {"records": None, "release": 77}},
        "surrogates": {"seeds": 1},
        "release": {"levels": ["record", "task"]},
        "simulation": {
            **{"policies": [{"name": "a"}, {"name": "b"}], "seeds": 3, "load_factor": 30.0},
            "network": "simgrid",
        },
    }
    (results / "configuration.json").write_text(json.dumps(configuration))
    published = results / "release/decisions/tvae/published"
    published.mkdir()
    for folder, rows in ((published, "sample"), (results / "records", "recorded")):
        shutil.copy(tables / "table.json", folder)
        shutil.copy(tables / f"{rows}.parquet", folder)
    (results / "records/recorded.parquet").rename(results / "records/test.parquet")
    for name in FIGURES:
        draw(results, name)
    manifest = json.loads((results / "ro-crate-metadata.json").read_text())
    package = {"@id": "https://pypi.org/project/numpy/9.9", "@type": "SoftwareApplication"}
    manifest["@graph"].append({**package, "name": "numpy", "softwareVersion": "9.9"})
    (results / "ro-crate-metadata.json").write_text(json.dumps(manifest))
    return results


def paper_of(results, name="paper") -> PdfReader:
    output = results / name / "paper.pdf"
    write_paper(results, CAPTIONS, output)
    return PdfReader(output)


def words_of(pdf) -> str:
    return " ".join(" ".join(page.extract_text() for page in pdf.pages).split())


def change_json(path, **more):
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


def fonts_of(resources) -> list:
    """Every font of a page, and of the figures on it."""
    found = [font.get_object() for font in (resources.get("/Font") or {}).values()]
    for drawn in (resources.get("/XObject") or {}).values():
        if inner := drawn.get_object().get("/Resources"):
            found += fonts_of(inner.get_object())
    return found


def test_the_paper_opens_and_has_the_numbers_of_both_tables(run):
    said = words_of(paper_of(run))
    for name, title in (("table1", "Table I."), ("table2", "Table II.")):
        page = json.loads((run / f"tables/{name}.json").read_text())["page"]
        assert title in said
        cells = [c for b in page["blocks"] for row in b["rows"] for c in row["cells"]]
        assert len(cells) > 10
        missing = {
            cell[key] for cell in cells for key in ("value", "interval") if key in cell
            if cell[key] not in said
        }  # fmt: skip
        assert not missing


def test_the_paper_says_what_was_run_and_on_what(run):
    said = words_of(paper_of(run))
    for part in (
        *("2,381 raw rows, of which 1,479 jobs were kept", "887 for train", "2410; release: 77"),
        *("Commit abc, nothing uncommitted.", "processor a fast one", "numpy 9.9"),
        *("3 seeds each, load factor 30", "smote and tvae; trained once each"),
        *("95 % upper bound 61 %, limit 30 %", "arXiv:2410.07940"),
    ):
        assert part in said


def test_every_figure_is_there_as_it_was_drawn_with_the_caption_of_the_report(run):
    said = words_of(paper_of(run))
    for name in FIGURES:
        assert f"drawn {name}" in said  # as text: its lines are no pixels
        caption = (CAPTIONS / f"{name}.rst").read_text().split()
        assert " ".join(caption[:5]) in said


def test_all_fonts_are_embedded(run):
    fonts = [font for page in paper_of(run).pages for font in fonts_of(page["/Resources"])]
    assert any("DejaVu" in font["/BaseFont"] for font in fonts)
    assert any("Libertinus" in font["/BaseFont"] for font in fonts)
    for font in fonts:
        descendants = font.get("/DescendantFonts", [font])
        described = descendants[0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(described), font["/BaseFont"]


def test_the_same_results_give_the_same_bytes_at_any_time_and_place(run, tmp_path, monkeypatch):
    paper_of(run)
    elsewhere = tmp_path / "another place" / run.name
    shutil.copytree(run, elsewhere)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    time.tzset()
    paper_of(elsewhere, "again")
    for name in ("paper.pdf", "sample.csv", "sample.md", "sample.tex"):
        assert (run / "paper" / name).read_bytes() == (elsewhere / "again" / name).read_bytes()
    metadata = PdfReader(run / "paper/paper.pdf").metadata
    assert metadata.creation_date is None
    assert metadata.modification_date is None


def test_it_can_be_told_which_tables_a_paper_shows(run):
    paper_of(run)
    content = (run / "paper/paper.pdf").read_bytes()
    for name in ("table1", "table2"):
        assert file_digest(run / f"tables/{name}.html").encode() in content


def test_the_template_asks_for_no_package_and_is_as_wide_as_figures(run):
    text = TEMPLATE.read_text()
    assert "@preview" not in text
    assert "#import" not in text
    assert f"#let width = {PAGE_WIDTH:g}in" in text


def test_a_figure_that_is_higher_than_a_page_is_not_made_smaller(run):
    draw(run, "correlations", height=12.0)
    heights = [float(page.mediabox.height) for page in paper_of(run).pages]
    assert max(heights) > 12 * 72
    assert sum(height > A4 + 1 for height in heights) == 1


def test_nothing_leaves_the_page_of_however_many_models_and_policies(run):
    path = run / "tables/table1.json"
    page = json.loads(path.read_text())["page"]
    for block in page["blocks"]:
        block["rows"] *= 20
    change_json(path, page=page)
    path = run / "tables/table2.json"
    page = json.loads(path.read_text())["page"]
    page["header"] *= 6
    for block in page["blocks"]:
        block["header"] = page["header"]
        for row in block["rows"]:
            row["cells"] = [{"value": "123.4", "interval": "[−100, +1000]"}] * (
                len(page["header"]) - 1
            )
        if block["folded"]:
            block["rows"] *= 10
    change_json(path, page=page)
    pdf = paper_of(run)
    assert len(pdf.pages) > 10
    outside = []
    for page in pdf.pages:
        width, height = float(page.mediabox.width), float(page.mediabox.height)

        def look(text, cm, tm, font, size, width=width, height=height):
            # What a figure has inside is placed by the figure.
            if text.strip() and "Libertinus" in (font or {}).get("/BaseFont", ""):
                x, y = cm[0] * tm[4] + cm[4], cm[3] * tm[5] + cm[5]
                if not (20 < x < width - 40 and 20 < y < height - 20):
                    outside.append((text, x, y))

        page.extract_text(visitor_text=look)
    assert not outside


def test_rows_are_shown_of_a_sample_that_was_released(run):
    said = words_of(paper_of(run))
    shown = pd.read_csv(run / "paper/sample.csv", float_precision="round_trip")
    released = pd.read_parquet(run / "release/decisions/tvae/published/sample.parquet")
    assert "Synthetic rows of tvae, which the release gate let out" in said
    assert 1 <= len(shown) <= 6
    for column in shown.select_dtypes("number"):
        assert set(shown[column]) <= set(released[column])
    assert "tvae" in (run / "paper/sample.tex").read_text()


@pytest.mark.parametrize("synthetic", [True, False])
def test_without_a_release_rows_are_shown_of_generated_records_alone(run, synthetic):
    change_json(run / "records/card.json", synthetic=synthetic)
    change_json(run / "release/decisions/tvae/decision.json", released=False)
    rows = pd.read_parquet(run / "records/test.parquet")
    private = next(name for name in rows if isinstance(rows[name].iloc[0], str))
    rows[private] = "of-somebody"
    rows.to_parquet(run / "records/test.parquet")
    said = words_of(paper_of(run))
    written = "".join(path.read_text() for path in (run / "paper").glob("sample.*"))
    assert ("of-somebody" in said) == ("of-somebody" in written) == synthetic
    if not synthetic:
        assert "No rows are shown: the records are private" in said


def test_all_that_is_missing_is_said_at_once_with_what_makes_it(run):
    for name in ("tables/table1.json", "figures/dcr.pdf", "ro-crate-metadata.json"):
        (run / name).unlink()
    with pytest.raises(InputError, match=r"run paper` makes what is missing") as caught:
        paper_of(run)
    for name in ("tables/table1.json", "figures/dcr.pdf", "ro-crate-metadata.json", "3 of the"):
        assert name in str(caught.value)
    assert not (run / "paper").exists()
    with pytest.raises(InputError, match=r"holds no results of a run; `\./run paper` makes them"):
        write_paper(run / "none", CAPTIONS, run / "paper/paper.pdf")


def test_a_table_of_an_earlier_version_is_to_be_made_again(run):
    summary = json.loads((run / "tables/table2.json").read_text())
    del summary["page"]
    (run / "tables/table2.json").write_text(json.dumps(summary))
    with pytest.raises(InputError, match=r"table2\.json: has no page to show; .*paper table2"):
        paper_of(run)


def test_words_from_results_are_never_read_as_markup(run):
    path = run / "tables/table1.json"
    page = json.loads(path.read_text())["page"]
    odd = '#panic("x") $y$ *z* _w_ @nobody <label> \\ // ] ['
    page["notes"] = [odd]
    page["blocks"][0]["rows"][0]["name"] = "[a](b) #c"
    change_json(path, page=page)
    said = words_of(paper_of(run))
    assert odd in said.replace("’", "'").replace("“", '"').replace("”", '"')
    assert "[a](b) #c" in said
