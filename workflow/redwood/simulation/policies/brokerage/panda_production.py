"""PanDA's weight for production jobs, as its documentation gives it.

The weight of a site is

    (running + 1) / ((activated + assigned + starting + defined + 10) × many assigned)
        × (available + total input) / (total input × (missing files / 100 + 1)) × network weight,

many assigned = max(1, min(2, assigned / activated)). Sites at which more than twice as many jobs
are queued as run are left out; jobs are spread over the best ten of the others in proportion to it.

What stands for PanDA's words here:

* activated: jobs that wait for cores; assigned: jobs whose input is on its way. Assigned jobs do
  not count for a job whose input is at the site. No job is defined or starting: a job that has a
  site is assigned or activated at once.
* running: the jobs that run; below 20 the batch workers count, up to 20, where these are more. They
  are the running jobs and the free cores, each of which would take a job.
* The nucleus, to which outputs go: of the sites that hold the input, the one of the lowest tier.
* The network weight, ½ (weight of the queue + weight of the throughput) of the link to the nucleus:
  from 2 with no file queued to 1 with 300, and from 1 to 2 by MB/s in steps that are read off the
  documentation's plot. No link has more transfers than its source sends and than its end receives,
  and their lesser number stands for its queue; they share its bandwidth.
* When all sites are left out, the job is offered again after `pending_s` of the scenario; PanDA
  waits for an hour.

Not modelled, for the grid has nothing like it: priorities, memory, releases, wall time limits,
pledges, scouts, and cut-offs whose values are PanDA's configuration.

Source: PanDA documentation, "Brokerage", sections "ATLAS Production Job Brokerage" and "Network
Weight", as of July 2026 (panda-wms.readthedocs.io/en/latest/advanced/brokerage.html).
"""

from bisect import bisect_right

from redwood.simulation.contract import Brokerage, Grid, Job, Site

_CANDIDATES = 10
_WORKERS_COUNT_BELOW = 20
_MOST_QUEUED_PER_RUNNING = 2
# Files on the way with which a link has the least weight.
_FULL_LINK = 300
# From so many MB/s on a link has the next weight.
_STEPS = (1, 2, 10, 20, 50, 75, 100, 200)
_THROUGHPUT_WEIGHTS = (1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 1.8, 1.9, 2.0)
_NO_TRANSFER = 2.0


class Policy(Brokerage):
    """One of the ten sites of the greatest weight that are not left out, drawn by weight."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        holders = grid.replicas(job)
        nucleus = min(holders, key=lambda site: site.tier, default=None)
        missing = 1 / (job.files / 100 + 1)
        weighted = []
        for site in grid.able(job):
            local = nucleus is None or site in holders
            running, activated = site.running_jobs, site.waiting_jobs
            if running < _WORKERS_COUNT_BELOW:
                running = min(running + site.free_cores, _WORKERS_COUNT_BELOW)
            assigned = 0 if local else site.staging_jobs
            if activated + assigned > _MOST_QUEUED_PER_RUNNING * running:
                continue
            weight = (running + 1) / ((activated + assigned + 10) * _many(assigned, activated))
            if nucleus is not None:
                weight *= (2 if local else missing) * _network(site, nucleus, grid)
            weighted.append((weight, site.index, site))
        best = sorted(weighted, reverse=True)[:_CANDIDATES]
        if not best:
            return None
        return grid.random.choices([b[2] for b in best], [b[0] for b in best])[0]


def _many(assigned: int, activated: int) -> float:
    """How much longer a queue of jobs that mostly wait for their input counts: 1 to 2."""
    if assigned <= activated:
        return 1.0
    return min(2.0, assigned / activated) if activated else 2.0


def _network(site: Site, nucleus: Site, grid: Grid) -> float:
    if site is nucleus:
        return _NO_TRANSFER
    queued = min(site.sending, nucleus.receiving)
    rate = grid.bandwidth(site, nucleus) / (1 + queued) / 1e6
    of_queue = 2 - min(queued / _FULL_LINK, 1)
    return 0.5 * (of_queue + _THROUGHPUT_WEIGHTS[bisect_right(_STEPS, rate)])
