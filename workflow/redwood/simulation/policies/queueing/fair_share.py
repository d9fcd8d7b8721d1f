"""Fair share: owners who wait at a site get equal shares of its core seconds.

Start-time fair queueing (P. Goyal, H. M. Vin, H. Cheng, IEEE/ACM ToN 5(5), 1997): a job's tag is
the later of the site's virtual time and the end of its owner's last job in virtual time, and the
least tag starts first. Virtual time is the tag of the job that started last.
"""

from redwood.simulation import contract


class Policy(contract.QueueOrder):
    """Ordered by start tags, one virtual time a site."""

    def __init__(self) -> None:
        self._now: dict[int, float] = {}
        self._last: dict[tuple[int, int], float] = {}

    def key(self, job: contract.Job, site: contract.Site) -> float:
        owner = (site.index, job.owner)
        tag = max(self._now.get(site.index, 0.0), self._last.get(owner, 0.0))
        self._last[owner] = tag + job.cores * site.run_time(job)
        return tag

    def started(self, job: contract.Job, site: contract.Site, key: float) -> None:
        self._now[site.index] = max(self._now.get(site.index, 0.0), key)
