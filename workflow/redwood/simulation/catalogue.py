"""The catalogue of replicas while a simulation runs: what lies where, and what makes room."""

from collections import OrderedDict
from collections.abc import Collection, Sequence

import numpy as np

from redwood.simulation.site_state import SiteState


class Catalogue:
    """Replicas of datasets at sites, and the room that they take.

    A replica is *fixed* (it was there when the simulation began) or *kept* (a copy that gives way,
    the least recently read first, when room is needed). Room is taken when a copy is begun.

    Args:
        states: the sites; their `used_bytes` are kept here.
        replicas: for each dataset the indices of the sites that hold it at the beginning.
        sizes: (d,) bytes of each dataset.
    """

    def __init__(
        self, states: Sequence[SiteState], replicas: Sequence[Collection[int]], sizes: np.ndarray
    ) -> None:
        # Sorted tuples: there may be millions, and few ever change.
        self.holders = [
            tuple(sites) if len(sites) == 1 else tuple(sorted(sites)) for sites in replicas
        ]
        self.sizes = sizes
        self._states = states
        self._kept: list[OrderedDict[int, None]] = [OrderedDict() for _ in states]
        for sites, size in zip(self.holders, sizes.tolist(), strict=True):
            for site in sites:
                states[site].used_bytes += size

    def read(self, dataset: int, site: int) -> None:
        """A replica is read: the last to give way."""
        kept = self._kept[site]
        if dataset in kept:
            kept.move_to_end(dataset)

    def reserve(self, dataset: int, site: int) -> list[int] | None:
        """Take room for a copy at `site`, and return what gave way; `None` if there is not enough.

        The last replica of a dataset never gives way.
        """
        state, size = self._states[site], float(self.sizes[dataset])
        leaving: list[int] = []
        room = state.storage_bytes - state.used_bytes
        if room < size:
            for other in self._kept[site]:
                if len(self.holders[other]) > 1:
                    leaving.append(other)
                    room += float(self.sizes[other])
                    if room >= size:
                        break
            else:
                return None
        for other in leaving:
            self.remove(other, site)
        state.used_bytes += size
        state.stale = True
        return leaving

    def release(self, dataset: int, site: int) -> None:
        """Give back the room of a copy that did not arrive."""
        self._give_back(dataset, site)

    def add(self, dataset: int, site: int) -> None:
        """A copy for which room was taken has arrived."""
        self.holders[dataset] = tuple(sorted({*self.holders[dataset], site}))
        self._kept[site][dataset] = None

    def remove(self, dataset: int, site: int) -> bool:
        """Remove a replica, unless it is the last one or not there."""
        holders = self.holders[dataset]
        if site not in holders or len(holders) == 1:
            return False
        self.holders[dataset] = tuple(other for other in holders if other != site)
        self._kept[site].pop(dataset, None)
        self._give_back(dataset, site)
        return True

    def _give_back(self, dataset: int, site: int) -> None:
        state = self._states[site]
        state.used_bytes -= float(self.sizes[dataset])
        state.stale = True
