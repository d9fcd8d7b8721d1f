"""Jobs and their attempts: where and when each runs, what becomes of it, what it costs."""

import numpy as np
import pandas as pd

from redwood.records.generation.calendar import Calendar, Outages
from redwood.records.generation.catalogue import JOB_ERRORS, Activity
from redwood.records.generation.tasks import Tasks

SCOUTS = 10
_MOST_ATTEMPTS = 5
_FAILS_AT_RANDOM = 0.018
_FAILS_IN_OUTAGE = 0.5
_FAILS_IN_BAD_TASK = 0.93
_RETRIED = {"failed": 0.55, "closed": 0.3}
_LEFT_WHEN_CANCELLED = 0.75
_CLOSED_AFTER_S = 8 * 3600
_SD_SITE_SPEED, _SD_QUEUE = 0.2, 0.9
_MEDIAN_QUEUE_S = 1500.0
_MOVES = 0.6
_LONGEST_SET_UP_S = 300
LONGEST_S = 4 * 86_400
_PRODUCTION_FAILS_MORE = 2.0
# CPU over wall time of failed jobs is .26 / .63 of that of finished ones (reprocessing, 2016), and
# they run for 14.5 / 19.3 of the time.
_FAILED_EFFICIENCY = 0.26 / 0.63
_FAILED_WALL = 14.5 / 19.3


def make_jobs(
    tasks: Tasks,
    calendar: Calendar,
    outages: Outages,
    sites: pd.DataFrame,
    random: np.random.Generator,
) -> pd.DataFrame:
    """All attempts of all jobs of `tasks`.

    Columns: `task` (row of `tasks`), `number` (of the job in its task), `attempt` (from 0),
    `parent` (row of the attempt before, -1 for none), `site` (row of `sites`), `created`,
    `started`, `ended`, `modified` (s since the window began; NaN if it never ran), `status`,
    `error`, `files`, `bytes`, `cpu` and `wall` (s).
    """
    jobs = _first_attempts(tasks, random)
    site_speed = np.exp(random.normal(0, _SD_SITE_SPEED, len(sites)))
    site_queue = random.lognormal(np.log(_MEDIAN_QUEUE_S), 0.5, len(sites))
    cancelled_at = tasks.frame["created"] + tasks.frame["bulk_delay"] * random.uniform(
        0.3, 1.2, len(tasks)
    )
    waves, rows = [], 0
    while len(jobs):
        _run(jobs, tasks, outages, site_speed, site_queue, cancelled_at.to_numpy(), random)
        waves.append(jobs)
        attempt = jobs["attempt"].iloc[0]
        if attempt + 1 == _MOST_ATTEMPTS:
            break
        retried = random.random(len(jobs)) < jobs["status"].map(_RETRIED).fillna(0.0)
        again = jobs[retried & ~tasks.frame["is_cancelled"].to_numpy()[jobs["task"]]]
        jobs = _next_attempts(again, rows, tasks, calendar, random)
        rows += len(waves[-1])
    return pd.concat(waves, ignore_index=True)


def _first_attempts(tasks: Tasks, random: np.random.Generator) -> pd.DataFrame:
    """Scouts come with the task, the bulk when they are through."""
    task = np.repeat(np.arange(len(tasks)), tasks.jobs)
    number = np.arange(len(task)) - np.repeat(np.cumsum(tasks.jobs) - tasks.jobs, tasks.jobs)
    of_task = tasks.frame.iloc[task]
    scout = number < SCOUTS
    # The bulk is released in order, in batches of a hundred or so within the same seconds.
    place = number // 100 * 100 + random.integers(0, 20, len(task))
    through = np.minimum(place / tasks.jobs[task], 1)
    created = of_task["created"].to_numpy() + np.where(
        scout,
        random.uniform(0, 30, len(task)),
        of_task["bulk_delay"].to_numpy() + through * of_task["bulk_span"].to_numpy(),
    )
    files = of_task["files"].to_numpy(dtype=np.int64)
    last = number == tasks.jobs[task] - 1
    files = np.where(last, random.integers(1, files + 1), files)
    each = of_task["file_bytes"].to_numpy() * np.exp(random.normal(0, 0.03, len(task)))
    return pd.DataFrame(
        {
            "task": task,
            "number": number,
            "attempt": 0,
            "parent": -1,
            "site": _pick_sites(tasks.eligible[task], random),
            "created": np.floor(created),
            "files": files,
            "bytes": np.rint(files * each).astype(np.int64),
            "noise": random.normal(0, 1, len(task)),
        }
    )


def _next_attempts(
    failed: pd.DataFrame,
    first_row: int,
    tasks: Tasks,
    calendar: Calendar,
    random: np.random.Generator,
) -> pd.DataFrame:
    """A retry is a new job on the same input, half of the time at another site."""
    other = _pick_sites(tasks.eligible[failed["task"]], random)
    # Some of those that move are given the same site again.
    moves = random.random(len(failed)) < _MOVES
    again = failed[["task", "number", "attempt", "site", "files", "bytes", "noise"]].assign(
        attempt=failed["attempt"] + 1,
        parent=first_row + failed.index.to_numpy(),
        site=np.where(moves, other, failed["site"]),
        created=np.floor(failed["modified"] + random.exponential(900, len(failed))),
    )
    return again[again["created"] < calendar.seconds].reset_index(drop=True)


