import json
import math
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from outcome_files import write_outcomes

from redwood.errors import InputError
from redwood.paper.commands import app
from redwood.paper.rendering import Block, Cell, Page, plain_number, with_interval
from redwood.paper.table1 import write_table1
from redwood.paper.table2 import write_table2

ROOT = Path(__file__).resolve().parents[3]
PAPER = ROOT / "resources" / "paper_table1.csv"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00123456, "0.00123"), (1.2345, "1.23"), (123.45, "123"), (98765.4, "98765")],
)
def test_numbers_to_three_significant_digits(value, text):
    assert plain_number(value) == text


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.012345, 0.0043, 0.0219, "0.0123 [0.0043, 0.0219]"),
        (1.5219, 1.4989, 1.5449, "1.52 [1.50, 1.54]"),
        (0.5, 0.5, 0.5, "0.500 [0.500, 0.500]"),
        # However narrow the interval, no more than three digits of the value.
        (163.0123, 163.0122, 163.0124, "163 [163, 163]"),
        (0.0, 0.0, 0.0, "0 [0, 0]"),
        (0.0, -0.0123, 0.0123, "0.000 [−0.012, 0.012]"),
        (-0.0001, -0.05, 0.05, "0.000 [−0.050, 0.050]"),
        (0.0996, 0.05, 0.15, "0.100 [0.050, 0.150]"),
    ],
)
def test_a_value_is_shown_to_two_digits_of_its_interval(value, low, high, text):
    assert " ".join(with_interval(value, low, high)) == text


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_what_is_printed_is_the_value_to_half_a_digit(value, half):
    text, interval = with_interval(value, value - half, value + half)
    decimals = len(text.partition(".")[2])
    assert abs(float(text.replace("−", "-")) - value) <= 0.51 * 10.0**-decimals
    assert "e" not in text + interval


def test_the_paper_s_figures_are_those_it_prints():
    published = pd.read_csv(PAPER).pivot_table(index="model", columns="measure", values="value")
    assert published.loc["smote"].to_dict() == {
        "wd": 0.871, "jsd": 0.799, "diff_corr": 0.011, "dcr": 0.001, "diff_mlef": 0.058,
    }  # fmt: skip
    assert published.loc["ctabganplus", "wd"] == 1.0
    assert published.loc["tvae", "diff_mlef"] == 5.875
    assert published.loc["tabddpm", "dcr"] == 0.025


def test_table1_tidy_and_for_readers(evaluations, tmp_path):
    write_table1(evaluations, PAPER, tmp_path / "out/table1")
    tidy = pd.read_csv(tmp_path / "out/table1.csv")
    assert list(tidy.columns) == [
        "model", "measure", "value", "low", "high", "floor", "floor_low", "floor_high", "multiple",
        "other_floor", "other_floor_low", "other_floor_high", "other_multiple", "rows", "seeds",
    ]  # fmt: skip
    smote = tidy[(tidy["model"] == "smote") & (tidy["measure"] == "wd")].iloc[0]
    assert smote["value"] == 0.0123
    assert smote["rows"] == 100
    assert smote["multiple"] == pytest.approx(2)
    assert tidy[["floor_low", "floor_high"]].isna().all(axis=None)
    assert tidy.loc[tidy["measure"] == "jsd", "value"].isna().all()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out/table1.parquet"), tidy)
    markdown = (tmp_path / "out/table1.md").read_text()
    assert "| model | typical ↓ | WD ↓ | JSD ↓ |" in markdown
    assert "| smote | 2.0 | **0.0123** [0.0111, 0.0135] | –<sup>a</sup> |" in markdown
    assert "| tvae | 2.0 | 0.456 [0.410, 0.502] | –<sup>a</sup> |" in markdown
    assert "| real (floor) | 1 | 0.00615 to 0.228 | – |" in markdown
    assert "| smote (paper) | 0.871<sup>b</sup> | 0.799<sup>b</sup> |" in markdown
    assert "<sup>a</sup> the table has no categorical feature" in markdown
    assert "<sup>b</sup> On another scale" in markdown
    assert "- Privacy, smote: not judged: no attack was tried." in markdown
    latex = (tmp_path / "out/table1.tex").read_text()
    assert r"(`surrogates.seeds`)" in latex
    assert latex.count(r"\begin") == latex.count(r"\end") == 2
    page = (tmp_path / "out/table1.html").read_text()
    interval = "[0.0111, 0.0135]"
    assert f'<td title="95 % interval {interval}"><strong>0.0123</strong></td>' in page
    assert f"<td><strong>0.0123</strong><small>{interval}</small></td>" in page
    summary = json.loads((tmp_path / "out/table1.json").read_text())
    assert summary["of_the_paper_not_shown"] == ["dcr", "diff_corr", "diff_mlef"]
    assert summary["without_value"] == 2


