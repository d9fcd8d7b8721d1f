"""Value − floor where the floor is of one sample: perfect samples are not told from real rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.evaluation.measures import dcr, dcr_share, nndr
from redwood.evaluation.results import Floor, result
from redwood.tables import Column, TableDescription

POINT = TableDescription("point", (Column("x", "numeric"), Column("y", "numeric")))


def points(rows: int, random: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(random.normal(size=(rows, 2)), columns=["x", "y"])


def test_the_difference_of_two_means_has_its_standard_error():
    """Of single rows, the jackknife's variance of a difference of paired means is exact."""
    made, real = np.random.default_rng(1).exponential(size=(2, 50))
    found = result(np.mean, (made,), 50, real=Floor(np.mean, (real,)))
    assert found.floor == real.mean()
    error = (made - real).std(ddof=1) / np.sqrt(50)
    middle = made.mean() - real.mean()
    # The 97.5 % quantile of Student's distribution with 49 degrees of freedom, from a table.
    expected = [middle - 2.0096 * error, middle + 2.0096 * error]
    assert found.difference == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("groups", "sizes"), [(20, (400, 400)), (20, (900, 300)), (5, (400, 400))])
def test_of_equal_laws_about_95_of_100_intervals_hold_0(groups, sizes):
    """The interval of the value alone holds the floor much less often."""
    random = np.random.default_rng(2)
    of_difference, of_value = [], []
    for _ in range(400):
        made, real = (random.exponential(size=rows) for rows in sizes)
        found = result(np.median, (made,), groups, real=Floor(np.median, (real,)))
        of_difference.append(found.difference[0] <= 0 <= found.difference[1])
        of_value.append(found.low <= found.floor <= found.high)
    assert 0.92 <= np.mean(of_difference) <= 0.985
    assert np.mean(of_value) < 0.9


@pytest.mark.parametrize("measure", [dcr, nndr, dcr_share])
def test_perfect_samples_keep_their_asterisk(samples_of, measure):
    random = np.random.default_rng(3)
    held = []
    for _ in range(50):
        train, holdout, made = (points(rows, random) for rows in (300, 200, 200))
        samples = replace(samples_of(made, POINT), train=train, holdout=holdout, groups=12)
        low, high = measure.measure(samples).difference
        held.append(low <= 0 <= high)
    # Of 50, fewer than 43 come in 1 of 250 runs if it is 95 %.
    assert np.count_nonzero(held) >= 43


@pytest.mark.parametrize("measure", [dcr, nndr, dcr_share])
def test_copies_set_off_a_little_lose_it(samples_of, measure):
    made = toy_rows(4000, 1).iloc[::4].assign(work=lambda rows: rows["work"] * 1.001)
    low, high = measure.measure(samples_of(made)).difference
    assert not low <= 0 <= high


def test_what_is_left_out_counts_neither_as_a_row_nor_as_the_closest(samples_of):
    random = np.random.default_rng(4)
    train, holdout, made = (points(rows, random) for rows in (300, 100, 80))
    samples = replace(samples_of(made, POINT), train=train, holdout=holdout)
    of_made, of_holdout = (np.arange(rows) * 5 // rows for rows in (80, 100))
    whole = dcr_share._closer(made, of_made, holdout, of_holdout, samples, "whole")
    for group in range(5):
        kept, others = of_made != group, of_holdout != group
        alone = dcr_share._closer(
            made[kept], of_made[kept], holdout[others], of_holdout[others], samples, "part"
        )
        np.testing.assert_array_equal(whole.without(group), alone.closer)
