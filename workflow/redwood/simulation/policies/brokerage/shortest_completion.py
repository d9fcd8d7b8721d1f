"""Shortest expected completion: where transfer, queue and run together take the least time."""

import numpy as np

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site with the least expected time to stage in, wait and run."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        ready = np.maximum(grid.transfer_times(job), grid.waiting_times(job))
        return grid.least(job, ready + grid.run_times(job))
