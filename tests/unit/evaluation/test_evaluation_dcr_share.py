from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.evaluation.measures import dcr_share
from redwood.nearest import distance_to_closest
from redwood.tables import Column, TableDescription


def test_copies_of_training_rows_have_the_share_one(samples_of):
    result = dcr_share.measure(samples_of(toy_rows(4000, 1).iloc[::5]))
    assert result.value == result.low == result.high == 1
    assert result.note.startswith("100.0 % of the rows are equal to a training row, 0.0 % to")


def test_copies_of_holdout_rows_have_the_share_zero(samples_of):
    assert dcr_share.measure(samples_of(toy_rows(1500, 2))).value == 0


@pytest.mark.parametrize("holdout", [400, 1500, 5000])
def test_independent_rows_have_the_share_one_half_whatever_the_sizes(samples_of, holdout):
    samples = replace(samples_of(toy_rows(3000, 8)), holdout=toy_rows(holdout, 9))
    result = dcr_share.measure(samples)
    assert result.low < 0.5 < result.high
    assert result.value == pytest.approx(0.5, abs=0.05)
    assert result.floor == pytest.approx(0.5, abs=0.08)


def test_half_copies_by_hand(samples_of):
    # Of copies all are closer, of fresh rows n_train / (n_train + n_holdout) = 8/11.
    rows = pd.concat([toy_rows(4000, 1).iloc[:1500], toy_rows(1500, 8)])
    closer = 0.5 + 0.5 * 8 / 11
    expected = (closer / 8) / (closer / 8 + (1 - closer) / 3)
    assert dcr_share.measure(samples_of(rows)).value == pytest.approx(expected, abs=0.03)


def test_of_equal_distances_chance_decides(samples_of):
    # A table of two categories: every row is at distance 0 to both tables.
    description = TableDescription("t", (Column("state", "categorical"),))
    result = dcr_share.measure(samples_of(toy_rows(3000, 8), description))
    assert result.value == pytest.approx(0.5, abs=0.05)
    assert result.note == (
        "100.0 % of the rows are equal to a training row, 100.0 % to a holdout row"
    )


def test_numbers_are_mapped_by_the_range_of_the_rows_given():
    description = TableDescription("t", (Column("x", "numeric"),))
    queries, reference, wide = (pd.DataFrame({"x": x}) for x in ([3.0], [1.0, 2.0], [0.0, 10.0]))
    assert distance_to_closest(queries, reference, description) == pytest.approx([1.0])
    assert distance_to_closest(queries, reference, description, wide) == pytest.approx([0.1])


def bursts(rows: int, bursts_of: float, random: np.random.Generator) -> np.ndarray:
    """The burst of each of `rows` rows: a Chinese restaurant process (Aldous, 1985, §11)."""
    chosen = np.zeros(rows, int)
    for row in range(1, rows):
        begins = random.random() < bursts_of / (bursts_of + row)
        chosen[row] = chosen[:row].max() + 1 if begins else chosen[random.integers(row)]
    return chosen


def one_more(
    train: pd.DataFrame, of_burst: np.ndarray, bursts_of: float, width: float, rows: int
) -> pd.DataFrame:
    """Rows of the exact law of one further row, all training rows but no others being known."""
    random = np.random.default_rng(5)
    groups = train.groupby(of_burst)["time"].agg(["mean", "count"])
    known = groups.loc[of_burst[random.integers(len(train), size=rows)]]
    times = random.normal(known["mean"], width * np.sqrt(1 + 1 / known["count"]))
    new = random.random(rows) < bursts_of / (bursts_of + len(train))
    return pd.DataFrame({"time": np.where(new, random.random(rows), times)})


def test_in_bursts_even_the_exact_law_keeps_closer_to_training(samples_of):
    # Holdout rows share bursts with each other of which the training rows tell nothing.
    bursts_of, width = 1000.0, 1e-5
    random = np.random.default_rng(4)
    burst = bursts(10_000, bursts_of, random)
    times = random.random(burst.max() + 1)[burst] + random.normal(0, width, len(burst))
    frame = pd.DataFrame({"time": times})
    train, holdout, fresh = (
        frame.iloc[a:b].reset_index(drop=True) for a, b in ((0, 6000), (6000, 8000), (8000, 10_000))
    )
    description = TableDescription("t", (Column("time", "numeric"),))
    exact = one_more(train, burst[:6000], bursts_of, width, 2000)
    shares = [
        dcr_share.measure(
            replace(samples_of(rows, description), train=train, holdout=holdout)
        ).value
        for rows in (fresh, exact)
    ]
    assert shares[0] == pytest.approx(0.5, abs=0.03)
    assert shares[1] > 0.55
