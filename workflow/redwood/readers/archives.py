"""What the Standard Workload Format and that of the Grid Workloads Archive have in common.

Both give each job a line of fields, -1 where unknown, by the same names (`COMMON`).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa

from redwood.readers.foreign import Rows, seconds

# 2, 3 and 4 mark parts of a job that was checkpointed; a line of its own sums the job up.
STATES: Final = {
    **{"0": "failed", "1": "finished", "5": "cancelled"},
    **{"2": "part", "3": "part", "4": "part"},
}
MADE_OF: Final = {
    "pandaid": "the job number (field 1)",
    "creationtime": "the submit time (field 2)",
    "starttime": "the submit and wait time (fields 2, 3)",
    "endtime": "the submit, wait and run time (fields 2, 3, 4)",
    "cpuconsumptiontime": "the CPU time (field 6), else the run time (field 4), × processors",
    "actualcorecount": "the number of processors (field 5)",
    "corecount": "the number of processors (fields 5, 8)",
    "maxwalltime": "the requested time (field 9)",
    "jobstatus": "the status (field 11)",
    "produsername": "the user (field 12)",
    "workinggroup": "the group (field 13)",
}
COMMON: Final = (
    *("job", "submit", "wait", "run", "processors", "cpu", "memory", "asked processors"),
    *("asked time", "asked memory", "status", "user", "group", "executable", "queue", "partition"),
)
NUMBERS: Final = COMMON[1:11]
# A clock that starts at 0 starts in 1970, so that no time of that year stands for none.
FIRST_TIME: Final = np.datetime64("1970-01-01", "us")

CPU_ASSUMPTION: Final = (
    "CPU time of a job is its run time × processors, for want of a measured CPU time"
)
NEGATIVE: Final = "negative numbers other than -1 stand for what is not known, as -1 does"
IN_1970: Final = (
    "the log does not say when it begins: its clock starts on 1970-01-01, so that weekdays and "
    "seasons mean nothing"
)
UNIX_TIMES: Final = "submit times are seconds since 1970 already, whatever the header says"
# Ten years: no log covers as much, and no clock since 1970 shows as little.
_SHORTEST_UNIX_TIME: Final = 3e8


class Clock:
    """When a log begins; its first job tells whether submit times count from there or from 1970."""

    def __init__(self) -> None:
        self.start: int | None = None
        self._from_1970: bool | None = None

    def created(self, submit: np.ndarray, rows: Rows) -> np.ndarray:
        """Seconds since 1970 at which jobs were submitted, float64 [n]."""
        if self._from_1970 is None and len(submit):
            self._from_1970 = bool(submit[0] >= _SHORTEST_UNIX_TIME)
        everywhere = np.ones(rows.size, dtype=bool)
        if self._from_1970:
            rows.assume(UNIX_TIMES, everywhere)
            return submit
        if not self.start:
            rows.assume(IN_1970, everywhere)
        return submit + (self.start or 0)


def job_cells(rows: Rows, clock: Clock) -> Mapping[str, pa.Array]:
    """What both formats say in the same way, under PanDA's names.

    A job that was cancelled and has no run time never started: its wait time lasted until then.
    """
    numbers = {name: rows.numbers(name) for name in NUMBERS}
    negative = np.zeros(rows.size, dtype=bool)
    for name in NUMBERS:
        negative |= (numbers[name] < 0) & (numbers[name] != -1)
        numbers[name] = np.where(numbers[name] < 0, np.nan, numbers[name])
    rows.assume(NEGATIVE, negative)
    run, cpu, status = numbers["run"], numbers["cpu"], numbers["status"]
    processors, asked = numbers["processors"], numbers["asked processors"]
    used = np.where(processors > 0, processors, np.where(asked > 0, asked, np.nan))
    never_ran = (status == 5) & ~(run > 0) & ~(cpu > 0)
    unmeasured = np.isnan(cpu) & ~np.isnan(run) & ~np.isnan(used) & ~never_ran
    rows.assume(CPU_ASSUMPTION, unmeasured)
    created = clock.created(numbers["submit"], rows)
    started = np.where(never_ran, np.nan, created + numbers["wait"])
    states = [None if code != code else STATES.get(f"{code:g}") for code in status.tolist()]
    return {
        "pandaid": rows.text("job"),
        "creationtime": seconds(created),
        "starttime": seconds(started),
        "endtime": seconds(started + run),
        "jobstatus": pa.array(states, pa.string()),
        "corecount": seconds(used),
        "cpuconsumptiontime": seconds(np.where(unmeasured, run, cpu) * used),
        "maxwalltime": seconds(numbers["asked time"]),
    }


def known(column: pa.Array) -> list[str | None]:
    """The texts of a column, `None` for numbers below 0."""
    return [None if text is None or text.startswith("-") else text for text in column.to_pylist()]
