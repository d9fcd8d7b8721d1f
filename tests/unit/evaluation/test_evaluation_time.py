from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.evaluation.contract import Inapplicable, Samples
from redwood.evaluation.dynamics import (
    arrivals,
    autocorrelations,
    excess_dispersion,
    line_powers,
    window_counts,
)
from redwood.evaluation.measures import autocorrelation, fano, interarrival, recurrence, spectrum
from redwood.evaluation.sequence import same_as_before
from redwood.tables import Column, TableDescription

DAY = 86400
BEGIN = 1_704_067_200
EVERY = np.ones(6, bool)
VISITS = TableDescription("visits", (Column("when", "timestamp"), Column("site", "categorical")))


def rows_at(seconds: np.ndarray) -> pd.DataFrame:
    when = pd.to_datetime(np.sort(seconds) + BEGIN, unit="s", utc=True)
    return pd.DataFrame({"when": when, "site": "A"})


def samples_with(synthetic: pd.DataFrame, real: pd.DataFrame, fresh: pd.DataFrame) -> Samples:
    frames = (real, real, synthetic, fresh)
    return Samples(VISITS, *frames, others=(), target="", groups=10, seed=3)


def samples_at(synthetic: np.ndarray, real: np.ndarray, fresh: np.ndarray | None = None) -> Samples:
    """Samples of rows that arrive at the given seconds."""
    return samples_with(*(rows_at(x) for x in (synthetic, real, real if fresh is None else fresh)))


def visits(sites: Iterable[str]) -> pd.DataFrame:
    """One row a minute, at the given sites."""
    return rows_at(np.arange(len(sites)) * 60.0).assign(site=np.array(list(sites), dtype=object))


