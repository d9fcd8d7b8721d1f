"""The second floor: what real rows of other units score."""

import json

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.order_rows import ORDERS, ORDERS_OF_CUSTOMERS, orders

from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation import other_units
from redwood.evaluation.evaluating import evaluate
from redwood.evaluation.other_units import find_other_floors
from redwood.tables import TableDescription, write_table

MEASURES = ("wd", "jsd", "c2st", "burst_size", "burst_steps", "activity", "near_copies")
OPTIONS = Evaluation(target="price", target_class="state", groups=5, measures=MEASURES)
LAW = ("wd", "burst_size", "burst_steps", "activity")


def write(folder, table: TableDescription = ORDERS_OF_CUSTOMERS, **frames):
    table.save(folder / "table.json")
    for name, frame in frames.items():
        write_table(frame, folder / f"{name}.parquet", table)
    return [folder / "table.json", folder / "train.parquet", folder / "holdout.parquet"]


def at_random(rows: pd.DataFrame, seed: int, holdout: float = 0.25):
    """Training and holdout rows of the same customers."""
    chosen = np.random.default_rng(seed).random(len(rows)) < holdout
    return {"train": rows[~chosen], "holdout": rows[chosen]}


FEW = OPTIONS.model_copy(update={"measures": ("wd", "burst_size")})


@pytest.fixture
def split(tmp_path):
    return write(tmp_path, **at_random(orders(1500, 1), 1))


def test_halves_share_no_unit_and_have_as_many_rows(split, monkeypatch):
    draws = []
    values = other_units._values
    monkeypatch.setattr(
        other_units, "_values", lambda plugin, some: draws.extend(some) or values(plugin, some)
    )
    found = find_other_floors(*split, split[0].parent / "out", FEW, seed=1)
    assert {draw.by for draw in draws} == {"customer", "weeks"}
    for draw in draws:
        one, other = draw.samples.synthetic, draw.samples.holdout
        assert len(one) == len(other) == found["rows"] // 2
        assert draw.scale == pytest.approx(np.sqrt(0.5))
        # The customer is told by the price to the last digit, which is his own at least once.
        if draw.by == "customer":
            assert not set(one["price"]) & set(other["price"])
            assert set(draw.samples.fresh["price"]) - set(other["price"])


def test_blocks_of_weeks_follow_each_other_and_keep_the_hour_of_the_week(split, monkeypatch):
    draws = {}
    values = other_units._values
    monkeypatch.setattr(
        other_units,
        "_values",
        lambda plugin, some: draws.update({d.by: d for d in some}) or values(plugin, some),
    )
    find_other_floors(*split, split[0].parent / "out", FEW, seed=1)
    samples = draws["weeks"].samples
    train = pd.read_parquet(split[1])
    week = pd.Timedelta(days=7)
    span = train["when"].max() - train["when"].min()
    for frame in (samples.synthetic, samples.holdout):
        moved = frame.merge(train, on=["article", "shop", "state", "price"], suffixes=("", "_was"))
        shift = moved["when"] - moved["when_was"]
        # Of repeated prices other rows are found, too.
        assert np.mean(shift % week == pd.Timedelta(0)) > 0.6
        assert frame["when"].max() - frame["when"].min() < span / 2 + week
        assert frame["when"].is_monotonic_increasing