def _pick_sites(eligible: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """One of each row's eligible sites [n, k], the earlier ones more often."""
    preference = 0.6 ** np.arange(eligible.shape[1])
    weights = np.cumsum(np.where(eligible >= 0, preference, 0.0), axis=1)
    chosen = (random.random(len(eligible))[:, None] * weights[:, -1:] > weights).sum(axis=1)
    return eligible[np.arange(len(eligible)), chosen]


def _run(
    jobs: pd.DataFrame,
    tasks: Tasks,
    outages: Outages,
    site_speed: np.ndarray,
    site_queue: np.ndarray,
    cancelled_at: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Add to `jobs` what becomes of each."""
    size = len(jobs)
    task, site = jobs["task"].to_numpy(), jobs["site"].to_numpy()
    created = jobs["created"].to_numpy()
    of_task = tasks.frame.iloc[task].reset_index(drop=True)
    started = created + np.ceil(random.lognormal(np.log(site_queue[site]), _SD_QUEUE))
    outage = outages.error_at(site, started)
    status = _states(jobs, of_task, tasks.activity, outage > 0, random)
    wall, cpu = _costs(jobs, of_task, site_speed[site], status, outage > 0, random)

    stopped = status == "cancelled"
    stop = np.maximum(cancelled_at[task], created + random.uniform(60, 7200, size))
    ran_for = np.where(stopped, np.clip(stop - started, 0, wall), wall)
    never_ran = (status == "closed") | (ran_for <= 0)
    ended = started + np.ceil(ran_for)
    gave_up = np.where(
        stopped, stop, created + random.lognormal(np.log(_CLOSED_AFTER_S), 0.8, size)
    )
    reported = ended + random.uniform(60, 1800, size)
    jobs["status"] = status
    jobs["started"] = np.where(never_ran, np.nan, started)
    jobs["ended"] = np.where(never_ran, np.nan, ended)
    jobs["modified"] = np.floor(np.where(never_ran, gave_up, reported))
    jobs["wall"] = np.where(never_ran, np.nan, np.ceil(ran_for))
    jobs["cpu"] = np.where(never_ran, 0, np.floor(cpu * ran_for / wall)).astype(np.int64)
    own = random.choice(list(JOB_ERRORS), size)
    jobs["error"] = np.where(status == "failed", np.where(outage > 0, outage, own), 0)


def _costs(
    jobs: pd.DataFrame,
    of_task: pd.DataFrame,
    speed: np.ndarray,
    status: np.ndarray,
    in_outage: np.ndarray,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Wall and CPU time of each job, in s, if nobody stops it."""
    size = len(jobs)
    used = (of_task["cores"] * of_task["efficiency"]).to_numpy()
    cpu = jobs["files"] * of_task["file_cpu"] * np.exp(of_task["spread"] * jobs["noise"])
    cpu = np.minimum(cpu.to_numpy() / speed, (LONGEST_S - _LONGEST_SET_UP_S) * used)
    wall = cpu / used + random.uniform(30, _LONGEST_SET_UP_S, size)
    failed = status == "failed"
    # Uniform around the mean ratios, the wall time at most that of the whole run.
    wall = np.where(failed, wall * random.uniform(2 * _FAILED_WALL - 1, 1, size), wall)
    cpu = np.where(failed, wall * used * random.uniform(0, 2 * _FAILED_EFFICIENCY, size), cpu)
    # At a broken site jobs wait for storage or software and use hardly any CPU time.
    broken = failed & in_outage
    waiting, trying = random.lognormal(np.log([[1200.0], [40.0]]), [[0.8], [1.0]], (2, size))
    wall = np.where(broken, np.clip(waiting, wall, LONGEST_S), wall)
    return wall, np.where(broken, np.minimum(trying, wall), cpu)


def _states(
    jobs: pd.DataFrame,
    of_task: pd.DataFrame,
    activity: Activity,
    in_outage: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """The final state of each attempt."""
    production = activity.label == "managed"
    fails = _FAILS_AT_RANDOM * (_PRODUCTION_FAILS_MORE if production else 1.0)
    fails = np.where(in_outage, _FAILS_IN_OUTAGE, fails * (1 + jobs["attempt"].to_numpy()))
    fails = np.where(of_task["fails"], _FAILS_IN_BAD_TASK, fails)
    draw = random.random((3, len(jobs)))
    status = np.where(draw[0] < fails, "failed", "finished").astype(object)
    status[draw[1] < of_task["closes"].to_numpy()] = "closed"
    remains = draw[2] < _LEFT_WHEN_CANCELLED
    status[of_task["is_cancelled"].to_numpy() & remains] = "cancelled"
    return status
