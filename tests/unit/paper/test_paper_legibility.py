"""Every figure can be read at the width of a page; those of the first screen say the results."""

import json
import shutil
from pathlib import Path

import pytest
from test_paper_found_shares import decision

from redwood.errors import InputError
from redwood.paper.agreement import Runs, rankings
from redwood.paper.arrivals import draw_arrivals
from redwood.paper.attacks import draw_attacks
from redwood.paper.correlations import draw_correlations
from redwood.paper.dcr import draw_dcr
from redwood.paper.distributions import draw_distributions
from redwood.paper.found_shares import draw_found_shares
from redwood.paper.grid import draw_grid
from redwood.paper.outcomes import read_outcomes
from redwood.paper.pipeline import draw_pipeline
from redwood.paper.ranks import draw_ranks
from redwood.paper.site_load import draw_site_load
from redwood.paper.style import PAGE_WIDTH
from redwood.paper.tradeoff import draw_tradeoff
from redwood.paper.training import draw_training
from redwood.paper.transfer_map import draw_transfer_map

RESOURCES = Path(__file__).resolve().parents[3] / "resources"
MODELS = ["smote", "tvae", "tabddpm", "ctabganplus", "sequoia", "grove", "sdv", "copy", "leak"]


@pytest.fixture
def draw(tables, evaluations, change, runs, outcomes, tmp_path):
    """Draws a figure of nine models, from what the stages write."""
    for model in MODELS[2:]:
        evaluations.append(Path(shutil.copytree(evaluations[0], tmp_path / "evaluation" / model)))
    rates = "false_positive_rate,true_positive_rate\n0.0001,0.001\n0.01,0.05\n1,1\n"
    import io

    import pandas as pd

    for folder in evaluations:
        named = {"attacker": "who has the sample", "aspect": "privacy", "value": 0.05}
        shares = {"value": 0.5, "low": 0.4, "high": 0.6, "floor": 0.5}
        change(folder, {"attack_distance": named, "dcr_share": shares, "near_copies": shares})
        pd.read_csv(io.StringIO(rates)).to_parquet(folder / "roc_distance.parquet")
    losses = tmp_path / "tvae" / "model"
    losses.mkdir(parents=True)
    (losses / "losses.csv").write_text("epoch,train,validation\n1,3,3\n2,2,2.5\n")
    sizes = {1: 0.1, 5: 0.2, 20: 0.3, 50: 0.4, 200: 0.9}
    (tmp_path / "decided").mkdir()
    decisions = [
        decision(tmp_path / "decided", m, record={1: 0.1}, task=sizes, user=sizes) for m in MODELS
    ]
    samples = dict.fromkeys(MODELS, tables / "sample.parquet")
    rows = tables / "table.json", tables / "recorded.parquet", samples
    turnarounds = dict.fromkeys(("recorded", *MODELS), (11, 22, 30, 35, 39, 60, 70, 80))
    summary = table_one(tmp_path / "table1.json", dict(zip(MODELS, range(1, 10), strict=True)))
    out = tmp_path / "figure"
    known = {
        "distributions": lambda: draw_distributions(*rows, 60, out, ["copy", "leak"]),
        "arrivals": lambda: draw_arrivals(*rows, 60, out, ["copy", "leak"]),
        "correlations": lambda: draw_correlations(evaluations, 60, out),
        "dcr": lambda: draw_dcr(evaluations, 60, out),
        "attacks": lambda: draw_attacks(evaluations, 60, out),
        "found_shares": lambda: draw_found_shares(decisions, 60, out),
        "grid": lambda: draw_grid(runs, 60, out),
        "site_load": lambda: draw_site_load(runs, 60, out),
        "transfer_map": lambda: draw_transfer_map(runs, RESOURCES, 60, out),
        "training": lambda: draw_training([losses], 60, out),
        "pipeline": lambda: draw_pipeline(*accounts(tmp_path), 60, out),
        "ranks": lambda: draw_ranks(outcomes(**turnarounds), 60, out),
        "tradeoff": lambda: draw_tradeoff(summary, [gate(tmp_path, "sequoia", True, 0.2)], 60, out),
    }
    return lambda figure: known[figure]()


FIGURES = [
    *("distributions", "arrivals", "correlations", "dcr", "attacks", "found_shares"),
    *("grid", "site_load", "transfer_map", "training", "ranks", "tradeoff"),
    "pipeline",
]


def accounts(folder, steps=None):
    """What the cleaning and the split say of themselves."""
    steps = {"robot": 10, "missing_value": 5, "never": 0} if steps is None else steps
    left, told = 100, []
    for reason, rejected in steps.items():
        left -= rejected
        words = f"a needed cell is {reason}, at length: " + "so many words, " * 9
        told.append({"reason": reason, "description": words, "rejected": rejected, "left": left})
    cleaning, split = folder / "cleaning.json", folder / "split.json"
    rows = {"input": 100, "kept": left}
    cleaning.write_text(json.dumps({"rows": rows, "files": [{}, {}], "steps": told}))
    parts = {
        name: {"rows": 28 + place} for place, name in enumerate(("train", "validation", "test"))
    }
    split.write_text(json.dumps({"parts": parts}))
    return cleaning, split


def table_one(path, far, passes=None, other=None):
    """The summary of a Table I of these typical multiples."""
    content = {
        "models": list(far),
        "controls": [],
        "passes": passes or dict.fromkeys(far, True),
        "typical_multiples": far,
        "typical_other_multiples": other or {},
        "other_floor": {"title": "other tasks"} if other else None,
    }
    path.write_text(json.dumps(content))
    return path


