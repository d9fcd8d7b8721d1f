"""Jobs and their attempts: where and when each runs, what becomes of it, what it costs."""

from dataclasses import dataclass, fields

import numpy as np

from redwood.generator.calendar import Outages
from redwood.generator.catalogue import ACTIVITIES, JOB_ERRORS
from redwood.generator.grid import Grid
from redwood.generator.outcomes import (
    CANCELLED,
    CLOSED,
    FAILED,
    OUTCOMES,
    draw_fates,
)
from redwood.generator.release import Released
from redwood.generator.tasks import SLOTS, Tasks

LONGEST_S = 4 * 86_400
_LONGEST_SET_UP_S = 300
_CLOSED_AFTER_S = 8 * 3600
_SD_SITE_SPEED, _SD_QUEUE = 0.1, 0.9
_MEDIAN_QUEUE_S = 1500.0
_RETRIED_AFTER_S = 900.0
_MOVES = 0.65
# Failed jobs run for 14.5 / 19.3 of the time of finished ones (reprocessing, 2016), and CPU over
# wall time is .26 / .63 of theirs: half in jobs that fail by themselves, little at broken sites.
_FAILED_EFFICIENCY = 0.5
_FAILED_WALL = 14.5 / 19.3


@dataclass(frozen=True)
class Jobs:
    """All attempts of all jobs, n of them.

    Attributes:
        task: row of `Tasks`.
        number: of the job in its task.
        attempt: from 0.
        parent: row of the attempt before, -1 for none.
        slot: which of the task's sites.
        created, started, ended, modified: s since the window began; started and ended are -1 where
            it never ran.
        status: position in `STATES`.
        error: pilot error code, 0 for none.
        files, bytes: of its input.
        cpu, wall: s, 0 where it never ran.
    """

    task: np.ndarray
    number: np.ndarray
    attempt: np.ndarray
    parent: np.ndarray
    slot: np.ndarray
    created: np.ndarray
    started: np.ndarray
    ended: np.ndarray
    modified: np.ndarray
    status: np.ndarray
    error: np.ndarray
    files: np.ndarray
    bytes: np.ndarray
    cpu: np.ndarray
    wall: np.ndarray

    def __len__(self) -> int:
        return len(self.task)


@dataclass(frozen=True)
class _Chains:
    """What the attempts of a job have in common, by chain, [n]."""

    released: Released
    files: np.ndarray
    bytes: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True)
class _World:
    """What attempts meet: sites, how fast each is and how long its queue in s [s]; and when a task
    would be cancelled, s since the window began [tasks]."""

    tasks: Tasks
    chains: _Chains
    outages: Outages
    speed: np.ndarray
    queue: np.ndarray
    stop: np.ndarray


@dataclass(frozen=True)
class _Wave:
    """One attempt of each of some chains, [m]: `parent` is the row of the attempt before, `outage`
    the error code of the broken site that it meets, 0 for none."""

    attempt: int
    chain: np.ndarray
    parent: np.ndarray
    slot: np.ndarray
    created: np.ndarray
    started: np.ndarray
    outage: np.ndarray


def make_jobs(
    tasks: Tasks,
    released: Released,
    outages: Outages,
    grid: Grid,
    seconds: int,
    random: np.random.Generator,
) -> Jobs:
    """All attempts of all jobs that are created within the window of `seconds`."""
    world = _World(
        tasks,
        _make_chains(tasks, released, random),
        outages,
        np.exp(random.normal(0, _SD_SITE_SPEED, len(grid))),
        random.lognormal(np.log(_MEDIAN_QUEUE_S), 0.5, len(grid)),
        _cancelled_at(tasks, released, random),
    )
    number = len(released)
    wave = _queued(
        world, 0, np.arange(number), np.full(number, -1), released.slot, released.created, random
    )
    final, failures = _fates(tasks, released, wave.outage > 0, random)
    done, rows = [], 0
    while len(wave.chain):
        status = np.where(wave.attempt < failures[wave.chain], FAILED, final[wave.chain])
        jobs = _run(world, wave, status, random)
        done.append(jobs)
        # A failed chain ends with its last failed attempt, any other with one more.
        attempts = failures + (final != FAILED)
        again = np.flatnonzero(wave.attempt + 1 < attempts[wave.chain])
        created = np.floor(jobs.modified[again] + random.exponential(_RETRIED_AFTER_S, len(again)))
        again, created = again[created < seconds], created[created < seconds]
        # Half of the retries go to another site; some of those that move get the same again.
        chain, slot = wave.chain[again], wave.slot[again]
        moves = random.random(len(again)) < _MOVES
        slot = np.where(moves, tasks.draw_slots(released.task[chain], random), slot)
        wave = _queued(world, wave.attempt + 1, chain, rows + again, slot, created, random)
        rows += len(jobs)
    return Jobs(
        **{
            field.name: np.concatenate([getattr(jobs, field.name) for jobs in done])
            for field in fields(Jobs)
        }
    )


def _queued(
    world: _World,
    attempt: int,
    chain: np.ndarray,
    parent: np.ndarray,
    slot: np.ndarray,
    created: np.ndarray,
    random: np.random.Generator,
) -> _Wave:
    """When attempts would start, and whether their sites are broken by then."""
    site = world.tasks.sites[world.chains.released.task[chain], slot]
    started = created + np.ceil(random.lognormal(np.log(world.queue[site]), _SD_QUEUE))
    outage = world.outages.error_at(site, started)
    return _Wave(attempt, chain, parent, slot, created, started, outage)


