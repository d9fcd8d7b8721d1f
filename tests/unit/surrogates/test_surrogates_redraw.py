"""The parts of Sequoia: entities, neighbours, counts, clock, mixtures, sweeps."""

import numpy as np
import pandas as pd
import pytest
from event_rows import EVENTS, make_events
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from redwood.surrogates.models.sequoia import timing  # noqa: E402
from redwood.surrogates.models.sequoia.clock import Clock  # noqa: E402
from redwood.surrogates.models.sequoia.counts import CountTable  # noqa: E402
from redwood.surrogates.models.sequoia.events import Events, Networks  # noqa: E402
from redwood.surrogates.models.sequoia.neighbours import TimeIndex  # noqa: E402
from redwood.surrogates.models.sequoia.surroundings import Background  # noqa: E402
from redwood.surrogates.models.sequoia.sweeping import stir, sweep  # noqa: E402
from redwood.surrogates.streams import marks  # noqa: E402
from redwood.surrogates.streams.entity import choose_entity, combine  # noqa: E402
from redwood.surrogates.streams.stream import Mark, Scheme, Stream  # noqa: E402
from redwood.surrogates.streams.tokens import NumberTokens  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def frame():
    return make_events(400, seed=1).sort_values("time", ignore_index=True)


@pytest.fixture(scope="module")
def background(frame):
    scheme = Scheme.fit(frame, EVENTS, 16)
    return Background.build(scheme.encode(frame), scheme)


@pytest.fixture(scope="module")
def networks(background):
    torch.manual_seed(3)
    return Networks(background, 16, 0.0).eval()


def test_the_entity_is_what_stays_the_same_along_a_burst(background):
    assert background.scheme.entity == ("user",)
    assert [mark.name for mark in background.scheme.marks] == ["site", "limit", "work"]


def test_a_column_that_the_entity_settles_is_not_part_of_it():
    user = np.repeat(np.arange(40), 10)
    group = user // 4
    assert choose_entity({"group": group, "user": user}) == ("user",)


def test_without_bursts_there_is_no_entity():
    rng = np.random.default_rng(0)
    assert choose_entity({"site": rng.integers(0, 3, 5000)}) == ()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 6)), min_size=1, max_size=30),
    st.integers(1, 3),
)
def test_neighbours_are_the_nearest_in_time_with_the_same_key(events, each_side):
    keys = combine([np.array([key for key, _ in events])], len(events))
    times = np.array([time for _, time in events], float)
    found = TimeIndex.build(keys, times).around(keys, times, np.arange(len(events)), each_side)
    for row in range(len(events)):
        # In the order of the index: by time, then by row.
        alike = [i for i in np.lexsort((np.arange(len(events)), times)) if keys[i] == keys[row]]
        place = alike.index(row)
        before = [-1] * each_side + alike[:place]
        after = alike[place + 1 :] + [-1] * each_side
        assert found[row].tolist() == before[-each_side:] + after[:each_side]


def test_an_event_that_is_none_of_the_stream_stands_between_its_rows():
    keys = combine([np.array([0, 0, 1, 0])], 4)
    index = TimeIndex.build(keys, np.array([10.0, 20.0, 15.0, 30.0]))
    asked = combine([np.array([0, 1, 7])], 3)
    found = index.around(asked, np.array([20.0, 1.0, 1.0]), None, 2)
    assert found.tolist() == [[0, 1, 3, -1], [-1, -1, 2, -1], [-1, -1, -1, -1]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=25))
def test_a_row_never_counts_itself(pairs):
    given, target = (np.array(column) for column in zip(*pairs, strict=True))
    values = target * 1.5
    table = CountTable.build((0,), 1, [given, target], values)
    own = np.arange(len(pairs))
    known = table.know([given], own, len(pairs))
    counts, kinds = known.counts, known.kinds
    mean, deviation = table.moments(known, own)
    repeats = table.of_pair(known, target, own)
    for row in own:
        others = [i for i in own if i != row and given[i] == given[row]]
        assert counts[row] == len(others)
        assert kinds[row] == len({target[i] for i in others})
        assert repeats[row] == sum(target[i] == target[row] for i in others)
        if others:
            assert mean[row] == pytest.approx(values[others].mean(), abs=1e-9)
            assert deviation[row] == pytest.approx(values[others].std(), abs=1e-6)


