"""Outcomes of the simulation as measures of a surrogate."""

import numpy as np
import pandas as pd
import pytest
from outcome_files import COLUMNS, read

from redwood.paper.agreement import TOO_FEW, Runs, rankings
from redwood.paper.outcome_measures import outcome_measures as measures_of

POLICIES = ("a", "b", "c")


def outcome_measures(frame):
    return measures_of(read(frame))


def runs(**turnaround: tuple[tuple[float, ...], ...]) -> pd.DataFrame:
    """Mean turnarounds of the three policies, one tuple for each seed of a workload."""
    return pd.DataFrame(
        [
            (workload, policy, seed, "turnaround_mean", "s", value)
            for workload, seeds in turnaround.items()
            for seed, values in enumerate(seeds, 1)
            for policy, value in zip(POLICIES, values, strict=True)
        ],
        columns=COLUMNS,
    )


def test_by_hand():
    found = outcome_measures(
        runs(
            recorded=((10.0, 20.0, 40.0), (10.0, 20.0, 40.0)),
            near=((11.0, 20.0, 40.0), (10.0, 20.0, 20.0)),
            reverse=((40.0, 20.0, 10.0), (40.0, 20.0, 10.0)),
        )
    )
    near = found["near"]["sim_turnaround_mean"]
    of_seeds = np.log(1.1) / 3, np.log(2) / 3
    assert (near["low"], near["high"]) == pytest.approx(of_seeds)
    assert near["value"] == pytest.approx(np.mean(of_seeds))
    assert near["direction"] == "lower"
    assert found["reverse"]["sim_ranking"]["value"] == -1
    assert found["near"]["sim_ranking"]["value"] == 1


def test_the_order_of_policies_is_the_one_of_table_ii():
    frame = runs(
        recorded=((10, 20, 40), (11, 21, 41)),
        smote=((12, 30, 29), (13, 28, 30)),
        copy=((10, 20, 41), (11, 22, 40)),
    )
    ranked = rankings(Runs.of(read(frame))).set_index("workload")
    found = outcome_measures(frame)
    for workload in ("smote", "copy"):
        order, row = found[workload]["sim_ranking"], ranked.loc[workload]
        assert [order[name] for name in ("value", "low", "high")] == [row.tau, row.low, row.high]
        assert order["note"] == TOO_FEW
        assert order["floor"] == ranked.loc["copy", "tau"]


def test_copied_jobs_are_the_floor_of_all():
    found = outcome_measures(
        runs(recorded=((10, 20, 40),), copy=((10, 22, 40),), smote=((10, 20, 30),))
    )
    floors = {model: measures["sim_turnaround_mean"]["floor"] for model, measures in found.items()}
    assert floors == pytest.approx(dict.fromkeys(("copy", "smote"), np.log(1.1) / 3))
    alone = outcome_measures(runs(recorded=((10, 20, 40),), smote=((10, 20, 30),)))
    assert alone["smote"]["sim_turnaround_mean"]["floor"] is None


def test_policies_without_a_value_on_both_sides_do_not_count():
    frame = runs(recorded=((10, 0, 40),), tvae=((20, 5, np.nan),))
    value = outcome_measures(frame)["tvae"]["sim_turnaround_mean"]["value"]
    assert value == pytest.approx(np.log(2))
    nothing = runs(recorded=((0, 0, 0),), tvae=((20, 5, 1),))
    assert "sim_turnaround_mean" not in outcome_measures(nothing)["tvae"]


def test_a_queue_of_no_time_is_near_one_of_a_second():
    frame = runs(recorded=((0, 0, 0),), tvae=((1, 0, 0),)).assign(outcome="queue_time_mean")
    value = outcome_measures(frame)["tvae"]["sim_queue_time_mean"]["value"]
    assert value == pytest.approx(np.log(61 / 60) / 3)


def test_without_recorded_jobs_there_is_nothing_to_compare():
    assert outcome_measures(runs(tvae=((1, 2, 3),))) == {}


def test_one_policy_has_no_order():
    frame = runs(recorded=((10, 20, 40),), tvae=((10, 20, 30),))
    found = outcome_measures(frame[frame["policy"] == "a"])
    assert "sim_ranking" not in found["tvae"]