def test_models_with_other_measures_stand_in_the_right_columns(evaluations, tmp_path):
    path = evaluations[1] / "measures.json"
    content = json.loads(path.read_text())
    content["measures"] = {"dcr": content["measures"]["wd"] | {"title": "DCR", "note": "N"}}
    path.write_text(json.dumps(content))
    write_table1(evaluations, PAPER, tmp_path / "table1")
    markdown = (tmp_path / "table1.md").read_text()
    assert "| model | WD ↓ | JSD ↓ | DCR ↓ |" in markdown
    assert "| smote | **0.0123** [0.0111, 0.0135] | –<sup>a</sup> | –<sup>b</sup> |" in markdown
    assert "| –<sup>b</sup> | –<sup>b</sup> | **0.456** [0.410, 0.502] |" in markdown
    assert "<sup>b</sup> Not measured for this model." in markdown
    assert "**Remarks on single values** (1)\n\n- DCR, tvae: N\n" in markdown


def second_floors(folder: Path, **floors: list[float]) -> Path:
    """What `redwood other-floors` writes: the draws of each measure."""
    folder.mkdir()
    measures = {
        name: {"floor": sum(draws) / len(draws), "floor_draws": draws}
        for name, draws in floors.items()
    }
    content = {"rows": 100, "title": "other tasks", "words": "three draws", "measures": measures}
    (folder / "other_floors.json").write_text(json.dumps(content))
    return folder


def test_a_second_floor_tells_a_population_from_a_stand_in(evaluations, change, tmp_path):
    # smote is near these very rows, tvae behaves as others would.
    law = {"title": "bursts", "aspect": "law", "of_law": True, "floor": 0.1, "low": 0, "high": 9}
    change(evaluations[0], {"bursts": law | {"value": 1.2}})
    change(evaluations[1], {"bursts": law | {"value": 0.6}})
    for folder in evaluations:
        change(folder, {"fano": {"title": "burstiness", "aspect": "time", "of_law": True}})
        change(folder, privacy={"passes": True, "words": "passes"})
    draws = {"wd": [0.1, 0.2], "bursts": [0.2, 0.4], "fano": [0.0031, 0.0051]}
    other = second_floors(tmp_path / "other", **draws)
    write_table1(evaluations, PAPER, tmp_path / "table1", other_floors=other)
    markdown = (tmp_path / "table1.md").read_text()
    summary = json.loads((tmp_path / "table1.json").read_text())
    fano = {"smote": 0.0123 / 0.0041, "tvae": 0.456 / 0.0041}
    assert summary["typical_other_multiples"] == pytest.approx(
        {"smote": math.sqrt(1.2 / 0.3 * fano["smote"]), "tvae": math.sqrt(2 * fano["tvae"])}
    )
    # The measure of the law is no part of the typical multiple of the first floor.
    assert summary["typical_multiples"] == pytest.approx({"smote": 2, "tvae": 2})
    assert summary["other_floor"] == {"title": "other tasks", "words": "three draws"}
    lines = markdown.splitlines()
    assert "Same tasks: does a sample stand in for these very records?" in lines[0]
    assert "Other tasks: is it what others would have sent on other days?" in lines[0]
    assert (
        "| model | same tasks ↓ | other tasks ↓ | WD ↓ | JSD ↓ | bursts ↓ | burstiness ↓ |" in lines
    )
    assert any(line.startswith("| smote | 2.0 | 3.5 | **0.0123** [") for line in lines)
    # Of each draw the multiple of the other one, 1 / 2 and 3.1 / 5.1 counting as 1.
    high = math.sqrt(2 * 5.1 / 3.1)
    expected = f"| real, other tasks (floor) | – | {(1 + high) / 2:.1f} [1.0, {high:.1f}] | 0.150 "
    assert any(line.startswith(expected) for line in lines)
    assert any(line.startswith("| real (floor) | 1 | – | 0.0") for line in lines)
    assert "| real, other tasks (floor) | 0.150 [0.100, 0.200] | – |" in lines
    assert "| real, other tasks (floor) | 0.300 [0.200, 0.400] |" in lines
    assert "**As multiples of the floor of other tasks: the law**" in lines
    assert "| smote | 4.0 | 3.0 |" in lines
    assert any("real, other tasks (floor): what real rows of other tasks score" in x for x in lines)
    tidy = pd.read_csv(tmp_path / "table1.csv").set_index(["model", "measure"])
    row = tidy.loc[("smote", "bursts")]
    assert row["other_multiple"] == pytest.approx(4)
    assert (row["other_floor_low"], row["other_floor_high"]) == (0.2, 0.4)
    assert tidy["other_floor"].isna().sum() == 2  # of jsd


