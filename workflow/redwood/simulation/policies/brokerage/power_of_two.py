"""Power of two choices (M. Mitzenmacher, IEEE TPDS 12(10), 2001): the better of two at random."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """Of two sites, drawn by their cores, the one that is less loaded once it has the job."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        one, other = grid.draw(job), grid.draw(job)
        if one is None or other is None:
            return one
        if one.load + job.cores / one.cores <= other.load + job.cores / other.cores:
            return one
        return other
