"""Least loaded: the site with the fewest cores asked for per core that it has."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site that is the least loaded once it has the job; of equals the one of faster cores."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        able = grid.able_indices(job, fastest_first=True)
        return grid.sites[able[grid.loads(job)[able].argmin()]] if len(able) else None
