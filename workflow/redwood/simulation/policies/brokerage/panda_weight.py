"""PanDA's weight for user analysis, as its documentation gives it.

Candidates hold the input (all sites, where none that does can take the job) and have at most
2 × max(20, running) jobs queued. Their weight is

    (running + 1) / (activated + assigned + starting + defined + 1),

running jobs over queued ones, and jobs are spread over the best ten in proportion to it.

It departs from the documentation in two points. A job whose sites with its input are all full goes
elsewhere at once, where PanDA waits for `DATA_CHECK_TIMEOUT_USER` hours; and it goes to a full
site where all are full, where PanDA holds it back for 20 minutes. Not modelled, for the grid has
nothing like it: the caps, quotas and classes of users, and classes of sites, with the weight made
of these that is announced to follow.

Source: PanDA documentation, "Brokerage", section "ATLAS Analysis Job Brokerage", original basic
weight, which is "currently used", as of July 2026
(panda-wms.readthedocs.io/en/latest/advanced/brokerage.html).
"""

from collections.abc import Iterable

from redwood.simulation.contract import Brokerage, Grid, Job, Site

_CANDIDATES = 10
_LEAST_RUNNING = 20


def _queued(site: Site) -> int:
    return site.waiting_jobs + site.staging_jobs


def _short(sites: Iterable[Site]) -> list[Site]:
    return [s for s in sites if _queued(s) <= 2 * max(_LEAST_RUNNING, s.running_jobs)]


class Policy(Brokerage):
    """One of the ten sites of the greatest weight, drawn by weight."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        able = grid.able(job)
        holding = [site for site in grid.replicas(job) if site in able]
        # All sites are looked at only if none that holds the input will do.
        candidates = _short(holding) or _short(able) or holding or able
        weighted = [((s.running_jobs + 1) / (_queued(s) + 1), s.index, s) for s in candidates]
        best = sorted(weighted, reverse=True)[:_CANDIDATES]
        if not best:
            return None
        return grid.random.choices([b[2] for b in best], [b[0] for b in best])[0]
