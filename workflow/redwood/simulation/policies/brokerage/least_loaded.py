"""Least loaded: the site with the fewest cores asked for per core that it has."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site that is the least loaded once it has the job; of equals the one of faster cores."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return min(
            grid.able(job),
            key=lambda site: (site.load + job.cores / site.cores, -site.core_power),
            default=None,
        )
