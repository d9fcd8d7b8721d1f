"""Slurm: what `sacct --parsable2` writes, and tables of the same fields as CSV, JSON or Parquet.

A job has a row, and after it one for each of its steps (`123.batch`, `123.0`), unless `sacct -X`
leaves them out. The row of a job has the CPU time of its steps already, but not their peak memory.
See https://slurm.schedmd.com/sacct.html.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.readers import values
from redwood.readers.foreign import Rows, identity, seconds

TITLE: Final = "Slurm"
ENDINGS = ()
MADE_OF: Final = {
    "pandaid": "JobID, Cluster and Submit",
    "creationtime": "Submit",
    "starttime": "Start",
    "endtime": "End, else Start and Elapsed",
    "jobstatus": "State, else ExitCode",
    "computingsite": "Partition (after the Cluster, if there is one)",
    "cpuconsumptiontime": "TotalCPU, else CPUTimeRAW, else Elapsed (or Start to End) × AllocCPUS",
    "actualcorecount": "AllocCPUS or NCPUS",
    "corecount": "ReqCPUS",
    "maxwalltime": "Timelimit",
    "maxrss": "MaxRSS of the job and its steps",
    "produsername": "User",
    "produserid": "UID",
    "workinggroup": "Account",
}
REMEDY: Final = (
    "export it with TZ=UTC sacct --allusers --parsable2 --format=JobID,Cluster,User,Account,"
    "Partition,Submit,Start,End,Elapsed,Timelimit,AllocCPUS,TotalCPU,MaxRSS,State,ExitCode"
)
_FAILED = ("failed", "node_fail", "out_of_memory", "timeout", "boot_fail", "deadline", "preempted")
_SHORT_FAILED = ("f", "nf", "oom", "to", "bf", "dl", "pr", "launch_failed", "reconfig_fail")
_NOT_FINAL = (
    *("pending", "running", "suspended", "requeued", "requeue_hold", "requeue_fed", "resizing"),
    *("completing", "configuring", "special_exit", "stage_out", "signaling", "stopped"),
    *("pd", "r", "s", "rq", "rh", "rs", "cg", "cf", "se", "so", "si", "st"),
)
# A job is revoked if another cluster of a federation started it.
STATES: Final = {
    **dict.fromkeys(("completed", "cd"), "finished"),
    **dict.fromkeys((*_FAILED, *_SHORT_FAILED), "failed"),
    **dict.fromkeys(("cancelled", "ca"), "cancelled"),
    **dict.fromkeys(("revoked", "rv"), "closed"),
    **{state: state for state in _NOT_FINAL},
}
FIRST_TIME: Final = values.FIRST_TIME
IS_NAMELESS: Final = False
OWN_NUMBERS: Final = False

# sacct's fields, the preferred first, and how tables spell them that were made of these.
_SPELLED: Final = {
    "job": ("jobid", "job_id", "jobidraw"),
    "cluster": ("cluster", "cluster_name"),
    "user": ("user", "username", "user_name"),
    "uid": ("uid", "user_id", "userid"),
    "account": ("account", "account_name"),
    "partition": ("partition",),
    "submit": ("submit", "submittime", "submit_time", "time_submit"),
    "start": ("start", "starttime", "start_time", "time_start"),
    "end": ("end", "endtime", "end_time", "time_end"),
    "elapsed": ("elapsedraw", "elapsed_raw", "elapsed"),
    "limit": ("timelimit", "time_limit"),
    "limit in minutes": ("timelimitraw", "time_limit_raw"),
    "total cpu": ("totalcpu", "total_cpu"),
    "cpu time": ("cputimeraw", "cpu_time_raw", "cputime", "cpu_time"),
    "cpus": ("alloccpus", "ncpus", "alloc_cpus", "cpus_alloc"),
    "asked cpus": ("reqcpus", "req_cpus", "cpus_req"),
    "memory": ("maxrss", "max_rss"),
    "state": ("state", "job_state", "jobstate"),
    "exit": ("exitcode", "exit_code"),
}
COLUMNS: Final = {spelled: spelled for names in _SPELLED.values() for spelled in names}
_MARKS = ("job", "submit", "partition", "account", "state", "limit", "exit")
_FEWEST_MARKS = 3

STEP: Final = "job_step"
OWN_CLOCK: Final = (
    "times without a zone are on the clock that records.cleaning.utc_offset_hours sets, else UTC; "
    "sacct writes its cluster's clock unless it is started with TZ=UTC"
)
ALLOCATED: Final = "CPU time of a job is its elapsed time × CPUs, for want of a measured CPU time"
MINUTES: Final = "a time limit that is a mere number is one of minutes, as Slurm's options are"

_NOTHING = pa.array(["unknown", "none", "unlimited", "partition_limit", "invalid", "(null)"])
_DURATION = r"^(?:(?P<days>\d+)-)?(?:(?P<hours>\d+):)?(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?)$"
_SECONDS_OF = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_MEMORY = r"^(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGTP]?)[nc]?$"
_KILOBYTES_OF = {
    "": 1 / 1024,
    "K": 1.0,
    "M": 1024.0,
    "G": 1024.0**2,
    "T": 1024.0**3,
    "P": 1024.0**4,
}


def is_mine(names: frozenset[str]) -> bool:
    """Whether a table has columns of Slurm's accounting."""
    return sum(not names.isdisjoint(_SPELLED[mark]) for mark in _MARKS) >= _FEWEST_MARKS


def follows(cells: Mapping[str, pa.Array], size: int) -> np.ndarray:
    """Which rows are steps of the job before them, bool [n]."""
    is_step = np.zeros(size, dtype=bool)
    for name in cells.keys() & {*_SPELLED["job"]}:
        found = pc.fill_null(pc.match_substring(cells[name], "."), False)
        is_step |= found.to_numpy(zero_copy_only=False)
    return is_step


