"""Tasks: what a user or a production asks for, and what all jobs of one task share."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.records.generation import catalogue
from redwood.records.generation.calendar import Calendar
from redwood.records.generation.catalogue import ANALYSIS, Activity
from redwood.records.generation.users import Users

# Between tasks log CPU time has a standard deviation of about 1.2, users' habits included.
_SD_CAMPAIGN, _SD_TASK = 0.5, 0.6
_SD_TASK_JOBS = 1.5
_LARGEST_TASK = 100_000
_LARGEST_TASK_SHARE = 0.04
_ELIGIBLE = (2, 6)
_HOME_PREFERENCE = 1.5
_TASKS_PER_CAMPAIGN = 4.0
_CAMPAIGN_S = 40_000.0
_SCOUTS_S, _BULK_DELAY_S, _BULK_SECONDS_PER_JOB = 30.0, 9000.0, 4.0
_EIGHT_CORES = 0.03
_OWN_TYPE, _RARE_TYPE = 0.5, 0.12
# Shares of jobs, in whole tasks, that shape the final states of user chains in 2017.
_FAILING, _CANCELLED = 0.010, 0.027
_CLOSING, _CLOSES_AT_RANDOM = 0.155, 0.012


@dataclass(frozen=True)
class Tasks:
    """All tasks of one activity, n of them.

    Attributes:
        activity: what kind of jobs they have.
        jobs: number of jobs of each, [n].
        frame: per task: `created` (s since the window began), `user`, `dataset`, `project`,
            `file_type`, `cores`, `files` (per job), `file_bytes`, `file_cpu` (s per file at a
            core of average speed), `spread` (sd of log CPU time within the task), `efficiency`
            (CPU over wall and core), `bulk_delay` and `bulk_span` (s), `fails`, `is_cancelled`,
            `closes` (share of jobs).
        eligible: sites that may run each task, [n, 6], the preferred one first, -1 for none.
    """

    activity: Activity
    jobs: np.ndarray
    frame: pd.DataFrame
    eligible: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)


def make_tasks(
    activity: Activity,
    jobs: int,
    calendar: Calendar,
    users: Users,
    sites: pd.DataFrame,
    random: np.random.Generator,
) -> Tasks:
    """Tasks of one activity with `jobs` jobs in all."""
    sizes = _task_sizes(activity, jobs, random)
    number = len(sizes)
    # A campaign is some tasks of one user on one data type within some days.
    campaign = np.sort(random.integers(0, max(1, round(number / _TASKS_PER_CAMPAIGN)), number))
    _, campaign = np.unique(campaign, return_inverse=True)
    user = users.draw(random, campaign.max() + 1)
    frame = _inputs(activity, campaign, user, users, random)
    _add_times(frame, campaign, sizes, calendar, random)
    eight = (activity.cores == 1) & (random.random(number) < _EIGHT_CORES)
    frame["cores"] = np.where(eight, 8, activity.cores)
    frame["spread"] = random.uniform(0.10, 0.30, number)
    frame["efficiency"] = np.where(
        frame["cores"] > 1, random.uniform(0.45, 0.88, number), random.uniform(0.79, 0.97, number)
    )
    frame["fails"] = _chosen_share(sizes, _FAILING, random)
    frame["is_cancelled"] = _chosen_share(sizes, _CANCELLED, random) & ~frame["fails"]
    closing = _chosen_share(sizes, _CLOSING, random)
    frame["closes"] = np.where(closing, random.uniform(0.2, 0.4, number), _CLOSES_AT_RANDOM)
    return Tasks(
        activity, sizes, frame, _eligible_sites(users.cloud[user][campaign], sites, random)
    )


def _add_times(
    frame: pd.DataFrame,
    campaign: np.ndarray,
    sizes: np.ndarray,
    calendar: Calendar,
    random: np.random.Generator,
) -> None:
    """When each task comes and its bulk is released, all within the window.

    The first task of a campaign comes at any time, the others in the days after.
    """
    number = len(campaign)
    delay = random.lognormal(np.log(_BULK_DELAY_S), 0.6, number)
    span = 60 + sizes * random.lognormal(np.log(_BULK_SECONDS_PER_JOB), 1.0, number)
    shrink = np.minimum(1.0, 0.9 * calendar.seconds / (delay + span))
    last = calendar.seconds - 1 - (delay + span) * shrink - _SCOUTS_S
    begin = calendar.draw(random, campaign.max() + 1)[campaign]
    is_first = np.diff(campaign, prepend=-1) > 0
    created = begin + np.where(is_first, 0, random.exponential(_CAMPAIGN_S, number))
    created = np.where(created > last, calendar.draw(random, number), created)
    frame["created"] = np.clip(created, 0, last)
    frame["bulk_delay"], frame["bulk_span"] = delay * shrink, span * shrink


def _task_sizes(activity: Activity, jobs: int, random: np.random.Generator) -> np.ndarray:
    """Heavy-tailed task sizes that add up to `jobs`."""
    largest = int(np.clip(jobs * _LARGEST_TASK_SHARE, 10, _LARGEST_TASK))
    sizes = np.empty(0, dtype=np.int64)
    while sizes.sum() < jobs:
        drawn = random.lognormal(np.log(activity.task_jobs), _SD_TASK_JOBS, 1 + jobs // 40)
        sizes = np.concatenate([sizes, np.clip(drawn.astype(np.int64), 1, largest)])
    number = int(np.searchsorted(np.cumsum(sizes), jobs)) + 1
    sizes = sizes[:number]
    sizes[-1] -= sizes.sum() - jobs
    return sizes


def _inputs(
    activity: Activity,
    campaign: np.ndarray,
    user: np.ndarray,
    users: Users,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Who runs each task on what input, and how much work that is.

    Args:
        activity: kind of jobs.
        campaign: campaign of each task, [n].
        user: user of each campaign.
        users: their habits.
        random: source of randomness.
    """
    number = len(campaign)
    project = catalogue.draw_projects(random, number, simulated_only=activity.simulated_only)
    if activity is ANALYSIS:
        data_type = _data_types(campaign, user, users, random)
        file_type = "DAOD_" + np.array(catalogue.DATA_TYPES, dtype=object)[data_type]
        step = catalogue.draw_steps(random, project)
        file_bytes = catalogue.file_bytes()[data_type]
    else:
        file_type = np.full(number, activity.data_type, dtype=object)
        step = np.full(number, activity.step, dtype=object)
        file_bytes = np.full(number, activity.file_bytes)
    own = random.normal(0, _SD_CAMPAIGN, len(user))[campaign] + random.normal(0, _SD_TASK, number)
    return pd.DataFrame(
        {
            "user": user[campaign],
            "dataset": catalogue.official_names(random, project, step, file_type),
            "project": project,
            "file_type": file_type,
            "files": np.maximum(1, np.rint(random.lognormal(np.log(1.8), 0.8, number))),
            "file_bytes": file_bytes * np.exp(random.normal(0, 0.2, number)),
            "file_cpu": activity.file_cpu * np.exp(users.work[user][campaign] + own),
        }
    )


