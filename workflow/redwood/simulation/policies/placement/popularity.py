"""Popularity: datasets that many jobs ask for get further replicas.

After ATLAS's dynamic placement PD2P (T. Maeno et al., J. Phys. Conf. Ser. 396 (2012) 032070): a
dataset that is asked for again and again is copied to a site with free cores.
"""

from collections.abc import Iterable

from redwood.simulation import contract

_READS = 5
_MOST_COPIES = 50


class Policy(contract.Placement):
    """Twice a day: one more replica for each dataset read five times or more, at a free site."""

    period_s = 43_200.0

    def place(self, grid: contract.Grid) -> Iterable[contract.Copy]:
        popular = sorted(grid.reads().items(), key=lambda entry: (-entry[1], entry[0]))
        for dataset, reads in popular[:_MOST_COPIES]:
            if reads < _READS:
                return
            holding = set(grid.holders(dataset))
            free = [s for s in grid if s not in holding and s.up and s.cores > 0]
            if free:
                yield contract.Copy(dataset, min(free, key=lambda site: (site.load, site.index)))
