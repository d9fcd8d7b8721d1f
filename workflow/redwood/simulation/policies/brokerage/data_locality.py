"""Data locality: jobs go to their data, and no input crosses the network if that can be avoided."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The least loaded site that holds the input, or of all sites if none of those can run it."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        able = grid.able(job)
        holding = [site for site in grid.replicas(job) if site in able]
        return min(
            holding or able,
            key=lambda site: (site.load + job.cores / site.cores, -site.core_power),
            default=None,
        )
