"""Faults injected into faithful rows: the measure that is named for a fault sees it, ever more.

Rows come in bursts of one site each, a site is in one cloud, work depends on size. A share of the
rows, or the strength of a shift, is what grows.
"""

import numpy as np
import pandas as pd
import pytest

from redwood import plugins
from redwood.evaluation.contract import MEASURES, Samples
from redwood.tables import Column, TableDescription

DESCRIPTION = TableDescription(
    "bursts",
    (
        Column("when", "timestamp", unit="s, UTC"),
        Column("site", "categorical"),
        Column("cloud", "categorical"),
        Column("state", "categorical"),
        Column("size", "numeric", unit="bytes", scale="log"),
        Column("work", "numeric", unit="HS23·s", scale="log"),
    ),
)
SITES, CLOUDS = np.array([*"abcdefgh"], object), np.array(["x", "x", "y", "y", "y", "z", "z", "z"])
SHARES = (0.0, 0.4, 0.7, 1.0)


def bursts(rows: int, seed: int) -> pd.DataFrame:
    """Rows of thirty days, about ten a burst."""
    random = np.random.default_rng(seed)
    number = -(-rows // 10)
    of = np.sort(random.integers(number, size=rows))
    site = random.choice(8, number, p=[0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05])[of]
    begin = np.sort(random.integers(0, 30 * 86400, number))[of]
    seconds = 1_704_067_200 + begin + random.exponential(60, rows).astype(int)
    size = np.exp(random.normal(20, 1, rows) + 0.2 * site)
    failed = random.random(rows) < 0.1 + 0.08 * site
    work = size / 1e6 * np.exp(random.normal(0, 0.3, rows)) * np.where(failed, 0.3, 1)
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(seconds, unit="s", utc=True).as_unit("us"),
            "site": SITES[site],
            "cloud": CLOUDS.astype(object)[site],
            "state": np.where(failed, "failed", "finished").astype(object),
            "size": size,
            "work": work,
        }
    )
    return frame.sort_values("when", ignore_index=True)


# A stream divided at random, as a table is: bursts are in all parts alike.
_WORLD = bursts(15_000, 1)
TRAIN, HOLDOUT, FAITHFUL = (
    _WORLD.iloc[np.sort(rows)].reset_index(drop=True)
    for rows in np.split(np.random.default_rng(2).permutation(15_000), [9000, 12_000])
)
DRAWS = np.split(np.random.default_rng(9).permutation(9000), 3)


def samples_with(synthetic: pd.DataFrame) -> Samples:
    fresh, *others = (TRAIN.iloc[np.sort(rows)].reset_index(drop=True) for rows in DRAWS)
    return Samples(
        description=DESCRIPTION,
        train=TRAIN,
        holdout=HOLDOUT,
        synthetic=synthetic.sort_values("when", kind="stable", ignore_index=True),
        fresh=fresh,
        others=tuple(others),
        target="work",
        target_class="state",
        conditionals=(("site", "state"),),
        groups=10,
        seed=5,
    )


def chosen(share: float, rows: int = 3000) -> np.ndarray:
    """A share of the rows, more of them for a larger one: positions."""
    return np.random.default_rng(3).permutation(rows)[: round(share * rows)]


def mixed(frame: pd.DataFrame, columns: list[str], share: float) -> pd.DataFrame:
    """A share of the rows change the values of some columns among each other."""
    rows = chosen(share)
    frame = frame.copy()
    others = np.random.default_rng(4).permutation(rows)
    for column in columns:
        frame.loc[rows, column] = frame.loc[others, column].set_axis(rows)
    return frame


def shifted(frame, share):
    return frame.assign(work=frame["work"] * np.exp(0.5 * share))


def without_a_site(frame, share):
    """Ever more of the jobs of site c are said to be of site a."""
    of_site = np.flatnonzero(frame["site"] == "c")
    frame = frame.copy()
    frame.loc[of_site[: round(share * len(of_site))], "site"] = "a"
    return frame


def without_large_jobs(frame, share):
    """Of the larger half ever more rows are missing; smaller ones are there twice."""
    large = np.flatnonzero(frame["size"] > frame["size"].median())
    small = np.flatnonzero(frame["size"] <= frame["size"].median())
    n = round(share * len(large))
    kept = np.concatenate([large[n:], small, small[:n]])
    return frame.iloc[kept].reset_index(drop=True)


