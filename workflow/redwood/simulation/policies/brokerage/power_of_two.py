"""Power of two choices (M. Mitzenmacher, IEEE TPDS 12(10), 2001): the better of two at random."""

from redwood.simulation.contract import Brokerage, Grid, Job, Site


class Policy(Brokerage):
    """Of two sites drawn alike the one that is less loaded once it has the job."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        able = grid.able(job)
        if not able:
            return None
        draw, count = grid.random.random, len(able)
        one, other = able[int(draw() * count)], able[int(draw() * count)]
        if one.load + job.cores / one.cores <= other.load + job.cores / other.cores:
            return one
        return other