def test_test_rows_of_other_units_than_the_training_rows_are_told(evaluations, change, tmp_path):
    write_table1(evaluations, PAPER, tmp_path / "table1")
    assert "of other units than the training rows" not in (tmp_path / "table1.md").read_text()
    for folder in evaluations:
        change(folder, shares_units=False)
    write_table1(evaluations, PAPER, tmp_path / "table1")
    assert "of other units than the training rows" in (tmp_path / "table1.md").read_text()


def test_evaluations_of_other_numbers_of_rows_than_the_second_floor_are_told(
    evaluations, change, tmp_path
):
    change(evaluations[1], rows=90)
    other = second_floors(tmp_path / "other", wd=[0.1])
    said = write_table1(evaluations, PAPER, tmp_path / "table1", other_floors=other)
    assert said == ["tvae: 90 rows, where the floor of other tasks is of 100"]
    (other / "other_floors.json").write_text("{}")
    with pytest.raises(InputError, match=r"other_floors\.json: not the floors of other units"):
        write_table1(evaluations, PAPER, tmp_path / "table1", other_floors=other)


def further_measures(number: int) -> dict:
    titles = {f"measure_{further}": f"M{further}" for further in range(number)}
    return {name: {"title": title, "note": "how & what"} for name, title in titles.items()}


def test_measures_that_the_paper_does_not_have_stand_below_the_others(
    evaluations, change, tmp_path
):
    for folder in evaluations:
        change(folder, further_measures(8))
    write_table1(evaluations, PAPER, tmp_path / "table1")
    markdown = (tmp_path / "table1.md").read_text()
    first, *folded = markdown.split("\n\n**")
    # At most ten columns: of ten measures as many as fit beside the name and the typical multiple.
    named = " | ".join(f"M{number} ↓" for number in range(6))
    assert f"| model | typical ↓ | WD ↓ | JSD ↓ | {named} |" in first
    assert "M6" not in first
    tables = [part.splitlines() for part in folded]
    assert [lines[0].rstrip("*") for lines in tables[:6]] == [
        "Value and 95 % interval: the paper's measures",
        "For orientation, the paper's own figures (arXiv 2410.07940), on other data",
        *["Value and 95 % interval: measures that the paper does not have"] * 2,
        *["As multiples of the floor"] * 2,
    ]
    assert "| smote (paper) | 0.871<sup>b</sup> | 0.799<sup>b</sup> |" in tables[1]
    assert tables[2][2] == "| model | " + " | ".join(f"M{i} ↓" for i in range(7)) + " |"
    assert tables[3][2] == "| model | M7 ↓ |"
    assert tables[5][2:6] == ["| model | M6 | M7 | typical |", tables[5][3],
        "| smote | 2.0 | 2.0 | 2.0 |", "| tvae | 2.0 | 2.0 | 2.0 |"]  # fmt: skip
    for lines in (tables[0], *tables[2:4]):
        names = [line.split(" | ")[0] for line in lines[4:7]]
        assert names == ["| real (floor)", "| smote", "| tvae"]
    page = (tmp_path / "table1.html").read_text()
    assert page.count("<details><summary>") == 4 + 4
    assert "<summary>Remarks on single values (8)</summary>" in page
    tidy = pd.read_csv(tmp_path / "table1.csv")
    assert len(tidy) == 2 * 10
    assert tidy["measure"].tolist()[:3] == ["wd", "jsd", "measure_0"]


