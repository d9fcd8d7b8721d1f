"""Replay: every job runs where its record says it ran."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site of the record, or none as long as that site cannot take the job."""

    replays = True

    def choose(self, job: Job, grid: Grid) -> Site | None:
        site = grid.site(job.site)
        return site if site is not None and grid.takes(site, job) else None
