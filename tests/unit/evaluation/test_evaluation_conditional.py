from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import toy_rows

from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.contract import Inapplicable, Samples
from redwood.evaluation.measures import conditional
from redwood.tables import Column, TableDescription
from redwood.validation import read_section

JOBS = TableDescription(
    "jobs",
    (Column("site", "categorical"), Column("state", "categorical"), Column("size", "numeric")),
)
FIRST_HUNDRED = np.arange(100.0)


def jobs(*rows: tuple[str, str, float, int]) -> pd.DataFrame:
    """So many jobs of each site, state and size."""
    repeated = [row[:3] for row in rows for _ in range(row[3])]
    return pd.DataFrame(repeated, columns=["site", "state", "size"])


def samples_with(synthetic: pd.DataFrame, holdout: pd.DataFrame, *stated: tuple) -> Samples:
    train = pd.DataFrame({"site": "A", "state": "ok", "size": FIRST_HUNDRED})
    return Samples(
        JOBS, train, holdout, synthetic, holdout, (), "size", groups=2, seed=1, conditionals=stated
    )


HOLDOUT = jobs(("A", "ok", 0, 3), ("A", "bad", 0, 1), ("B", "ok", 0, 4), ("C", "ok", 0, 2))
SYNTHETIC = jobs(("A", "ok", 0, 1), ("A", "bad", 0, 1), ("B", "ok", 0, 5), ("D", "bad", 0, 9))
STATE_OF_SITE = ("site", "state")


def test_conditionals_by_hand():
    result = conditional.measure(samples_with(SYNTHETIC, HOLDOUT, STATE_OF_SITE))
    # 1/4 at A, 0 at B, 1 at C, which no synthetic row has; D, which no real row has, has no weight.
    assert result.value == pytest.approx(0.4 * 0.25 + 0.4 * 0 + 0.2 * 1)
    assert result.floor == 0
    assert result.columns.to_numpy().tolist() == [["state | site", pytest.approx(0.3), 0]]
    assert result.note == (
        "state | site: no synthetic row in 1 of 3 groups, with 20 % of the holdout rows"
    )
    # The shares of the groups in synthetic rows play no part.
    more = pd.concat([SYNTHETIC, SYNTHETIC[SYNTHETIC["site"] == "A"], *[SYNTHETIC.iloc[-9:]] * 5])
    assert conditional.measure(samples_with(more, HOLDOUT, STATE_OF_SITE)).value == result.value


@pytest.mark.parametrize(
    ("size", "distance"),
    # The first deciles of 0 … 99 are 9 and 19, each of which is a bin of its own.
    [(3.0, 0), (7.5, 0), (-50.0, 0), (9.0, 1), (9.5, 1), (10.0, 1)],
)
def test_numbers_are_compared_in_bins_between_deciles_of_training(size, distance):
    real, made = jobs(("A", "ok", 3, 10)), jobs(("A", "ok", size, 10))
    given_site = samples_with(made, real, ("site", "size"))
    assert conditional.measure(given_site).value == distance
    # As a group whose rows are all missing, if it is the size that is given.
    given_size = samples_with(made, real, ("size", "site"))
    assert conditional.measure(given_size).value == distance


def test_groups_of_several_features_and_the_mean_over_conditionals_by_hand():
    real = jobs(("A", "ok", 3, 4), ("A", "bad", 50.5, 4), ("B", "ok", 50.5, 2))
    made = jobs(("A", "ok", 3, 2), ("A", "ok", 50.5, 2), ("B", "ok", 50.5, 2))
    samples = samples_with(made, real, ("site", "size", "state"), STATE_OF_SITE)
    result = conditional.measure(samples)
    # Given both, rows of A above the median are all wrong, the others right; given the site alone
    # half of the rows of A are wrong.
    assert result.columns["column"].tolist() == ["state | site, size", "state | site"]
    assert result.columns["value"].tolist() == [pytest.approx(0.4), pytest.approx(0.8 * 0.5)]
    assert result.value == pytest.approx(0.4)


def test_conditionals_with_columns_that_the_table_lacks_are_left_out_and_named(samples_of):
    samples = samples_of(toy_rows(300, 8))
    alone = conditional.measure(replace(samples, conditionals=(STATE_OF_SITE,)))
    both = replace(samples, conditionals=(("queue", "site", "cores"), STATE_OF_SITE))
    result = conditional.measure(both)
    assert result.value == alone.value
    assert result.note == f"{alone.note}; without cores | queue, site, for lack of queue, cores"
    with pytest.raises(Inapplicable, match=r"no stated conditional: state \| queue, for lack of"):
        conditional.measure(replace(samples, conditionals=(("queue", "state"),)))
    with pytest.raises(Inapplicable, match=r"no stated conditional$"):
        conditional.measure(replace(samples, conditionals=()))


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        (
            [["site"]],
            r"conditionals is \[\['site'\]\]: .*\['site'\] is no such list, expected two or more",
        ),
        (
            [["site", "state", "site"]],
            r"\['site', 'state', 'site'\] is no such list, expected two or more",
        ),
        ([["site", "state"], ["site", "state"]], r"\['site', 'state'\] is listed twice"),
    ],
)
def test_conditionals_are_of_two_distinct_columns_or_more(stated, message):
    with pytest.raises(InputError, match=message):
        read_section(Evaluation, {"conditionals": stated}, "evaluation")
    options = read_section(Evaluation, {"conditionals": [["a", "b"], ["b", "a"]]}, "evaluation")
    assert options.conditionals == (("a", "b"), ("b", "a"))
