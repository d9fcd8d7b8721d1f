"""Shortest expected completion: where transfer, queue and run together take the least time."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site with the least expected time to stage in, wait and run."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return min(
            grid.able(job),
            key=lambda site: (
                max(grid.transfer_time(job, site), grid.waiting_time(job, site))
                + site.run_time(job)
            ),
            default=None,
        )
