from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation.contract import Inapplicable, Samples
from redwood.evaluation.measures import c2st, c2st_sequence

BOTH = [c2st, c2st_sequence]


def alternating(rows: int, seed: int) -> pd.DataFrame:
    """Rows at random times, whose sites take turns."""
    return toy_rows(rows, seed).assign(site=np.array(["A", "B"], object)[np.arange(rows) % 2])


def bursts(rows: int, seed: int) -> pd.DataFrame:
    """Rows that come ten within a minute, at random times."""
    random = np.random.default_rng(seed)
    begin = np.repeat(random.uniform(0, 30 * 86400, rows // 10), 10)
    times = pd.Series(np.sort(begin + random.uniform(0, 60, rows)) + 1_704_067_200)
    return toy_rows(rows, seed).assign(when=pd.to_datetime(times, unit="s", utc=True))


def samples_like(real: Callable[[int, int], pd.DataFrame], synthetic: pd.DataFrame) -> Samples:
    """Samples whose real rows `real` makes, given their number and a seed."""
    train, holdout, fresh = (real(len(synthetic), seed) for seed in (1, 2, 3))
    return Samples(
        DESCRIPTION, train, holdout, synthetic, fresh, (), target="work", groups=10, seed=5
    )


@pytest.mark.parametrize("measure", BOTH, ids=lambda module: module.TITLE)
def test_what_has_no_real_category_is_told_without_error(samples_of, measure):
    result = measure.measure(samples_of(toy_rows(1500, 8).assign(state="lost")))
    assert result.value == pytest.approx(1, abs=1e-3)
    assert result.high <= 1
    assert result.note.startswith("told by state (")
    worst = result.columns.sort_values("value").iloc[-1]
    assert worst["column"] == "state"
    assert abs(worst["floor"]) < 0.05


@pytest.mark.parametrize("measure", BOTH, ids=lambda module: module.TITLE)
def test_too_few_rows_are_not_told_apart_and_not_called_alike(measure):
    """Of 20 rows of each sample, which share no value, trees would say 1/2 [1/2, 1/2]."""
    apart = toy_rows(49, 8).assign(state="lost", work=1e9)
    with pytest.raises(Inapplicable, match=r"49 rows of each sample to tell apart, .* at least 50"):
        measure.measure(samples_like(toy_rows, apart))
    more = toy_rows(50, 8).assign(state="lost", work=1e9)
    assert measure.measure(samples_like(toy_rows, more)).low > 0.9


def test_rows_of_another_order_in_time_are_seen_only_in_sequence():
    rows = alternating(1500, 4)
    shuffled = rows.assign(site=np.random.default_rng(6).permutation(rows["site"]))
    samples = samples_like(alternating, shuffled)
    row_by_row, in_sequence = (measure.measure(samples) for measure in BOTH)
    assert in_sequence.low > 0.9
    assert in_sequence.note.startswith("told by site among the last 10 (")
    assert in_sequence.note.endswith("; series by site")
    assert row_by_row.low < 0.5 < row_by_row.high
    faithful = c2st_sequence.measure(samples_like(alternating, rows))
    assert faithful.low < 0.5
    assert in_sequence.floor == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("rows", [400, 4000])
def test_a_sample_of_another_size_is_not_told_by_its_density(samples_of, rows):
    result = c2st_sequence.measure(samples_of(toy_rows(rows, 8)))
    assert result.value == pytest.approx(0.5, abs=0.08)


def test_bursts_need_not_come_when_real_ones_did_but_must_come():
    other_bursts = c2st_sequence.measure(samples_like(bursts, bursts(800, 4)))
    assert other_bursts.value == pytest.approx(0.5, abs=0.07)
    none = c2st_sequence.measure(samples_like(bursts, toy_rows(800, 4)))
    assert none.low > 0.9
    assert none.note.startswith("told by gap to the row before (")