def test_the_paper_s_values_stand_where_its_scale_was_measured(evaluations, change, tmp_path):
    for folder in evaluations:
        change(folder, {"wd_paper": {"title": "WD, paper's scale", "value": 0.9}})
    write_table1(evaluations, PAPER, tmp_path / "table1")
    markdown = (tmp_path / "table1.md").read_text()
    assert "| model | WD ↓ | JSD ↓ | WD, paper's scale ↓ |" in markdown
    assert "| smote (paper) | – | 0.799<sup>" in markdown
    assert "</sup> | 0.871 |" in markdown


def test_outcomes_of_the_simulation_join_the_measures(evaluations, tmp_path):
    rows = [
        (workload, policy, 1, outcome, "", value)
        for workload, values in (("recorded", (100, 50)), ("smote", (110, 50)), ("gan", (1, 2)))
        for policy, throughput in zip(("a", "b"), values, strict=True)
        for outcome, value in (
            ("throughput", throughput),
            ("lost_share", 0.25 * (workload == "smote")),
        )
    ]
    path = write_outcomes(tmp_path / "outcomes.csv", rows)
    write_table1(evaluations, PAPER, tmp_path / "table1", path)
    tidy = pd.read_csv(tmp_path / "table1.csv")
    simulated = tidy[tidy["measure"] == "sim_throughput"]
    assert simulated["model"].tolist() == ["smote"]
    assert simulated["value"].iloc[0] == pytest.approx(math.log(1.1) / 2)
    markdown = (tmp_path / "table1.md").read_text()
    assert "- Simulation: Jobs that got no site, or had not ended when" in markdown
    assert "How many of all jobs: smote under a (25 %), smote under b (25 %)." in markdown
    title = markdown.index("**Value and 95 % interval: what the simulation makes of the jobs**")
    assert title < markdown.rindex("| simulated throughput ↓ |")


@pytest.mark.parametrize("command", [["table2", "o.csv"], ["figure", "grid", "runs"]])
def test_an_ending_is_not_taken_for_the_path_without_one(command):
    with pytest.raises(InputError, match=r"expected a path without one, such as out/t$"):
        typer.main.get_command(app)([*command, "--output", "out/t.md"], standalone_mode=False)


def test_without_the_paper_s_measures_the_others_have_the_page(evaluations, tmp_path):
    (tmp_path / "paper.csv").write_text("model,measure,value\nsmote,dcr,0.8\n")
    write_table1(evaluations, tmp_path / "paper.csv", tmp_path / "table1")
    markdown = (tmp_path / "table1.md").read_text()
    assert "| model | WD ↓ | JSD ↓ |\n" in markdown
    assert "(paper)" not in markdown


@pytest.mark.parametrize(
    ("measures", "more", "words"),
    [
        ({"wd": {"floor_draws": [0.1, "x"]}}, {}, r"'wd': floor_draws is \[0.1, 'x'\], expected a"),
        ({"wd": {"direction": "up"}}, {}, "'wd': direction is 'up', expected one of lower"),
        ({}, {"measures": {"wd": {"title": "WD"}}}, "measure 'wd' has no 'definition'"),
        ({}, {"measures": None}, "not the measures of an evaluation"),
        ({}, {"privacy": {"passes": "yes", "words": ""}}, "privacy passes is 'yes', expected"),
        ({}, {"privacy": {}}, "not the measures .*'passes'"),
        ({}, {"role": "judge"}, "role is 'judge', expected one of model, control, law"),
    ],
)
def test_what_is_no_evaluation_is_named(evaluations, change, tmp_path, measures, more, words):
    change(evaluations[1], measures, **more)
    with pytest.raises(InputError, match=f"tvae/measures.json: .*{words}"):
        write_table1(evaluations, PAPER, tmp_path / "table1")
    assert not (tmp_path / "table1.csv").exists()


