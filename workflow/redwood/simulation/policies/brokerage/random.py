"""Random: any site, with its cores as its weight."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """A site drawn with probability proportional to its cores."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return grid.draw(job)
