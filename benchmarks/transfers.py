"""Transfers that wait for each other: the network without SimGrid against SimGrid.

The scenario: so many transfers to 99 sites begin at one site within one second, of 600 MB on
average, and share its 1 GB/s until the last has ended. Both networks date every end alike. Each
runs in a process of its own; times are CPU seconds, without imports and compilation.

    python benchmarks/transfers.py [--quick]
"""

import argparse
import json
import multiprocessing
import os
import platform as machine
import sys
import time
from math import inf
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.simulation.environment import Environment, Site
from redwood.simulation.fluid_network import FluidNetwork
from redwood.simulation.network import Network, Transfer

SITES, BANDWIDTH, MEAN_BYTES = 100, 1e9, 6e8


def jam(make: type, transfers: int) -> tuple[float, np.ndarray]:
    """CPU seconds taken, and the end of every transfer."""
    sites = (
        Site(name=f"S{index}", cores=1, core_power=1.0, bandwidth=BANDWIDTH)
        for index in range(SITES)
    )
    environment = Environment(sites=tuple(sites))
    if make is FluidNetwork:
        # Compile before the clock runs.
        course(make(environment), 1)
    network = make(environment)
    begin = time.process_time()
    ends = course(network, transfers)
    return time.process_time() - begin, ends


def course(network: Network | FluidNetwork, transfers: int) -> np.ndarray:
    """The end of every transfer."""
    sizes = np.random.default_rng(1).exponential(MEAN_BYTES, transfers).astype(int) + 1
    ends = np.zeros(transfers)

    def note(date: float, transfer: Transfer) -> None:
        ends[transfer.tag] = date

    for number, size in enumerate(sizes.tolist()):
        other = 1 + number % (SITES - 1)
        network.read(number / transfers, Transfer(0, other, size, inf, note, number))
    while network.pending:
        for transfer in network.advance(network.horizon(network.pending[0][0] + 600)):
            transfer.then(transfer.ended, transfer)
    network.close()
    return ends


def measured(make: type, transfers: int) -> tuple[float, np.ndarray]:
    """`jam` in a process of its own, which SimGrid needs."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(jam, (make, transfers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the transfers")
    few = 500 if parser.parse_args().quick else 2000
    many = 4 * few
    seconds, ends = measured(FluidNetwork, few)
    simgrid_seconds, simgrid_ends = measured(Network, few)
    if not np.allclose(ends, simgrid_ends, rtol=1e-9):
        raise SystemExit("the networks date ends differently")
    many_seconds, _ = measured(FluidNetwork, many)
    line = {
        "name": "transfers",
        "value": round(few / seconds),
        "unit": f"transfers per CPU second, {few} at once",
        "reference": {"name": "SimGrid 4.1", "value": round(few / simgrid_seconds)},
        "ratio": round(simgrid_seconds / seconds, 1),
        "ratio_is": "how many times as fast as the reference",
        "seconds": round(seconds, 3),
        "seconds_of_reference": round(simgrid_seconds, 3),
        f"seconds_of_{many}": round(many_seconds, 3),
        "times_as_long_for_four_times_as_many": round(many_seconds / seconds, 1),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
