"""The sites of the synthetic grid: the busiest ones of the resource table."""

from dataclasses import dataclass

import numpy as np

from redwood.facts import PANDA_CORE_POWER
from redwood.generator.catalogue import shares
from redwood.sites import load_sites

# The share of tasks that prefer the busiest site. Their jobs go to other sites too, which leaves it
# the 16.5 % of jobs that the busiest site of LCG-2005 had.
_TOP_SHARE = 0.22
_OTHER_QUEUE = 0.06
_SMALLEST_TB = 250.0
_MULTICORE = ("MCORE", "UCORE", "4MCORE")


@dataclass(frozen=True)
class Grid:
    """The s sites, the busiest first.

    Attributes:
        queues: values of COMPUTINGSITE of all sites, one after another.
        first: position in `queues` of each site's queue of today, the others follow it, [s].
        number: queues of each site, [s].
        multicore: position in `queues` of each site's queue for many cores, else its first, [s].
        clouds: the cloud of each site, [s] of str.
        core_power: HS23 per core, [s].
        share: of the tasks, [s].
        length: the jobs that it takes, in standard deviations of log CPU time from the mean, [s].
    """

    queues: tuple[str, ...]
    first: np.ndarray
    number: np.ndarray
    multicore: np.ndarray
    clouds: np.ndarray
    core_power: np.ndarray
    share: np.ndarray
    length: np.ndarray

    def __len__(self) -> int:
        return len(self.share)

    def draw_queues(
        self, site: np.ndarray, cores: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """A queue of each site for jobs of some cores, position in `queues`, shape of `site`.

        Mostly the one of today; that for many cores if the site has one; now and then any.
        """
        usual = np.where(cores > 1, self.multicore[site], self.first[site])
        any_ = self.first[site] + random.integers(0, self.number[site])
        return np.where(random.random(site.shape) < _OTHER_QUEUE, any_, usual)


def make_grid(number: int, random: np.random.Generator) -> Grid:
    """The `number` sites that moved most data in 2019; its share grows with what it moved."""
    sites = load_sites().sites
    moved = np.array([site.moved_tb or 0.0 for site in sites]) + _SMALLEST_TB
    busiest = np.argsort(-moved, kind="stable")[:number]
    chosen, moved = [sites[index] for index in busiest], moved[busiest]
    queues = tuple(queue for site in chosen for queue in site.queues)
    count = np.array([len(site.queues) for site in chosen])
    first = np.cumsum(count) - count
    multicore = first.copy()
    for index, site in enumerate(chosen):
        wide = [number for number, name in enumerate(site.queues) if name.endswith(_MULTICORE)]
        multicore[index] += wide[0] if wide else 0
    share = shares(moved ** _exponent(moved))
    # Each site has limits of wall time, memory and disk: it takes short jobs or long ones.
    length = random.normal(size=number)
    length -= share @ length
    length /= np.sqrt(share @ length**2)
    return Grid(
        queues,
        first,
        count,
        multicore,
        np.array([site.cloud for site in chosen], dtype=object),
        np.array([site.core_power or PANDA_CORE_POWER for site in chosen]),
        share,
        length,
    )


def _exponent(moved: np.ndarray) -> float:
    """The power of the TB moved at which the busiest site has its share, 0 if none is so low."""
    low, high = 0.0, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        if shares(moved**middle)[0] < _TOP_SHARE:
            low = middle
        else:
            high = middle
    return low
