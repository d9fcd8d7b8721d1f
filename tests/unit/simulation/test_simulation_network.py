"""Transfers against max-min fair shares worked by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood.simulation.network import Network
from redwood.simulation.platform import Platform, PlatformSite

pytest.importorskip("simgrid")

LATENCY = 0.01
GIGA = 10**9


def platform(*bandwidths, storage=1e12, latency=LATENCY):
    return Platform(
        tuple(
            PlatformSite(f"S{index}", 2, 1, 10.0, bandwidth, latency, storage)
            for index, bandwidth in enumerate(bandwidths)
        ),
        {},
    )


def ends(sites, transfers, steps=(), tcp_gamma=0.0):
    """The ends of transfers (time, source, destination, bytes), looked for at the given moments."""
    network = Network(sites, tcp_gamma)
    moments = [(time, None) for time in steps]
    moments += [(transfer[0], (tag, *transfer[1:])) for tag, transfer in enumerate(transfers)]
    found = {}
    for time, begins in sorted(moments, key=lambda moment: moment[0]):
        found.update({tag: end for end, tag in network.advance(time)})
        if begins:
            tag, source, destination, size = begins
            network.start(time, source, destination, size, tag)
    found.update({tag: end for end, tag in network.drain()})
    return [found[tag] for tag in range(len(transfers))]


def test_one_transfer_has_the_narrower_link(in_own_process):
    (end,) = in_own_process(ends, platform(2e9, 1e9), [(5.0, 0, 1, 10 * GIGA)])
    assert end == pytest.approx(5 + 10 + 2 * LATENCY, abs=1e-6)


def test_two_transfers_share_a_link(in_own_process):
    """4 and 10 GB into 1 GB/s: both at half until the first ends at 8 s, then the second alone."""
    found = in_own_process(
        ends, platform(2e9, 2e9, 1e9), [(0.0, 0, 2, 4 * GIGA), (0.0, 1, 2, 10 * GIGA)]
    )
    assert found == pytest.approx([8 + 2 * LATENCY, 14 + 2 * LATENCY], abs=1e-6)


def test_a_later_transfer_shares_from_its_beginning(in_own_process):
    """10 GB at 0 s and 2 GB at 4 s into 1 GB/s: half each from 4 to 8 s, then alone."""
    found = in_own_process(
        ends,
        platform(2e9, 2e9, 1e9, latency=1e-6),
        [(0.0, 0, 2, 10 * GIGA), (4.0, 1, 2, 2 * GIGA)],
    )
    assert found == pytest.approx([12.0, 8.0], abs=1e-4)


def test_three_transfers_on_two_links(in_own_process):
    """Max-min: 0→2 and 1→2 get 0.3 GB/s each of site 2's downlink, 1→3 the rest, 0.7, of 1's."""
    found = in_own_process(
        ends,
        platform(1e10, 1e9, 6e8, 1e10, latency=1e-6),
        [(0.0, 0, 2, 3 * GIGA), (0.0, 1, 2, 6 * GIGA), (0.0, 1, 3, 7 * GIGA)],
    )
    assert found == pytest.approx([10.0, 15.0, 10.0], abs=1e-4)


def test_uplink_and_downlink_are_apart_but_storage_serves_both(in_own_process):
    both_ways = [(0.0, 0, 1, 6 * GIGA), (0.0, 1, 0, 6 * GIGA)]
    wide = in_own_process(ends, platform(1e9, 1e9), both_ways)
    assert wide == pytest.approx([6 + 2 * LATENCY] * 2, abs=1e-6)
    narrow = in_own_process(ends, platform(1e9, 1e9, storage=1.2e9), both_ways)
    assert narrow == pytest.approx([10 + 2 * LATENCY] * 2, abs=1e-6)


def test_a_tcp_window_caps_a_transfer(in_own_process):
    """Rate = window / round-trip time, here 4 MB / 40 ms."""
    (end,) = in_own_process(ends, platform(1e9, 1e9), [(0.0, 0, 1, GIGA)], (), 4e6)
    assert end == pytest.approx(GIGA / (4e6 / (2 * 2 * LATENCY)) + 2 * LATENCY, abs=1e-6)


def test_many_transfers_share_equally(in_own_process):
    found = in_own_process(ends, platform(1e9, 1e9), [(0.0, 0, 1, GIGA // 10) for _ in range(300)])
    assert found == pytest.approx([30 + 2 * LATENCY] * 300, abs=1e-4)


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
    sites = platform(1e9, 5e8, 1e8, 1e9)
    expected = in_own_process(ends, sites, begun)
    assert in_own_process(ends, sites, begun, steps) == pytest.approx(expected, abs=1e-5)
    for (time, source, destination, size), end in zip(begun, expected, strict=True):
        alone = size / min(sites.sites[source].bandwidth, sites.sites[destination].bandwidth)
        assert end >= time + alone + 2 * LATENCY - 1e-5