def test_a_table_gives_tokens_of_other_rows_by_their_frequency():
    given = np.zeros(5, int)
    target = np.array([0, 0, 0, 1, 2])
    table = CountTable.build((0,), 1, [given, target], np.zeros(5))
    own = np.full(9000, 4)
    drawn = table.draw(np.zeros(9000, int), own, np.random.default_rng(0))
    assert np.bincount(drawn, minlength=3) / 9000 == pytest.approx([0.75, 0.25, 0], abs=0.02)


def test_the_clock_runs_at_the_pace_of_the_stream():
    # 90 events in the first hour, 10 in the second: a pseudo-count of 5 each.
    times = np.concatenate([np.linspace(0, 3599, 90), np.linspace(3600, 7199, 10)])
    clock = Clock.fit(times)
    first, second = clock.read(np.array([3600.0, 7200.0]), None)
    assert first / (second - first) == pytest.approx(95 / 15)
    # Less one event of its own in the second hour.
    own = np.array([4000.0])
    first, second = (clock.read(np.array([time]), own)[0] for time in (3600.0, 7200.0))
    assert first / (second - first) == pytest.approx(95 / 14)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 500_000), min_size=3, max_size=40, unique=True), st.integers(0, 10**6)
)
def test_places_and_times_are_each_others_inverse(seconds, seed):
    times = np.sort(np.array(seconds, float))
    clock = Clock.fit(times)
    rng = np.random.default_rng(seed)
    middle = rng.integers(1, len(times) - 1, 5)
    begin, own, end = times[middle - 1], times[middle], times[middle + 1]
    places = clock.places(own, begin, end, own)
    assert ((places >= 0) & (places <= 1)).all()
    assert np.abs(clock.times(places, begin, end, own) - own).max() <= 1
    drawn = clock.times(rng.random(5), begin, end, own)
    assert ((drawn >= begin) & (drawn <= end)).all()


def test_repeated_values_are_atoms_and_others_fall_into_bins_of_equal_mass():
    rng = np.random.default_rng(0)
    numbers = np.concatenate([np.zeros(500), rng.normal(5, 1, 4000)])
    tokens = NumberTokens.fit(numbers, 8)
    assert tokens.atoms.tolist() == [0.0]
    encoded = tokens.encode(numbers)
    assert (encoded[:500] == 0).all()
    assert np.bincount(encoded[500:])[1:].tolist() == [500] * 8
    assert tokens.encode(np.array([-100.0, 100.0])).tolist() == [1, 8]


def test_a_column_of_few_values_has_no_bins():
    limits = np.repeat([60.0, 3600.0, 86400.0], [50, 100, 3])
    tokens = NumberTokens.fit(limits, 8)
    assert (tokens.size, tokens.bins) == (3, 0)
    assert tokens.encode(np.array([0.0, 60.0, 2000.0, 1e9])).tolist() == [0, 0, 1, 2]


def test_affinities_are_of_pairs_of_few_tokens_and_of_equality_of_many():
    own, near = torch.tensor([1, 0]), torch.tensor([[1, 0, 2], [0, 2, 1]])
    few, many = marks.Affinity(3), marks.Affinity(100)
    few.nats.data = torch.arange(9.0)
    many.nats.data = torch.tensor([-1.0, 2.0])
    assert few(own, near).tolist() == [[4, 3, 5], [0, 2, 1]]
    assert many(own, near).tolist() == [[2, -1, -1], [2, -1, -1]]