def gate(folder, model, released, *bounds):
    """A decision of the release gate with groups of these bounds."""
    groups = [{"rows": [1, 5], "planted": 50, "found": b / 2, "at_most": b} for b in bounds]
    content = {
        "model": model,
        "released": released,
        "checks": [{"kind": "canaries", "level": "task", "passed": released, "groups": groups}],
    }
    path = folder / f"{model}.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("figure", FIGURES)
def test_no_text_of_a_figure_is_below_seven_points_at_the_width_of_a_page(draw, drawn, figure):
    from matplotlib.text import Text

    draw(figure)
    [shown] = drawn
    width = shown.get_size_inches()[0]
    # Narrower figures are shown beside each other, not enlarged to less.
    assert width <= PAGE_WIDTH
    texts = [text for text in shown.findobj(Text) if text.get_visible() and text.get_text()]
    assert texts
    small = {text.get_text(): text.get_fontsize() for text in texts if text.get_fontsize() < 7}
    assert not small


@pytest.mark.parametrize("steps", [None, {}, {f"reason {n}": 1 for n in range(12)}])
def test_the_pipeline_says_what_each_step_rejects_and_leaves(drawn, tmp_path, steps):
    cleaning, split = accounts(tmp_path, steps)
    draw_pipeline(cleaning, split, 60, tmp_path / "pipeline")
    said = [text.get_text() for text in drawn[0].axes[0].texts]
    account = json.loads(cleaning.read_text())
    rejecting = [step for step in account["steps"] if step["rejected"]]
    for step in rejecting:
        assert any(text.startswith(f"−{step['rejected']} a needed") for text in said)
        assert str(step["left"]) in said
    assert str(account["rows"]["kept"]) in said
    assert "raw records\n100 rows\nin 2 files" in said
    assert any(text.startswith("validation: 29 rows") for text in said)


def test_the_pipeline_needs_the_accounts_of_cleaning_and_split(tmp_path):
    cleaning, split = accounts(tmp_path)
    split.write_text("{}")
    with pytest.raises(InputError, match=r"not the accounts of cleaning and split: 'parts'"):
        draw_pipeline(cleaning, split, 60, tmp_path / "pipeline")


@pytest.mark.parametrize("figure", ["distributions", "arrivals", "dcr", "attacks"])
def test_each_model_has_a_panel_of_its_own(draw, drawn, figure):
    draw(figure)
    named = {axis.get_ylabel() or axis.get_title(loc="left") for axis in drawn[0].axes}
    assert set(MODELS) <= named


def test_points_stand_at_the_multiple_and_at_the_worst_bound(tmp_path, drawn):
    table = table_one(
        tmp_path / "t.json", {"a": 2.0, "b": 3.0, "c": 1.5}, {"a": True, "b": True, "c": False},
        other={"a": 1.5, "b": 4.0, "c": 9.0},
    )  # fmt: skip
    decisions = [gate(tmp_path, "a", False, 0.2, 0.45), gate(tmp_path, "b", True, 0.1)]
    draw_tradeoff(table, decisions, 60, tmp_path / "figure")
    above, strip = drawn[0].axes
    points = [line for line in above.lines if line.get_marker() == "o"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in points] == [(1.5, 45), (4, 10)]
    assert points[0].get_markerfacecolor() == "white"
    assert points[1].get_markerfacecolor() != "white"
    assert [line.get_marker() for line in strip.lines] == ["x"]
    assert "those of other tasks" in strip.get_xlabel()
    summary = json.loads((tmp_path / "figure.json").read_text())
    assert summary["found_at_most"] == {"a": 45, "b": 10}
    assert summary["not_judged"] == ["c"]


def test_a_table_that_says_too_little_is_named(tmp_path):
    with pytest.raises(InputError, match=r"t.json: no model has a typical multiple"):
        draw_tradeoff(table_one(tmp_path / "t.json", {}), [], 60, tmp_path / "figure")
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(InputError, match=r"t.json: has no models: write it again"):
        draw_tradeoff(tmp_path / "t.json", [], 60, tmp_path / "figure")


def test_ranks_are_those_of_the_means_and_columns_are_in_the_order_of_tau(outcomes, tmp_path):
    path = outcomes(recorded=(10, 20, 40), smote=(30, 20, 10), tvae=(10, 40, 20))
    draw_ranks(path, 60, tmp_path / "figure")
    summary = json.loads((tmp_path / "figure.json").read_text())
    assert summary["ranks"] == {
        "recorded": {"a": 1, "b": 2, "c": 3},
        "tvae": {"a": 1, "b": 3, "c": 2},
        "smote": {"a": 3, "b": 2, "c": 1},
    }
    assert list(summary["ranks"]) == ["recorded", "tvae", "smote"]
    ranked = rankings(Runs.of(read_outcomes(path))).set_index(["outcome", "workload"])["tau"]
    assert summary["tau"] == {m: ranked["turnaround_mean", m] for m in ("smote", "tvae")}
    # Of three policies τ tells nothing.
    assert summary["columns"] == ["recorded", "tvae", "smote"]
    four = {"recorded": (10, 20, 40, 80), "smote": (10, 20, 40, 80)}
    draw_ranks(outcomes(**four), 60, tmp_path / "figure")
    summary = json.loads((tmp_path / "figure.json").read_text())
    assert summary["columns"] == ["recorded", "smote, τ 1.00"]


def test_without_recorded_jobs_there_are_no_ranks(outcomes, tmp_path):
    with pytest.raises(InputError, match="has no turnaround_mean of recorded jobs"):
        draw_ranks(outcomes(smote=(10, 20)), 60, tmp_path / "figure")
