"""The paper's own scale, as far as it can be inferred."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.evaluation.contract import Inapplicable
from redwood.evaluation.measures import jsd_paper, wd_paper
from redwood.tables import Column, TableDescription

NUMBER = TableDescription("t", (Column("work", "numeric", scale="log"),))
CATEGORIES = TableDescription("t", (Column("site", "categorical"), Column("state", "categorical")))


def test_the_best_pairing_of_one_column_pairs_by_rank(samples_of):
    # W₁ of two samples of a number is the mean difference of equal ranks; a shift adds itself.
    rows = toy_rows(600, 8)
    samples = samples_of(rows, NUMBER)
    span = np.ptp(np.log1p(samples.train["work"]))
    far = rows.assign(work=np.expm1(np.log1p(rows["work"]) + 5 * span))
    shift = wd_paper.measure(samples_of(far, NUMBER)).value
    mean = np.log1p(rows["work"]).mean() - np.log1p(samples.holdout["work"]).mean()
    assert shift == pytest.approx(5 + mean / span, abs=0.02)


def test_a_perfect_surrogate_is_far_from_zero_and_a_broken_one_further(samples_of):
    rows = toy_rows(1500, 8)
    perfect = wd_paper.measure(samples_of(rows))
    random = np.random.default_rng(1)
    broken = rows.apply(lambda column: column.to_numpy()[random.permutation(len(rows))])
    assert perfect.value == pytest.approx(perfect.floor, rel=0.05)
    assert perfect.floor > 0.05
    assert wd_paper.measure(samples_of(broken.astype(rows.dtypes))).low > perfect.high


def test_one_less_the_chance_of_equal_categories(samples_of):
    rows = toy_rows(9000, 8)
    result = jsd_paper.measure(samples_of(rows, CATEGORIES))
    site = np.array([0.5, 0.3, 0.15, 0.05])
    failed = site @ (0.1 + 0.1 * np.arange(4))
    expected = np.mean([1 - site @ site, 2 * failed * (1 - failed)])
    assert result.value == pytest.approx(expected, abs=0.02)
    assert result.floor == pytest.approx(expected, abs=0.02)


def test_of_equal_rows_no_category_differs(samples_of):
    one = pd.concat([toy_rows(1, 8)] * 50, ignore_index=True)
    samples = replace(samples_of(one, CATEGORIES), holdout=one)
    assert jsd_paper.measure(samples).value == 0
    with pytest.raises(Inapplicable, match="no categorical feature"):
        jsd_paper.measure(samples_of(one, NUMBER))
