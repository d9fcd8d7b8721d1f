"""Grove: a population is learned, its members are not; each law against what is known of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

pytest.importorskip("torch")

import torch

from redwood.errors import InputError
from redwood.nearest import distance_to_closest
from redwood.surrogates.contract import load_surrogate, new_surrogate, save_surrogate
from redwood.surrogates.models.grove import population, timing
from redwood.surrogates.models.grove import surrogate as grove
from redwood.surrogates.models.grove.calendar import DAY, HOUR, Calendar
from redwood.surrogates.models.grove.laws import GapLaw, SizeLaw
from redwood.surrogates.models.grove.lessons import fitted_scheme, lessons_of, prepared
from redwood.surrogates.models.grove.level import Level, chosen_items
from redwood.surrogates.models.grove.memory import Memory, RunningMemory
from redwood.surrogates.models.grove.novelty import settled, share_of_changes
from redwood.surrogates.models.grove.options import Options
from redwood.surrogates.models.grove.ownership import (
    Ownership,
    without_extremes,
    without_rare,
)
from redwood.surrogates.models.grove.plain import train_plainly
from redwood.surrogates.models.grove.sequences import Sequences
from redwood.surrogates.streams.stream import Mark
from redwood.surrogates.streams.tokens import NumberTokens
from redwood.tables import Column, TableDescription

START = pd.Timestamp("2024-01-01", tz="UTC")
QUICK = {"epochs": 12, "hidden": 24, "bins": 16, "batch_size": 128, "least_owners": 3}

UNITS = TableDescription(
    "units",
    (
        Column("time", "timestamp", "s"),
        Column("site", "categorical"),
        Column("kind", "categorical"),
        Column("work", "numeric", "HS23·s", "log"),
        Column("task", "categorical", role="auxiliary"),
        Column("user", "categorical", role="auxiliary"),
    ),
    units=("user", "task"),
)


def make_units(users: int, seed: int) -> pd.DataFrame:
    """Four weeks of users with a kind each, whose tasks have a site and a level of work each."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        kind = "abc"[rng.integers(3)]
        for task in range(1 + rng.poisson(2)):
            begin = rng.uniform(0, 27 * DAY)
            level, site = rng.normal(5, 1), ("BNL", "CERN", "DESY")[rng.integers(3)]
            size = 1 + rng.poisson(8)
            times = begin + np.cumsum(rng.exponential(20, size))
            for time in times:
                work = np.exp(level + 0.1 * rng.normal())
                rows.append((time, site, kind, work, f"t{user}-{task}", f"u{user}"))
    frame = pd.DataFrame(rows, columns=["time", "site", "kind", "work", "task", "user"])
    frame["time"] = (START + pd.to_timedelta(np.rint(frame["time"]), unit="s")).astype(
        "datetime64[us, UTC]"
    )
    return frame.sort_values("time", ignore_index=True)


TRAIN = make_units(120, seed=1)


def trained(train: pd.DataFrame = TRAIN, description: TableDescription = UNITS, **options):
    surrogate = new_surrogate("grove", description, {**QUICK, **options}, 1)
    surrogate.fit(train, train)
    return surrogate


@pytest.fixture(scope="module")
def surrogate():
    return trained()