def test_it_is_what_the_law_itself_scores(tmp_path):
    """Other customers by the same law, and splits of the records, come to the same floor."""
    tables = write(tmp_path, **at_random(orders(1500, 1), 1))
    realisations = []
    for number in range(4):
        rows = at_random(orders(1500, 50 + number), 1)["holdout"]
        write_table(rows, tmp_path / f"{number}.parquet", ORDERS_OF_CUSTOMERS)
        realisations.append(tmp_path / f"{number}.parquet")
    law = find_other_floors(
        *tables, tmp_path / "law", OPTIONS, seed=1, realisations=realisations[1:]
    )
    split = find_other_floors(*tables, tmp_path / "split", OPTIONS, seed=1)
    assert law["title"] == split["title"] == "other customers"
    assert law["rows"] == split["rows"]
    # The floor is of draws by customers; those by weeks are beside it.
    assert set(split["measures"]["wd"]["by"]) == {"customer", "weeks"}
    for measure in split["measures"].values():
        assert measure["floor"] == measure["by"]["customer"]
    assert list(split["measures"]["c2st"]["by"]) == ["customer"]
    assert set(law["measures"]) == set(split["measures"]) == set(MEASURES) - {"near_copies"}
    evaluated = evaluate(*tables, realisations[0], tmp_path / "exact", OPTIONS, 1, role="control")
    ratios = {"split": [], "exact law": []}
    for name in LAW:
        floor = law["measures"][name]["floor"]
        assert len(law["measures"][name]["floor_draws"]) == 3
        ratios["split"].append(split["measures"][name]["by"]["customer"] / floor)
        ratios["exact law"].append(evaluated["measures"][name]["value"] / floor)
    for of_all in ratios.values():
        assert 0.6 < np.exp(np.mean(np.log(of_all))) < 1.7
    # Other customers are told row by row, which the floor of the same customers does not say.
    told = law["measures"]["c2st"]["floor"]
    assert told > evaluated["measures"]["c2st"]["floor"] + 0.1
    # A costly measure is found once, or taken from what was evaluated.
    assert len(law["measures"]["c2st"]["floor_draws"]) == 1
    taken = find_other_floors(
        *tables, tmp_path / "taken", OPTIONS, seed=1, realisations=realisations[1:],
        evaluated=tmp_path / "exact",
    )  # fmt: skip
    assert taken["measures"]["c2st"]["floor"] == evaluated["measures"]["c2st"]["value"]
    assert taken["measures"]["wd"] == law["measures"]["wd"]


def test_the_same_seed_gives_the_same_bytes(split, tmp_path):
    for name in ("a", "b"):
        find_other_floors(*split, tmp_path / name, FEW, seed=3)
    first, second = ((tmp_path / name / other_units.FILE).read_bytes() for name in ("a", "b"))
    assert first == second
    assert json.loads(first)["seed"] == 3


@pytest.mark.parametrize(
    ("customers", "why"),
    [
        (lambda rows: np.where(rows["customer"] < "c2", "x", "y"), "of which there are 2"),
        (
            lambda rows: np.where(
                np.arange(len(rows)) % 10 > 0, "most", rows["customer"].astype(str)
            ),
            "of which one has most of the rows",
        ),
    ],
)
def test_what_rows_cannot_be_split_by_is_said(tmp_path, customers, why):
    rows = orders(1500, 1)
    rows = rows.assign(customer=pd.Series(customers(rows), dtype=object))
    tables = write(tmp_path, **at_random(rows, 1))
    options = OPTIONS.model_copy(update={"measures": ("wd",)})
    found = find_other_floors(*tables, tmp_path / "out", options, seed=1)
    assert list(found["measures"]["wd"]["by"]) == ["weeks"]
    assert found["left_out"] == [f"not by customer, {why}"]
    assert why in found["words"]


def test_a_table_without_units_is_split_by_weeks_and_one_without_either_is_refused(tmp_path):
    options = OPTIONS.model_copy(update={"measures": ("wd",)})
    tables = write(tmp_path, ORDERS, **at_random(orders(1500, 1), 1))
    found = find_other_floors(*tables, tmp_path / "out", options, seed=1)
    assert found["title"] == "other times"
    assert list(found["measures"]["wd"]["by"]) == ["weeks"]
    timeless = ORDERS.only(["article", "shop", "state", "price"])
    tables = write(tmp_path, timeless, **at_random(orders(1500, 1), 1))
    with pytest.raises(InputError, match="no rows of other units"):
        find_other_floors(*tables, tmp_path / "none", options, seed=1)
