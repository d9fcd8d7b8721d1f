"""What models lose that learn from synthetic rows: the classification (see also the measures)."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.evaluation import efficacy
from redwood.evaluation.contract import Samples
from redwood.evaluation.measures import diff_mlef, diff_mlef_class
from redwood.evaluation.measures.diff_mlef_class import brier_losses
from redwood.tables import Column, TableDescription

STATES = TableDescription("t", (DESCRIPTION["site"], DESCRIPTION["state"]))
REAL = ("train", "holdout", "synthetic", "fresh")


def all_assigned(samples: Samples, **columns) -> Samples:
    """The samples with the same change to all of them."""
    changed = {name: getattr(samples, name).assign(**columns) for name in REAL}
    others = tuple(other.assign(**columns) for other in samples.others)
    return replace(samples, **changed, others=others)


def with_states(samples: Samples, **failed: int) -> Samples:
    """The samples with so many failed of ten rows each, all of one site."""
    frames = {
        name: pd.DataFrame({"site": "A", "state": ["failed"] * n + ["finished"] * (10 - n)})
        for name, n in failed.items()
    }
    other = frames.pop("other")
    return replace(samples, **frames, others=(other,), groups=5)


def test_brier_losses_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [1, 0, 0], [0.7, 0.2, 0.1]])
    truth = np.array([0, 2, 1, -1])
    expected = [0.09 + 0.04 + 0.01, 0.49 + 0.04 + 0.81, 2, 0.49 + 0.04 + 0.01 + 1]
    np.testing.assert_allclose(brier_losses(probabilities, truth), expected)


def test_what_nothing_can_be_learned_from_has_the_shares_of_the_classes(samples_of):
    # A share p against a share q of the holdout: q 2(1 − p)² + (1 − q) 2p².
    def error(p, q=0.2):
        return np.sqrt(2 * q * (1 - p) ** 2 + 2 * (1 - q) * p**2)

    samples = samples_of(toy_rows(10, 8), STATES)
    samples = with_states(samples, holdout=2, synthetic=6, fresh=2, other=5)
    result = diff_mlef_class.measure(samples)
    assert result.value == pytest.approx(error(0.6) - error(0.2))
    assert result.floor == pytest.approx(error(0.5) - error(0.2))
    assert result.note == "MLEF 0.8000 trained on synthetic, 0.5657 on real rows; target state"


def test_a_single_class_has_probability_one_and_a_class_not_learned_none(samples_of):
    samples = samples_of(toy_rows(10, 8), STATES)
    samples = with_states(samples, holdout=2, synthetic=10, fresh=0, other=0)
    result = diff_mlef_class.measure(samples)
    # All of 80 % and of 20 % of the rows are wrong, each of which loses 2.
    assert result.value == pytest.approx(np.sqrt(1.6) - np.sqrt(0.4))
    assert result.floor == 0
    lost = samples.synthetic.assign(state="lost")
    assert diff_mlef_class.measure(replace(samples, synthetic=lost)).value == pytest.approx(
        np.sqrt(2) - np.sqrt(0.4)
    )


def test_the_error_of_rows_of_one_law_is_near_the_least_possible(samples_of):
    rows = toy_rows(4000, 8)
    error = float(diff_mlef_class.measure(samples_of(rows)).note.split()[1])
    # Work tells the state by 1.6 on the log scale, with 0.3 of noise: nearly without error.
    assert error < 0.15
    # Of the site alone the least Brier score is 2 p (1 − p), its mean over the sites.
    error = float(diff_mlef_class.measure(samples_of(rows, STATES)).note.split()[1])
    p = np.array([0.1, 0.2, 0.3, 0.4])
    least = np.array([0.5, 0.3, 0.15, 0.05]) @ (2 * p * (1 - p))
    assert error == pytest.approx(np.sqrt(least), abs=0.02)


@pytest.mark.parametrize(
    "columns",
    [
        {"state": lambda frame: frame["state"].map({"finished": "a", "failed": "b"})},
        {"state": lambda frame: frame["state"].map({"finished": "b", "failed": "a"})},
        {"when": lambda frame: frame["when"] + pd.Timedelta(days=1000)},
        {"work": lambda frame: 1024 * frame["work"]},
    ],
)
def test_neither_names_of_classes_nor_units_nor_the_zero_of_time_matter(samples_of, columns):
    linear = TableDescription("t", (*DESCRIPTION.columns[:4], Column("work", "numeric")))
    rows = toy_rows(800, 8)
    rows = rows.assign(state=np.random.default_rng(1).permutation(rows["state"]))
    samples = samples_of(rows, linear)
    result = diff_mlef_class.measure(samples)
    again = diff_mlef_class.measure(all_assigned(samples, **columns))
    assert again.value == pytest.approx(result.value, rel=0.05)


def test_models_learn_from_at_most_so_many_rows(samples_of, monkeypatch):
    learned = []

    def losses(rows):
        learned.append(len(rows))
        return np.ones(1500)

    for most, expected in ((50_000, 600), (100, 100)):
        monkeypatch.setattr(efficacy, "_MOST_LEARNED", most)
        samples = samples_of(toy_rows(600, 8))
        result = efficacy.difference_of_errors(samples, "mine", DESCRIPTION["work"], losses)
        assert learned == [expected] * 3
        assert result.value == result.floor == 0
        learned.clear()


def test_times_close_together_tell_the_target():
    """Within an hour, work changes every minute: seconds since 1970 have steps of 128 s."""
    description = TableDescription("hour", (Column("when", "timestamp"), Column("work", "numeric")))

    def rows(seed: int) -> pd.DataFrame:
        seconds = np.sort(np.random.default_rng(seed).uniform(0, 3600, 2000))
        when = pd.to_datetime(pd.Series(seconds + 1_704_067_200), unit="s", utc=True)
        return pd.DataFrame({"when": when, "work": 1.0 + (seconds // 60 % 2)})

    train, holdout, synthetic, fresh, other = map(rows, range(5))
    samples = Samples(
        description, train, holdout, synthetic, fresh, (other,), target="work", groups=5, seed=1
    )
    errors = re.findall(
        r"MLEF (\S+) trained on synthetic, (\S+) on real", diff_mlef.measure(samples).note
    )
    assert max(map(float, errors[0])) < 0.7
