"""The network without SimGrid against SimGrid: every end, on random grids under random loads."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_grids import environment, job

from redwood.simulation.environment import Link
from redwood.simulation.fluid_network import FluidNetwork
from redwood.simulation.network import Network, Transfer

pytest.importorskip("simgrid")

SITES = 5
MEGA = 10**6

bandwidths = st.sampled_from([50e6, 1e8, 123456789.0, 5e8, 1e9, 1e10])
maybe = st.none() | bandwidths
places = st.integers(0, SITES - 1)
moments = st.one_of(
    st.sampled_from([0.0, 1.0, 2.0, 50.0]), st.floats(0, 300).map(lambda time: round(time, 3))
)
sizes = st.integers(1, 5000).map(lambda size: size * MEGA) | st.sampled_from([1, 1000])


@st.composite
def grids(draw):
    """Sites with storage or without, and now and then links of their own."""
    each = {
        index: {
            "bandwidth": draw(bandwidths),
            "read_bandwidth": draw(maybe),
            "write_bandwidth": draw(maybe),
        }
        for index in range(SITES)
    }
    pairs = draw(st.lists(st.tuples(places, places), max_size=2).map(set))
    links = tuple(
        Link(between=(f"S{a}", f"S{b}"), bandwidth=draw(bandwidths), latency=0.001)
        for a, b in sorted(pairs)
        if a < b
    )
    return environment(*[1] * SITES, each=each, links=links, latency=0.01)


@st.composite
def happenings(draw):
    """(date, what, number of the transfer, source, destination, bytes), in order of dates."""
    begun = draw(
        st.lists(
            st.tuples(moments, st.sampled_from(["read", "write", "copy"]), places, places, sizes),
            min_size=1,
            max_size=60,
        )
    )
    found = []
    for number, (date, how, source, destination, size) in enumerate(begun):
        if how == "copy" and source == destination:
            how = "read"
        found.append((date, how, number, source, destination, size))
        after = draw(st.none() | st.floats(0.1, 60).map(lambda time: round(time, 3)))
        if after is not None:
            found.append((date + after, "cut", number, 0, 0, 0))
    return sorted(found, key=lambda happening: happening[0])


def course(make, grid, happening, tcp_gamma):
    """The end and the moved bytes of each transfer that took time; whether it was cut."""
    network = make(grid, tcp_gamma)
    under_way, ends = {}, {}

    def move_to(date):
        while network.pending and network.pending[0][0] <= date:
            until = network.horizon(date)
            for transfer in network.advance(until):
                ends[transfer.tag] = (transfer.ended, transfer.moved, transfer.ok)
            if until >= date:
                return

    for date, what, number, source, destination, size in happening:
        move_to(date)
        if what != "cut":
            transfer = Transfer(source, destination, size, inf, lambda *_: None, number)
            if getattr(network, what)(date, transfer) is not False:
                under_way[number] = transfer
        elif number in under_way and network.cut(date, under_way[number]):
            ends[number] = (date, under_way[number].moved, False)
    while network.pending:
        move_to(network.pending[0][0] + 100)
    network.close()
    assert ends.keys() == under_way.keys()
    return ends


@settings(max_examples=300, deadline=None)
@given(grids(), happenings(), st.sampled_from([0.0, 0.0, 4e6]))
def test_every_end_is_simgrids(in_own_process, grid, happening, tcp_gamma):
    """A transfer that is cut within 10⁻⁵ s of its end may count as cut or as ended."""
    found = course(FluidNetwork, grid, happening, tcp_gamma)
    expected = in_own_process(course, Network, grid, happening, tcp_gamma)
    assert found.keys() == expected.keys()
    for number, (end, moved, ok) in expected.items():
        assert found[number][0] == pytest.approx(end, rel=1e-6, abs=1e-5), number
        assert found[number][1] == pytest.approx(moved, rel=1e-6, abs=2 + 1e-5 * 1e10), number
        assert found[number][2] == ok or moved == pytest.approx(found[number][1], rel=1e-5)


@pytest.mark.parametrize("placement", ["none", "cache"])
def test_a_whole_simulation_goes_the_same_way(simulated, placement):
    """Inputs that jam, outputs to a Tier-1, transfers that fail, a site that goes down."""
    grid = environment(
        4, 4, 4, each={0: {"tier": 1}}, bandwidth=1e8, read_bandwidth=2e8, write_bandwidth=2e8,
        storage_bytes=1e11, transfer_failure_rate=0.1,
        outages=[{"site": "S1", "start_s": 200.0, "lasting_s": 700.0}],
    )  # fmt: skip
    jobs = [
        job(10.0 * row, 50, site=row % 3, size=(row % 7 + 1) * 500 * MEGA, dataset=row % 20)
        for row in range(200)
    ]
    replicas = [{row % 3} for row in range(20)]
    runs = [
        simulated(grid, jobs, "least_loaded", placement, None, replicas, outputs="tier1",
                  network=network)
        for network in ("simgrid", "fluid")
    ]  # fmt: skip
    one, other = (run.jobs for run in runs)
    assert (one["attempts"] > 1).any()
    assert one["state"].tolist() == other["state"].tolist()
    assert one["end"].to_numpy() == pytest.approx(other["end"].to_numpy(), rel=1e-6)


def test_any_number_of_networks_in_a_process():
    grid = environment(1, 1, bandwidth=1e9, latency=0.015)
    happening = [(0.0, "copy", 0, 0, 1, 1000 * MEGA)]
    ends = [course(FluidNetwork, grid, happening, 0.0)[0][0] for _ in "ab"]
    assert ends == pytest.approx([1.03, 1.03])


def ends_with_limits(happening, **limits):
    grid = environment(1, 1, 1, bandwidth=1e9, latency=1e-9)
    found = course(lambda grid, gamma: FluidNetwork(grid, gamma, **limits), grid, happening, 0.0)
    return [found[number][0] for number in sorted(found)]


def copies(*pairs):
    return [(0.0, "copy", number, *pair, 1000 * MEGA) for number, pair in enumerate(pairs)]


@pytest.mark.parametrize(
    ("limits", "pairs", "expected"),
    [
        ({}, [(0, 1)] * 3, [3, 3, 3]),
        ({"per_link": 1}, [(0, 1)] * 3, [1, 2, 3]),
        ({"per_link": 2}, [(0, 1)] * 3, [2, 2, 3]),
        # What leaves a site counts whatever it goes to; of those that wait the next of the same two
        # sites comes first.
        ({"per_site": 1}, [(0, 1), (0, 2), (0, 1)], [1, 3, 2]),
        # What comes to it does, too; 1→0 is another way.
        ({"per_site": 1}, [(0, 2), (1, 2), (1, 0)], [1, 2, 1]),
        ({"per_site": 1}, [(0, 2), (1, 0), (1, 2)], [1, 1, 2]),
        # One that waits lets those of others pass that need not wait.
        ({"per_link": 1}, [(0, 1), (0, 1), (2, 1)], [2, 3, 2]),
    ],
)
def test_transfers_beyond_the_limits_wait(limits, pairs, expected):
    """1 GB each, 1 GB/s to and from each site."""
    assert ends_with_limits(copies(*pairs), **limits) == pytest.approx(expected)


def test_what_waits_and_is_cut_never_begins():
    happening = [*copies((0, 1), (0, 1), (0, 1)), (0.5, "cut", 1, 0, 0, 0)]
    assert ends_with_limits(happening, per_link=1) == pytest.approx([1, 0.5, 2])


@settings(deadline=None)
@given(grids(), happenings(), st.integers(1, 3), st.integers(1, 4))
def test_limits_hold_and_everything_ends(grid, happening, per_link, per_site):
    most = {}

    class Watched(FluidNetwork):
        def _begin(self, transfer, kind):
            super()._begin(transfer, kind)
            between = [
                (t.source, t.destination)
                for heap in self._under_way
                for _, _, t in heap
                if t.ended == inf and t.source != t.destination
            ]
            for pair in between:
                most["link"] = max(most.get("link", 0), between.count(pair))
            for end in (0, 1):
                sites = [pair[end] for pair in between]
                most["site"] = max([most.get("site", 0), *map(sites.count, sites)])

    def make(grid, gamma):
        return Watched(grid, gamma, per_link=per_link, per_site=per_site)

    course(make, grid, happening, 0.0)
    assert most.get("link", 0) <= per_link
    assert most.get("site", 0) <= per_site
