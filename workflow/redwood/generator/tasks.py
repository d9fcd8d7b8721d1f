"""Tasks: what a user or a production asks for, and what all jobs of one task share."""

from dataclasses import dataclass

import numpy as np

from redwood.configuration import Generate
from redwood.generator import catalogue
from redwood.generator.catalogue import ACTIVITIES, ANALYSIS, ROBOTS
from redwood.generator.grid import Grid
from redwood.generator.outcomes import OUTCOMES, expected_attempts
from redwood.generator.users import Users

# Between tasks log CPU time has a standard deviation of about 1.2: users' habits, what kind of
# their work it is, the number of files, and the task's own.
_KINDS_OF_WORK, _SD_KIND, _SD_TASK, _SD_FILES = 8, 0.55, 0.25, 0.65
_MEDIAN_FILES = 2.0
SD_WORK = 1.2
_SD_TASK_JOBS = 1.5
_LARGEST_TASK, _LARGEST_TASK_SHARE = 100_000, 0.04
_TASKS_PER_CAMPAIGN = 4.0
_EIGHT_CORES = 0.03
_OWN_TYPE, _RARE = 0.5, 0.12

SLOTS = 6
_FEWEST_SITES = 2
# Where an owner's work of one kind goes: to sites of a cloud, and to those that have its data.
_HOME_PREFERENCE, _SD_HABIT = 1.0, 1.6
# How much sites differ in the length of the jobs they take, in standard deviations.
_LENGTH_TOLERANCE = 0.88
# Earlier slots are preferred: each site gets this much less than the one before.
_PREFERENCE = 0.75
_SENT_ANYWHERE, _JOBS_TO_SEND = 0.2, 20

