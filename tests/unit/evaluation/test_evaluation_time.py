from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation.contract import Inapplicable, Samples
from redwood.evaluation.dynamics import autocorrelations
from redwood.evaluation.measures import autocorrelation, interarrival, recurrence
from redwood.evaluation.sequence import same_as_before
from redwood.tables import Column, TableDescription

DAY = 86400
BEGIN = 1_704_067_200
EVERY = np.ones(6, bool)
VISITS = TableDescription("visits", (Column("when", "timestamp"), Column("site", "categorical")))


def rows_at(seconds: np.ndarray) -> pd.DataFrame:
    when = pd.to_datetime(np.sort(seconds) + BEGIN, unit="s", utc=True)
    return pd.DataFrame({"when": when, "site": "A"})


def samples_at(synthetic: np.ndarray, real: np.ndarray, fresh: np.ndarray | None = None) -> Samples:
    """Samples of rows that arrive at the given seconds."""
    fresh = real if fresh is None else fresh
    frames = (rows_at(seconds) for seconds in (real, real, synthetic, fresh))
    return Samples(VISITS, *frames, others=(), target="", groups=10, seed=3)


def visits(sites: list[str] | np.ndarray) -> pd.DataFrame:
    """One row a minute, at the given sites."""
    return rows_at(np.arange(len(sites)) * 60.0).assign(site=np.asarray(sites, dtype=object))


def samples_visiting(synthetic, real, fresh=None) -> Samples:
    frames = (visits(sites) for sites in (real, real, synthetic, real if fresh is None else fresh))
    return Samples(VISITS, *frames, others=(), target="", groups=10, seed=3)


def rhythmic(rows: int, days: float, seed: int, amplitude: float) -> np.ndarray:
    """Arrivals at a rate 1 + a cos(2πt / day)."""
    random = np.random.default_rng(seed)
    seconds = random.uniform(0, days * DAY, 20 * rows)
    rate = 1 + amplitude * np.cos(2 * np.pi * seconds / DAY)
    return seconds[random.random(len(seconds)) < rate / 2][:rows]


def campaigns(seed: int, spread: float = 0.0) -> np.ndarray:
    """6000 arrivals in campaigns of 12 h within 30 days, a share of them at any time instead."""
    random = np.random.default_rng(seed)
    seconds = np.repeat(random.uniform(0, 30 * DAY, 60), 100) + random.uniform(0, DAY / 2, 6000)
    return np.where(random.random(6000) < spread, random.uniform(0, 30 * DAY, 6000), seconds)


def chain(rows: int, stay: float, seed: int) -> np.ndarray:
    """Sites of which each is kept with a probability, else drawn anew from A, B and C."""
    random = np.random.default_rng(seed)
    drawn = random.choice(["A", "B", "C"], rows, p=[0.5, 0.3, 0.2])
    renewed = random.random(rows) >= stay
    renewed[0] = True
    return drawn[np.maximum.accumulate(np.where(renewed, np.arange(rows), 0))]


def test_autocorrelations_by_hand():
    counts = np.array([1, 3, 1, 3, 1, 3])
    assert autocorrelations(counts, np.array([1, 2]), EVERY).tolist() == [-1, 1]
    counts = np.array([0, 0, 3, 3, 0, 0])
    # Deviations are -1, -1, 2, 2, -1, -1: their squares 12 / 6; products at lag 1 (1 - 2 + 4 - 2
    # + 1) / 5, at lag 2 (-2 - 2 - 2 - 2) / 4.
    expected = [2 / 5 / 2, -8 / 4 / 2]
    assert autocorrelations(counts, np.array([1, 2]), EVERY) == pytest.approx(expected)


def test_windows_left_out_are_in_no_pair():
    counts = np.array([1, 3, 100, 1, 3, 1])
    kept = np.array([True, True, False, True, True, True])
    # The mean is 9/5; the pairs at lag 1 are (1, 3), (1, 3), (3, 1), all with -0.8 and 1.2.
    found = autocorrelations(counts, np.array([1]), kept)
    assert found == pytest.approx([-0.96 / ((3 * 0.64 + 2 * 1.44) / 5)])


def test_counts_that_do_not_vary_have_no_autocorrelation():
    lags = np.array([1, 5])
    assert autocorrelations(np.full(6, 4), lags, EVERY).tolist() == [0, 0]
    assert autocorrelations(np.arange(6), lags, ~EVERY).tolist() == [0, 0]


