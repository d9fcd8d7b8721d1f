"""Statistics of job records that publications report, each with the size of its sample."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from redwood.generator.calibration.jobs import JobTable

_HOUR, _DAY = 3600, 86_400
_STATES = ("finished", "failed", "closed", "cancelled")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FEWEST_OF_TASK = 10
_DERIVED_SAMPLES = {"phys": "PHYS", "susy1": "SUSY1"}

# Chains of August 2017 by activity, and jobs in them: what shares over all activities are weighted
# with, since the mixture that is generated is another.
_CHAINS_2017: Final = {
    "user": (17_986_448, 19_230_049),
    "robot": (3_794_865, 3_794_902),
    "evgen": (3_178_009, 3_526_292),
    "simul": (1_711_613, 1_971_959),
    "pmerge": (1_469_322, 1_472_520),
    "pile": (1_206_946, 1_310_386),
    "merge": (827_354, 916_937),
    "deriv": (366_995, 435_304),
    "reprocessing": (300_735, 322_494),
    "recon": (293_111, 308_788),
}


class Statistic(NamedTuple):
    """A value, NaN where there is nothing to take it from, and its number of jobs or chains."""

    value: float
    number: int


Measured = Iterator[tuple[str, Statistic]]


def measure(jobs: JobTable) -> dict[str, Statistic]:
    """All statistics of a table of distinct jobs in order of creation."""
    groups: tuple[Callable[[JobTable], Measured], ...] = (
        *(_chains, _failures, _calendar, _arrivals, _dependence),
        *(_tasks, _values, _gaps, _names),
    )
    return {name: statistic for group in groups for name, statistic in group(jobs)}


def fano_factor(times: np.ndarray, width: float, end: float) -> float:
    """Variance over mean of the counts in windows of `width` s that lie whole between 0 and `end`.

    Args:
        times: s, [n].
        width: of a window in s.
        end: of the record in s.
    """
    number = int(end // width)
    if number < 2 or not len(times):
        return float("nan")
    counts = np.bincount((times // width).astype(np.int64), minlength=number)[:number]
    return float(counts.var(ddof=1) / counts.mean()) if counts.any() else float("nan")


def explained(values: np.ndarray, *labels: np.ndarray) -> float:
    """Share of the variance that the means of groups explain, adjusted for their number.

    Args:
        values: [n].
        labels: group of each value, integers [n]; with several, every combination is a group.
    """
    stacked = np.stack(labels, axis=1)
    _, group = np.unique(stacked, axis=0, return_inverse=True)
    group = group.ravel()
    number, groups = len(values), group.max(initial=-1) + 1
    if number <= groups or not values.var() > 0:
        return float("nan")
    means = np.bincount(group, values) / np.bincount(group)
    within = ((values - means[group]) ** 2).sum() / (number - groups)
    return float(1 - within / values.var(ddof=1))


def lag_one(values: np.ndarray, owner: np.ndarray) -> float:
    """Correlation of the values of each owner's consecutive jobs, over all owners."""
    order = np.argsort(owner, kind="stable")
    same = owner[order][1:] == owner[order][:-1]
    before, after = values[order][:-1][same], values[order][1:][same]
    if len(before) < 2 or not before.std() * after.std() > 0:
        return float("nan")
    return float(np.corrcoef(before, after)[0, 1])


def run_times(jobs: JobTable) -> np.ndarray:
    """End − start in s, or CPU time where a record has no times; NaN of what did not run, [n]."""
    wall = jobs.times["endtime"] - jobs.times["starttime"]
    if np.isnan(wall).all():
        wall = jobs.numbers["cpuconsumptiontime"]
    return np.where(wall > 0, wall, np.nan)


def activities(jobs: JobTable) -> dict[str, np.ndarray]:
    """Activity → which jobs are of it, bool [n]; those without a processing type are of none."""
    processing = jobs.words["processingtype"]
    masks = {name: processing.are(name.__eq__) for name in _CHAINS_2017}
    masks["user"] = processing.are(lambda name: name.startswith("panda-client"))
    masks["robot"] = processing.are(lambda name: name.startswith(("gangarobot", "hc_")))
    return masks