def _make_chains(tasks: Tasks, released: Released, random: np.random.Generator) -> _Chains:
    """All jobs of a task have as many files, but the last gets what is left."""
    size, task = len(released), released.task
    files = tasks.files[task]
    last = released.number == tasks.jobs[task] - 1
    files = np.where(last, random.integers(1, files + 1), files)
    each = tasks.file_bytes[task] * np.exp(random.normal(0, 0.03, size))
    return _Chains(
        released, files, np.rint(files * each).astype(np.int64), random.standard_normal(size)
    )


def _cancelled_at(tasks: Tasks, released: Released, random: np.random.Generator) -> np.ndarray:
    """When each task would be cancelled, s: while its first or middle jobs run, [tasks]."""
    begin = np.cumsum(tasks.jobs) - tasks.jobs
    middle = released.created[begin + tasks.jobs // 2]
    first = released.created[begin]
    return first + (middle - first) * random.uniform(0.3, 1.2, len(tasks))


def _fates(
    tasks: Tasks, released: Released, in_outage: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Final state and number of failed attempts of each chain, [n]."""
    final = np.zeros(len(released), dtype=np.int8)
    failures = np.zeros(len(released), dtype=np.int16)
    kinds = np.array([activity.kind for activity in ACTIVITIES])
    for kind in OUTCOMES:
        of_kind = (kinds == kind)[tasks.activity]
        chosen = np.flatnonzero(of_kind[released.task])
        if len(chosen):
            final[chosen], failures[chosen] = draw_fates(
                OUTCOMES[kind],
                released.task[chosen],
                np.where(of_kind, tasks.jobs, 0),
                in_outage[chosen],
                random,
            )
    return final, failures


def _run(world: _World, wave: _Wave, status: np.ndarray, random: np.random.Generator) -> Jobs:
    """What becomes of the attempts of a wave, whose final states are `status` [m]."""
    chains, created, started = world.chains, wave.created, wave.started
    size, task = len(wave.chain), chains.released.task[wave.chain]
    wall, cpu = _costs(world, wave, status == FAILED, random)
    stopped = status == CANCELLED
    stop = np.maximum(world.stop[task], created + random.uniform(60, 7200, size))
    ran_for = np.where(stopped, np.clip(stop - started, 0, wall), wall)
    ran = (status != CLOSED) & (ran_for > 0)
    ended = started + np.ceil(ran_for)
    gave_up = np.where(
        stopped, stop, created + random.lognormal(np.log(_CLOSED_AFTER_S), 0.8, size)
    )
    reported = ended + random.uniform(60, 1800, size)
    own = random.choice(list(JOB_ERRORS), size)
    error = np.where(wave.outage > 0, wave.outage, own)
    return Jobs(
        task=task,
        number=chains.released.number[wave.chain],
        attempt=np.full(size, wave.attempt, dtype=np.int16),
        parent=wave.parent,
        slot=wave.slot.astype(np.int8),
        created=created.astype(np.int64),
        started=np.where(ran, started, -1).astype(np.int64),
        ended=np.where(ran, ended, -1).astype(np.int64),
        modified=np.where(ran, reported, gave_up).astype(np.int64),
        status=status.astype(np.int8),
        error=np.where(status == FAILED, error, 0).astype(np.int16),
        files=chains.files[wave.chain],
        bytes=chains.bytes[wave.chain],
        cpu=np.where(ran, cpu * (ran_for / wall), 0).astype(np.int64),
        wall=np.where(ran, np.ceil(ran_for), 0).astype(np.int64),
    )


def _costs(
    world: _World, wave: _Wave, failed: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Wall and CPU time of each attempt, in s, if nobody stops it, [m]."""
    tasks, chains = world.tasks, world.chains
    size, task = len(wave.chain), chains.released.task[wave.chain]
    place = task * SLOTS + wave.slot
    used = (tasks.actual_cores * tasks.efficiency).ravel()[place]
    cpu = tasks.cpu[task] * np.exp(tasks.spread[task] * chains.noise[wave.chain])
    cpu *= chains.files[wave.chain] / tasks.files[task]
    cpu /= world.speed[tasks.sites.ravel()[place]]
    cpu = np.minimum(cpu, (LONGEST_S - _LONGEST_SET_UP_S) * used)
    wall = cpu / used + random.uniform(30, _LONGEST_SET_UP_S, size)
    # Uniform around the mean ratios, the wall time at most that of the whole run.
    wall = np.where(failed, wall * random.uniform(2 * _FAILED_WALL - 1, 1, size), wall)
    partly = wall * used * random.uniform(0, 2 * _FAILED_EFFICIENCY, size)
    cpu = np.where(failed, np.minimum(partly, cpu), cpu)
    # At a broken site jobs wait for storage or software and use hardly any CPU time.
    broken = np.flatnonzero(failed & (wave.outage > 0))
    waiting = random.lognormal(np.log(1200.0), 0.8, len(broken))
    wall[broken] = np.clip(waiting, wall[broken], LONGEST_S)
    cpu[broken] = np.minimum(random.lognormal(np.log(40.0), 1.0, len(broken)), wall[broken])
    return wall, cpu
