"""Data locality: jobs go to their data, and no input crosses the network if that can be avoided."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The least loaded of the sites that hold the input; of all sites where there is no input."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        holding = [site for site in grid.replicas(job) if site.cores >= job.cores]
        return min(
            holding or grid.able(job),
            key=lambda site: (site.load + job.cores / site.cores, -site.core_power),
            default=None,
        )