def test_the_account_of_a_fit_tells_groups_from_their_network():
    summary = new_surrogate("grove", UNITS, {**QUICK, "epochs": 1}, 1).fit(TRAIN, TRAIN)
    assert summary["groups"] == TRAIN["task"].nunique()
    assert {f"{name}_network" for name in ("groups", "row_times", "rows")} <= set(summary)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_items_are_drawn_given_earlier_ones_of_their_sequence(sizes, seed):
    sequences = Sequences.of_sizes(np.array(sizes))
    items = np.arange(len(sequences))
    assert sorted(np.concatenate(sequences.by_level())) == list(items)
    references = sequences.references(items, np.random.default_rng(seed))
    known = references >= 0
    assert (known.any(axis=1) == (sequences.level > 0)).all()
    for item in items:
        own = sequences.sequence == sequences.sequence[item]
        earlier = np.flatnonzero(own & (sequences.level < sequences.level[item]))
        assert sequences.before[item] == len(earlier)
        assert set(references[item][known[item]]) <= set(earlier)
        if sequences.level[item] > 1:
            # The closest that are there on either side.
            assert sequences.left[item] == max(earlier[earlier < item])
            assert sequences.right[item] == min(earlier[earlier > item])


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_memory_is_what_the_earlier_items_hold(sizes, seed):
    rng = np.random.default_rng(seed)
    sequences = Sequences.of_sizes(np.array(sizes))
    items = np.arange(len(sequences))
    mark = Mark("m", 4, NumberTokens(np.array([0.0]), np.array([0.5, 1.0, 2.0, 3.0])))
    tokens = rng.integers(0, 4, len(items))
    values = rng.normal(size=len(items))
    memory = Memory.of(sequences, mark, tokens, values)
    for item in items:
        own = sequences.sequence == sequences.sequence[item]
        earlier = np.flatnonzero(own & (sequences.level < sequences.level[item]))
        numbers = values[earlier][tokens[earlier] >= 1]
        expected = [
            np.log1p(len(earlier)),
            np.log1p(len(set(tokens[earlier]))),
            np.log1p(len(earlier)) - np.log1p(len(set(tokens[earlier]))),
            numbers.mean() if len(numbers) else 0.0,
            numbers.std() if len(numbers) else 0.0,
        ]
        np.testing.assert_allclose(memory.features[item], expected, atol=1e-3)
        same = np.mean(tokens[earlier] == tokens[item]) if len(earlier) else 0
        expected_log = np.log(same) if same else -40.0
        assert memory.log_frequencies[item, 0] == pytest.approx(expected_log, abs=1e-5)
    # Sampling has the same of what it has drawn, level by level.
    running = RunningMemory(sequences, [mark])
    for level in sequences.by_level():
        np.testing.assert_allclose(
            running.features(level, 0), memory.features[level], rtol=1e-4, atol=1e-3
        )
        if sequences.level[level[0]]:
            for item, token in zip(level, running.draw(level, tokens, rng), strict=True):
                own = sequences.sequence == sequences.sequence[item]
                assert token in tokens[own & (sequences.level < sequences.level[item])]
        running.add(level, tokens[level, None], values[level, None])


