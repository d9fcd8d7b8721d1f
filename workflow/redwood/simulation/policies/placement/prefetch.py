"""Prefetch: a cache that also fetches what jobs of the same kind are likely to ask for next."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from redwood.simulation import contract

_AHEAD = 2


class Policy(contract.Placement):
    """With the first jobs of a kind that come to a site come the kind's most read datasets.

    Each job brokered to a site fetches, beside its own input, the two datasets of its kind that
    jobs have asked for most and that the site lacks.
    """

    keeps_inputs = True

    def __init__(self) -> None:
        self._reads: dict[int, Counter[int]] = defaultdict(Counter)
        self._sent: set[tuple[int, int]] = set()

    def brokered(
        self, job: contract.Job, site: contract.Site, grid: contract.Grid
    ) -> Iterable[contract.Copy]:
        if job.dataset < 0:
            return
        self._reads[job.kind][job.dataset] += 1
        self._sent.add((job.dataset, site.index))
        for dataset, reads in self._reads[job.kind].most_common(_AHEAD):
            if reads > 1 and (dataset, site.index) not in self._sent:
                self._sent.add((dataset, site.index))
                yield contract.Copy(dataset, site)
