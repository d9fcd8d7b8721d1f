"""Jobs → the columns of a PanDA dump, before they are written in one style or another."""

import numpy as np
import pandas as pd

from redwood.records.generation.catalogue import (
    JOB_ERRORS,
    SITE_ERRORS,
    WORKING_GROUPS,
)
from redwood.records.generation.jobs import LONGEST_S
from redwood.records.generation.tasks import Tasks

_FIRST_PANDA_ID = 6_000_000_000
_FIRST_TASK_ID = 36_000_000
_TRANSFORMATIONS = {"user": "runGen-00-00-02", "managed": "Reco_tf.py"}

# How dataset names are dressed in real records (100 documents of 2017).
_SCOPED, _SLASHED, _PROJECT_SCOPED, _UNMERGED, _NULL_DATASET = 0.58, 0.13, 0.39, 0.5, 0.4
# Blocks of missing cells (246,395 real jobs of 2018).
_NO_INPUT_COUNTS, _NO_CORE_COUNT = 0.0051, 0.00418


def make_rows(
    parts: list[tuple[Tasks, pd.DataFrame]],
    sites: pd.DataFrame,
    epoch: int,
    random: np.random.Generator,
) -> pd.DataFrame:
    """All attempts of all activities as raw rows in order of PANDAID.

    Times stay numbers, s since 1970 and NaN where there is none, for writers to put in their style.
    """
    pieces, offset = [], 0
    for tasks, jobs in parts:
        piece = _activity_rows(tasks, jobs, sites, len(pieces), random)
        parent = jobs["parent"].to_numpy()
        piece["parent_row"] = np.where(parent >= 0, parent + offset, -1)
        pieces.append(piece)
        offset += len(jobs)
    rows = pd.concat(pieces, ignore_index=True)
    order = np.argsort(rows["creationtime"].to_numpy(), kind="stable")
    identifiers = np.empty(len(rows), dtype=np.int64)
    identifiers[order] = _FIRST_PANDA_ID + np.cumsum(random.integers(1, 40, len(rows)))
    parent_row = rows.pop("parent_row").to_numpy()
    rows.insert(0, "pandaid", identifiers)
    rows["parentid"] = pd.Series(identifiers[parent_row]).where(parent_row >= 0).astype("Int64")
    for name in ("creationtime", "starttime", "endtime", "modificationtime"):
        rows[name] += epoch
    rows = rows.iloc[order].reset_index(drop=True)
    _leave_out(rows, random)
    return rows


def _activity_rows(
    tasks: Tasks,
    jobs: pd.DataFrame,
    sites: pd.DataFrame,
    activity: int,
    random: np.random.Generator,
) -> pd.DataFrame:
    label, processing = tasks.activity.label, tasks.activity.processing
    task = jobs["task"].to_numpy()
    names = _task_names(tasks, activity, random).iloc[task].reset_index(drop=True)
    of_task = tasks.frame.iloc[task].reset_index(drop=True)
    site = sites.iloc[jobs["site"]].reset_index(drop=True)
    ran = jobs["started"].notna().to_numpy()
    cores = of_task["cores"].to_numpy()
    # What the server computes: wall time × cores × core power × efficiency in per cent.
    hs06sec = jobs["wall"].fillna(0.0) * cores * site["core_power"] * 0.85
    size, error = len(jobs), jobs["error"].to_numpy()
    messages = {0: None} | SITE_ERRORS | JOB_ERRORS
    return pd.DataFrame(
        {
            "jeditaskid": names["task"],
            "attemptnr": jobs["attempt"],
            "creationtime": jobs["created"],
            "starttime": jobs["started"],
            "endtime": jobs["ended"],
            "modificationtime": jobs["modified"],
            "jobstatus": jobs["status"],
            "jobsubstatus": np.where(jobs["status"] == "closed", "toreassign", None),
            "prodsourcelabel": label,
            "processingtype": processing,
            "transformation": _TRANSFORMATIONS[label],
            "computingsite": site["queue"],
            "cloud": site["cloud"],
            "produsername": names["user"],
            "produserid": names["user_id"],
            "workinggroup": names["group"],
            "jobname": names["output"] + "." + jobs["number"].astype(str),
            "proddblock": names["dataset"],
            "destinationdblock": names["output"],
            "inputfileproject": names["project"],
            "inputfiletype": names["file_type"],
            "inputfilebytes": jobs["bytes"].astype("Int64"),
            "ninputdatafiles": jobs["files"].astype("Int64"),
            "corecount": pd.Series(cores).astype("Int64"),
            "actualcorecount": pd.Series(cores).where(ran).astype("Int64"),
            "cpuconsumptiontime": jobs["cpu"],
            "cpuconsumptionunit": np.where(ran, "s", None),
            "hs06sec": np.rint(hs06sec).astype(np.int64),
            "maxwalltime": LONGEST_S,
            "maxpss": pd.Series(random.integers(400_000, 2_000_000, size) * cores)
            .where(ran)
            .astype("Int64"),
            "batchid": pd.Series(random.integers(10**6, 10**7, size)).where(ran).astype("Int64"),
            "piloterrorcode": error,
            "piloterrordiag": pd.Series(error).map(messages),
        }
    )