# Actual and requested cores differ in 11 of 100 jobs.
_OTHER_CORES = 0.11
_CORES_INSTEAD = {1: (2, 4, 8), 8: (4, 16, 8 // 4)}


@dataclass(frozen=True)
class Tasks:
    """All tasks, n of them, those of one activity and owner one after another.

    Attributes:
        activity: position in `ACTIVITIES`, [n].
        owner: user or service account, [n].
        campaign: tasks of one owner on one data type, ascending, [n].
        jobs: number of chains, [n].
        project, step, data_type: positions in the catalogue's lists, [n]; step and data type count
            only for analysis of DAOD.
        files: input files per job, [n].
        file_bytes: bytes per file, [n].
        cpu: CPU s of a whole job at a site of average speed, [n].
        spread: standard deviation of log CPU time within the task, [n].
        cores: cores asked for, [n].
        sites: up to 6 sites that may run each, the preferred one first, -1 for none, [n, 6].
        queue: position in `Grid.queues` of the queue that each has there, [n, 6].
        actual_cores: cores that its jobs are given there, [n, 6].
        efficiency: CPU time over wall time and core there, [n, 6].
    """

    activity: np.ndarray
    owner: np.ndarray
    campaign: np.ndarray
    jobs: np.ndarray
    project: np.ndarray
    step: np.ndarray
    data_type: np.ndarray
    files: np.ndarray
    file_bytes: np.ndarray
    cpu: np.ndarray
    spread: np.ndarray
    cores: np.ndarray
    sites: np.ndarray
    queue: np.ndarray
    actual_cores: np.ndarray
    efficiency: np.ndarray

    def __len__(self) -> int:
        return len(self.jobs)

    def draw_slots(self, task: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """One of the sites of each task, the earlier ones more often; position in its row, [m]."""
        weights = np.cumsum((self.sites >= 0) * _PREFERENCE ** np.arange(SLOTS), axis=1)
        weights /= weights[:, -1:]
        drawn = random.random(len(task))
        slot = np.zeros(len(task), dtype=np.int64)
        for column in range(SLOTS - 1):
            slot += drawn > weights[:, column][task]
        return slot


def make_tasks(options: Generate, users: Users, grid: Grid, random: np.random.Generator) -> Tasks:
    """Tasks of all activities, with about as many attempts as were asked for."""
    activity, owner, jobs = _sizes(options, users, random)
    number = len(jobs)
    starts = np.diff(activity * len(users) + owner, prepend=-1) != 0
    campaign = np.cumsum(starts | (random.random(number) < 1 / _TASKS_PER_CAMPAIGN)) - 1
    about = np.array([(kind.file_bytes, kind.file_cpu, kind.cores) for kind in ACTIVITIES])[
        activity
    ]
    data_type = _data_types(campaign, owner, users, random)
    analysis = activity == ANALYSIS
    file_bytes = np.where(analysis, catalogue.file_bytes()[data_type], about[:, 0])
    files = np.maximum(1, np.rint(random.lognormal(np.log(_MEDIAN_FILES), _SD_FILES, number)))
    kind = random.integers(0, _KINDS_OF_WORK, campaign[-1] + 1)[campaign]
    kind += owner * _KINDS_OF_WORK
    kinds = len(users) * _KINDS_OF_WORK
    work = users.work[owner] + random.normal(0, _SD_TASK, number)
    work += random.normal(0, _SD_KIND, kinds)[kind]
    project = catalogue.draw_projects(
        random, np.array([kind.simulated_only for kind in ACTIVITIES])[activity]
    )
    step = catalogue.draw_steps(random, project)
    _include_the_rare(analysis, project, step, data_type, random)
    eight = (about[:, 2] == 1) & (activity != ROBOTS) & (random.random(number) < _EIGHT_CORES)
    cores = np.where(eight, 8, about[:, 2]).astype(np.int64)
    habits = random.normal(0, _SD_HABIT, (kinds, len(grid)))[kind]
    habits += _HOME_PREFERENCE * (grid.clouds == users.cloud[owner][:, None])
    length = (work + np.log(files / _MEDIAN_FILES)) / SD_WORK
    sites = _eligible_sites(habits, length, jobs, grid, random)
    actual = _actual_cores(cores, sites.shape, random)
    wide = actual > 1
    return Tasks(
        activity,
        owner,
        campaign,
        jobs,
        project,
        step,
        data_type,
        files.astype(np.int64),
        file_bytes * np.exp(random.normal(0, 0.07, number)),
        about[:, 1] * files * np.exp(work),
        random.uniform(0.08, 0.24, number),
        cores,
        sites,
        grid.draw_queues(np.maximum(sites, 0), cores[:, None], random),
        actual,
        np.where(
            wide, random.uniform(0.5, 0.93, wide.shape), random.uniform(0.82, 0.99, wide.shape)
        ),
    )


def _sizes(
    options: Generate, users: Users, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Activity, owner and heavy-tailed number of chains of each task, [n].

    One row of tasks is cut where the jobs of one owner end and those of the next begin.
    """
    activities, owners, sizes = [], [], []
    for number, activity in enumerate(ACTIVITIES):
        attempts = expected_attempts(OUTCOMES["user"])
        wanted = max(1, round(options.jobs * activity.share / attempts))
        if number == ROBOTS:
            ends, who = np.array([wanted]), np.array([users.robot])
        elif activity.label == "managed":
            ends, who = np.array([wanted]), np.array([users.production])
        else:
            ends = np.rint(np.cumsum(users.shares) * wanted).astype(np.int64)
            who = np.arange(len(ends))
        largest = int(np.clip(wanted * _LARGEST_TASK_SHARE, 10, _LARGEST_TASK))
        cuts = np.union1d(_cuts(activity.task_jobs, wanted, largest, random), ends)
        cuts = cuts[cuts > 0]
        activities.append(np.full(len(cuts), number))
        owners.append(who[np.searchsorted(ends, cuts)])
        sizes.append(np.diff(cuts, prepend=0))
    return np.concatenate(activities), np.concatenate(owners), np.concatenate(sizes)


def _cuts(median: float, jobs: int, largest: int, random: np.random.Generator) -> np.ndarray:
    """Where tasks end when `jobs` jobs stand in a row."""
    ends = np.zeros(1, dtype=np.int64)
    while ends[-1] < jobs:
        drawn = random.lognormal(np.log(median), _SD_TASK_JOBS, 1 + jobs // 40)
        sizes = np.clip(drawn.astype(np.int64), 1, largest)
        ends = np.concatenate([ends, ends[-1] + np.cumsum(sizes)])
    return np.append(ends[ends < jobs], jobs)


def _data_types(
    campaign: np.ndarray, owner: np.ndarray, users: Users, random: np.random.Generator
) -> np.ndarray:
    """What each task reads: what its user or everybody does, the same in a campaign, [n]."""
    campaigns = campaign[-1] + 1
    types = len(catalogue.DATA_TYPES)
    common = random.choice(types, campaigns, p=catalogue.data_type_shares())[campaign]
    own = (random.random(campaigns) < _OWN_TYPE)[campaign]
    return np.where(own, users.data_type[owner], common)


def _include_the_rare(
    analysis: np.ndarray,
    project: np.ndarray,
    step: np.ndarray,
    data_type: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Let some tasks of analysis, chosen at random, go through all values in turn, in place."""
    rare = np.flatnonzero(analysis & (random.random(len(analysis)) < _RARE))
    turn = np.arange(len(rare))
    data_type[rare] = random.permutation(turn % len(catalogue.DATA_TYPES))
    few = rare[: len(rare) // 4]
    project[few] = turn[: len(few)] % len(catalogue.PROJECT_NAMES)
    step[few] = turn[: len(few)] % len(catalogue.STEP_NAMES)
    periods = catalogue.STEP_NAMES.index("PhysCont")
    step[few[(step[few] == periods) & ~catalogue.is_recorded(project[few])]] = 0


def _eligible_sites(
    habits: np.ndarray,
    length: np.ndarray,
    jobs: np.ndarray,
    grid: Grid,
    random: np.random.Generator,
) -> np.ndarray:
    """2 to 6 sites for each task [n, 6], without repeats.

    Large sites, those that the owner's work of this kind goes to (`habits`, log weights [n, s]),
    and those that take jobs of this `length`, in standard deviations, [n]. Adding Gumbel noise to
    log weights and taking the largest draws without replacement.
    """
    number, sites = len(jobs), len(grid)
    scores = habits - 0.5 * ((length[:, None] - grid.length) / _LENGTH_TOLERANCE) ** 2
    scores += _offsets(scores, jobs, grid.share)
    scores += random.gumbel(size=(number, sites))
    width = min(SLOTS, sites)
    chosen = np.argpartition(-scores, width - 1, axis=1)[:, :width]
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1)
    chosen = np.take_along_axis(chosen, order, axis=1)
    count = random.integers(min(_FEWEST_SITES, width), width + 1, number)
    anywhere = np.flatnonzero((random.random(number) < _SENT_ANYWHERE) & (jobs >= _JOBS_TO_SEND))
    # In turn, the smallest site first.
    site = sites - 1 - np.arange(len(anywhere)) % sites
    new = ~(chosen[anywhere] == site[:, None]).any(axis=1)
    chosen[anywhere[new], count[anywhere[new]] - 1] = site[new]
    slots = np.full((number, SLOTS), -1)
    slots[:, :width] = np.where(np.arange(width) < count[:, None], chosen, -1)
    return slots


def _offsets(scores: np.ndarray, jobs: np.ndarray, share: np.ndarray) -> np.ndarray:
    """What to add to the scores [n, s] so that each site is the first of its share of jobs, [s]."""
    weight = np.exp(scores)
    factor = share.copy()
    for _ in range(8):
        chance = weight * factor
        achieved = (jobs / chance.sum(axis=1)) @ chance
        factor *= share * jobs.sum() / achieved
    return np.log(factor)


def _actual_cores(
    cores: np.ndarray, shape: tuple[int, ...], random: np.random.Generator
) -> np.ndarray:
    """Cores that jobs get, which at some sites are not those that their task asked for."""
    actual = np.broadcast_to(cores[:, None], shape).copy()
    for asked, instead in _CORES_INSTEAD.items():
        other = (actual == asked) & (random.random(shape) < _OTHER_CORES)
        actual[other] = random.choice(instead, other.sum())
    return actual