def neighbours_of(rows: int, near: int, mark: Mark) -> marks.Neighbours:
    torch.manual_seed(5)
    values = torch.randn(rows, near, 1)
    tokens = torch.from_numpy(mark.numbers.encode(values[:, :, 0].numpy()))[:, :, None]
    return marks.Neighbours(tokens, values, torch.rand(rows, near), torch.ones(rows, near))


def mixture_of(rows: int, mark: Mark, near: int, tables: int) -> marks.Mixture:
    torch.manual_seed(6)
    return marks.Mixture(
        torch.randn(rows, mark.size).log_softmax(1),
        torch.randn(rows, 1 + near + 2 * tables).log_softmax(1),
        torch.randn(rows, near + tables),
        torch.full((rows, near + tables), -1.0),
    )


def repeated(parts, rows: int):
    """What is of one row, for so many."""
    return type(parts)(*(part.expand(rows, *part.shape[1:]) for part in vars(parts).values()))


def test_the_density_of_a_number_integrates_to_one():
    numbers = np.concatenate([np.full(100, 0.5), np.linspace(-1, 1, 400)])
    mark = Mark("x", *(lambda tokens: (tokens.size, tokens))(NumberTokens.fit(numbers, 4)))
    grid = np.linspace(-40, 40, 400_001)
    # Off the atom; no neighbour has its value.
    rows = len(grid)
    near, mixture = neighbours_of(1, 3, mark), mixture_of(1, mark, 3, 2)
    expanded, wide = repeated(near, rows), repeated(mixture, rows)
    tokens = torch.from_numpy(np.maximum(mark.numbers.encode(grid), 1))
    frequencies = torch.tensor([[0.1, 0.3], [0.3, 0.2], [0.2, 0.1], [0.2, 0.2], [0.2, 0.2]]).log()
    inside = (grid >= mark.numbers.edges[0]) & (grid < mark.numbers.edges[-1])
    counted = frequencies[tokens]
    density = marks.log_density(
        mark, 0, wide, expanded, tokens, torch.tensor(grid, dtype=torch.float32), counted
    ).exp()
    # Bins end at the outermost edges, beyond which only kernels have density.
    binned = torch.logsumexp(
        torch.cat([wide.base.gather(1, tokens[:, None]) + wide.weights[:, :1],
                   counted + wide.weights[:, 4:6]], 1), 1
    ).exp() / torch.tensor(np.diff(mark.numbers.edges))[tokens - 1]  # fmt: skip
    density = torch.where(torch.tensor(inside), density, density - binned)
    atom = marks.log_density(
        mark, 0, mixture, near, torch.tensor([0]), torch.tensor([0.5]), frequencies[:1]
    ).exp()
    total = density.double().sum() * (grid[1] - grid[0]) + atom
    assert total.item() == pytest.approx(1, abs=2e-3)


def test_numbers_are_drawn_by_their_density():
    numbers = np.linspace(-1, 1, 400)
    mark = Mark("x", *(lambda tokens: (tokens.size, tokens))(NumberTokens.fit(numbers, 4)))
    rows = 20_000
    near, mixture = neighbours_of(1, 2, mark), mixture_of(1, mark, 2, 0)
    expanded, wide = repeated(near, rows), repeated(mixture, rows)
    choice = marks.choose(mark, 0, wide, expanded, np.random.default_rng(0))
    weights = mixture.weights.exp().numpy()[0]
    assert np.mean(choice.tokens >= 0) == pytest.approx(weights[0], abs=0.01)
    centres = mixture.centres.numpy()[0]
    drawn = choice.values[choice.tokens < 0]  # noqa: PD011
    expected = (weights[1:] * centres).sum() / weights[1:].sum()
    assert drawn.mean() == pytest.approx(expected, abs=0.03)