def is_analysis(jobs: JobTable) -> np.ndarray:
    """User analysis of DAOD, robots excluded, bool [n]."""
    by_user = jobs.words["prodsourcelabel"].are("user".__eq__)
    return by_user & jobs.flags["is_daod"] & ~activities(jobs)["robot"]


def _share(mask: np.ndarray) -> Statistic:
    return Statistic(float(mask.mean()) if len(mask) else float("nan"), len(mask))


def _chains(jobs: JobTable) -> Measured:
    """Final states and failed attempts of chains."""
    last, failures = _last_attempts(jobs)
    state = jobs.words["jobstatus"][last]
    masks = {name: mask[last] for name, mask in activities(jobs).items()}
    of_state = {name: state.are(name.__eq__) for name in _STATES}
    final = np.any(list(of_state.values()), axis=0)
    for name in _STATES:
        yield f"chains_{name}", _weighted(masks, of_state[name], final, 0)
        yield f"user_chains_{name}", _share(of_state[name][masks["user"] & final])
    for retries in range(4):
        chosen = of_state["finished"]
        yield f"finished_after_{retries}", _weighted(masks, failures == retries, chosen, 0)
    for attempts in range(1, 4):
        yield (
            f"failed_after_{attempts}",
            _weighted(masks, failures == attempts, of_state["failed"], 0, "failed"),
        )
    yield "most_failed_attempts", Statistic(float(failures.max(initial=0)), len(failures))


def _last_attempts(jobs: JobTable) -> tuple[np.ndarray, np.ndarray]:
    """The last job of each chain, and how many jobs of the chain failed."""
    identifier, parent = jobs.numbers["pandaid"], jobs.numbers["parentid"]
    order = np.argsort(identifier)
    child = np.flatnonzero(~np.isnan(parent))
    place = np.minimum(np.searchsorted(identifier[order], parent[child]), len(order) - 1)
    found = identifier[order[place]] == parent[child]
    before = np.arange(len(jobs))
    before[child[found]] = order[place[found]]
    root = before
    while (further := root[root] != root).any():
        root = np.where(further, root[root], root)
    failed = jobs.words["jobstatus"].are("failed".__eq__)
    failures = np.bincount(root, failed, len(jobs)).astype(np.int64)
    is_last = np.ones(len(jobs), dtype=bool)
    is_last[before[child[found]]] = False
    return np.flatnonzero(is_last), failures[root[is_last]]


# Failed chains of August 2017 by activity.
_FAILED_2017: Final = {
    "user": 673_561,
    "robot": 284_562,
    "evgen": 91_898,
    "simul": 55_422,
    "pmerge": 121_032,
    "pile": 10_924,
    "merge": 23_481,
    "deriv": 19_008,
    "reprocessing": 4_357,
    "recon": 4_050,
}


def _weighted(
    masks: dict[str, np.ndarray],
    holds: np.ndarray,
    among: np.ndarray,
    weight: int,
    state: str = "",
) -> Statistic:
    """Share of the jobs `among` which something holds, activities weighted as in August 2017."""
    total = value = 0.0
    for name, mask in masks.items():
        chosen = mask & among
        if not chosen.any():
            continue
        own = _FAILED_2017[name] if state else _CHAINS_2017[name][weight]
        total += own
        value += own * float(holds[chosen].mean())
    return Statistic(value / total if total else float("nan"), int(among.sum()))


def _failures(jobs: JobTable) -> Measured:
    """Failed jobs by activity, where retries go, and what failed jobs cost."""
    failed = jobs.words["jobstatus"].are("failed".__eq__)
    masks = activities(jobs)
    yield "failed_jobs", _weighted(masks, failed, np.ones(len(jobs), dtype=bool), 1)
    for name, mask in masks.items():
        yield f"failed_jobs_{name}", _share(failed[mask])
    identifier, parent = jobs.numbers["pandaid"], jobs.numbers["parentid"]
    child = np.flatnonzero(np.isin(parent, identifier))
    order = np.argsort(identifier)
    before = order[np.searchsorted(identifier[order], parent[child])]
    site = jobs.words["computingsite"].codes
    yield "retried_elsewhere", _share(site[child] != site[before])
    chosen = is_analysis(jobs)
    wall, cpu = run_times(jobs), jobs.numbers["cpuconsumptiontime"]
    cores = jobs.numbers["actualcorecount"]
    finished = jobs.words["jobstatus"].are("finished".__eq__)
    ran = chosen & ~np.isnan(wall) & ~np.isnan(cpu) & ~np.isnan(cores)
    bad, good = ran & failed, ran & finished
    same_task = _against_same_task(wall, bad, good, jobs.numbers["jeditaskid"])
    yield "failed_wall_same_task", same_task
    if bad.any() and good.any():
        yield "failed_wall", Statistic(float(wall[bad].mean() / wall[good].mean()), int(bad.sum()))
        efficiency = [cpu[rows].sum() / (wall * cores)[rows].sum() for rows in (bad, good)]
        yield "failed_efficiency", Statistic(float(efficiency[0] / efficiency[1]), int(bad.sum()))
    for name, rows in (("one", good & (cores == 1)), ("eight", good & (cores == 8))):
        if rows.any():
            value = cpu[rows].sum() / (wall * cores)[rows].sum()
            yield f"efficiency_{name}", Statistic(float(value), int(rows.sum()))


