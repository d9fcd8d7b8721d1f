"""Table I: marks, multiples of the floor and the recommendation, in all formats."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from redwood.paper.table1 import write_table1

PAPER = Path(__file__).resolve().parents[3] / "resources" / "paper_table1.csv"


def changed(folder: Path, measures: dict, **more) -> None:
    """Put other values into the measures of an evaluation."""
    content = json.loads((folder / "measures.json").read_text()) | more
    for name, values in measures.items():
        content["measures"][name] = content["measures"]["wd"] | values
    (folder / "measures.json").write_text(json.dumps(content))


def test_table1_marks_what_leads_what_reaches_the_floor_and_what_fails(evaluations, tmp_path):
    floor = {"floor": 2.0, "floor_draws": [1.5, 2.5]}
    changed(
        evaluations[0],
        {"wd": {"value": 3.0, "low": 2.4, "high": 3.6, **floor}},
        privacy={"passes": False, "words": "fails: copies"},
    )
    changed(evaluations[1], {"wd": {"value": 9.0, "low": 8.0, "high": 10.0, **floor}})
    evaluations.append(Path(shutil.copytree(evaluations[0], tmp_path / "my_shuffle")))
    changed(evaluations[-1], {}, role="control")
    write_table1(evaluations, PAPER, tmp_path / "table1")
    markdown = (tmp_path / "table1.md").read_text()
    assert "| real (floor) | 2.00 [1.50, 2.50] | – |" in markdown
    assert "| smote (fails privacy) | **3.00**\\* [2.40, 3.60] |" in markdown
    assert "| tvae | 9.0 [8.0, 10.0] |" in markdown
    assert "| my_shuffle (control, fails privacy) | 3.00\\* [2.40, 3.60] |" in markdown
    assert "| smote (fails privacy) | 1.5 | 1.5 |" in markdown
    assert "| tvae | 4.5 | 4.5 |" in markdown
    for note in ("- Bold: ", "- Asterisk: ", "- Multiple of the floor: ", "- Below a floor: "):
        assert note in markdown
    assert "geometric mean over WD; a multiple" in markdown
    assert "Controls (my_shuffle) are never bold" in markdown
    latex = (tmp_path / "table1.tex").read_text()
    assert r"smote & \textbf{3.00}* & --$^{a}$ \\" in latex
    assert r"{\scriptsize fails privacy} & {\scriptsize [2.40, 3.60]} &" in latex
    assert r" & {\scriptsize [1.50, 2.50]} &" in latex
    page = (tmp_path / "table1.html").read_text()
    assert (
        "<tr><td>smote<br><small>fails privacy</small></td><td><strong>3.00</strong>*<br><small>"
        in page
    )
    assert "<td>2.00<br><small>[1.50, 2.50]</small></td>" in page
    tidy = pd.read_csv(tmp_path / "table1.csv").set_index(["measure", "model"]).loc["wd"]
    assert tidy.loc["tvae", ["floor_low", "floor_high", "multiple"]].tolist() == [1.5, 2.5, 4.5]


def test_table1_says_which_model_to_publish(evaluations, tmp_path):
    for folder in evaluations:
        changed(folder, {}, privacy={"passes": True, "words": "passes"})
    changed(evaluations[0], {"wd": {"floor": 0.001}})
    write_table1(evaluations, PAPER, tmp_path / "table1")
    summary = json.loads((tmp_path / "table1.json").read_text())
    assert summary["recommendation"]["model"] == "tvae"
    assert summary["typical_multiples"] == pytest.approx({"smote": 12.3, "tvae": 2})
    words = summary["recommendation"]["words"]
    assert words.startswith("Publish tvae. Of 2 models that pass")
    for ending, begins in (("md", "\n\n"), ("tex", r"\parbox{\linewidth}{"), ("html", '"lead">')):
        content = (tmp_path / f"table1.{ending}").read_text()
        assert begins + words in content
        assert content.index(words) < content.index("WD")


def test_simulation_and_privacy_have_multiples_of_their_own(evaluations, tmp_path):
    for folder in evaluations:
        changed(
            folder,
            {"mia_x": {"title": "my attack", "aspect": "privacy", "value": 0.03, "floor": 0.01}},
        )
    write_table1(evaluations, PAPER, tmp_path / "table1")
    lines = (tmp_path / "table1.md").read_text().splitlines()
    title = next(i for i, line in enumerate(lines) if "floor: privacy and simulation*" in line)
    assert lines[title + 1 : title + 3] == [
        "| **model** | **my attack** |  |",
        "| smote | 3.0 |  |",
    ]
