"""Random: any site, with its cores as its weight."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """A site drawn with probability proportional to its cores."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        able = grid.able(job)
        if not able:
            return None
        return grid.random.choices(able, [site.cores for site in able])[0]