def _task_names(tasks: Tasks, activity: int, random: np.random.Generator) -> pd.DataFrame:
    """What the jobs of each task have in common, as text."""
    frame, size = tasks.frame, len(tasks)
    number = _FIRST_TASK_ID + activity * 1_000_000 + np.arange(size) * 7
    user = frame["user"].to_numpy()
    names, identities, outputs = [], [], []
    for own, task in zip(user.tolist(), number.tolist(), strict=True):
        login = f"synth{own:05d}"
        if tasks.activity.label == "managed":
            login = "synthprod"
        names.append(f"synthetic user {own}" if login != "synthprod" else "synthetic production")
        identities.append(f"/O=REDWOOD synthetic data/CN={names[-1]}")
        outputs.append(f"user.{login}.synthetic.{task}.v1_EXT0")
    project, scoped = frame["project"], random.random((3, size))
    dataset, is_official = frame["dataset"], frame["file_type"] != ""
    dressed = np.where(scoped[0] < _SCOPED, project + ":" + dataset, dataset)
    dressed = np.where(scoped[1] < _SLASHED, dressed + "/", dressed)
    own_output = pd.Series(outputs).str.replace("_EXT0", "", regex=False)
    unmerged = np.where(scoped[1] < _UNMERGED, "panda.um." + own_output, own_output)
    unofficial = np.where(scoped[0] < _NULL_DATASET, None, unmerged)
    project = np.where(scoped[2] < _PROJECT_SCOPED, project + ":" + project, project)
    if tasks.activity.processing.startswith("gangarobot"):
        project = "hc_test:" + frame["project"]
    groups = np.array([None, *WORKING_GROUPS], dtype=object)
    return pd.DataFrame(
        {
            "task": number,
            "user": names,
            "user_id": identities,
            "group": groups[user % 11 % len(groups)],
            "output": outputs,
            "dataset": np.where(is_official, dressed, unofficial),
            "project": np.where(is_official, project, "user"),
            "file_type": frame["file_type"].where(is_official, None),
        }
    )


def _leave_out(rows: pd.DataFrame, random: np.random.Generator) -> None:
    """Blank the blocks of cells that real records lack."""
    lacking = random.random((2, len(rows)))
    rows.loc[lacking[0] < _NO_INPUT_COUNTS, ["inputfilebytes", "ninputdatafiles"]] = pd.NA
    rows.loc[lacking[1] < _NO_CORE_COUNT, "corecount"] = pd.NA
    rows.loc[lacking[1] < _NO_CORE_COUNT, "processingtype"] = None
