import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation import manifold
from redwood.evaluation.contract import Inapplicable, Samples
from redwood.evaluation.measures import coverage, density
from redwood.tables import Column, TableDescription

LINE = TableDescription("line", (Column("x", "numeric"),))
KINDS = TableDescription("kinds", (DESCRIPTION["site"], DESCRIPTION["state"]))


def on_a_line(synthetic: list[float]) -> Samples:
    # The balls reach 5, 4, 3, 3, 4, 5 and 99 to both sides.
    real = pd.DataFrame({"x": [0.0, 1, 2, 3, 4, 5, 100]})
    made = pd.DataFrame({"x": synthetic})
    return Samples(LINE, real, real, made, real, (), target="x", groups=2, seed=1)


@pytest.mark.parametrize(
    ("synthetic", "covered", "balls_of_rows", "outside"),
    [
        # in so many balls: 1, 0, 6, 3, 2, 1, 0
        ([-4, -10, 0.5, 7, 9, 150, 250], 7, 13, 28.6),
        # without the third row nothing is in the balls of 1, 2 and 3
        ([-4, -10, -20, 7, 9, 150, 250], 4, 7, 42.9),
        ([-9, -10, -20, -30, -40, 250, 260], 0, 0, 100.0),
    ],
)
def test_seven_balls_on_a_line_by_hand(synthetic, covered, balls_of_rows, outside):
    samples = on_a_line(synthetic)
    assert coverage.measure(samples).value == pytest.approx(covered / 7)
    assert density.measure(samples).value == pytest.approx(balls_of_rows / (5 * 7))
    assert density.measure(samples).note.startswith(f"in no ball: {outside} % of the rows")


def test_the_balls_of_a_table_hold_its_own_rows():
    samples = on_a_line([0.0, 1, 2, 3, 4, 5, 100])
    assert coverage.measure(samples).value == coverage.measure(samples).floor == 1
    assert density.measure(samples).value == pytest.approx(density.measure(samples).floor, rel=0.2)


@pytest.mark.parametrize("description", [DESCRIPTION, KINDS], ids=["mixed", "categories only"])
def test_rows_of_the_same_law_have_the_expected_values(samples_of, description):
    rows = 1500
    samples = samples_of(toy_rows(rows, 8), description)
    expected = 1 - np.prod([(rows - i) / (2 * rows - i) for i in range(1, 6)])
    covered = coverage.measure(samples)
    assert covered.value == pytest.approx(expected, abs=0.02)
    assert covered.floor == pytest.approx(expected, abs=0.02)
    assert covered.note == "no category loses more coverage than the others"
    found = density.measure(samples)
    assert found.value == pytest.approx(1, abs=0.08)
    assert found.floor == pytest.approx(1, abs=0.08)
    assert found.low < 1 < found.high


def test_what_is_missing_lowers_coverage_by_its_share_and_density_not(samples_of):
    found = {}
    for site, share in {"AGLT2": 0.15, "CERN": 0.3, "BNL": 0.5}.items():
        rows = toy_rows(4000, 8)
        samples = samples_of(rows[rows["site"] != site].head(1500), KINDS)
        result = coverage.measure(samples)
        assert result.value == pytest.approx(0.969 * (1 - share), abs=0.04)
        assert result.high < result.floor
        assert result.note.startswith(f"least covered: site = {site}, 0 % of its rows, 9")
        assert density.measure(samples).value > 0.9
        found[site] = result.value
    assert found["BNL"] < found["CERN"] < found["AGLT2"]


def test_what_is_off_the_manifold_lowers_density_by_its_share_and_coverage_hardly(samples_of):
    densities, values = [], []
    for share in (0, 0.2, 0.4):
        rows = toy_rows(1500, 8)
        off = np.random.default_rng(1).random(len(rows)) < share
        rows.loc[off, ["site", "state"]] = "unheard of"
        result = density.measure(samples_of(rows))
        assert result.value == pytest.approx(1 - off.mean(), abs=0.1)
        densities.append(result)
        values.append(coverage.measure(samples_of(rows)).value)
    assert densities[2].high < densities[1].low < densities[1].high < densities[0].low
    assert values[2] > 0.85


def test_rows_that_crowd_have_too_high_a_density_and_too_little_coverage(samples_of):
    rows = toy_rows(4000, 8)
    depth = (np.log(rows["size"]) - 20).abs() + (np.log(rows["work"] / rows["size"] * 1e6)).abs()
    middle = rows[(rows["site"] == "BNL") & (depth < depth.quantile(0.2))]
    assert 300 < len(middle) < 1000
    found = density.measure(samples_of(middle))
    assert found.low > found.floor
    assert coverage.measure(samples_of(middle)).value < 0.5


def test_the_interval_is_that_of_the_number_of_rows(samples_of):
    few, many = (coverage.measure(samples_of(toy_rows(rows, 8))) for rows in (150, 1500))
    assert 1.5 < (few.high - few.low) / (many.high - many.low) < 12
    # The mean of n balls, each hit or not, has at least this error.
    error = np.sqrt(many.value * (1 - many.value) / 1500)
    assert many.value - many.low > error


def test_many_rows_are_thinned_to_as_many_of_each(samples_of, monkeypatch):
    monkeypatch.setattr(manifold, "MOST_ROWS", 100)
    found = manifold.balls(samples_of(toy_rows(1000, 8)))
    assert len(found.real) == len(found.synthetic.by_row) == 100
    assert [len(draw.by_ball) for draw in found.draws] == [100, 100]
    assert found.real["when"].is_monotonic_increasing
    assert found.synthetic.by_ball.sum() == found.synthetic.by_row.sum()


def test_balls_take_six_rows_of_each(samples_of):
    with pytest.raises(Inapplicable, match="5 rows, balls take 6"):
        coverage.measure(samples_of(toy_rows(5, 8)))
    result = density.measure(samples_of(toy_rows(6, 8)))
    assert np.isfinite([result.value, result.low, result.high, result.floor]).all()