def test_the_density_of_a_place_integrates_to_one_and_draws_follow_it():
    torch.manual_seed(1)
    grid = torch.linspace(0, 1, 20_001)[:-1] + 0.5 / 20_000
    rows = len(grid)
    parameters = (
        torch.randn(1, timing.BINS).log_softmax(1).expand(rows, -1),
        torch.randn(1, 1 + timing.CANDIDATES).log_softmax(1).expand(rows, -1),
        torch.full((rows, timing.CANDIDATES), -3.0),
    )
    candidates = torch.rand(1, timing.CANDIDATES).expand(rows, -1)
    density = timing.log_density(parameters, candidates, grid).exp()
    assert density.mean().item() == pytest.approx(1, abs=1e-3)
    drawn = timing.draw(parameters, candidates.double().numpy(), np.random.default_rng(0))
    histogram = np.histogram(drawn, 10, (0, 1))[0] / rows
    expected = density.reshape(10, -1).mean(1).numpy() / 10
    assert histogram == pytest.approx(expected, abs=0.012)


def altered(stream: Stream, row: int) -> Stream:
    """The stream with other marks in one row."""
    changed = stream.copy()
    changed.tokens[row, 0] = (changed.tokens[row, 0] + 1) % 3
    changed.values[row, 2] += 3  # noqa: PD011
    changed.tokens[row, 2] = 0
    return changed


def test_a_row_is_drawn_without_a_look_at_itself(background, networks):
    row = np.array([200])
    drawn = []
    for stream in (background.stream, altered(background.stream, 200)):
        other = Background.build(
            stream, background.scheme, [[t.given for t in of] for of in background.tables]
        )
        state = stream.copy()
        with torch.inference_mode():
            sweep(networks, other, state, row, np.random.default_rng(1), CPU)
        drawn.append(state[row])
    for one, two in zip(vars(drawn[0]).values(), vars(drawn[1]).values(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_sweep_keeps_entities_and_their_order_and_all_rows_that_it_was_not_given(
    background, networks
):
    rows = np.arange(0, 400, 2)
    state = background.stream.copy()
    with torch.inference_mode():
        sweep(networks, background, state, rows, np.random.default_rng(1), CPU)
    np.testing.assert_array_equal(state.entity, background.stream.entity)
    np.testing.assert_array_equal(state.tokens[1::2], background.stream.tokens[1::2])
    np.testing.assert_array_equal(state.times[1::2], background.stream.times[1::2])
    assert (state.times[rows] != background.stream.times[rows]).mean() > 0.5
    for code in range(6):
        times = state.times[state.entity[:, 0] == code]
        assert (np.diff(times) >= 0).all()


def test_stirring_moves_all_times_ever_further_and_no_mark(background, networks):
    moved = []
    for sweeps in (1, 10):
        state = background.stream.copy()
        with torch.inference_mode():
            stir(networks, background, state, sweeps, np.random.default_rng(1), CPU)
        np.testing.assert_array_equal(state.tokens, background.stream.tokens)
        for code in range(6):
            assert (np.diff(state.times[state.entity[:, 0] == code]) >= 0).all()
        moved.append(np.median(np.abs(state.times - background.stream.times)))
    assert 0 < moved[0] < moved[1] / 2


def test_training_lowers_the_loss_of_rows_and_the_density_is_that_of_their_parts(background):
    torch.manual_seed(0)
    networks = Networks(background, 16, 0.0)
    events = Events.prepare(background.stream, np.arange(400), background, CPU)
    optimizer = torch.optim.Adam(networks.parameters(), 3e-2)
    rows = torch.arange(400)
    losses = []
    for _ in range(6):
        loss = -events.log_density(networks, rows).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
    assert events.log_density(networks, rows).shape == (400, 4)


def test_what_is_encoded_comes_back(frame, background):
    scheme = background.scheme
    pd.testing.assert_frame_equal(scheme.decode(background.stream), frame)
    again = Scheme.from_json(scheme.to_json(), EVENTS)
    np.testing.assert_array_equal(again.encode(frame).tokens, background.stream.tokens)