def _data_types(
    campaign: np.ndarray, user: np.ndarray, users: Users, random: np.random.Generator
) -> np.ndarray:
    """What each task reads: mostly what its user or everybody does, now and then something rare."""
    types = len(catalogue.DATA_TYPES)
    common = random.choice(types, len(user), p=catalogue.data_type_shares())
    usual = np.where(random.random(len(user)) < _OWN_TYPE, users.data_type[user], common)[campaign]
    rare = np.flatnonzero(random.random(len(campaign)) < _RARE_TYPE)
    usual[rare] = random.permutation(np.arange(len(rare)) % types)
    return usual


def _chosen_share(sizes: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Random whole tasks that together hold about `share` of the jobs, [n] bool."""
    order = random.permutation(len(sizes))
    wanted = share * sizes.sum()
    # Tasks too large to fit are passed over, lest one task alone overshoot the share.
    order = order[sizes[order] <= max(1.0, 0.6 * wanted)]
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[np.cumsum(sizes[order]) <= wanted * 1.05]] = True
    return chosen


def _eligible_sites(
    cloud: np.ndarray, sites: pd.DataFrame, random: np.random.Generator
) -> np.ndarray:
    """2 to 6 sites for each task [n], without repeats: large ones and those of the user's cloud.

    Adding Gumbel noise to log weights and taking the largest draws without replacement.
    """
    width = min(_ELIGIBLE[1], len(sites))
    scores = np.log(sites["share"].to_numpy()) + random.gumbel(size=(len(cloud), len(sites)))
    scores += _HOME_PREFERENCE * (sites["cloud"].to_numpy() == cloud[:, None])
    best = np.argsort(-scores, axis=1)[:, :width]
    count = random.integers(min(_ELIGIBLE[0], width), width + 1, len(cloud))
    return np.where(np.arange(width) < count[:, None], best, -1)
