"""Round robin: the sites take turns, each as often as it has cores."""

import numpy as np

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """Weighted round robin: the site that has had the fewest cores' worth of jobs per core."""

    def __init__(self) -> None:
        self._given = self._cores = np.empty(0)

    def choose(self, job: Job, grid: Grid) -> Site | None:
        if not len(self._given):
            # No job fits a site without cores.
            self._cores = np.maximum(grid.arrays.cores, 1.0)
            self._given = np.zeros(len(grid.sites))
        site = grid.least(job, (self._given + job.cores) / self._cores)
        if site is not None:
            self._given[site.index] += job.cores
        return site
