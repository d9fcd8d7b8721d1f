"""When jobs come: scouts first, the bulk hours later, in bursts, as fast as their owner's share.

All jobs of an owner stand in one row, task after task and burst by burst, and come at the pace of
the owner's days: that of the week and the season, on the days on which this owner works at all.
So counts vary on every scale for a reason: jobs of a burst follow each other in seconds, bursts
come at random, owners work on some days and not on others, and all sleep at night.
"""

from dataclasses import dataclass

import numpy as np

from redwood.generator.calendar import DAY, Calendar, autoregression
from redwood.generator.catalogue import ACTIVITIES, PRODUCTION, ROBOTS
from redwood.generator.tasks import Tasks
from redwood.generator.users import Users

SCOUTS = 10
# Seconds from job to job: within an LCG-2005 user the median is 13.
_SPACING_S, _REGULARITY = 12.5, 2.0
# Users send many jobs at once, productions feed the grid steadily, tests come one by one.
_USERS_BURST, _PRODUCTION_BURST, _SD_BURST, _LARGEST_BURST = 36.0, 2.0, 0.8, 400
_BULK_DELAY_S, _SD_BULK_DELAY = 9000.0, 0.6
# Tasks of one owner share a pace: each takes this many times as long as it would alone.
_STRETCH = 5.0
# Jobs on a day on which an owner works; who has more works every day.
_JOBS_PER_DAY, _SD_JOBS_PER_DAY = 14.0, 0.5
_TOGETHER = 0.4
_SD_OWN_DAYS, _OWN_MEMORY = 0.2, 0.6
_STAYS_AT_SITE = 0.1


@dataclass(frozen=True)
class Released:
    """The n chains, task after task.

    Attributes:
        task: row of `Tasks`, [n].
        number: of the job in its task, [n].
        created: s since the window began, [n].
        slot: which of the task's sites it is brokered to first, [n].
    """

    task: np.ndarray
    number: np.ndarray
    created: np.ndarray
    slot: np.ndarray

    def __len__(self) -> int:
        return len(self.task)


@dataclass(frozen=True)
class _Bursts:
    """The bursts of all tasks: `task` and `size` [b], and the first burst of each task [tasks]."""

    task: np.ndarray
    size: np.ndarray
    first: np.ndarray


def release(
    tasks: Tasks, users: Users, calendar: Calendar, random: np.random.Generator
) -> Released:
    """When the jobs of all tasks are created, and where they go first."""
    bursts = _make_bursts(tasks, random)
    time = _burst_times(tasks, bursts, users, calendar, random)
    task = np.repeat(np.arange(len(tasks)), tasks.jobs)
    number = np.arange(len(task)) - np.repeat(np.cumsum(tasks.jobs) - tasks.jobs, tasks.jobs)
    burst = np.repeat(np.arange(len(bursts.task)), bursts.size)
    gaps = np.cumsum(random.gamma(_REGULARITY, _SPACING_S / _REGULARITY, len(task)))
    begin = np.cumsum(bursts.size) - bursts.size
    created = time[burst] + gaps - gaps[begin][burst]
    # A broker sends several in a row to one site.
    moves = random.random(len(task)) > _STAYS_AT_SITE
    moves[begin] = True
    run = np.cumsum(moves) - 1
    slot = tasks.draw_slots(task[moves], random)[run]
    return Released(task, number, np.floor(np.minimum(created, calendar.seconds - 1)), slot)


