import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation.contract import Samples
from redwood.evaluation.measures import joint
from redwood.tables import Column, TableDescription

KINDS = TableDescription("kinds", (Column("site", "categorical"), Column("state", "categorical")))
TASKS = TableDescription("tasks", (Column("site", "categorical"), Column("cores", "numeric")))


def table(description: TableDescription, *rows: tuple) -> pd.DataFrame:
    names = [column.name for column in description.features]
    return pd.DataFrame(rows, columns=names)


def samples_from(description, train, holdout, synthetic) -> Samples:
    return Samples(description, train, holdout, synthetic, holdout, (), "cores", groups=2, seed=1)


def test_four_cells_by_hand():
    real = table(KINDS, ("A", "x"), ("A", "y"), ("B", "x"), ("B", "y"))
    made = table(KINDS, ("A", "x"), ("B", "y"), ("A", "x"), ("B", "y"))
    result = joint.measure(samples_from(KINDS, real, real, made))
    assert result.value == pytest.approx(0.5)
    assert result.floor == 0
    assert result.columns.to_numpy().tolist() == [["site × state", 0.5, 0]]
    assert result.note == "worst above the floor: site × state (0.5, floor 0)"
    # Without the second halves 1/2 as well, without the first ones, too.
    assert result.low == result.high == pytest.approx(0.5)


def test_a_decile_that_many_rows_share_is_a_bin_of_its_own():
    real = table(TASKS, *[("A", 1.0)] * 8, *[("A", 8.0)] * 2)
    for cores, distance in {1.0: 0, 1.5: 0.8, 0.5: 0.8, 8.0: 0.8, 9.0: 0.8}.items():
        made = table(TASKS, *[("A", cores)] * 8, *[("A", 8.0)] * 2)
        result = joint.measure(samples_from(TASKS, real, real, made))
        assert result.value == pytest.approx(distance)


def test_rare_categories_count_as_one_and_unseen_ones_as_another():
    # 30 sites of two rows, ten of one.
    sites = [f"site {number}" for number in range(30)] * 2 + [f"rare {i}" for i in range(10)]
    train = table(TASKS, *[(site, 1.0) for site in sites])

    def distance(of: str, to: str) -> float:
        holdout = table(TASKS, *[(of, 1.0)] * 4, *[("site 0", 1.0)] * 4)
        made = table(TASKS, *[(to, 1.0)] * 4, *[("site 0", 1.0)] * 4)
        return joint.measure(samples_from(TASKS, train, holdout, made)).value

    assert distance("rare 1", "rare 2") == 0
    assert distance("rare 1", "unheard of") == 0.5
    assert distance("site 1", "site 2") == 0.5
    assert distance("site 1", "rare 1") == 0.5


def test_pairs_are_named_and_the_value_is_their_mean(samples_of):
    result = joint.measure(samples_of(toy_rows(600, 8)))
    names = result.columns["column"].tolist()
    assert len(names) == 10
    assert names[:2] == ["when × site", "when × state"]
    assert result.value == pytest.approx(result.columns["value"].mean())
    assert result.floor == pytest.approx(result.columns["floor"].mean())


def test_numbers_on_a_log_scale_have_the_bins_of_that_scale(samples_of):
    rows = toy_rows(800, 8)
    description = TableDescription("t", (DESCRIPTION["site"], DESCRIPTION["size"]))
    linear = TableDescription("t", (DESCRIPTION["site"], Column("size", "integer")))
    # Deciles are the same rows on any scale that grows.
    values = [joint.measure(samples_of(rows, d)).value for d in (description, linear)]
    assert values[0] == values[1]


def test_constant_columns_are_at_no_distance():
    real = table(TASKS, *[("A", 1.0)] * 8)
    result = joint.measure(samples_from(TASKS, real, real, real))
    assert result.value == result.low == result.high == result.floor == 0
    assert result.note == "no pair is further than its floor"
