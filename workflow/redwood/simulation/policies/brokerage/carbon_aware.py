"""Carbon-aware: a job waits for clean electricity, but not for too long.

What it minimises is a weighted sum of delay and carbon, as geographical load balancing does
(Z. Liu, M. Lin, A. Wierman, S. Low, L. Andrew, "Greening geographical load balancing", SIGMETRICS
2011). A site costs

    time until the run begins + run time × (1 + patience × intensity / mean intensity):

the expected completion, and the carbon of the run in units of time. Both grow with the length of
the job, so that the trade-off is the same for short and for long ones.
"""

from math import inf

import numpy as np

from redwood.errors import InputError
from redwood.simulation.carbon import intensities, mean_intensity
from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site of the least expected time to stage in, wait and run, plus the price of its carbon.

    A site of unknown intensity counts as the mean of the others, as in the outcome `carbon`.

    Args:
        patience: how many times its run time a job waits longer to run without carbon than to run
            at the grid's mean intensity. With 0 only the completion counts.

    Raises:
        InputError: `patience` is negative or not finite, or, when asked, no site with cores has a
            carbon intensity.
    """

    def __init__(self, patience: float = 0.3) -> None:
        if not 0 <= patience < inf:
            raise InputError(f"patience is {patience!r}, expected a finite number of 0 or more")
        self._patience = patience
        self._prices: np.ndarray | None = None

    def choose(self, job: Job, grid: Grid) -> Site | None:
        if self._prices is None:
            self._prices = self._priced(grid)
        ready = np.maximum(grid.transfer_times(job), grid.waiting_times(job))
        return grid.least(job, ready + grid.run_times(job) * self._prices)

    def _priced(self, grid: Grid) -> np.ndarray:
        """What a second of run time costs at each site, s."""
        found, mean = intensities(grid.sites), mean_intensity(grid.sites)
        if found is None or mean is None:
            raise InputError("no site with cores has a carbon_intensity to go by")
        return 1 + (self._patience / mean if mean else 0.0) * np.array(found)
