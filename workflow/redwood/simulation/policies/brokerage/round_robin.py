"""Round robin: the sites take turns, each as often as it has cores."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """Weighted round robin: the site that has had the fewest cores' worth of jobs per core."""

    def __init__(self) -> None:
        self._given: dict[str, float] = {}

    def choose(self, job: Job, grid: Grid) -> Site | None:
        given = self._given
        site = min(
            grid.able(job),
            key=lambda site: (given.get(site.name, 0.0) + job.cores) / site.cores,
            default=None,
        )
        if site is not None:
            given[site.name] = given.get(site.name, 0.0) + job.cores
        return site
