"""Replay: every job runs where its record says it ran."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """The site of the record; no site where the platform lacks it or it is too small."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        site = grid.site(job.site)
        return site if site is not None and site.cores >= job.cores else None
