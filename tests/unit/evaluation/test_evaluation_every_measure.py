"""What every measure owes, whichever there are."""

import contextlib
from dataclasses import asdict, replace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood import plugins
from redwood.evaluation.contract import MEASURES, Aspect, Inapplicable, Result
from redwood.tables import TableDescription

NAMES = plugins.names(MEASURES)
TABLES = [("when", "work"), ("site",), ("work",), ("site", "state"), ("when", "site", "work")]


def measured(name: str, samples) -> Result | None:
    with contextlib.suppress(Inapplicable):
        return plugins.load(MEASURES, name).measure(samples)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name):
    measure = plugins.load(MEASURES, name)
    assert measure.DIRECTION in ("lower", "higher", "near floor")
    assert measure.ASPECT in get_args(Aspect)
    assert measure.TITLE
    assert measure.UNIT
    assert measure.DEFINITION.endswith(".")
    assert measure.EQUATION
    assert "2410.07940" in measure.__doc__


@pytest.mark.parametrize("name", NAMES)
def test_its_interval_holds_its_value_and_its_columns_are_tidy(samples_of, name):
    result = measured(name, samples_of(toy_rows(600, 8)))
    assert 0 <= result.low <= result.value <= result.high
    assert result.floor >= 0
    if result.columns is not None:
        assert list(result.columns) == ["column", "value", "floor"]
        assert result.columns["column"].is_unique
        assert result.columns.notna().all(axis=None)


@pytest.mark.parametrize("columns", [*TABLES, None])
@pytest.mark.parametrize("name", NAMES)
def test_any_table_is_measured_or_told_why_not(samples_of, name, columns):
    # A surrogate that repeats one training row, or some columns alone.
    rows, description = toy_rows(4000, 1).iloc[np.full(300, 2000)], DESCRIPTION
    if columns:
        rows = toy_rows(300, 8)
        description = TableDescription("t", tuple(DESCRIPTION[column] for column in columns))
    if result := measured(name, samples_of(rows, description)):
        assert np.isfinite([result.value, result.low, result.high, result.floor]).all()
        assert columns or result.low <= result.value <= result.high


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_result_and_leaves_the_samples_alone(samples_of, name):
    samples = samples_of(toy_rows(400, 8))
    first, second = measured(name, samples), measured(name, samples)
    numbers = ("value", "low", "high", "floor", "note")
    assert [asdict(first)[n] for n in numbers] == [asdict(second)[n] for n in numbers]
    pd.testing.assert_frame_equal(samples.synthetic, toy_rows(400, 8))
    pd.testing.assert_frame_equal(samples.train, toy_rows(4000, 1))


# These thin samples, set off rows or learn by chance: nearly the same is all that they can be.
BY_CHANCE = (
    *("c2st", "c2st_sequence", "coverage", "density", "dcr_share", "diff_mlef", "diff_mlef_class"),
    *("wd_paper", "jsd_paper", "fano", "spectrum", "autocorrelation", "interarrival", "recurrence"),
)


@pytest.mark.parametrize("name", NAMES)
def test_neither_names_of_categories_nor_the_order_of_rows_matter(samples_of, name):
    samples = samples_of(toy_rows(800, 8))
    renamed = {
        table: getattr(samples, table).assign(site=lambda frame: "z" + frame["site"].str[::-1])
        for table in ("train", "holdout", "synthetic", "fresh")
    }
    others = tuple(other.assign(site="z" + other["site"].str[::-1]) for other in samples.others)
    renamed["synthetic"] = renamed["synthetic"].sample(frac=1, random_state=1)
    first, again = (
        measured(name, s) for s in (samples, replace(samples, **renamed, others=others))
    )
    loose = 0.02 + 0.1 * first.value if name in BY_CHANCE else 1e-12
    assert again.value == pytest.approx(first.value, rel=1e-9, abs=loose)


@pytest.mark.parametrize(
    ("name", "columns", "changed", "reason"),
    [
        ("wd", ("site",), {}, "no numeric feature"),
        ("jsd", ("work",), {}, "no categorical feature"),
        ("diff_corr", ("work",), {}, "fewer than two features"),
        ("joint", ("work",), {}, "fewer than two features"),
        ("joint", ("site", "work"), {"synthetic": toy_rows(1, 1)}, "a single row"),
        ("conditional", ("site", "state"), {"synthetic": toy_rows(1, 1)}, "a single row"),
        ("impossible", ("when", "work"), {}, "no categorical feature and no discrete number"),
        ("diff_mlef", ("work",), {}, "fewer than two features"),
        ("diff_mlef_class", ("state",), {}, "fewer than two features"),
        ("diff_mlef_class", ("site", "work"), {"target_class": "work"}, "'work' is no categorical"),
        ("diff_mlef_class", ("site", "work"), {"target_class": "speed"}, "'speed' is no categori"),
        ("autocorrelation", ("site", "work"), {}, "no timestamp"),
        ("c2st_sequence", ("site", "work"), {}, "no timestamp"),
        ("interarrival", ("site", "work"), {}, "no timestamp"),
        ("recurrence", ("site", "work"), {}, "no timestamp"),
        ("recurrence", ("when", "work"), {}, "no categorical feature"),
        ("recurrence", ("when", "site"), {"synthetic": toy_rows(2, 1)}, "fewer than three rows"),
    ],
)
def test_what_a_table_lacks_is_said(samples_of, name, columns, changed, reason):
    description = TableDescription("t", tuple(DESCRIPTION[column] for column in columns))
    samples = replace(samples_of(toy_rows(200, 8), description), **changed)
    with pytest.raises(Inapplicable, match=reason):
        plugins.load(MEASURES, name).measure(samples)
