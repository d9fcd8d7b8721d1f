import numpy as np
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.evaluation.intervals import group_of_rows, jackknife_interval
from redwood.evaluation.measures import dcr, diff_mlef, jsd, wd
from redwood.tables import Column, TableDescription


def test_copied_rows_have_no_distance_to_training_and_unseen_ones_have(samples_of):
    samples = samples_of(toy_rows(4000, 1).iloc[::4])
    result = dcr.measure(samples)
    assert result.value == pytest.approx(0, abs=1e-9)
    assert result.floor > 1e-3
    distances = result.details["dcr"]
    assert (distances["origin"] == "synthetic").sum() == 1000
    assert distances.groupby("origin")["distance"].apply(lambda x: x.is_monotonic_increasing).all()


def test_wd_of_a_shift_is_the_shift_in_standard_deviations(samples_of):
    description = TableDescription("t", (Column("work", "numeric"),))
    samples = samples_of(toy_rows(1500, 2), description)
    shifted = samples.holdout.assign(work=samples.holdout["work"] + 100.0)
    result = wd.measure(samples_of(shifted, description))
    assert result.value == pytest.approx(100 / samples.train["work"].std(ddof=0))


def test_jsd_by_hand(samples_of):
    description = TableDescription("t", (Column("state", "categorical"),))
    samples = samples_of(toy_rows(1500, 2).assign(state="lost"), description)
    assert jsd.measure(samples).value == pytest.approx(1)
    # Shares (1, 0) against (q, 1 - q), from the definition.
    q = (samples.holdout["state"] == "finished").mean()
    m = (1 + q) / 2
    divergence = (np.log2(1 / m) + q * np.log2(q / m) + (1 - q) * np.log2(2)) / 2
    samples = samples_of(toy_rows(1500, 2).assign(state="finished"), description)
    assert jsd.measure(samples).value == pytest.approx(np.sqrt(divergence))


def test_a_feature_that_is_constant_in_training_has_no_wd_of_its_own(samples_of):
    samples = samples_of(toy_rows(1500, 8))
    for frame in (samples.train, samples.holdout, samples.fresh):
        frame["work"] = 0.1
    result = wd.measure(samples)
    assert list(result.columns["column"]) == ["when", "size"]
    assert result.value == pytest.approx(result.columns["value"].mean())
    assert result.note == "without work, constant in training"


def test_diff_mlef_of_a_constant_target_is_that_of_predicting_the_constant(samples_of):
    work = np.expm1(3.0)
    samples = samples_of(toy_rows(1500, 8).assign(work=work))
    logs = np.log1p(samples.holdout["work"].to_numpy())
    unit = np.log1p(samples.train["work"].to_numpy()).std()
    error = np.sqrt(np.mean((logs - 3.0) ** 2)) / unit
    result = diff_mlef.measure(samples)
    assert result.note.startswith(f"MLEF {error:.4f} trained on synthetic")


def test_groups_are_runs_of_nearly_equal_length():
    groups = group_of_rows(103, 10)
    assert (np.diff(groups) >= 0).all()
    assert set(np.bincount(groups)) == {10, 11}


def test_the_jackknife_of_a_mean_is_its_standard_error():
    # Of single rows, the jackknife's variance of the mean is s²/n exactly.
    values = np.random.default_rng(1).exponential(size=50)
    low, high = jackknife_interval(
        values.mean(), lambda group: np.delete(values, group).mean(), len(values)
    )
    error = values.std(ddof=1) / np.sqrt(len(values))
    # The 97.5 % quantile of Student's distribution with 49 degrees of freedom, from a table.
    assert high - low == pytest.approx(2 * 2.0096 * error, rel=1e-4)
