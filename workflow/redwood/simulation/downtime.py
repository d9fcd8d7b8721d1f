"""Outages while a simulation runs: sites go down, come up, and the grid recovers."""

from collections.abc import Callable, Iterator
from typing import Any

from redwood.simulation.contract import Grid
from redwood.simulation.log import Log
from redwood.simulation.notes import Notes
from redwood.simulation.site_state import SiteState

Happening = Callable[[float, Any], None]


class Downtime:
    """Takes sites down and up when their outages begin and end.

    Args:
        outages: start, site and end of each, in order of their starts (`faults.outages`).
        states, grid, log, notes: of the simulation.
        schedule: lets something happen: `schedule(date, what, about)`.
        abandon: what has to happen at a site that goes down: `abandon(date, site)`.
        alive: the number of jobs under way.
    """

    def __init__(
        self,
        outages: Iterator[tuple[float, int, float]],
        states: list[SiteState],
        grid: Grid,
        log: Log,
        notes: Notes,
        schedule: Callable[[float, Happening, Any], None],
        abandon: Callable[[float, int], None],
        alive: Callable[[], int],
    ) -> None:
        self._outages, self._states, self._grid = outages, states, grid
        self._log, self._notes = log, notes
        self._schedule, self._abandon, self._alive = schedule, abandon, alive
        self.up_at = [0.0] * len(states)
        # Start, end and jobs under way at the start of the outages not yet recovered from.
        self.recovering: list[tuple[float, float, int]] = []

    def expect(self) -> None:
        """Wait for the next outage."""
        outage = next(self._outages, None)
        if outage is not None:
            begin, site, end = outage
            self._schedule(begin, self._go_down, (site, end))

    def _go_down(self, date: float, outage: tuple[int, float]) -> None:
        site, end = outage
        self.expect()
        state = self._states[site]
        self._log.outage(site, date, end)
        self.up_at[site] = max(end, self.up_at[site])
        self._schedule(end, self._come_up, site)
        self.recovering.append((date, end, self._alive()))
        if state.up:
            state.up = False
            state.stale = True
            self._grid._forget_able()
            self._notes.site(date, "site down", state)
            self._abandon(date, site)

    def _come_up(self, date: float, site: int) -> None:
        state = self._states[site]
        if date >= self.up_at[site] and not state.up:
            state.up = True
            state.stale = True
            self._grid._forget_able()
            self._notes.site(date, "site up", state)
        self.notice_recovery(date)

    def notice_recovery(self, date: float) -> None:
        """Log the outages that are over if no more jobs are under way than at their start."""
        still = []
        for begin, end, alive in self.recovering:
            if end <= date and self._alive() <= alive:
                self._log.recovery(date - begin)
            else:
                still.append((begin, end, alive))
        self.recovering = still
