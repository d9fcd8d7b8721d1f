"""Shortest first: of the jobs that wait, the one that runs for the shortest time starts."""

from redwood.simulation import contract


class Policy(contract.QueueOrder):
    """Ordered by expected run time."""

    def key(self, job: contract.Job, site: contract.Site) -> float:
        return site.run_time(job)