def batches(rows: int, size: int, days: float, seed: int) -> np.ndarray:
    """Arrivals of this many at once, the batches at random times."""
    random = np.random.default_rng(seed)
    return np.repeat(random.uniform(0, days * DAY, rows // size), size)


def rhythmic(rows: int, days: float, seed: int, **amplitudes: float) -> np.ndarray:
    """Arrivals at a rate 1 + Σ a cos(2πt/T), `day` and `week` being the amplitudes."""
    random = np.random.default_rng(seed)
    seconds = random.uniform(0, days * DAY, 20 * rows)
    rate = np.ones(len(seconds))
    for name, period in (("day", DAY), ("week", 7 * DAY)):
        rate += amplitudes.get(name, 0) * np.cos(2 * np.pi * seconds / period)
    return seconds[random.random(len(seconds)) < rate / 2][:rows]


@pytest.mark.parametrize(
    ("counts", "kept", "lags", "expected"),
    [
        ([1, 3, 1, 3, 1, 3], EVERY, [1, 2], [-1, 1]),
        # Deviations are -1, -1, 2, 2, -1, -1: their squares 12 / 6; products at lag 1
        # (1 - 2 + 4 - 2 + 1) / 5, at lag 2 (-2 - 2 - 2 - 2) / 4.
        ([0, 0, 3, 3, 0, 0], EVERY, [1, 2], [2 / 5 / 2, -8 / 4 / 2]),
        # Without the third window the mean is 9/5; the pairs at lag 1 are (1, 3), (1, 3), (3, 1),
        # all with -0.8 and 1.2.
        ([1, 3, 100, 1, 3, 1], np.arange(6) != 2, [1], [-0.96 / ((3 * 0.64 + 2 * 1.44) / 5)]),
        # Counts that do not vary, and none.
        ([4] * 6, EVERY, [1, 5], [0, 0]),
        ([0, 1, 2, 3, 4, 5], ~EVERY, [1, 5], [0, 0]),
    ],
)
def test_autocorrelations_by_hand(counts, kept, lags, expected):
    found = autocorrelations(np.array(counts), np.array(lags), kept)
    assert found == pytest.approx(expected)


def test_a_daily_rhythm_against_none_has_the_expected_autocorrelation():
    rows, days, amplitude = 40_000, 40, 0.8
    samples = samples_at(rhythmic(rows, days, 1), rhythmic(rows, days, 2, day=amplitude))
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


def test_rows_with_the_same_categories_as_the_row_before_by_hand():
    frame = visits(["A", "A", "B", "B", "B", "C"]).assign(state=list("xyyyxx"))
    description = TableDescription("t", (*VISITS.features, Column("state", "categorical")))
    assert same_as_before(frame, description).tolist() == [
        [True, False], [False, True], [True, True], [True, False], [False, True],
    ]  # fmt: skip


def test_recurrence_by_hand():
    # Kept in 3 of 5 steps, and in none.
    result = recurrence.measure(samples_with(*map(visits, ("AABBBC", "ABABAB", "ABABAB"))))
    assert result.value == pytest.approx(0.6)
    assert result.columns.to_numpy().tolist() == [["site", 0.6, 0]]
    assert result.note == "synthetic (real): 0.600 (0.000) site"


def test_the_order_of_rows_of_the_same_time_says_nothing():
    rows = visits("A" * 2000 + "B" * 2000).assign(when=pd.Timestamp("2024-01-01", tz="UTC"))
    result = recurrence.measure(samples_with(rows, rows, rows))
    # In the files every row but one is followed by its like.
    assert result.note.startswith("synthetic (real): 0.")
    assert float(result.note.split()[2]) == pytest.approx(0.5, abs=0.05)


def test_windows_by_hand():
    times = np.array([10.0, 19.9, 20.0, 31, 59.9, 60, 5])
    assert window_counts(times, 10, 10, 5).tolist() == [2, 1, 1, 0, 1]


def test_poisson_arrivals_have_no_excess_dispersion():
    times = batches(50_000, 1, 30, 1)
    for width in (60, 600, 3600):
        counts = window_counts(times, 0, width, 30 * DAY // width)
        assert excess_dispersion(counts) == pytest.approx(0, abs=4 * np.sqrt(2 / len(counts)))


def test_batches_multiply_the_fano_factor_by_their_size():
    singles = window_counts(batches(4000, 1, 30, 1), 0, 3600, 720)
    for size in (2, 7):
        of_batches = 1 + excess_dispersion(size * singles)
        assert of_batches == pytest.approx(size * (1 + excess_dispersion(singles)))


def test_equal_counts_and_none_have_the_least_dispersion():
    assert excess_dispersion(np.full(20, 7)) == -1
    assert excess_dispersion(np.zeros(20, int)) == -1


@pytest.mark.parametrize("hours", [24 * 7 * 4, 700])
def test_the_lines_of_a_known_rate_have_the_power_of_their_amplitude(hours):
    time = np.arange(hours)
    rate = 50 * (1 + 0.6 * np.cos(2 * np.pi * time / 24 + 1) + 0.2 * np.sin(2 * np.pi * time / 168))
    expected = [0.6**2 / 2, 0.2**2 / 2]
    np.testing.assert_allclose(line_powers(rate, [24, 168]), expected, rtol=1e-9)
    # With a gap, too, where a Fourier transform would leak.
    np.testing.assert_allclose(line_powers(rate, [24, 168], time > 100), expected, rtol=1e-9)
    np.testing.assert_allclose(line_powers(3 * rate, [24]), line_powers(rate, [24]))


def test_no_arrivals_have_no_lines():
    assert line_powers(np.zeros(100, int), [24]).tolist() == [0]


def test_all_samples_are_as_many_rows_in_the_span_that_they_share():
    samples = samples_at(batches(900, 1, 40, 1) - 5 * DAY, batches(2000, 1, 30, 2))
    found = arrivals(samples)
    (draw,) = found.draws
    assert len(found.synthetic) == len(found.real) == len(draw)
    assert 500 < len(found.real) < 800
    assert found.begin == pytest.approx(BEGIN, abs=3600)
    for times in (found.synthetic, found.real, draw):
        assert found.begin <= times.min() <= times.max() <= found.end
        assert np.mean(times) == pytest.approx(BEGIN + 15 * DAY, abs=2 * DAY)


@pytest.mark.parametrize("measure", [fano, spectrum], ids=lambda module: module.TITLE)
def test_arrivals_of_the_same_law_are_at_the_floor(measure):
    of = {
        fano: lambda seed: batches(6000, 3, 30, seed),
        spectrum: lambda seed: rhythmic(6000, 30, seed, day=0.7, week=0.4),
    }[measure]
    result = measure.measure(samples_at(of(1), of(2), of(3)))
    assert result.low <= result.value <= result.high
    assert result.value < 0.4
    assert result.floor < 0.4
    # In all but the 30 windows of a day, which vary by themselves.
    assert result.columns["value"][:3].between(0.5, 2).all()


def test_larger_batches_are_burstier_by_what_they_add():
    samples = samples_at(batches(6000, 6, 30, 1), batches(6000, 2, 30, 2), batches(6000, 2, 30, 3))
    result = fano.measure(samples)
    columns = result.columns.set_index("column")
    assert list(columns.index) == ["1 min", "10 min", "1 h", "1 day"]
    # (6 - 1) / (2 - 1)
    for name in ("1 min", "10 min", "1 h"):
        assert columns["value"][name] == pytest.approx(5, rel=0.3)
        assert columns["floor"][name] == pytest.approx(1, rel=0.3)
    assert result.value == pytest.approx(np.abs(np.log(columns["value"])).mean())
    assert result.low > 0.5


@pytest.mark.parametrize(
    ("days", "scales"),
    [
        (10.5, ["1 min", "10 min", "1 h", "1 day"]),
        (5, ["1 min", "10 min", "1 h"]),
        (0.1, ["1 min", "10 min"]),
    ],
)
def test_only_scales_of_ten_windows_count(days, scales):
    samples = samples_at(batches(4000, 2, days, 1), batches(4000, 2, days, 2))
    assert fano.measure(samples).columns["column"].tolist() == scales


def test_arrivals_more_regular_than_poisson_count_as_its_noise():
    regular = np.linspace(0, 10 * DAY, 3000)
    result = fano.measure(samples_at(batches(3000, 1, 10, 1), regular))
    assert np.isfinite([result.value, result.low, result.high, result.floor]).all()
    # Neither has any excess, so that hardly any ratio is left.
    assert result.value < 1.1
    assert fano.measure(samples_at(regular, regular)).value == 0


def test_a_weaker_rhythm_has_the_square_of_its_amplitude():
    samples = samples_at(
        rhythmic(20_000, 28, 1, day=0.4, week=0.3), rhythmic(20_000, 28, 2, day=0.8, week=0.3)
    )
    result = spectrum.measure(samples)
    ratios = result.columns.set_index("column")["value"]
    assert ratios["24 h"] == pytest.approx(0.25, rel=0.15)
    assert ratios["168 h"] == pytest.approx(1, rel=0.3)
    assert "0.32 (24 h)" in result.note or "0.31" in result.note or "0.33" in result.note
    assert result.floor == 0


def test_arrivals_without_rhythm_count_as_noise():
    samples = samples_at(batches(8000, 1, 14.5, 1), rhythmic(8000, 14.5, 2, day=0.8))
    result = spectrum.measure(samples)
    assert result.columns["column"].tolist() == ["24 h", "168 h"]
    # At least the noise 2 / n, at most a few times that, against 0.8² / 2.
    assert result.columns["value"][0] < 10 * (2 / 8000) / 0.32
    assert result.low > 1


def test_the_week_needs_two_weeks_and_the_day_two_days():
    names = spectrum.measure(samples_at(batches(900, 1, 13, 1), batches(900, 1, 13, 2))).columns
    assert names["column"].tolist() == ["24 h"]
    with pytest.raises(Inapplicable, match="less than two days"):
        spectrum.measure(samples_at(batches(900, 1, 1.5, 1), batches(900, 1, 1.5, 2)))
    with pytest.raises(Inapplicable, match="less than ten minutes"):
        fano.measure(samples_at(batches(900, 1, 0.005, 1), batches(900, 1, 0.005, 2)))


@pytest.mark.parametrize("measure", [fano, spectrum], ids=lambda module: module.TITLE)
def test_without_a_common_span_of_time_nothing_can_be_compared(measure, samples_of):
    samples = samples_at(batches(900, 1, 10, 1), batches(900, 1, 10, 2) + 20 * DAY)
    with pytest.raises(Inapplicable, match="share next to no span of time"):
        measure.measure(samples)
    timeless = TableDescription("t", (Column("work", "numeric"),))
    with pytest.raises(Inapplicable, match="no timestamp"):
        measure.measure(samples_of(toy_rows(100, 1), timeless))