def translate(rows: Rows) -> Mapping[str, pa.Array]:
    """Cells under PanDA's names."""
    step = follows(rows.cells, rows.size)
    rows.refuse(STEP, step)
    column = {name: rows.text(*spelled) for name, spelled in _SPELLED.items()}
    submit, start, end = (_something(column[name]) for name in ("submit", "start", "end"))
    rows.assume(OWN_CLOCK, ~step & _is_local(submit))
    elapsed = _duration(column["elapsed"])
    elapsed = np.where(np.isnan(elapsed), _between(start, end), elapsed)
    # Slurm counts milliseconds: none at all is what it has where nobody measured.
    cpu_time = _duration(column["total cpu"])
    cpu_time = np.where((cpu_time == 0) & (elapsed > 0), np.nan, cpu_time)
    allocated = _duration(column["cpu time"])
    by_cpus = elapsed * values.to_numbers(column["cpus"]).numbers
    allocated = np.where(np.isnan(allocated), by_cpus, allocated)
    rows.assume(ALLOCATED, ~step & np.isnan(cpu_time) & ~np.isnan(allocated))
    minutes = 60 * values.to_numbers(column["limit in minutes"]).numbers
    is_bare = np.isnan(minutes) & ~np.isnan(values.to_numbers(column["limit"]).numbers)
    rows.assume(MINUTES, ~step & is_bare)
    limits = np.where(np.isnan(minutes), _duration(column["limit"], bare=60), minutes)
    cluster, partition = column["cluster"], column["partition"]
    sites = pc.coalesce(pc.binary_join_element_wise(cluster, partition, "-"), partition, cluster)
    return {
        "pandaid": identity(column["job"], cluster, submit),
        "creationtime": submit,
        "starttime": start,
        "endtime": pc.coalesce(end, _later(start, elapsed)),
        "jobstatus": _states(column["state"], column["exit"]),
        "computingsite": rows.or_file(sites),
        "cpuconsumptiontime": seconds(np.where(np.isnan(cpu_time), allocated, cpu_time)),
        "actualcorecount": column["cpus"],
        "corecount": column["asked cpus"],
        "maxwalltime": seconds(limits),
        "maxrss": _peak_memory(column["memory"], column["job"], step),
        "produsername": column["user"],
        "produserid": column["uid"],
        "workinggroup": column["account"],
    }


def _something(column: pa.Array) -> pa.Array:
    """A column without what Slurm writes where it has no value."""
    return pc.if_else(pc.is_in(pc.utf8_lower(column), _NOTHING), None, column)


def _is_local(times: pa.Array) -> np.ndarray:
    local = pc.match_substring_regex(times, r"^\d+-\d+-\d+[T ][\d:.]+$")
    return pc.fill_null(local, False).to_numpy(zero_copy_only=False)


def _duration(column: pa.Array, bare: float = 1.0) -> np.ndarray:
    """`[DD-[HH:]]MM:SS[.fff]` in seconds, float64 [n]; a mere number × `bare`."""
    parts = pc.extract_regex(column, _DURATION)
    total = np.zeros(len(column))
    for part, factor in _SECONDS_OF.items():
        digits = pc.struct_field(parts, part)
        empty = pc.fill_null(pc.equal(digits, ""), False)
        numbers = values.to_numbers(pc.if_else(empty, "0", digits)).numbers
        total += factor * numbers
    return np.where(np.isnan(total), bare * values.to_numbers(column).numbers, total)


def _later(start: pa.Array, elapsed: np.ndarray) -> pa.Array:
    """Times after durations, without a zone as Slurm writes them."""
    times = values.to_times(start).times + np.rint(elapsed * 1e6).astype("timedelta64[us]")
    return pa.array(times).cast(pa.string())


def _between(start: pa.Array, end: pa.Array) -> np.ndarray:
    """Seconds from start to end, float64 [n]."""
    return (values.to_times(end).times - values.to_times(start).times) / np.timedelta64(1, "s")


def _states(states: pa.Array, exits: pa.Array) -> pa.Array:
    """PanDA's names of states; `CANCELLED by 1234` is cancelled, as is a cut `CANCELLED+`."""
    words = pc.utf8_lower(pc.replace_substring_regex(states, r"[ +].*$", ""))
    by_exit = pc.if_else(pc.is_in(exits, pa.array(["0:0", "0"])), "completed", "failed")
    words = pc.coalesce(words, pc.if_else(exits.is_valid(), by_exit, None))
    return pa.array(
        [None if word is None else STATES.get(word, word) for word in words.to_pylist()],
        pa.string(),
    )


def _peak_memory(memory: pa.Array, job: pa.Array, step: np.ndarray) -> pa.Array:
    """The largest resident memory of each job and the steps after it [kB]."""
    parts = pc.extract_regex(memory, _MEMORY)
    number = values.to_numbers(pc.struct_field(parts, "number")).numbers
    units = [_KILOBYTES_OF.get(unit, np.nan) for unit in pc.struct_field(parts, "unit").to_pylist()]
    kilobytes = number * np.array(units, dtype=float)
    heads = np.flatnonzero(~step)
    if not len(heads):
        return seconds(kilobytes)
    head = heads[np.maximum(np.cumsum(~step) - 1, 0)]
    base = pc.replace_substring_regex(job, r"\..*$", "")
    own = pc.fill_null(pc.equal(base, base.take(pa.array(head))), False)
    known = own.to_numpy(zero_copy_only=False) & ~np.isnan(kilobytes)
    peak = np.full(len(job), -np.inf)
    np.maximum.at(peak, head[known], kilobytes[known])
    return seconds(np.where(np.isinf(peak), np.nan, peak))
