"""Columns of the job table that are computed from others: workload, queue time, wall time."""

from typing import Final

import numpy as np

from redwood.configuration import Cleaning
from redwood.records.normalisation import Records

# Where a job's work comes from, by the code that `add_derived` returns.
WORKLOAD_ORIGINS: Final = ("missing", "from_cpu_time", "from_hs06sec", "never_ran")
_MISSING, _FROM_CPU_TIME, _FROM_HS06SEC, _NEVER_RAN = range(4)
_STATES_THAT_MAY_NOT_RUN = ("closed", "cancelled")


def add_derived(records: Records, options: Cleaning) -> np.ndarray:
    """Add `queuetime`, `walltime` [s] and `workload` [HS23·s] to the numbers of `records`.

    The workload is CPU time, summed over cores, × core power of the site, the default one where the
    table of sites does not know it; 0 for closed and cancelled jobs that never started; HS06SEC
    where a dump says nothing of the CPU time. A CPU time that cannot be read stays missing.

    Returns:
        Origin of each workload, position in `WORKLOAD_ORIGINS`, int8 [n].
    """
    numbers, times = records.numbers, records.times
    for name, begin, end in (
        ("queuetime", "creationtime", "starttime"),
        ("walltime", "starttime", "endtime"),
    ):
        seconds = (times[end] - times[begin]) / np.timedelta64(1, "s")
        numbers[name] = np.where(seconds >= 0, seconds, np.nan)

    unreadable = np.zeros(len(records), dtype=bool)
    for cells in records.unusable:
        if cells.column == "cputime":
            unreadable[cells.rows] = True
    silent = np.isnan(numbers["cputime"]) & ~unreadable
    rated = silent & ~np.isnan(numbers["hs06sec"])
    idle = silent & ~rated & np.isnat(times["starttime"])
    idle &= records.words["jobstatus"].where(lambda state: state in _STATES_THAT_MAY_NOT_RUN)
    numbers["cputime"] = np.where(idle, 0.0, numbers["cputime"])
    power = np.nan_to_num(records.core_power, nan=options.default_core_power)
    numbers["workload"] = np.where(rated, numbers["hs06sec"], numbers["cputime"] * power)
    origin = np.full(len(records), _FROM_CPU_TIME, dtype=np.int8)
    origin[rated], origin[idle] = _FROM_HS06SEC, _NEVER_RAN
    origin[np.isnan(numbers["workload"])] = _MISSING
    return origin
