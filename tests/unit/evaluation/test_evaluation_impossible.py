from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from redwood.evaluation.contract import Samples
from redwood.evaluation.measures import impossible
from redwood.tables import Column, TableDescription

TASKS = TableDescription(
    "tasks",
    (
        Column("site", "categorical"),
        Column("state", "categorical"),
        Column("limit", "integer"),
        Column("cores", "numeric"),
        Column("work", "numeric"),
        Column("when", "timestamp"),
    ),
)


def tasks(rows: list[tuple[str, str, int, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["site", "state", "limit", "cores"])
    number = np.arange(len(frame))
    return frame.assign(work=number * 0.1, when=pd.to_datetime(number, unit="s", utc=True))


@pytest.fixture
def samples() -> Samples:
    train = tasks([("A", "ok", 10, 1.0), ("A", "bad", 20, 8.0), ("B", "ok", 20, 8.0)] * 20)
    holdout = tasks([("A", "ok", 10, 1.0)] * 9 + [("B", "bad", 20, 8.0)])
    synthetic = tasks(
        [
            ("A", "ok", 10, 1.0),  # seen
            ("A", "ok", 10, 8.0),  # two numbers that are not of one row, which do not count
            ("B", "bad", 20, 8.0),  # a new pair of categories
            ("B", "ok", 10, 1.0),  # two new pairs, of the site with limit and cores
            ("A", "ok", 15, 1.0),  # a new limit
            ("C", "ok", 20, 8.0),  # a new site
        ]
    )
    return Samples(TASKS, train, holdout, synthetic, train, (), target="work", groups=2, seed=1)


def test_combinations_by_hand(samples):
    result = impossible.measure(samples)
    assert result.value == pytest.approx(4 / 6)
    assert result.floor == pytest.approx(1 / 10)
    shares = result.columns.set_index("column")
    sixths = (6 * shares["value"]).round(9).to_dict()
    assert sixths == {
        "site": 1, "state": 0, "limit": 1, "cores": 0,
        "site × state": 2, "site × limit": 3, "site × cores": 2,
        "state × limit": 1, "state × cores": 0,
    }  # fmt: skip
    assert shares["floor"].to_dict() == dict.fromkeys(sixths, 0) | {"site × state": 0.1}
    assert result.note == "worst: site × limit, new in 50 % of the rows, in 0 % of real ones"


def test_numbers_with_a_value_for_each_row_are_not_discrete(samples):
    # 60 rows: six values are the most.
    limits = np.arange(60) % 7
    result = impossible.measure(replace(samples, train=samples.train.assign(limit=limits)))
    assert not result.columns["column"].str.contains("limit").any()
    limits = np.arange(60) % 6
    result = impossible.measure(replace(samples, train=samples.train.assign(limit=limits)))
    assert result.columns["column"].str.contains("limit").any()


def test_training_rows_show_nothing_new(samples):
    result = impossible.measure(replace(samples, synthetic=samples.train))
    assert result.value == result.high == 0
    assert result.note == "no combination is more often new than in real rows"