def test_a_daily_rhythm_against_none_has_the_expected_autocorrelation():
    rows, days, amplitude = 40_000, 40, 0.8
    samples = samples_at(rhythmic(rows, days, 1, 0), rhythmic(rows, days, 2, amplitude))
    result = autocorrelation.measure(samples)
    curves = result.details["autocorrelation"]
    # Per hour m counts: of the variance m + (m a)²/2 the second part is of the rhythm.
    rhythm = rows / (24 * days) * amplitude**2 / 2
    expected = rhythm / (1 + rhythm) * np.cos(2 * np.pi * curves["lag_h"] / 24)
    assert np.abs(curves["real"] - expected).max() < 0.06
    assert np.abs(curves["synthetic"]).mean() < 0.05
    assert result.value == pytest.approx(np.abs(expected).mean(), abs=0.05)
    assert result.low > 0.3
    assert result.floor == 0
    assert curves["lag_h"].tolist() == list(range(1, 169))
    assert "at 24 h" in result.note


def test_the_more_campaigns_are_spread_out_the_further_is_their_autocorrelation():
    values = [
        autocorrelation.measure(samples_at(campaigns(1, spread), campaigns(1))).value
        for spread in (0, 0.3, 0.6, 0.9)
    ]
    assert values == sorted(values)
    assert values[0] == 0
    assert values[3] > 0.05


def test_lags_end_at_half_of_the_span_which_is_two_days_at_least():
    random = np.random.default_rng(1)
    left, right = (random.uniform(0, 3 * DAY, 3000) for _ in range(2))
    lags = autocorrelation.measure(samples_at(left, right)).details["autocorrelation"]["lag_h"]
    assert lags.max() in (35, 36)
    with pytest.raises(Inapplicable, match="less than two days"):
        autocorrelation.measure(samples_at(left / 2, right / 2))


def test_gaps_by_hand():
    # Gaps of 10 s against 0 s and 20 s in turn: ln 11 - ln 1 and ln 21 - ln 11.
    regular = np.arange(0, 1010, 10.0)
    in_pairs = np.sort(np.concatenate([np.arange(0, 1010, 20.0), np.arange(20, 1010, 20.0)]))
    result = interarrival.measure(samples_at(in_pairs, regular))
    assert result.value == pytest.approx(np.log(21) / 2)
    assert result.floor == 0
    assert result.low == pytest.approx(result.value, abs=0.1)
    assert result.note == (
        "gaps below a second: 50.0 %, median 10 s; of real rows 0.0 %, median 10 s"
    )


def test_gaps_of_random_arrivals_against_regular_ones_have_the_expected_distance():
    # E |ln X| of an exponential X of mean 1 is γ + 2 E₁(1); gaps are of 1000 s, far above 1 s.
    random = np.random.default_rng(1)
    times = np.cumsum(random.exponential(1000, 20_000))
    regular = np.linspace(times[0], times[-1], 20_000)
    result = interarrival.measure(samples_at(times, regular))
    expected = 0.577216 + 2 * 0.219384
    assert result.value == pytest.approx(expected, abs=0.03)
    assert result.low < expected < result.high


def test_gaps_of_the_same_law_are_at_the_floor():
    random = np.random.default_rng(1)
    made, real, fresh = (random.uniform(0, 30 * DAY, 5000) for _ in range(3))
    result = interarrival.measure(samples_at(made, real, fresh))
    assert result.value < 0.06
    assert result.floor < 0.06


def test_the_more_rows_come_together_the_further_are_the_gaps():
    real = np.sort(np.random.default_rng(1).uniform(0, 30 * DAY, 3000))
    values = []
    for share in (0, 0.1, 0.3, 0.9):
        joined = np.random.default_rng(2).random(len(real)) < share
        joined[[0, -1]] = False
        last = np.maximum.accumulate(np.where(joined, 0, np.arange(len(real))))
        values.append(interarrival.measure(samples_at(real[last], real)).value)
    assert values == sorted(values)
    assert values[0] == 0
    assert values[1] > 0.3


