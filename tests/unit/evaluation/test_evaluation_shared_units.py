"""Membership where whole units were held out: what holdout rows can judge, and what they cannot."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.order_rows import ORDERS, ORDERS_OF_CUSTOMERS, orders

from redwood.configuration import Evaluation
from redwood.evaluation.contract import Inapplicable, Samples
from redwood.evaluation.evaluating import evaluate
from redwood.evaluation.measures import (
    attack_density,
    attack_distance,
    attack_likelihood,
    dcr_share,
    near_copies,
)
from redwood.evaluation.membership import shares_units
from redwood.evaluation.verdict import LEAST_ROWS, privacy_verdict
from redwood.tables import write_table

OPTIONS = Evaluation(
    target="price",
    groups=10,
    measures=("wd", "near_copies", "attack_distance", "attack_density", "dcr_share"),
)
NAMES = [column.name for column in ORDERS.columns]


def held_out(seed: int):
    """Training rows, rows of the same customers that were not trained on, and other customers."""
    rows = orders(2400, seed)
    random = np.random.default_rng(seed)
    trained = rows["customer"].isin(random.permutation(rows["customer"].unique())[:1800])
    unseen = random.random(len(rows)) < 0.25
    return rows[trained & ~unseen], rows[trained & unseen], rows[~trained]


def samples(train: pd.DataFrame, synthetic: pd.DataFrame, holdout: pd.DataFrame) -> Samples:
    train, synthetic, holdout = (
        rows.reset_index(drop=True) for rows in (train, synthetic, holdout)
    )
    fresh = train.iloc[: len(synthetic)]
    return Samples(
        ORDERS, train[NAMES], holdout[NAMES], synthetic[NAMES], fresh[NAMES], (), target="price",
        groups=10, seed=1, train_units=train[["customer"]], holdout_units=holdout[["customer"]],
        densities=(np.zeros(len(train)), np.zeros(len(holdout))),
    )  # fmt: skip


def test_units_are_shared_after_a_split_at_random_and_not_after_one_by_unit():
    train, same, others = held_out(1)
    assert shares_units(samples(train, same, same))
    by_unit = samples(train, same, others)
    assert not shares_units(by_unit)
    # Nothing is known of units, or there are hardly any rows of one unit.
    assert shares_units(replace(by_unit, train_units=None))
    nobody = by_unit.train_units.assign(customer=None)
    assert shares_units(replace(by_unit, train_units=nobody))
    alone = pd.DataFrame({"customer": [f"c{n}" for n in range(len(train))]})
    assert shares_units(replace(by_unit, train_units=alone))


def test_the_trap_rows_never_trained_on_are_found_as_training_rows():
    train, same, others = held_out(1)
    by_unit = replace(samples(train, same, others), train_units=None)
    # None of these rows was trained on, and yet the attack succeeds: it finds the customer.
    assert attack_density.measure(by_unit).low > 0.03
    at_random = samples(train, same.iloc[::2], same.iloc[1::2])
    assert attack_density.measure(at_random).value < 0.03


@pytest.mark.parametrize(
    "measure",
    [attack_density, attack_distance, attack_likelihood, dcr_share],
    ids=lambda module: module.TITLE,
)
def test_what_takes_holdout_rows_for_left_out_ones_does_not_apply(measure):
    train, same, others = held_out(1)
    with pytest.raises(Inapplicable, match="the holdout rows are of other customers than"):
        measure.measure(samples(train, same, others))


def judged(train, synthetic, holdout) -> bool:
    found = near_copies.measure(samples(train, synthetic, holdout))
    measured = {
        name: getattr(found, name) for name in ("value", "low", "high", "floor", "floor_draws")
    }
    return near_copies.judge(measured)[0]


def test_near_copies_still_tell_copied_rows_from_redrawn_ones():
    passed = []
    for seed in range(1, 6):
        train, same, others = held_out(seed)
        passed.append(judged(train, same, others))
        copied = same.reset_index(drop=True).copy()
        some = np.random.default_rng(seed).permutation(len(copied))[: len(copied) // 20]
        copied.iloc[some] = train.iloc[: len(some)].to_numpy()
        assert not judged(train, copied.astype(same.dtypes.to_dict()), others)
        assert not judged(train, train.iloc[: len(same)], others)
    assert np.mean(passed) >= 0.8


def test_an_evaluation_leaves_to_canaries_what_the_holdout_cannot_judge(tmp_path):
    train, same, others = held_out(2)
    ORDERS_OF_CUSTOMERS.save(tmp_path / "table.json")
    tables = [tmp_path / "table.json"]
    for name, rows in (("train", train), ("holdout", others)):
        write_table(rows, tmp_path / f"{name}.parquet", ORDERS_OF_CUSTOMERS)
        tables.append(tmp_path / f"{name}.parquet")
    found = {}
    for name, rows in (("redrawn", same), ("copied", train.iloc[: len(same)])):
        write_table(rows, tmp_path / f"{name}.parquet", ORDERS)
        found[name] = evaluate(
            *tables, tmp_path / f"{name}.parquet", tmp_path / f"{name}_out", OPTIONS, seed=1
        )
        assert found[name]["shares_units"] is False
        assert found[name]["measures"]["attack_density"]["value"] is None
    assert found["redrawn"]["privacy"]["passes"] is None
    assert found["redrawn"]["privacy"]["left_to_canaries"] is True
    assert "left to planted records" in found["redrawn"]["privacy"]["words"]
    assert found["copied"]["privacy"]["passes"] is False
    assert found["copied"]["privacy"]["left_to_canaries"] is False


def test_a_sample_that_was_not_measured_is_not_left_to_canaries():
    verdict = privacy_verdict({}, LEAST_ROWS, shares_units=False)
    assert verdict.passes is None
    assert verdict.left_to_canaries is False
