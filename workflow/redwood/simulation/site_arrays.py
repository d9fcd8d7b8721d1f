"""The state of all sites as arrays, for policies that look at every site."""

from collections.abc import Sequence
from struct import Struct

import numpy as np

from redwood.simulation.site_state import SiteState

# What changes, in the order of the columns of the table; as `contract.Site` describes it.
_CHANGING = (
    "up", "free_cores", "busy_cores", "free_share", "load", "running_jobs", "waiting_jobs",
    "staging_jobs", "waiting_core_s", "running_until_core_s", "queue_time", "finished_jobs",
    "failed_jobs", "sending", "receiving", "used_bytes", "used_share",
    # The number of the copy, by which to see whether a row is new.
    "copies",
)  # fmt: skip
_ROW = Struct(f"{len(_CHANGING)}d")


def _column(name: str) -> property:
    place = _CHANGING.index(name)
    return property(lambda self: self.table[:, place])


class SiteArrays:
    """What the sites are and what goes on there, in the order of `Grid.sites`.

    (sites,) float64 each, named and meant as the attributes of `contract.Site`; `free_share` and
    `used_share` are those of its cores and its storage. What is asked per core of a site without
    any is 0. They are views of the state at the moment at which `Grid.arrays` was asked for them,
    and cannot be written to. Only sites at which something has changed since are copied anew.

    Args:
        states: the sites as the engine keeps them.

    Attributes:
        table: (sites, columns) all that changes.
        cores, core_power, tier, storage_bytes, overhead_s: what does not.
    """

    up = _column("up")
    free_cores = _column("free_cores")
    busy_cores = _column("busy_cores")
    free_share = _column("free_share")
    load = _column("load")
    running_jobs = _column("running_jobs")
    waiting_jobs = _column("waiting_jobs")
    staging_jobs = _column("staging_jobs")
    waiting_core_s = _column("waiting_core_s")
    running_until_core_s = _column("running_until_core_s")
    queue_time = _column("queue_time")
    finished_jobs = _column("finished_jobs")
    failed_jobs = _column("failed_jobs")
    sending = _column("sending")
    receiving = _column("receiving")
    used_bytes = _column("used_bytes")
    used_share = _column("used_share")

    def __init__(self, states: Sequence[SiteState]) -> None:
        self._states = states
        self._rows = np.zeros((len(states), len(_CHANGING)))
        self._copies = 0
        self._buffer = self._rows.data.cast("B")
        self.table = _read_only(self._rows.view())
        self.cores, self.core_power, self.tier, self.storage_bytes, self.overhead_s = (
            _read_only(np.array([getattr(state, name) for state in states], np.float64))
            for name in ("cores", "core_power", "tier", "storage_bytes", "overhead_s")
        )
        self._constants: dict[int, np.ndarray] = {}
        for state in states:
            state.stale = True

    @staticmethod
    def place(name: str) -> int:
        """The column of `table` that is called so."""
        return _CHANGING.index(name)

    def refresh(self) -> None:
        """Copy the sites at which something has changed."""
        pack, buffer, size = _ROW.pack_into, self._buffer, _ROW.size
        for state in self._states:
            if state.stale:
                state.stale = False
                self._copies += 1
                cores, busy = state.cores, state.busy_cores
                pack(
                    buffer,
                    state.index * size,
                    state.up,
                    cores - busy,
                    busy,
                    (cores - busy) / cores if cores else 0.0,
                    state.committed_cores / cores if cores else 0.0,
                    state.running_jobs,
                    state.waiting_jobs,
                    state.staging_jobs,
                    state.waiting_core_s,
                    state.running_until_core_s,
                    state.queue_time,
                    state.finished_jobs,
                    state.failed_jobs,
                    state.sending,
                    state.receiving,
                    state.used_bytes,
                    min(1.0, state.used_bytes / state.storage_bytes),
                    self._copies,
                )

    def constants(self, cores: int) -> np.ndarray:
        """(sites, 3) cores, overhead in s, and HS23 of a job of `cores` (`SiteState.run_time`)."""
        found = self._constants.get(cores)
        if found is None:
            # The speed as `run_time` has it, to the last bit, which NumPy's power is not.
            speed = [state.job_speed(cores) for state in self._states]
            found = np.stack([self.cores, self.overhead_s, np.array(speed)], axis=1)
            self._constants[cores] = _read_only(found)
        return found


def _read_only(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
