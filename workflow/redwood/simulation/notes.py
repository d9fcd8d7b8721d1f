"""Noting events with the state in which they happen, where they are asked for."""

from math import nan

from redwood.simulation.attempt import Attempt
from redwood.simulation.contract import Job
from redwood.simulation.log import EVENTS, Log
from redwood.simulation.site_state import SiteState


class Notes:
    """Writes events into a log.

    Args:
        log: the log.
        states: the sites.

    Attributes:
        wanted: whether they are asked for; else nothing is written, and callers on the hot path do
            not even call.
    """

    def __init__(self, log: Log, states: list[SiteState]) -> None:
        self._log, self._states = log, states
        self.wanted = log.keeps_events

    def attempt(self, date: float, event: str, attempt: Attempt) -> None:
        """Something happened to an attempt; local jobs are not noted."""
        if self.wanted and attempt.job.row >= 0:
            self._write(date, event, attempt.job.row, attempt.state)

    def job(self, date: float, event: str, job: Job) -> None:
        """Something happened to a job that is at no site."""
        if self.wanted:
            self._write(date, event, job.row, None)

    def site(self, date: float, event: str, state: SiteState, other: int = -1) -> None:
        """Something happened at a site; `other` is the site that a copy came from."""
        if self.wanted:
            self._write(date, event, -1, state, other)

    def transfer_failed(self, date: float, attempt: Attempt, at: SiteState) -> None:
        """A transfer of an attempt's input or output failed at the other end."""
        if self.wanted:
            self._write(date, "transfer failed", attempt.job.row, attempt.state, at.index)

    def _write(
        self, date: float, event: str, row: int, site: SiteState | None, other: int = -1
    ) -> None:
        here = (nan,) * 5
        if site is not None:
            load = site.committed_cores / site.cores if site.cores else nan
            here = (
                site.busy_cores,
                site.waiting_jobs,
                site.staging_jobs,
                load,
                site.used_bytes,
            )
        busy = sum(state.busy_cores for state in self._states)
        waiting = sum(state.waiting_jobs for state in self._states)
        index = site.index if site is not None else -1
        self._log.event((date, EVENTS.index(event), row, index, other, *here, busy, waiting))
