"""Several trainings of a model: values, intervals and verdicts."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from outcome_files import write_outcomes

from redwood.errors import InputError
from redwood.paper.combining import over_trainings
from redwood.paper.table1 import write_table1

PAPER = Path(__file__).resolve().parents[3] / "resources" / "paper_table1.csv"
# The 97.5 % quantiles of Student's distribution with 1 and 2 degrees of freedom, from a table.
T1, T2 = 12.706, 4.303


def measure(value, below=0.0, above=0.0, **more):
    numbers = {"low": None, "high": None}
    if value is not None:
        numbers = {"low": value - below, "high": value + above}
    return {"value": value, "floor": 0.5, **numbers, **more}


def test_the_interval_adds_the_squares_of_what_is_between_and_within_trainings():
    """1, 2 and 3: their variance is 1, that of the mean 1/3."""
    combined = over_trainings([measure(10 + v, below=2.0, above=4.0) for v in (1, 2, 3)])
    assert combined["value"] == 12
    assert combined["low"] == pytest.approx(12 - np.sqrt(T2**2 / 3 + 4), rel=1e-3)
    assert combined["high"] == pytest.approx(12 + np.sqrt(T2**2 / 3 + 16), rel=1e-3)
    assert combined["trainings"] == 3
    two = over_trainings([measure(110.0), measure(114.0)])
    assert two["low"] == pytest.approx(112 - T1 * 2, rel=1e-3)
    assert two["high"] == pytest.approx(112 + T1 * 2, rel=1e-3)


def test_trainings_that_agree_have_the_interval_over_the_rows():
    halves = [(1.0, 2.0), (7.0, 14.0)]
    combined = over_trainings([measure(50.0, *half) for half in halves])
    assert combined["low"] == pytest.approx(50 - 5)  # √((1 + 49) / 2)
    assert combined["high"] == pytest.approx(50 + 10)


def test_the_difference_from_the_floor_is_taken_together_as_the_value_is():
    """1, 2 and 3 above the floor, each ∓ 2 or 4 over the rows."""
    given = [measure(0.5 + v, 9, 9, difference=[v - 2.0, v + 4.0]) for v in (1, 2, 3)]
    combined = over_trainings(given)
    low, high = 2 - np.sqrt(T2**2 / 3 + 4), 2 + np.sqrt(T2**2 / 3 + 16)
    assert combined["difference"] == pytest.approx([low, high], rel=1e-3)


def test_one_training_is_left_as_it_is():
    alone = measure(1.0, 0.5, 0.5, note="how")
    assert over_trainings([alone]) == alone | {"trainings": 1}


def test_intervals_stay_where_the_measure_has_its_bounds():
    combined = over_trainings([measure(0.1, 0.1, 0.9), measure(0.3, 0.1, 0.1)])
    assert (combined["low"], combined["high"]) == (0.0, 1.0)
    free = over_trainings([measure(0.1, 0.2, 0.1), measure(0.3, 0.1, 0.1)])
    assert free["low"] < 0
    assert free["high"] > 1


def test_trainings_without_a_value_are_counted_and_notes_are_of_the_first():
    given = [measure(1.0, note="a"), measure(3.0, note="b"), measure(None, note="no rows")]
    combined = over_trainings(given)
    assert (combined["value"], combined["trainings"]) == (2.0, 2)
    assert combined["note"] == "First training: a; 2 of 3 trainings have a value"
    nothing = over_trainings([measure(None, note="no rows")] * 2)
    assert (nothing["value"], nothing["trainings"], nothing["note"]) == (None, 1, "no rows")


@pytest.fixture
def three_trainings(evaluations, change, tmp_path):
    """The two models trained three times each: smote's WD is .01, .02 and .03."""
    again = [Path(shutil.copytree(f, tmp_path / n / f.name)) for n in "23" for f in evaluations]
    folders = [*evaluations, *again]
    for folder, value in zip(folders[::2], (0.01, 0.02, 0.03), strict=True):
        numbers = {"value": value, "low": value - 0.004, "high": value + 0.004, "floor": 0.005}
        change(folder, {"wd": numbers})
    return folders


def test_table1_is_over_the_trainings_and_says_so(three_trainings, tmp_path):
    rows = [(name, "p", 1, "throughput", "jobs/h", 2.0) for name in ("recorded", "smote")]
    outcomes = write_outcomes(tmp_path / "outcomes.csv", rows)
    write_table1(three_trainings, PAPER, tmp_path / "table1", outcomes)
    tidy = pd.read_csv(tmp_path / "table1.csv").set_index(["model", "measure"])
    smote = tidy.loc["smote", "wd"]
    assert smote[["value", "multiple", "seeds", "rows"]].tolist() == pytest.approx(
        [0.02, 4, 3, 100]
    )
    half = np.sqrt((T2 * 0.01) ** 2 / 3 + 0.004**2)
    assert smote["high"] == pytest.approx(0.02 + half, rel=1e-3)
    assert tidy.loc[("tvae", "wd"), "seeds"] == 3
    assert tidy.loc[("smote", "sim_throughput"), "seeds"] == 1
    page = (tmp_path / "table1.md").read_text()
    assert page.count("| smote | **0.020**\\* [0.000, 0.045] |") == 1
    assert "Each model was trained 3 times" in page
    assert "What is simulated is the first training's sample." in page
    write_table1(three_trainings[:2], PAPER, tmp_path / "once")
    once = (tmp_path / "once.md").read_text()
    assert "Each model was trained once." in once
    assert "| smote | **0.0100** [0.0060, 0.0140] |" in once


@pytest.mark.parametrize(
    ("passes", "remark", "words"),
    [
        ((True, True, True), "smote", "training 1 of 3 passes"),
        ((True, None, True), "smote", "training 2 of 3 not judged"),
        ((True, None, False), "smote (fails privacy)", "training 3 of 3 fails"),
    ],
)
def test_a_model_is_as_private_as_its_worst_training(
    three_trainings, change, tmp_path, passes, remark, words
):
    said = {True: "passes", None: "not judged", False: "fails"}
    for folder, passed in zip(three_trainings[::2], passes, strict=True):
        change(folder, privacy={"passes": passed, "words": said[passed]})
    write_table1(three_trainings, PAPER, tmp_path / "table1")
    page = (tmp_path / "table1.md").read_text()
    assert f"| {remark} | **0.020**" in page
    assert f"- Privacy, smote: {words}." in page


def test_trainings_that_were_not_evaluated_alike_are_refused(three_trainings, change, tmp_path):
    change(three_trainings[2], role="control")
    with pytest.raises(InputError, match=r"2/smote: has another role or other measures than"):
        write_table1(three_trainings, PAPER, tmp_path / "table1")
    change(three_trainings[2], role=None)
    with pytest.raises(InputError, match=r"measures.json: role is None, expected one of model, co"):
        write_table1(three_trainings, PAPER, tmp_path / "table1")
