"""HTCondor: what `condor_history` writes with `-json`, `-jsonl` or `-long`.

See https://htcondor.readthedocs.io/en/latest/classad-attributes/job-classad-attributes.html.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.readers import values
from redwood.readers.foreign import Rows, identity, seconds

TITLE: Final = "HTCondor"
ENDINGS = ()
MADE_OF: Final = {
    "pandaid": "GlobalJobId, else ClusterId, ProcId and QDate",
    "creationtime": "QDate",
    "starttime": "JobStartDate, else JobCurrentStartDate",
    "endtime": "RemoteWallClockTime after the start, else CompletionDate",
    "jobstatus": "JobStatus, ExitCode and ExitBySignal",
    "computingsite": "MATCH_GLIDEIN_Site, GLIDEIN_Site or what else names a site, RemotePool",
    "cpuconsumptiontime": "RemoteUserCpu + RemoteSysCpu (Cumulative… where they are)",
    "actualcorecount": "CpusProvisioned",
    "corecount": "RequestCpus",
    "maxwalltime": "MaxRuntime, else MaxWallTimeMins",
    "maxrss": "ResidentSetSize_RAW, else ResidentSetSize",
    "attemptnr": "NumJobStarts",
    "produsername": "Owner",
    "produserid": "User",
    "workinggroup": "AcctGroup or AccountingGroup, else x509UserProxyVOName",
}
REMEDY: Final = "export whole advertisements: condor_history -json without -attributes"
# By the code of JobStatus. What is completed may have failed, which its exit tells.
_CODES: Final = {
    **{"1": "idle", "2": "running", "3": "removed", "4": "completed", "5": "held"},
    **{"6": "transferring_output", "7": "suspended"},
}
STATES: Final = {
    **{"removed": "cancelled", "completed": "finished"},
    **{state: state for state in ("idle", "running", "held", "transferring_output", "suspended")},
}
FIRST_TIME: Final = values.FIRST_TIME
IS_NAMELESS: Final = False
OWN_NUMBERS: Final = False

_SITES: Final = (
    *("match_glidein_site", "match_exp_jobglidein_site", "match_exp_job_glidein_site"),
    *("machineattrglidein_site0", "glidein_site", "machineattrglidein_resourcename0"),
    *("match_exp_jobglidein_resourcename", "lastremotepool", "remotepool"),
)
_GROUPS: Final = ("acctgroup", "accountinggroup", "x509userproxyvoname")
_ATTRIBUTES: Final = (
    *("globaljobid", "clusterid", "procid", "jobstatus", "exitcode", "exitbysignal", "exitstatus"),
    *("qdate", "jobstartdate", "jobcurrentstartdate", "completiondate", "enteredcurrentstatus"),
    *("remotewallclocktime", "remoteusercpu", "remotesyscpu", "cumulativeremoteusercpu"),
    *("cumulativeremotesyscpu", "requestcpus", "cpusprovisioned", "maxruntime", "maxwalltimemins"),
    *("residentsetsize", "residentsetsize_raw", "numjobstarts", "owner", "user"),
)
COLUMNS: Final = {name: name for name in (*_ATTRIBUTES, *_SITES, *_GROUPS)}

NO_EXIT: Final = "a completed job without ExitCode has finished well"


def is_mine(names: frozenset[str]) -> bool:
    """Whether a table has attributes of HTCondor's jobs."""
    return {"clusterid", "qdate"} <= names or {"globaljobid", "jobstatus"} <= names


def translate(rows: Rows) -> Mapping[str, pa.Array]:
    """Cells under PanDA's names. Times are seconds since 1970, 0 where they did not come.

    A job that started more than once counts its wall time on all machines together.
    """
    start = _positive(rows.numbers("jobstartdate", "jobcurrentstartdate"))
    wall = _positive(rows.numbers("remotewallclocktime"))
    done = _positive(rows.numbers("completiondate"))
    left = np.where(np.isnan(done), _positive(rows.numbers("enteredcurrentstatus")), done)
    cpu = _first(rows, "cumulativeremoteusercpu", "remoteusercpu") + _first(
        rows, "cumulativeremotesyscpu", "remotesyscpu"
    )
    ran = ~np.isnan(start)
    starts = rows.numbers("numjobstarts")
    minutes = 60 * rows.numbers("maxwalltimemins")
    asked = rows.numbers("maxruntime")
    return {
        "pandaid": identity(
            pc.coalesce(
                rows.text("globaljobid"),
                pc.binary_join_element_wise(
                    *(rows.text(name) for name in ("clusterid", "procid", "qdate")), "."
                ),
            )
        ),
        "creationtime": seconds(_positive(rows.numbers("qdate"))),
        "starttime": seconds(start),
        "endtime": seconds(np.where(ran, np.where(np.isnan(wall), left, start + wall), np.nan)),
        "jobstatus": _states(rows),
        "computingsite": rows.or_file(rows.text(*_SITES)),
        # HTCondor counts from 0, so that a job that never ran has no CPU time rather than none.
        "cpuconsumptiontime": seconds(np.where(ran, cpu, np.nan)),
        "actualcorecount": rows.text("cpusprovisioned"),
        "corecount": rows.text("requestcpus"),
        "maxwalltime": seconds(np.where(np.isnan(asked), minutes, asked)),
        "maxrss": rows.text("residentsetsize_raw", "residentsetsize"),
        "attemptnr": seconds(np.maximum(starts - 1, 0)),
        "produsername": rows.text("owner"),
        "produserid": rows.text("user"),
        "workinggroup": rows.text(*_GROUPS),
    }


def _positive(numbers: np.ndarray) -> np.ndarray:
    return np.where(numbers > 0, numbers, np.nan)


def _first(rows: Rows, cumulative: str, last: str) -> np.ndarray:
    """CPU time over all starts of a job where it is counted, else that of the last start."""
    total = _positive(rows.numbers(cumulative))
    return np.where(np.isnan(total), rows.numbers(last), total)


def _states(rows: Rows) -> pa.Array:
    """PanDA's names of states: a completed job has failed if its exit says so."""
    codes = rows.text("jobstatus").to_pylist()
    exits = rows.text("exitcode", "exitstatus").to_pylist()
    by_signal = rows.text("exitbysignal").to_pylist()
    states = []
    for code, status, signal in zip(codes, exits, by_signal, strict=True):
        state = None if code is None else _CODES.get(code, code.lower())
        bad = (status or "0") != "0" or (signal or "false").lower() == "true"
        failed = state == "completed" and bad
        states.append("failed" if failed else STATES.get(state, state) if state else None)
    unsaid = [
        _CODES.get(code or "") == "completed" and status is None and signal != "true"
        for code, status, signal in zip(codes, exits, by_signal, strict=True)
    ]
    rows.assume(NO_EXIT, np.array(unsaid, dtype=bool))
    return pa.array(states, pa.string())