def test_an_evaluation_that_is_missing_or_given_twice_is_named(evaluations, tmp_path):
    with pytest.raises(InputError, match="none: no such folder of evaluation"):
        write_table1([tmp_path / "none"], PAPER, tmp_path / "table1")
    with pytest.raises(InputError, match="smote: is given twice"):
        write_table1([evaluations[0], evaluations[0]], PAPER, tmp_path / "table1")


def test_a_wrong_number_of_the_paper_is_named(evaluations, tmp_path):
    (tmp_path / "paper.csv").write_text("model,measure,value\nsmote,wd,0.8\nsmote,jsd,o.8\n")
    with pytest.raises(InputError, match=r"paper.csv: data row 2: value is 'o.8', expected"):
        write_table1(evaluations, tmp_path / "paper.csv", tmp_path / "table1")


def test_text_is_escaped_for_each_language():
    cell = Cell("1 % ↓", "[0, 2]", "n_o", bold=True, appended="*")
    block = Block("<b>", [("m_1", [cell])], remarks={"m_1": "a_b"})
    blocks = [block, Block("B", [("m", [Cell("2")])])]
    page = Page("T", "a_b & c", ["x|y", "z"], blocks, ["W₁, σ² and Δ ≈ 1"], "1 % & <2")
    assert r"x\|y" in page.markdown()
    latex = page.latex()
    assert r"a\_b \& c" in latex
    assert r"m\_1 & \textbf{1 \% $\downarrow$}*$^{a}$ \\" in latex
    assert r"{\scriptsize a\_b} & {\scriptsize [0, 2]} \\" in latex
    assert r"\parbox{\linewidth}{1 \% \& \textless{}2}" in latex
    assert r"$^{a}$ n\_o" in latex
    assert r"W$_{1}$, $\sigma$$^{2}$ and $\Delta$ $\approx$ 1" in latex
    assert latex.isascii()
    assert "&lt;b&gt;" in page.html()
    assert '<p class="verdict plain">1 % &amp; &lt;2</p>' in page.html()
    assert r"| m_1 (a_b) | **1 % ↓**\*<sup>a</sup> [0, 2] |" in page.markdown()


def test_every_line_of_the_latex_table_has_all_columns(evaluations, change, outcomes, tmp_path):
    change(evaluations[0], further_measures(3))
    write_table1(evaluations, PAPER, tmp_path / "table1")
    write_table2(outcomes(), tmp_path / "table2")
    for name in ("table1", "table2"):
        latex = (tmp_path / f"{name}.tex").read_text()
        assert latex.isascii()
        body = latex.split(r"\toprule")[1].split(r"\bottomrule")[0]
        lines = [line for line in body.splitlines() if line.endswith(r"\\")]
        columns = len(re.search(r"tabular}{(l+r+)}", latex)[1])
        counts = {len(re.findall(r"(?<!\\)&", line)) for line in lines if "multicolumn" not in line}
        assert counts == {columns - 1}
        assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")


def test_there_are_more_footnotes_than_letters():
    cells = [Cell("1", footnote=f"note {number}") for number in range(30)]
    marks = Page("T", "", ["m"], [Block("b", [("m", cells)])], []).marks
    assert marks["note 25"] == "z"
    assert marks["note 27"] == "ab"
    assert len(set(marks.values())) == 30