def test_rows_with_the_same_categories_as_the_row_before_by_hand():
    frame = visits(["A", "A", "B", "B", "B", "C"]).assign(state=list("xyyyxx"))
    description = TableDescription("t", (*VISITS.features, Column("state", "categorical")))
    assert same_as_before(frame, description).tolist() == [
        [True, False], [False, True], [True, True], [True, False], [False, True],
    ]  # fmt: skip


def test_recurrence_by_hand():
    # Kept in 3 of 5 steps, and in none.
    result = recurrence.measure(samples_visiting(list("AABBBC"), list("ABABAB")))
    assert result.value == pytest.approx(0.6)
    assert result.columns.to_numpy().tolist() == [["site", 0.6, 0]]
    assert result.note == "synthetic (real): 0.600 (0.000) site"


def test_a_chain_against_independent_rows_has_the_expected_recurrence():
    stay, independent = 0.5, 0.5**2 + 0.3**2 + 0.2**2
    samples = samples_visiting(chain(20_000, 0, 1), chain(20_000, stay, 2), chain(20_000, stay, 3))
    result = recurrence.measure(samples)
    assert result.value == pytest.approx(stay * (1 - independent), abs=0.015)
    assert result.low < stay * (1 - independent) < result.high
    assert result.floor < 0.015


def test_the_more_rows_are_out_of_turn_the_further_is_their_recurrence():
    real = chain(5000, 0.8, 1)
    values = []
    for share in (0, 0.2, 0.5, 1):
        random = np.random.default_rng(2)
        some = np.flatnonzero(random.random(len(real)) < share)
        mixed = real.copy()
        mixed[some] = random.permutation(mixed[some])
        values.append(recurrence.measure(samples_visiting(mixed, real)).value)
    assert values == sorted(values)
    assert values[0] == 0
    assert values[3] == pytest.approx(0.8 * 0.62, abs=0.05)


def test_the_order_of_rows_of_the_same_time_says_nothing():
    sites = np.repeat(["A", "B"], 2000)
    samples = samples_visiting(sites, sites)
    at_once = {
        name: getattr(samples, name).assign(when=pd.Timestamp("2024-01-01", tz="UTC"))
        for name in ("synthetic", "holdout", "fresh")
    }
    result = recurrence.measure(replace(samples, **at_once))
    # In the files every row but one is followed by its like.
    assert result.note.startswith("synthetic (real): 0.")
    assert float(result.note.split()[2]) == pytest.approx(0.5, abs=0.05)


def test_names_of_categories_do_not_matter(samples_of):
    samples = samples_of(toy_rows(800, 8))
    renamed = {
        name: getattr(samples, name).assign(site=lambda frame: "z" + frame["site"].str[::-1])
        for name in ("train", "holdout", "synthetic", "fresh")
    }
    assert recurrence.measure(replace(samples, **renamed)).value == pytest.approx(
        recurrence.measure(samples).value
    )


@pytest.mark.parametrize("measure", [autocorrelation, interarrival], ids=lambda m: m.TITLE)
def test_the_order_of_rows_in_the_table_does_not_matter(measure):
    samples = samples_at(campaigns(1), campaigns(2), campaigns(3))
    shuffled = samples.synthetic.sample(frac=1, random_state=1)
    result, again = (measure.measure(s) for s in (samples, replace(samples, synthetic=shuffled)))
    assert result.value == pytest.approx(again.value, abs=0.05 * result.value + 1e-9)


@pytest.mark.parametrize(
    "measure", [autocorrelation, interarrival, recurrence], ids=lambda m: m.TITLE
)
def test_a_table_without_times_or_kinds_is_told_so(samples_of, measure):
    timeless = TableDescription("t", (DESCRIPTION["work"], DESCRIPTION["site"]))
    with pytest.raises(Inapplicable, match="no timestamp"):
        measure.measure(samples_of(toy_rows(100, 1), timeless))


def test_recurrence_takes_categories_and_three_rows(samples_of):
    numbers = TableDescription("t", (DESCRIPTION["when"], DESCRIPTION["work"]))
    with pytest.raises(Inapplicable, match="no categorical feature"):
        recurrence.measure(samples_of(toy_rows(100, 1), numbers))
    with pytest.raises(Inapplicable, match="fewer than three rows"):
        recurrence.measure(samples_of(toy_rows(2, 1)))
    result = recurrence.measure(samples_of(toy_rows(3, 1)))
    assert np.isfinite([result.value, result.low, result.high, result.floor]).all()