def _against_same_task(
    values: np.ndarray, some: np.ndarray, others: np.ndarray, task: np.ndarray
) -> Statistic:
    """Mean of some jobs' values over what others of the same tasks have on average."""
    chosen = np.flatnonzero(some | others)
    _, task = np.unique(task[chosen], return_inverse=True)
    values, some, others = values[chosen], some[chosen], others[chosen]
    number = np.bincount(task, others)
    mean = np.bincount(task, values * others) / np.maximum(1, number)
    compared = some & (number[task] > 0)
    if not compared.any():
        return Statistic(float("nan"), 0)
    ratio = values[compared].sum() / mean[task[compared]].sum()
    return Statistic(float(ratio), int(compared.sum()))


def _calendar(jobs: JobTable) -> Measured:
    """Counts of user jobs by day and weekday, and of all jobs by hour of the day."""
    created = jobs.times["creationtime"]
    by_user = created[activities(jobs)["user"]]
    if len(by_user) == 0:
        return
    first, last = (int(end // _DAY) for end in (created.min(), created.max()))
    counts = np.bincount((by_user // _DAY).astype(np.int64) - first, minlength=last - first + 1)
    # 1 January 1970 was a Thursday.
    weekday = (np.arange(first, last + 1) + 3) % 7
    for number, name in enumerate(_WEEKDAYS):
        if (weekday == number).any():
            factor = counts[weekday == number].mean() / counts.mean()
            yield f"{name}_factor", Statistic(float(factor), len(by_user))
    if len(counts) > 1:
        value = counts.std(ddof=1) / counts.mean()
        yield "day_to_day_variation", Statistic(float(value), len(by_user))
    hours = np.bincount((created // _HOUR % 24).astype(np.int64), minlength=24)
    factors = hours / hours.mean()
    yield "quietest_hour", Statistic(float(factors.min()), len(created))
    yield "busiest_hour", Statistic(float(factors.max()), len(created))


def _arrivals(jobs: JobTable) -> Measured:
    """How counts of all jobs vary from window to window, and which jobs follow which."""
    created = jobs.times["creationtime"]
    # The record is taken to begin and end at the full hours next to its first and last job.
    begin, end = np.rint([created.min() / _HOUR, created.max() / _HOUR]) * _HOUR
    created = created[(created >= begin) & (created < end)]
    windows = {"1_min": 60, "10_min": 600, "1_h": _HOUR, "1_day": _DAY}
    for name, width in windows.items():
        value = fano_factor(created - begin, width, end - begin)
        yield f"fano_{name}", Statistic(value, len(created))
    gaps = np.diff(jobs.times["creationtime"])
    if len(gaps) and gaps.mean() > 0:
        yield "gap_variation", Statistic(float(gaps.std() / gaps.mean()), len(gaps))
    for name, column in (("user", "produsername"), ("site", "computingsite")):
        codes = jobs.words[column].codes
        yield f"next_same_{name}", _share(codes[1:] == codes[:-1])


def _dependence(jobs: JobTable) -> Measured:
    """What log run time depends on."""
    time = run_times(jobs)
    chosen = is_analysis(jobs) & ~np.isnan(time)
    values = np.log(time[chosen])
    site, group, user = (
        jobs.words[name].codes[chosen] for name in ("computingsite", "workinggroup", "produsername")
    )
    for name, labels in (
        ("site", (site,)),
        ("group", (group,)),
        ("user", (user,)),
        ("user_and_site", (user, site)),
    ):
        yield f"explained_by_{name}", Statistic(explained(values, *labels), len(values))
    yield "lag_one", Statistic(lag_one(values, user), len(values))
    everyone = is_analysis(jobs)
    for name, column in (("user", "produsername"), ("site", "computingsite")):
        codes = jobs.words[column].codes[everyone]
        if len(codes):
            top = np.bincount(codes + 1).max() / len(codes)
            yield f"top_{name}", Statistic(float(top), len(codes))


def _tasks(jobs: JobTable) -> Measured:
    """Within and between tasks of user analysis."""
    wall = run_times(jobs)
    finished = jobs.words["jobstatus"].are("finished".__eq__)
    chosen = is_analysis(jobs) & finished & ~np.isnan(wall) & ~np.isnan(jobs.numbers["jeditaskid"])
    _, task = np.unique(jobs.numbers["jeditaskid"][chosen], return_inverse=True)
    values = np.log(wall[chosen])
    if not len(values):
        return
    number = np.bincount(task)
    mean = np.bincount(task, values) / number
    variance = np.bincount(task, (values - mean[task]) ** 2) / np.maximum(1, number - 1)
    large = number >= _FEWEST_OF_TASK
    if large.any():
        within = float(np.median(np.sqrt(variance[large])))
        yield "within_task", Statistic(within, int(large.sum()))
    yield "between_tasks", Statistic(float(mean[task].std()), len(number))
    analysis = is_analysis(jobs)
    files, size = jobs.numbers["ninputdatafiles"], jobs.numbers["inputfilebytes"]
    counted = analysis & (files > 0) & (size > 0)
    if counted.any():
        yield "files_per_job", Statistic(float(files[counted].mean()), int(counted.sum()))
    data_type = jobs.words["datatype"]
    for name, sample in _DERIVED_SAMPLES.items():
        rows = counted & data_type.are(sample.__eq__)
        if rows.any():
            value = float(np.median(size[rows] / files[rows]))
            yield f"bytes_per_file_{name}", Statistic(value, int(rows.sum()))
    asked, actual = jobs.numbers["corecount"], jobs.numbers["actualcorecount"]
    both = ~np.isnan(asked) & ~np.isnan(actual)
    yield "other_cores", _share((asked != actual)[both])


def _values(jobs: JobTable) -> Measured:
    """How many values the categories of user analysis have."""
    chosen = is_analysis(jobs)
    number = int(chosen.sum())
    for name in ("computingsite", "project", "prodstep", "datatype"):
        codes = jobs.words[name].codes[chosen]
        yield f"values_{name}", Statistic(float(len(np.unique(codes[codes >= 0]))), number)
    cpu = jobs.numbers["cpuconsumptiontime"][chosen]
    cpu = cpu[~np.isnan(cpu)]
    yield "whole_seconds", _share(cpu == np.floor(cpu))


def _gaps(jobs: JobTable) -> Measured:
    """Cells without a value."""
    never_ran = np.isnan(jobs.times["starttime"])
    yield "without_start", _share(never_ran)
    for name in ("batchid", "cpuconsumptionunit", "computingelement"):
        yield f"never_ran_without_{name}", _share(~jobs.flags[name][never_ran])
    yield "never_ran_without_maxpss", _share(np.isnan(jobs.numbers["maxpss"][never_ran]))
    yield "ran_without_maxpss", _share(np.isnan(jobs.numbers["maxpss"][~never_ran]))
    for name in ("inputfilebytes", "ninputdatafiles", "corecount"):
        yield f"without_{name}", _share(np.isnan(jobs.numbers[name]))
    yield "without_processingtype", _share(jobs.words["processingtype"].codes < 0)


def _names(jobs: JobTable) -> Measured:
    """How dataset names are dressed, and test jobs."""
    for name in ("scoped", "slashed", "unmerged"):
        yield f"dataset_{name}", _share(jobs.flags[name])
    yield "dataset_missing", _share(~jobs.flags["has_dataset"])
    yield "project_scoped", _share(jobs.flags["project_scoped"])
    yield "project_missing", _share(~jobs.flags["has_project"])
    yield "robots", _share(activities(jobs)["robot"])