def test_table1_marks_what_leads_what_reaches_the_floor_and_what_fails(
    evaluations, change, tmp_path
):
    floor = {"floor": 2.0, "floor_draws": [1.5, 2.5]}
    change(
        evaluations[0],
        {"wd": {"value": 3.0, "low": 2.4, "high": 3.6, **floor}},
        privacy={"passes": False, "words": "fails: copies"},
    )
    change(evaluations[1], {"wd": {"value": 9.0, "low": 8.0, "high": 10.0, **floor}})
    evaluations.append(Path(shutil.copytree(evaluations[0], tmp_path / "my_shuffle")))
    change(evaluations[-1], {}, role="control")
    write_table1(evaluations, PAPER, tmp_path / "table1")
    markdown = (tmp_path / "table1.md").read_text()
    assert "| real (floor) | 2.00 [1.50, 2.50] | – |" in markdown
    assert "| smote (fails privacy) | **3.00**\\* [2.40, 3.60] |" in markdown
    assert "| tvae | 9.0 [8.0, 10.0] |" in markdown
    assert "| my_shuffle (control, fails privacy) | 3.00\\* [2.40, 3.60] |" in markdown
    assert "| smote | 1.5 | 1.5 |" in markdown
    assert "| tvae | 4.5 | 4.5 |" in markdown
    for note in ("- Bold: ", " Asterisk: ", "- Multiple of the floor: ", "- Below a floor: "):
        assert note in markdown
    assert "geometric mean over WD; a multiple" in markdown
    assert "Controls (my_shuffle) are never bold" in markdown
    latex = (tmp_path / "table1.tex").read_text()
    assert r"smote & 1.5 & \textbf{3.00}* & --$^{a}$ \\" in latex
    assert r"{\scriptsize fails privacy} &  & {\scriptsize [2.40, 3.60]} &" in latex
    assert r" & {\scriptsize [1.50, 2.50]} &" in latex
    page = (tmp_path / "table1.html").read_text()
    named = '<tr><th scope="row">smote<small>fails privacy</small></th>'
    assert named + "<td><strong>3.00</strong>*<small>" in page
    assert named + '<td>1.5</td><td title="95 % interval [2.40, 3.60]"><strong>3.00' in page
    assert "<td>2.00<small>[1.50, 2.50]</small></td>" in page
    tidy = pd.read_csv(tmp_path / "table1.csv").set_index(["measure", "model"]).loc["wd"]
    assert tidy.loc["tvae", ["floor_low", "floor_high", "multiple"]].tolist() == [1.5, 2.5, 4.5]


def test_table1_says_which_model_to_publish(evaluations, change, tmp_path):
    for folder in evaluations:
        change(folder, {}, privacy={"passes": True, "words": "passes"})
    change(evaluations[0], {"wd": {"floor": 0.001}})
    write_table1(evaluations, PAPER, tmp_path / "table1")
    summary = json.loads((tmp_path / "table1.json").read_text())
    assert summary["recommendation"]["model"] == "tvae"
    assert summary["typical_multiples"] == pytest.approx({"smote": 12.3, "tvae": 2})
    words = summary["recommendation"]["words"]
    assert words.startswith("Publish tvae. Of 2 models that pass")
    for ending, begins in (
        ("md", "\n\n"),
        ("tex", r"\parbox{\linewidth}{"),
        ("html", 'plain">'),
    ):
        content = (tmp_path / f"table1.{ending}").read_text()
        assert begins + words in content
        assert content.index(words) < content.index("WD")


def test_simulation_and_privacy_have_multiples_of_their_own(evaluations, change, tmp_path):
    for folder in evaluations:
        change(
            folder,
            {"mia_x": {"title": "my attack", "aspect": "privacy", "value": 0.03, "floor": 0.01}},
        )
    write_table1(evaluations, PAPER, tmp_path / "table1")
    lines = (tmp_path / "table1.md").read_text().splitlines()
    title = next(i for i, line in enumerate(lines) if "floor: privacy and simulation**" in line)
    assert lines[title + 2 : title + 5 : 2] == ["| model | my attack |", "| smote | 3.0 |"]


def test_what_did_not_go_as_asked_in_an_evaluation_is_a_note(evaluations, tmp_path):
    path = evaluations[1] / "measures.json"
    warning = "size has collapsed: 1 distinct values, real rows have 400"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"warnings": [warning]}))
    sentence = f"{evaluations[1].name}: {warning}"
    assert write_table1(evaluations, PAPER, tmp_path / "table1") == [sentence]
    assert json.loads((tmp_path / "table1.json").read_text())["remarks"] == [sentence]
    assert sentence in (tmp_path / "table1.md").read_text()
