"""Transfers against max-min fair shares worked by hand."""

from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_grids import environment

from redwood.simulation.environment import Link
from redwood.simulation.network import Network, Transfer
from redwood.simulation.routes import find_routes, latencies, narrowest

pytest.importorskip("simgrid")

LATENCY = 0.01
GIGA = 10**9


def sites(*bandwidths, links=(), each=None, **common):
    each = each or {}
    each = {i: {"bandwidth": b, **each.get(i, {})} for i, b in enumerate(bandwidths)}
    return environment(*[1] * len(bandwidths), each=each, links=links, latency=LATENCY, **common)


def ends(grid, transfers, steps=(), how="copy", tcp_gamma=0.0):
    """The ends of transfers (time, source, destination, bytes), looked for at the given moments."""
    network = Network(grid, tcp_gamma)
    moments = [(time, None) for time in steps]
    moments += [(transfer[0], (tag, *transfer[1:])) for tag, transfer in enumerate(transfers)]
    found = {}

    def note(date, transfer):
        found[transfer.tag] = date

    def advance(time):
        for transfer in network.advance(time):
            transfer.then(transfer.ended, transfer)

    for time, begins in sorted(moments, key=lambda moment: moment[0]):
        advance(time)
        if begins:
            tag, source, destination, size, *own = begins
            transfer = Transfer(source, destination, size, inf, note, tag)
            getattr(network, own[0] if own else how)(time, transfer)
    while network.pending:
        advance(network.pending[0][0] + 100)
    return [found[tag] for tag in range(len(transfers))]


@pytest.mark.parametrize(
    ("grid", "transfers", "expected"),
    [
        # One has the narrower link.
        (sites(2e9, 1e9), [(5.0, 0, 1, 10)], [15]),
        # 4 and 10 GB into 1 GB/s: both at half until the first ends at 8 s, then the second alone.
        (sites(2e9, 2e9, 1e9), [(0.0, 0, 2, 4), (0.0, 1, 2, 10)], [8, 14]),
        # 10 GB at 0 s and 2 GB at 4 s into 1 GB/s: half each from 4 to 8 s, then alone.
        (sites(2e9, 2e9, 1e9), [(0.0, 0, 2, 10), (4.0, 1, 2, 2)], [12, 8]),
        # Max-min: 0→2 and 1→2 get 0.3 GB/s each of site 2's downlink, 1→3 the rest, 0.7, of 1's.
        (
            sites(1e10, 1e9, 6e8, 1e10),
            [(0.0, 0, 2, 3), (0.0, 1, 2, 6), (0.0, 1, 3, 7)],
            [10, 15, 10],
        ),
        # The two ways of a link are apart, and so are reading and writing.
        (sites(1e9, 1e9), [(0.0, 0, 1, 6), (0.0, 1, 0, 6)], [6, 6]),
        (
            sites(1e9, 1e9, read_bandwidth=1e9, write_bandwidth=1e9),
            [(0.0, 0, 1, 6), (0.0, 1, 0, 6)],
            [6, 6],
        ),
        # 2 GB/s of storage: 1 GB/s each, at the site and from afar, whatever the latencies.
        (
            sites(5e9, 5e9, each={0: {"read_bandwidth": 2e9}}),
            [(0.0, 0, 1, 4, "read"), (0.0, 0, 0, 4, "read")],
            [4, 4],
        ),
        (
            sites(5e9, 5e9, each={0: {"write_bandwidth": 2e9}}),
            [(0.0, 1, 0, 4, "write"), (0.0, 0, 0, 4, "write")],
            [4, 4],
        ),
        (sites(1e9, 1e9), [(0.0, 0, 1, 0.1)] * 300, [30] * 300),
    ],
)
def test_transfers_have_max_min_fair_shares(in_own_process, grid, transfers, expected):
    """Sizes are in GB; what stays at its site needs no network, and no latency passes."""
    begun = [(*begin[:3], round(begin[3] * GIGA), *begin[4:]) for begin in transfers]
    found = in_own_process(ends, grid, begun)
    late = [0 if source == destination else 2 * LATENCY for _, source, destination, *_ in begun]
    assert np.subtract(found, late) == pytest.approx(expected, abs=1e-5)


def test_a_tcp_window_caps_a_transfer_and_is_shared_by_none(in_own_process):
    """Rate = window / round-trip time, here 4 MB / 40 ms, for each of two."""
    found = in_own_process(
        ends, sites(1e9, 1e9), [(0.0, 0, 1, GIGA), (0.0, 0, 1, GIGA)], (), "copy", 4e6
    )
    alone = GIGA / (4e6 / (2 * 2 * LATENCY)) + 2 * LATENCY
    assert found == pytest.approx([alone, alone], abs=1e-6)