def test_the_calendar_finds_hours_and_weekdays_and_its_clock_can_be_turned_back():
    rng = np.random.default_rng(1)
    times = rng.uniform(0, 56 * DAY, 60_000) + START.timestamp()
    hour, weekday = (times // HOUR) % 24, (times // DAY) % 7
    kept = rng.random(len(times)) < np.where(hour < 12, 0.25, 1.0) * np.where(weekday < 2, 0.5, 1.0)
    times = times[kept]
    calendar = Calendar.fit(times, rng.integers(0, 600, len(times)))
    begin = calendar.low + HOUR * np.arange(len(calendar.rates))
    early = (begin // HOUR) % 24 < 12
    ratio = calendar.rates[early].mean() / calendar.rates[~early].mean()
    assert ratio == pytest.approx(0.25, abs=0.05)
    some = np.sort(rng.uniform(calendar.low, calendar.high, 100))
    np.testing.assert_allclose(calendar.time_of(calendar.read(some)), some, atol=1e-3)
    # Owners come independently of each other: no good and bad days.
    assert calendar.spread < 0.06


def test_an_owner_with_most_rows_makes_a_twentieth_of_the_rates():
    rng = np.random.default_rng(11)
    # A hundred owners come at any hour; one with four times their rows at three o'clock only.
    owner = np.repeat(np.arange(101), [40_000, *[100] * 100])
    hours = np.where(owner == 0, 3.5, rng.uniform(0, 24, len(owner)))
    calendar = Calendar.fit(DAY * rng.integers(0, 60, len(owner)) + HOUR * hours, owner)
    by_hour = calendar.rates[: 60 * 24].reshape(60, 24).mean(axis=0)
    assert by_hour[3] == pytest.approx(24 * (0.05 + 0.95 / 24), rel=0.08)
    assert np.delete(by_hour, 3) == pytest.approx(0.95, rel=0.12)


@pytest.mark.parametrize("owners", [1, 2, 9, 19, 20, 45])
def test_one_owner_of_a_single_row_leaves_the_calendar_as_it_is(owners):
    rng = np.random.default_rng(12)
    # As many rows of each, seventeen times as many in the first half of the day.
    owner = np.repeat(np.arange(owners), 20_000 // owners)
    hours = np.where(rng.random(len(owner)) < 17 / 18, 0, 12) + rng.uniform(0, 12, len(owner))
    times = DAY * rng.integers(0, 60, len(owner)) + HOUR * hours
    calendar = Calendar.fit(times, owner)
    early = (calendar.low // HOUR + np.arange(len(calendar.rates))) % 24 < 12
    ratio = calendar.rates[early].mean() / calendar.rates[~early].mean()
    # A twentieth of the mean, 9, is added to both.
    assert ratio == pytest.approx((17 + 0.05 * 9) / (1 + 0.05 * 9), rel=0.05)
    one_more = Calendar.fit(np.append(times, times.mean()), np.append(owner, owners))
    np.testing.assert_allclose(one_more.rates, calendar.rates, rtol=0.02)


def test_days_that_are_good_for_all_owners_are_found_and_come_anew():
    rng = np.random.default_rng(2)
    days, owners = 120, 300
    good = np.exp(0.3 * rng.normal(size=days))
    counts = rng.poisson(2 * good / good.mean(), (owners, days))
    owner, day = (
        np.repeat(np.arange(owners), counts.sum(axis=1)),
        np.concatenate([np.repeat(np.arange(days), of_owner) for of_owner in counts]),
    )
    times = START.timestamp() + (day + rng.random(len(day))) * DAY
    calendar = Calendar.fit(times, owner)
    assert calendar.spread == pytest.approx(0.3, abs=0.07)
    worlds = [calendar.another(rng) for _ in range(2)]
    daily = [world.rates[: 24 * 119].reshape(-1, 24).mean(axis=1) for world in worlds]
    assert np.log(daily[0] / daily[1]).std() == pytest.approx(0.3 * np.sqrt(2), rel=0.3)


def test_the_density_of_times_is_one_and_draws_follow_it():
    calendar = Calendar(0.0, 4 * DAY, HOUR, np.tile([0.2, 1.8], 48), 0.0, 0.0)
    torch.manual_seed(0)
    network = timing.TimeNetwork(3, 16, 0.0)
    begin, end = 1000.0, 1000.0 + 2 * DAY
    times = np.arange(begin + 0.5, end)
    with torch.no_grad():
        one = network(torch.randn(1, 3) * 3)
        law = one.expand(len(times), -1, -1)
        whole = np.full(len(times), begin), np.full(len(times), end)
        bins, slopes = timing.places(times, *whole, calendar)
        density = timing.log_density(
            law, torch.tensor(bins), torch.tensor(slopes, dtype=torch.float32)
        ).exp()
    assert float(density.sum()) == pytest.approx(1, abs=0.02)
    random = np.random.default_rng(3)
    many = 20_000
    drawn = timing.draw(
        one.double().numpy().repeat(many, axis=0),
        np.full(many, begin),
        np.full(many, end),
        calendar,
        random,
    )
    expected = np.add.reduceat(density.numpy(), np.arange(0, len(times), HOUR, dtype=int))
    seen = np.bincount(((drawn - begin) // HOUR).astype(int).clip(0, 47), minlength=48)
    assert np.abs(seen / many - expected).sum() < 0.06


def test_sizes_follow_their_quantiles_and_none_is_an_owners():
    rng = np.random.default_rng(4)
    owners = 2000
    counts = np.ceil(rng.lognormal(2, 1, owners)).astype(int)
    counts[0] = 10**6
    spans = counts * 100.0 * rng.lognormal(0, 0.3, owners)
    law = SizeLaw.fit(counts, spans, np.arange(owners), least=5, heavy=True)
    drawn, lasted = law.draw(np.arange(20_000), rng)
    for place in (0.1, 0.5, 0.9):
        assert np.quantile(drawn, place) == pytest.approx(np.quantile(counts, place), rel=0.1)
    assert drawn.max() < 10**5
    several = drawn > 5
    relation = stats.spearmanr(drawn[several], lasted[several]).statistic
    assert relation == pytest.approx(stats.spearmanr(counts, spans).statistic, abs=0.1)


@pytest.mark.parametrize("owners", [21, 87])
@pytest.mark.parametrize("law", [stats.lognorm(1, scale=8), stats.poisson(20), stats.geom(0.05)])
def test_few_owners_have_no_power_law(law, owners):
    largest, sums = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        counts = 1 + np.ceil(law.rvs(owners, random_state=rng)).astype(int)
        fitted = SizeLaw.fit(counts, 1.0 * counts, np.arange(owners), least=5, heavy=True)
        assert fitted.tail_share == 0
        drawn, _ = fitted.draw(np.arange(owners), rng)
        largest.append(drawn.max() / counts.max())
        sums.append(drawn.sum() / counts.sum())
    assert max(largest) <= 1
    assert np.median(largest) > 0.85
    assert np.mean(sums) == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("number", [400, 1000])
@pytest.mark.parametrize("index", [0.8, 2.0])
def test_the_largest_sizes_have_the_index_of_a_power_law(index, number):
    laws, owners = [], np.arange(number)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        counts = np.ceil(20 * (1 + rng.pareto(index, len(owners)))).astype(int)
        laws.append(SizeLaw.fit(counts, counts.astype(float), owners, least=5, heavy=True))
    # B. M. Hill, Ann. Statist. 3 (1975) 1163: the mean excess of logarithms is 1 / index.
    assert np.mean([law.tail_scale for law in laws]) == pytest.approx(1 / index, rel=0.12)
    tops = [np.sort(np.log(law.draw(owners, np.random.default_rng(1))[0]))[-50:] for law in laws]
    hill = np.mean([top[1:].mean() - top[0] for top in tops])
    assert hill == pytest.approx(1 / index, rel=0.12)


def test_how_much_the_largest_have_hangs_neither_on_chance_nor_on_one_owner():
    rng = np.random.default_rng(10)
    owners = np.arange(400)
    counts = np.ceil(1 + rng.pareto(0.8, 400)).astype(int)
    law = SizeLaw.fit(counts, counts.astype(float), owners, least=5, heavy=True)
    drawn = [np.sort(law.draw(owners, np.random.default_rng(seed))[0]) for seed in (1, 2)]
    assert (drawn[0] == drawn[1]).all()
    # Many more owners have no larger ones than so many have.
    assert law.draw(np.arange(40_000), rng)[0].max() == pytest.approx(drawn[0].max(), rel=0.01)
    counts[counts.argmax()] *= 1000
    other = SizeLaw.fit(counts, counts.astype(float), owners, least=5, heavy=True)
    for name in ("tail_share", "tail_scale", "tail_end"):
        assert getattr(other, name) == getattr(law, name) > 0


@pytest.mark.parametrize(("least", "most"), [(5, None), (5, 30), (20, 30)])
def test_groups_of_one_owner_are_as_alike_as_they_were(least, most):
    rng = np.random.default_rng(5)
    # Those of owners with many are not alike.
    owner = np.repeat(np.arange(600), np.where(np.arange(600) < 500, 6, 30))
    own = owner < 500
    logs = np.where(own, 0.8, 0.0) * rng.normal(size=600)[owner]
    logs += np.where(own, 0.6, 1.0) * rng.normal(size=len(owner))
    counts = np.ceil(np.exp(4 + logs)).astype(int)
    law = SizeLaw.fit(counts, counts.astype(float), owner, least, heavy=False, most=most)
    np.testing.assert_allclose(law.alike[0], [0.64, 0], atol=0.06)
    drawn, _ = law.draw(owner, rng)
    means = pd.Series(np.log(drawn)).groupby(owner).mean()
    assert means[:500].var() == pytest.approx(0.64 + 0.36 / 6, rel=0.2)
    assert means[500:].var() == pytest.approx(1 / 30, rel=0.4)
    assert SizeLaw.from_json(law.to_json()).to_json() == law.to_json()


def test_sizes_of_groups_have_no_power_law_even_of_one_an_owner():
    """And owners of whom as many groups as allowed are looked at have many."""
    for most in (1, 4):
        options = Options(least_owners=3, most_groups=most, bins=16)
        random = np.random.default_rng(13)
        learned = UNITS.only(("time", "site", "kind", "work"))
        rows, ownership, _ = prepared(TRAIN, learned, UNITS.units, 3, random)
        scheme = fitted_scheme(rows, learned, ownership.owner, options)
        found, _ = lessons_of(rows, ownership, scheme, options, random)
        assert found.owners.tail_share > 0
        assert found.groups.tail_share == 0
        assert found.groups.many == most


def test_gaps_of_a_poisson_process_come_back():
    rng = np.random.default_rng(6)
    sizes = np.full(400, 50)
    readings = np.cumsum(rng.exponential(1000, (400, 50)), axis=1)
    law = GapLaw.fit(sizes, readings.ravel(), least=5)
    assert law.persistence < 0.05
    drawn = law.draw(sizes, readings[:, 0], readings[:, -1], rng).reshape(400, 50)
    np.testing.assert_allclose(drawn[:, 0], readings[:, 0])
    np.testing.assert_allclose(drawn[:, -1], readings[:, -1])
    gaps = np.diff(drawn, axis=1)
    assert (gaps >= 0).all()
    means = gaps.mean(axis=1, keepdims=True)
    assert stats.kstest((gaps / means).ravel(), "expon").statistic < 0.03


def test_a_task_of_two_users_is_two_groups_and_rows_of_nobody_stand_alone():
    rows = pd.DataFrame({"user": ["a", "b", "a", None, None], "task": ["1", "1", "1", "2", None]})
    found = Ownership.of_rows(rows, ("user", "task"), np.arange(5.0), np.zeros((5, 1), int))
    assert found.units == ("user", "task")
    assert list(found.owner) == [0, 1, 0, 2, 3]
    assert list(found.group) == [0, 1, 0, 2, 3]


def test_without_units_bursts_stand_for_them():
    rng = np.random.default_rng(9)
    entity = np.repeat(rng.integers(0, 4, 40), 25)
    begin = np.repeat(np.arange(40) * 5000.0, 25)
    time = begin + np.tile(10.0 * np.arange(25), 40)
    found = Ownership.of_rows(pd.DataFrame(index=range(1000)), (), time, entity[:, None])
    assert found.units == ()
    # Rows of a burst are together, and no burst has rows of two entities.
    np.testing.assert_array_equal(found.owner, np.repeat(np.arange(40), 25))


def test_what_few_owners_have_becomes_what_many_have():
    owner = np.repeat(np.arange(10), 4)
    codes = np.tile([0, 1, 0, 1], 10)
    codes[:4] = [2, 2, 0, 1]
    ownership = Ownership(owner, owner, ("user",))
    common, changed = without_rare(codes, ownership, 2, np.random.default_rng(0))
    assert changed == 2
    assert set(common) == {0, 1}
    assert common[0] == common[1], "the same value of an owner becomes the same"
    np.testing.assert_array_equal(common[4:], codes[4:])


def test_the_largest_number_is_no_owners():
    rng = np.random.default_rng(7)
    owner = np.repeat(np.arange(200), 3)
    values = rng.exponential(1, 600)
    values[100] = 1000.0
    smooth = without_extremes(values, owner, 5)
    assert smooth.max() < 100
    assert smooth.argmax() == 100
    middle = (values > 0.1) & (values < 2)
    np.testing.assert_array_equal(smooth[middle], values[middle])


def test_of_long_sequences_as_many_items_are_looked_at_as_allowed():
    level = Level.empty(np.array([100, 3]), np.zeros(2), np.full(2, 50.0), 0)
    random = np.random.default_rng(8)
    chosen = chosen_items(level, 10, random, np.ones(103, bool), coarse=4)
    assert len(chosen) == 13
    assert {0, 99, 49} <= set(chosen), "the coarsest ones are always among them"


def test_changes_are_counted_within_sequences_of_which_none_counts_for_too_much():
    tokens = np.array([[0, 0], [1, 0], [1, 0], [5, 5], *[[7, 0], [7, 1]] * 50])
    sequence = np.array([0, 0, 0, 1, *[2] * 100])
    every = share_of_changes(tokens, sequence, 1000)
    assert every == pytest.approx([1 / 101, 99 / 101])
    # The last counts as four items of a hundred.
    few = share_of_changes(tokens, sequence, 4)
    assert few == pytest.approx([1 / (2 + 99 * 0.04), 99 * 0.04 / (2 + 99 * 0.04)])
    assert share_of_changes(tokens, np.arange(104), 4).tolist() == [0, 0]


def test_changes_come_as_often_as_wanted_although_populations_differ_by_chance():
    rng = np.random.default_rng(1)
    wanted = {"rows": np.array([0.34, 0.5, 0.005]), "groups": np.array([0.9])}
    off = {"rows": np.array([-0.6, 0.2, 1.0]), "groups": np.array([1.0])}

    def odds(nats, level):
        share = wanted[level]
        return 1 / (1 + np.exp(-(np.log(share / (1 - share)) + off[level] + nats[level])))

    nats = settled(
        wanted,
        lambda nats, turn: {
            level: rng.binomial(5000, odds(nats, level)) / 5000 for level in wanted
        },
    )
    assert odds(nats, "rows")[:2] == pytest.approx(wanted["rows"][:2], abs=0.015)
    assert odds(nats, "groups") == pytest.approx(wanted["groups"], abs=0.015)
    # What hardly ever changes tells too little to be moved far.
    assert abs(nats["rows"][2]) < 0.7


def test_sites_change_within_tasks_as_often_as_recorded():
    """Even of a network of few epochs, which by itself gives 0.37 instead of 0.51."""
    rng = np.random.default_rng(3)
    sites = np.array(["BNL", "CERN", "DESY"])[rng.integers(0, 3, len(TRAIN))]
    train = TRAIN.assign(site=np.where(rng.random(len(TRAIN)) < 0.5, sites, TRAIN["site"]))
    described = TableDescription(
        "units", (*UNITS.columns[:4], Column("task", "categorical")), units=("task",)
    )
    sample = trained(train, described, epochs=3).sample(len(train), 5)

    def changes(rows):
        ordered = rows.sort_values(["task", "time"], kind="stable")
        same_task = ordered["task"].to_numpy()[1:] == ordered["task"].to_numpy()[:-1]
        return (ordered["site"].to_numpy()[1:] != ordered["site"].to_numpy()[:-1])[same_task].mean()

    assert changes(sample) == pytest.approx(changes(train), abs=0.06)


def test_no_unit_of_the_training_rows_is_in_the_sample(surrogate):
    described = TableDescription(
        "units",
        tuple(Column(c.name, c.kind, c.unit, c.scale) for c in UNITS.columns if c.name != "task"),
        units=("user",),
    )
    sample = trained(TRAIN.drop(columns="task"), described).sample(500, 3)
    assert list(sample) == [column.name for column in described.columns]
    assert not set(sample["user"]) & set(TRAIN["user"])
    assert 20 < sample["user"].nunique() < 200
    assert list(surrogate.sample(50, 3)) == ["time", "site", "kind", "work"]


def test_tasks_are_alike_within_and_new_without(surrogate):
    sample = surrogate.sample(len(TRAIN), 5).sort_values("time", ignore_index=True)
    # Rows of a task follow within seconds, at one site and with like work.
    gaps = sample["time"].diff().dt.total_seconds()
    near = gaps < 60
    real = TRAIN["time"].diff().dt.total_seconds() < 60
    assert near.mean() == pytest.approx(real.mean(), abs=0.15)
    assert (sample["site"] == sample["site"].shift())[near].mean() > 0.7
    steps = np.log(sample["work"]).diff().abs()
    assert steps[near].median() < 0.5
    assert np.log(sample["work"]).std() == pytest.approx(np.log(TRAIN["work"]).std(), rel=0.3)


def test_a_user_unlike_all_others_leaves_no_trace():
    odd = TRAIN[:60].assign(user="odd", task="odd", site="ODD", kind="z", work=1e9)
    together = pd.concat([TRAIN, odd], ignore_index=True)
    sample = trained(together).sample(2000, 1)
    assert "ODD" not in set(sample["site"])
    assert "z" not in set(sample["kind"])
    assert sample["work"].max() < 1e6


def test_rows_are_no_copies(surrogate):
    sample = surrogate.sample(1000, 2)
    features = UNITS.only_features()
    others = make_units(120, seed=2)
    to_own, to_others = (
        distance_to_closest(sample, real, features, TRAIN) for real in (TRAIN, others)
    )
    assert np.mean(to_own < to_others) == pytest.approx(0.5, abs=0.08)


def test_time_beyond_the_record_is_filled_by_further_populations(surrogate):
    given_time = {"time": "2024-03-01..2024-05-01"}
    expected = surrogate.expected_rows(given_time)
    assert expected == pytest.approx(len(TRAIN) * 61 / 28, rel=0.35)
    sample = surrogate.sample(expected, 4, given_time)
    assert sample["time"].between("2024-03-01", "2024-04-30 23:59:59").all()
    weekly = sample["time"].dt.isocalendar()["week"].value_counts()
    assert weekly.min() > 0.1 * weekly.mean()
    with pytest.raises(InputError, match="the first bound is not the lower one"):
        surrogate.sample(10, 4, {"time": "2024-02-01..2024-01-01"})


def test_owners_of_all_blocks_are_different_ones_and_make_the_rows_asked_for(
    surrogate, monkeypatch
):
    monkeypatch.setattr(population, "_ROWS_AT_ONCE", 200)
    law, random = surrogate._population, np.random.default_rng(12)
    members = law._members(3000, 2500, np.random.default_rng(12))
    blocks = [part.rows for part in members.blocks()]
    assert len(blocks) > 5
    assert all(rows[:-1].sum() < 200 for rows in blocks), "full before the last owner"
    np.testing.assert_array_equal(np.concatenate(blocks), members.rows)
    with torch.no_grad():
        stream, owner, group = law.draw(
            3000, 2500, law.calendar, surrogate.network, random, torch.device("cpu")
        )
    assert len(stream.times) == members.total == pytest.approx(3000, rel=0.1)
    np.testing.assert_array_equal(np.bincount(owner), members.rows)
    for numbers in (owner, group):
        np.testing.assert_array_equal(np.unique(numbers), np.arange(numbers.max() + 1))
    assert len(np.unique(np.stack([owner, group]), axis=1).T) == group.max() + 1
    # In the order of drawing, the rows of a group together and in time.
    assert (np.diff(group) >= 0).all()
    assert (np.diff(stream.times)[np.diff(group) == 0] >= 0).all()


def test_a_folder_draws_what_the_model_did(surrogate, tmp_path):
    save_surrogate(surrogate, tmp_path, len(TRAIN))
    loaded = load_surrogate(tmp_path)
    pd.testing.assert_frame_equal(loaded.sample(300, 7), surrogate.sample(300, 7))
    content = (tmp_path / "population.json").read_text()
    assert not any(user in content for user in ("u0", "u119", "t0-0"))


def test_a_training_cut_off_goes_on_to_the_same_model(tmp_path, monkeypatch):
    class Cut(Exception):
        pass

    file = tmp_path / "state.safetensors"
    whole = trained(epochs=6, checkpoint_epochs=2)
    cut = new_surrogate("grove", UNITS, {**QUICK, "epochs": 6, "checkpoint_epochs": 2}, 1)
    seen = []

    def interrupt(*arguments, **named):
        seen.append(1)
        if len(seen) == 2:
            raise Cut
        return train_plainly(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(grove, "train_plainly", interrupt)
        with pytest.raises(Cut):
            cut.fit(TRAIN, TRAIN, file)
    assert list(tmp_path.iterdir())
    resumed = new_surrogate("grove", UNITS, {**QUICK, "epochs": 6, "checkpoint_epochs": 2}, 1)
    resumed.fit(TRAIN, TRAIN, file)
    pd.testing.assert_frame_equal(resumed.sample(200, 1), whole.sample(200, 1))
    assert not list(tmp_path.iterdir())


def test_too_few_owners_are_refused_with_what_to_do():
    few = TRAIN[TRAIN["user"].isin(["u0", "u1"])]
    with pytest.raises(InputError, match="2 different values of user; expected at least 3"):
        trained(few)


def test_one_user_with_nearly_everything_is_one_of_a_population():
    most = TRAIN.assign(user=np.where(np.arange(len(TRAIN)) % 10 > 0, "u0", TRAIN["user"]))
    assert len(trained(most, epochs=2).sample(300, 1)) == 300
