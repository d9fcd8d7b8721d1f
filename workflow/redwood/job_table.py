"""The columns of the job table: what each is, and which raw columns of PanDA it comes from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from redwood.tables import Column

_COLUMNS = (
    Column("creationtime", "timestamp", "s, UTC", meaning="when the job entered PanDA"),
    Column("computingsite", "categorical", meaning="the PanDA queue that the job was brokered to"),
    Column("project", "categorical", meaning="project of the input dataset"),
    Column("prodstep", "categorical", meaning="production step of the input dataset"),
    Column("datatype", "categorical", meaning="data type of the input dataset, without DAOD_"),
    Column("nfiles", "integer", scale="log", meaning="number of input data files"),
    Column("size", "integer", "bytes", "log", meaning="total size of the input files"),
    Column("jobstatus", "categorical", meaning="final state"),
    Column("workload", "numeric", "HS23·s", "log", meaning="CPU time × core power of the site"),
    Column("cores", "integer", meaning="cores used, else asked for"),
    Column("queuetime", "numeric", "s", "log", meaning="creation to start"),
    Column("walltime", "numeric", "s", "log", meaning="start to end"),
    Column("cputime", "numeric", "s", "log", meaning="CPU time, summed over cores"),
    Column("requestedtime", "numeric", "s", "log", meaning="limit of the wall time"),
    Column("memory", "numeric", "kB", "log", meaning="largest resident memory"),
    Column("attempt", "integer", meaning="how many times the job was tried before"),
    Column("task", "categorical", meaning="keyed hash of the task"),
    Column("user", "categorical", meaning="keyed hash of the user"),
    Column("workinggroup", "categorical", meaning="working group or virtual organisation"),
)
COLUMNS: Final[Mapping[str, Column]] = {column.name: column for column in _COLUMNS}

# Whose jobs a job belongs to; a task has one user.
UNITS: Final = ("user", "task")

# Without these no stage after this one can work, whatever the configured features are.
REQUIRED: Final = ("creationtime", "computingsite", "workload")

# Column of the job table → the raw columns of which one is needed, the preferred one first.
ALTERNATIVES: Final[Mapping[str, tuple[str, ...]]] = {
    "creationtime": ("creationtime",),
    "computingsite": ("computingsite",),
    "project": ("proddblock", "inputfileproject"),
    "prodstep": ("proddblock",),
    "datatype": ("proddblock", "inputfiletype"),
    "nfiles": ("ninputdatafiles",),
    "size": ("inputfilebytes",),
    "jobstatus": ("jobstatus",),
    "workload": ("cpuconsumptiontime", "hs06sec"),
    "cores": ("actualcorecount", "corecount"),
    "queuetime": ("starttime",),
    "walltime": ("endtime",),
    "cputime": ("cpuconsumptiontime",),
    "requestedtime": ("maxwalltime",),
    "memory": ("maxrss",),
    "attempt": ("attemptnr",),
    "task": ("jeditaskid", "taskid"),
    "user": ("produsername", "produserid"),
    "workinggroup": ("workinggroup",),
}

# Column of the job table → the typed columns it is made of, where it is not read as it is.
MADE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "workload": ("cputime", "hs06sec"),
    "queuetime": ("creationtime", "starttime"),
    "walltime": ("starttime", "endtime"),
    "cores": ("actualcores", "askedcores"),
}

# Raw columns that decide which rows are kept but are no column of the job table.
_DECIDING = frozenset({"pandaid", "modificationtime", "prodsourcelabel", "processingtype"})

RAW_COLUMNS: Final = _DECIDING.union(*ALTERNATIVES.values())

FINAL_STATES: Final = ("finished", "failed", "closed", "cancelled")


def column(name: str, *, feature: bool) -> Column:
    """The description of a column of the job table in its role in this run."""
    return replace(COLUMNS[name], role="feature" if feature else "auxiliary")