def test_a_link_of_two_sites_own_is_taken_by_them_and_by_whom_it_brings_nearer(in_own_process):
    """0 and 1 have a link; 2 has no access of its own but a link to 1, so that 0 goes by 1."""
    grid = sites(
        1e9, 1e9, 1e9, each={2: {"bandwidth": None}},
        links=(Link(between=("S0", "S1"), bandwidth=2e9, latency=0.001),
               Link(between=("S1", "S2"), bandwidth=5e8, latency=0.002)),
    )  # fmt: skip
    routes = find_routes(grid)
    assert [hop.link for hop in routes[0][2]] == ["link-0", "link-1"]
    assert [hop.up for hop in routes[2][0]] == [False, False]
    assert latencies(routes)[0][2] == pytest.approx(0.003)
    assert narrowest(grid, routes)[0][1:] == [2e9, 5e8]
    (end,) = in_own_process(ends, grid, [(0.0, 0, 2, GIGA)])
    assert end == pytest.approx(2 + 0.003, abs=1e-6)


def cut_one():
    network = Network(sites(1e9, 1e9))
    ended = []
    one, other = (
        Transfer(0, 1, 10 * GIGA, inf, lambda date, transfer: ended.append(date)) for _ in "ab"
    )
    network.copy(0.0, one)
    network.copy(0.0, other)
    assert network.cut(4.0, one)
    assert not network.cut(4.0, one)
    while network.pending:
        ended += [t.ended for t in network.advance(network.pending[0][0] + 1)]
    return one.moved, one.ok, ended


def test_a_cut_transfer_has_moved_its_share_and_leaves_the_link_to_the_other(in_own_process):
    """At half the bandwidth 2 GB in 4 s; the other has 8 GB left, alone."""
    moved, ok, ended = in_own_process(cut_one)
    assert moved == pytest.approx(2 * GIGA, abs=10)
    assert not ok
    assert ended == pytest.approx([12 + 2 * LATENCY], abs=1e-6)


def hasten_what_has_ended():
    network = Network(sites(1e9, 1e9))
    transfer = Transfer(0, 1, GIGA, inf, lambda date, transfer: None)
    network.copy(0.0, transfer)
    ended = []
    while not ended:
        ended = network.advance(network.pending[0][0] + 1)
    network.hasten(transfer, 1.0)
    return network.horizon(5.0) if network.pending else "nothing is on its way"


def test_what_joins_a_transfer_that_has_just_ended_changes_nothing(in_own_process):
    """Its end is dated a latency after its last byte, and a job may come in between."""
    assert in_own_process(hasten_what_has_ended) == "nothing is on its way"


def first_date(how, each):
    network = Network(sites(5e9, 5e9, each=each))
    getattr(network, how)(0.0, Transfer(0, 1, 5 * GIGA, inf, lambda date, transfer: None))
    first = network.pending[0][0]
    network.close()
    return first


@pytest.mark.parametrize(
    ("how", "each"),
    [("read", {1: {"write_bandwidth": 1e8}}), ("write", {0: {"read_bandwidth": 1e8}})],
)
def test_storage_that_a_transfer_does_not_use_does_not_put_off_its_end(in_own_process, how, each):
    """What comes from or goes to worker nodes is not read or written there: 5 GB at 5 GB/s."""
    assert in_own_process(first_date, how, each) <= 1.0


moments = st.floats(0, 200).map(lambda time: round(time, 3))
transfers = st.lists(
    st.tuples(moments, st.integers(0, 3), st.integers(0, 3), st.integers(1, 20 * GIGA)).filter(
        lambda transfer: transfer[1] != transfer[2]
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(transfers, st.lists(moments, max_size=40))
def test_dates_do_not_depend_on_the_steps(in_own_process, begun, steps):
    grid = sites(1e9, 5e8, 1e8, 1e9)
    expected = in_own_process(ends, grid, begun)
    assert in_own_process(ends, grid, begun, steps) == pytest.approx(expected, abs=1e-5)
    for (time, source, destination, size), end in zip(begun, expected, strict=True):
        alone = size / min(grid.sites[source].bandwidth, grid.sites[destination].bandwidth)
        assert end >= time + alone + 2 * LATENCY - 1e-5