def _make_bursts(tasks: Tasks, random: np.random.Generator) -> _Bursts:
    """Scouts are the first burst of a task, unless it has no more jobs than that.

    Tests have no scouts; their first burst is as short as the others.
    """
    steady = np.isin(tasks.activity, PRODUCTION)
    median = np.where(steady, _PRODUCTION_BURST, _USERS_BURST)
    drawn = median * random.lognormal(0, _SD_BURST, len(tasks))
    largest = np.clip(drawn.astype(np.int64), 1, _LARGEST_BURST)
    tests = tasks.activity == ROBOTS
    largest[tests] = 1
    scouts = np.minimum(tasks.jobs, np.where(tests, 1, SCOUTS))
    bulk = tasks.jobs - scouts
    number = 1 + -(-bulk // largest)
    task = np.repeat(np.arange(len(tasks)), number)
    first = np.cumsum(number) - number
    place = np.arange(len(task)) - first[task]
    left = bulk[task] - (place - 1) * largest[task]
    size = np.where(place == 0, scouts[task], np.minimum(largest[task], left))
    return _Bursts(task, size, first)


def _burst_times(
    tasks: Tasks,
    bursts: _Bursts,
    users: Users,
    calendar: Calendar,
    random: np.random.Generator,
) -> np.ndarray:
    """When each burst begins, s since the window began, [b]."""
    stream, streams = _streams(tasks, users)
    # The order of the bursts of an owner: campaigns in any order, tasks side by side.
    campaign = random.random(tasks.campaign[-1] + 1)[tasks.campaign]
    order = np.lexsort((campaign, stream))
    before = np.empty(len(tasks))
    before[order] = np.cumsum(tasks.jobs[order]) - tasks.jobs[order]
    done = np.cumsum(bursts.size) - bursts.size
    place = before[bursts.task] + _STRETCH * (done - done[bursts.first][bursts.task])
    row = np.lexsort((place, stream[bursts.task]))
    # Bursts of users come at random, one after another; those of services come regularly.
    of_row = stream[bursts.task][row]
    wait = np.where(of_row < users.robot, random.exponential(size=len(row)), 1.0) * bursts.size[row]
    sum_ = np.cumsum(wait)
    ends = np.searchsorted(of_row, np.arange(streams), side="right") - 1
    total = np.diff(sum_[ends], prepend=0.0)
    after = random.exponential(size=streams) * total / np.maximum(1, np.diff(ends, prepend=-1))
    quantile = (sum_ - (sum_[ends] - total)[of_row]) / (total + after)[of_row]
    # What a user submits is often several tasks at once.
    together = (random.random(len(row)) < _TOGETHER) & (of_row < users.robot)
    together &= np.diff(of_row, prepend=-1) == 0
    quantile = quantile[np.maximum.accumulate(np.where(together, 0, np.arange(len(row))))]
    time = np.empty(len(row))
    time[row] = _time_at(of_row, quantile, _days(tasks, stream, streams, users, calendar, random))
    _add_hours(time, stream[bursts.task] < users.robot, calendar)
    return _scouts_before_the_bulk(time, bursts, tasks.activity == ROBOTS, random)


def _streams(tasks: Tasks, users: Users) -> tuple[np.ndarray, int]:
    """The row in which the jobs of each task stand [n]: one a user and one a production."""
    own = np.zeros(len(ACTIVITIES), dtype=np.int64)
    own[list(PRODUCTION)] = np.arange(len(PRODUCTION))
    return tasks.owner + own[tasks.activity], len(users) + len(PRODUCTION) - 1


def _days(
    tasks: Tasks,
    stream: np.ndarray,
    streams: int,
    users: Users,
    calendar: Calendar,
    random: np.random.Generator,
) -> np.ndarray:
    """How much of each stream comes on each day, as cumulated shares [streams, days + 1]."""
    jobs = np.bincount(stream, tasks.jobs, streams)
    pace = random.lognormal(np.log(_JOBS_PER_DAY), _SD_JOBS_PER_DAY, streams)
    noise = autoregression(random.normal(size=(streams, calendar.days)), _OWN_MEMORY)
    activity = np.tile(calendar.analysis, (streams, 1))
    activity[users.robot] = 1.0
    activity[users.production :] = calendar.production
    weight = activity * np.exp(_SD_OWN_DAYS * noise)
    # Days on which an owner is most active come first; on the rest there is nothing.
    worked = np.ceil(np.maximum(1, jobs / pace))
    worked[users.robot :] = calendar.days
    part = np.flatnonzero(worked < calendar.days)
    keen = noise[part] + np.log(activity[part])
    rank = np.argsort(np.argsort(-keen, axis=1), axis=1)
    weight[part] *= rank < worked[part, None]
    cumulated = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    return np.concatenate([np.zeros((streams, 1)), cumulated], axis=1)


def _time_at(stream: np.ndarray, quantile: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The time in s at which so much of each stream has come, hours not yet counted, [b]."""
    streams, width = days.shape
    line = (days + np.arange(streams)[:, None]).ravel()
    place = stream + np.minimum(quantile, 1 - 1e-9)
    day = np.searchsorted(line, place, side="right") - 1
    into = (place - line[day]) / (line[day + 1] - line[day])
    return (day - stream * width + into) * DAY


def _add_hours(time: np.ndarray, sleeps: np.ndarray, calendar: Calendar) -> None:
    """Move the times of those who sleep within their days, to the hours of analysis, in place."""
    day, into = np.divmod(time[sleeps], DAY)
    cumulated = np.append(0.0, np.cumsum(calendar.hours)) / calendar.hours.sum()
    time[sleeps] = day * DAY + np.interp(into / DAY, cumulated, np.arange(25) * 3600.0)


def _scouts_before_the_bulk(
    time: np.ndarray, bursts: _Bursts, tests: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """The times of the bursts, the scouts of a task some hours before its first other burst.

    Args:
        time: of each burst, s.
        bursts: whose they are.
        tests: tasks without scouts, [tasks] bool.
        random: source of randomness.
    """
    number = np.diff(bursts.first, append=len(bursts.task))
    number[tests] = 1
    several = bursts.first[number > 1]
    delay = random.lognormal(np.log(_BULK_DELAY_S), _SD_BULK_DELAY, len(several))
    # The first of the other bursts is not always the earliest.
    bulk = np.minimum.reduceat(np.where(_is_scouts(bursts), np.inf, time), bursts.first)
    bulk = bulk[number > 1]
    time[several] = np.where(delay < bulk, bulk - delay, bulk * random.random(len(several)))
    return time


def _is_scouts(bursts: _Bursts) -> np.ndarray:
    scouts = np.zeros(len(bursts.task), dtype=bool)
    scouts[bursts.first] = True
    return scouts