def unrelated_sizes(frame, share):
    return mixed(frame, ["size"], share)


def other_clouds(frame, share):
    return mixed(frame, ["cloud"], share)


def states_at_random(frame, share):
    return mixed(frame, ["state"], share)


def shuffled_in_time(frame, share):
    return mixed(frame, ["when"], share)


def evenly_in_time(frame, share):
    """Bursts are spread: each row of a share at a time of its own."""
    rows = chosen(share)
    frame = frame.copy()
    span = (frame["when"].min(), frame["when"].max())
    even = pd.date_range(*span, periods=len(rows)).as_unit("us")
    frame.loc[rows, "when"] = pd.Series(even, index=rows)
    return frame


def by_the_minute(frame, share):
    """Times cut down to ever more seconds."""
    return frame.assign(when=frame["when"].dt.floor(f"{1 + round(299 * share)}s"))


def copied_from_training(frame, share):
    rows = chosen(share)
    return pd.concat([frame.drop(index=rows), TRAIN.iloc[rows * 3]], ignore_index=True)


def unpredictable(frame, share):
    noise = np.random.default_rng(6).normal(0, 2 * share, len(frame))
    return frame.assign(work=frame["work"] * np.exp(noise))


# fault, the measure that sees it, and one that it is nothing to.
FAULTS = [
    (shifted, "wd", "jsd"),
    (without_a_site, "jsd", "wd"),
    (without_large_jobs, "coverage", None),
    (unrelated_sizes, "diff_corr", "wd"),
    (unrelated_sizes, "joint", "jsd"),
    (unrelated_sizes, "c2st", "wd"),
    (other_clouds, "impossible", "jsd"),
    (states_at_random, "conditional", "jsd"),
    (states_at_random, "diff_mlef_class", "jsd"),
    (unpredictable, "diff_mlef", "jsd"),
    (shuffled_in_time, "c2st_sequence", "wd"),
    (shuffled_in_time, "recurrence", "interarrival"),
    (evenly_in_time, "fano", "jsd"),
    (by_the_minute, "interarrival", "jsd"),
    (copied_from_training, "dcr", None),
    (copied_from_training, "dcr_share", None),
    (copied_from_training, "near_copies", None),
    (copied_from_training, "nndr", None),
    (copied_from_training, "attack_distance", None),
    (copied_from_training, "attack_density", None),
]
# These fall as a fault grows.
FALLING = ("coverage", "dcr", "nndr")
# These train classifiers and regressors, seconds for each share.
LEARNING = ("c2st", "c2st_sequence", "diff_mlef", "diff_mlef_class")


def values(fault, name, shares=SHARES):
    measure = plugins.load(MEASURES, name).measure
    return [measure(samples_with(fault(FAITHFUL, share))) for share in shares]


@pytest.mark.parametrize(
    ("fault", "name"),
    [(f, n) for f, n, _ in FAULTS],
    ids=[f"{f.__name__}-{n}" for f, n, _ in FAULTS],
)
def test_the_measure_sees_the_fault_ever_more(fault, name):
    results = values(fault, name, (0.0, 0.6, 1.0) if name in LEARNING else SHARES)
    found = np.array([result.value for result in results])
    sign = -1 if name in FALLING else 1
    # Medians are at 0 from half of the rows on.
    assert (np.diff(sign * found) >= 0).all(), found
    # What was faithful is beside the floor; the whole fault is far beyond it and its interval.
    first, last = results[0], results[-1]
    assert (last.high < first.low) if sign < 0 else (last.low > first.high)
    assert abs(last.value - last.floor) > 3 * abs(first.value - first.floor)


@pytest.mark.parametrize(
    ("fault", "name"),
    [(f, n) for f, _, n in FAULTS if n],
    ids=[f"{f.__name__}-{n}" for f, _, n in FAULTS if n],
)
def test_the_fault_is_nothing_to_another_measure(fault, name):
    faithful, wrong = values(fault, name, (0.0, 1.0))
    assert wrong.value == pytest.approx(faithful.value, abs=1e-9)
