"""What a simulation writes down while it runs: attempts, final states, transfers, events."""

from array import array
from struct import Struct

import numpy as np

FINAL_STATES = ("finished", "failed", "cancelled", "closed", "unbrokered", "unfinished")
# Of jobs that did not run to an end.
LOST = ("unbrokered", "unfinished")
ENDS = ("finished", "failed", "cancelled", "sent back", "cut off")
FINISHED, FAILED, CANCELLED, SENT_BACK, CUT_OFF = range(len(ENDS))
CAUSES = ("", "site", "kind", "outage", "stage-in", "stage-out", "recorded")
NO_CAUSE, BY_SITE, BY_KIND, BY_OUTAGE, BY_STAGE_IN, BY_STAGE_OUT, BY_RECORD = range(len(CAUSES))
FLOWS = ("input", "output", "placement")
EVENTS = (
    "submitted", "pending", "brokered", "staged", "started", "ran", "finished", "failed",
    "cancelled", "closed", "unbrokered", "sent back", "transfer failed", "copied", "removed",
    "site down", "site up",
)  # fmt: skip

ATTEMPT_COLUMNS = (
    "row", "number", "site", "cores", "brokered", "staged", "start", "stop", "end", "end_state",
    "cause", "source", "sink", "bytes_in", "bytes_out", "hit",
)  # fmt: skip
TRANSFER_COLUMNS = ("ended", "kind", "source", "destination", "bytes", "ok")
EVENT_COLUMNS = (
    "time", "event", "job", "site", "other_site", "site_busy_cores", "site_waiting_jobs",
    "site_staging_jobs", "site_load", "site_used_bytes", "grid_busy_cores", "grid_waiting_jobs",
)  # fmt: skip


# Three times as fast as extending an array by a tuple.
_pack_attempt = Struct(f"{len(ATTEMPT_COLUMNS)}d").pack


class Log:
    """Grows while a simulation runs.

    Args:
        with_events: whether events are kept.

    Attributes:
        decisions: questions that the brokerage was asked.
        declined: how many of them it answered with *not now*.
        invalid: answers that were not allowed; a simulation ends with the first, an environment for
            learning may go on.
        timed, timed_s: how many of the decisions were timed, and their wall-clock time. These are
            not results: they differ from run to run.
    """

    def __init__(self, with_events: bool = False) -> None:
        self._attempts = array("d")
        self._events: array | None = array("d") if with_events else None
        self._transfers = array("d")
        self._down = array("d")
        self._recoveries = array("d")
        self._finals = array("d")
        self.decisions = self.declined = self.invalid = self.timed = 0
        self.timed_s = 0.0
        self.transfer = self._transfers.extend

    @property
    def keeps_events(self) -> bool:
        return self._events is not None

    def attempt(self, values: tuple[float, ...]) -> None:
        """Add a row of `ATTEMPT_COLUMNS`."""
        self._attempts.frombytes(_pack_attempt(*values))

    def event(self, values: tuple[float, ...]) -> None:
        """Add a row of `EVENT_COLUMNS`."""
        if self._events is not None:
            self._events.extend(values)

    def outage(self, site: int, begin: float, end: float) -> None:
        self._down.extend((site, begin, end))

    def recovery(self, seconds: float) -> None:
        self._recoveries.append(seconds)

    def final(self, row: int, state: str, date: float) -> None:
        """A job has reached a final state that its last attempt does not tell."""
        self._finals.extend((row, FINAL_STATES.index(state), date))

    @property
    def counts(self) -> dict[str, int]:
        """What the brokerage has decided: see the attributes."""
        return {
            "decisions": self.decisions,
            "declined": self.declined,
            "invalid": self.invalid,
        }

    @property
    def attempts_ended(self) -> int:
        """How many attempts have ended."""
        return len(self._attempts) // len(ATTEMPT_COLUMNS)

    def attempts(self) -> np.ndarray:
        """(a, columns) the attempts that have ended, `ATTEMPT_COLUMNS`, in order of their ends.

        A view, not a copy: as long as it is kept the log cannot grow.
        """
        return _rows(self._attempts, len(ATTEMPT_COLUMNS))

    def events(self) -> np.ndarray:
        """(e, columns) the events, `EVENT_COLUMNS`, in order of time."""
        rows = _rows(self._events or array("d"), len(EVENT_COLUMNS))
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def transfers(self) -> np.ndarray:
        """(t, columns) transfers between sites that no attempt has in its own account.

        Those that failed, that were ordered by placements, or that nobody waited for any more.
        """
        return _rows(self._transfers, len(TRANSFER_COLUMNS))

    def finals(self) -> np.ndarray:
        """(f, 3) row, final state (index) and date of jobs whose last attempt does not tell."""
        return _rows(self._finals, 3)

    def outages(self) -> np.ndarray:
        """(o, 3) site, start and end of each outage."""
        return _rows(self._down, 3)

    def recoveries(self) -> np.ndarray:
        """(r,) seconds that the grid took to recover from each outage from which it did."""
        return _rows(self._recoveries, 1)[:, 0]


def _rows(values: array, width: int) -> np.ndarray:
    """The values as rows, a view."""
    whole = np.frombuffer(values, np.float64) if values else np.zeros(0)
    return whole.reshape(-1, width)
