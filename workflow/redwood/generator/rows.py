"""Jobs → the columns of a PanDA dump, before they are written in one format or another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from redwood.generator import catalogue
from redwood.generator.catalogue import (
    ACTIVITIES,
    ANALYSIS,
    JOB_ERRORS,
    ROBOTS,
    SITE_ERRORS,
    UNOFFICIAL,
    WORKING_GROUPS,
)
from redwood.generator.grid import Grid
from redwood.generator.jobs import LONGEST_S, Jobs
from redwood.generator.outcomes import CLOSED, STATES
from redwood.generator.tasks import SLOTS, Tasks
from redwood.generator.users import Users

_FIRST_PANDA_ID = 6_000_000_000
_FIRST_TASK_ID = 36_000_000
_TRANSFORMATIONS = {"user": "runGen-00-00-02", "managed": "Reco_tf.py"}

# How dataset names are dressed in 100 documents of 2017: of all 58 had a scope, 13 a slash, 9 were
# unmerged outputs (`panda.um`), 8 null; 39 projects had a scope, 10 were null. Here official names,
# and those of users' own datasets and of no dataset at all, are dressed so that shares of all come
# out alike.
_SCOPED, _SLASHED, _PROJECT_SCOPED = 0.66, 0.15, 0.40
_UNMERGED, _NULL_DATASET = 0.5, 0.4
_OTHER_PROJECTS = ("user", "user", "group", "panda", None, None)

# Blocks of missing cells in 246,395 jobs of 2018: what is never known of a job that never ran …
_MEMORY_LOST, _ELEMENT_KNOWN = 0.0095, 0.055
# … and what is lost now and then.
_NO_INPUT_COUNTS, _NO_CORE_COUNT = 0.0051, 0.00418

# The server rates a job by wall time × cores × core power × the efficiency of its queue. Its
# value is our choice: none is published.
_QUEUE_EFFICIENCY = 0.85

# A job that is seen in one dump on its way and in the next at its end.
NOT_FINAL = len(STATES)
_STATES = (*STATES, "transferring")
_EARLIER_S = 30


@dataclass(frozen=True)
class Words:
    """A column of few words: `codes` [n] into `values`, of which some may be null."""

    codes: np.ndarray
    values: pa.StringArray


# `Words`, an Arrow array or a NumPy array.
Column: TypeAlias = Any


@dataclass
class Rows:
    """Raw rows, n of them.

    Attributes:
        columns: PanDA's name, lower case → `Words`, an array of numbers or of text with nulls, or,
            for a time, NumPy's int64 of s since 1970, -1 where there is none.
    """

    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(self.columns["pandaid"])


class RowMaker:
    """Makes the rows of any jobs; of the same job always the same.

    Args:
        tasks, users, grid, jobs: what to make rows of.
        epoch: start of the window, s since 1970.
        random: source of randomness.
    """

    def __init__(
        self,
        tasks: Tasks,
        users: Users,
        grid: Grid,
        jobs: Jobs,
        epoch: int,
        random: np.random.Generator,
    ) -> None:
        self._tasks, self._grid, self._jobs, self._epoch = tasks, grid, jobs, epoch
        self.identifiers = _identifiers(jobs.created, random)
        self._salt = random.integers(1 << 62)
        self._task_words = dict(_task_words(tasks, users, random))
        self._queue_words = _queue_words(grid)
        messages = {0: None} | SITE_ERRORS | JOB_ERRORS
        self._errors = np.array(list(messages))
        self._messages = pa.array(messages.values(), pa.string())

    def rows(self, selected: np.ndarray, early: np.ndarray) -> Rows:
        """The rows of some jobs.

        Args:
            selected: their positions, [m].
            early: which of them are seen shortly before their end, [m] bool.
        """
        jobs, tasks = self._jobs, self._tasks
        task = jobs.task[selected]
        place = task * SLOTS + jobs.slot[selected]
        ran = jobs.started[selected] >= 0
        status = np.where(early & ran, NOT_FINAL, jobs.status[selected])
        identifiers = self.identifiers[selected]
        parent = jobs.parent[selected]
        lost = [self._uniform(identifiers, use) for use in range(6)]
        cores = tasks.cores[task]
        actual = tasks.actual_cores.ravel()[place]
        queue = Words(tasks.queue.ravel()[place], self._queue_words["computingsite"])
        site = tasks.sites.ravel()[place]
        error = jobs.error[selected]
        order = np.argsort(self._errors)
        code = order[np.searchsorted(self._errors[order], error)]
        rated = jobs.wall[selected] * actual * self._grid.core_power[site] * _QUEUE_EFFICIENCY
        words = {name: Words(task, values) for name, values in self._task_words.items()}
        no_counts, no_cores = lost[0] < _NO_INPUT_COUNTS, lost[1] < _NO_CORE_COUNT
        memory = (400_000 + (1_600_000 * lost[2]).astype(np.int64)) * actual
        batch = 1_000_000 + (9_000_000 * lost[3]).astype(np.int64)
        processing = np.where(no_cores, len(ACTIVITIES), tasks.activity[task])
        times = {
            "creationtime": jobs.created[selected],
            "starttime": jobs.started[selected],
            "endtime": jobs.ended[selected],
            "modificationtime": jobs.modified[selected] - _EARLIER_S * early,
        }
        times = {name: np.where(time < 0, -1, time + self._epoch) for name, time in times.items()}
        return Rows(
            {
                "pandaid": pa.array(identifiers),
                "jeditaskid": pa.array(_FIRST_TASK_ID + task.astype(np.int64) * 7),
                "attemptnr": pa.array(jobs.attempt[selected]),
                "parentid": pa.array(self.identifiers[np.maximum(parent, 0)], mask=parent < 0),
                **times,
                "jobstatus": Words(status, pa.array(_STATES)),
                "jobsubstatus": Words(
                    (status == CLOSED).astype(np.int8), pa.array([None, "toreassign"])
                ),
                "prodsourcelabel": Words(tasks.activity[task], _of_activities("label")),
                "processingtype": Words(processing, _of_activities("processing")),
                "transformation": Words(
                    tasks.activity[task],
                    pa.array([_TRANSFORMATIONS[activity.label] for activity in ACTIVITIES]),
                ),
                "computingsite": queue,
                "computingelement": Words(
                    np.where(ran | (lost[4] < _ELEMENT_KNOWN), queue.codes, -1),
                    self._queue_words["computingelement"],
                ),
                "cloud": Words(site, pa.array(self._grid.clouds, pa.string())),
                "produsername": words["produsername"],
                "produserid": words["produserid"],
                "workinggroup": words["workinggroup"],
                "jobname": pc.binary_join_element_wise(
                    words["destinationdblock"].values.take(pa.array(task)),
                    pc.cast(pa.array(jobs.number[selected]), pa.string()),
                    ".",
                ),
                "proddblock": words["proddblock"],
                "destinationdblock": words["destinationdblock"],
                "inputfileproject": words["inputfileproject"],
                "inputfiletype": words["inputfiletype"],
                "inputfilebytes": pa.array(jobs.bytes[selected], mask=no_counts),
                "ninputdatafiles": pa.array(jobs.files[selected], mask=no_counts),
                "corecount": pa.array(cores, mask=no_cores),
                "actualcorecount": pa.array(actual, mask=~ran),
                "cpuconsumptiontime": pa.array(jobs.cpu[selected]),
                "cpuconsumptionunit": Words(ran.astype(np.int8), pa.array([None, "s"])),
                "hs06sec": pa.array(np.rint(rated).astype(np.int64)),
                "maxwalltime": pa.array(np.full(len(selected), LONGEST_S)),
                "maxpss": pa.array(memory, mask=~ran | (lost[5] < _MEMORY_LOST)),
                "batchid": pa.array(batch, mask=~ran),
                "piloterrorcode": pa.array(error),
                "piloterrordiag": Words(code, self._messages),
            }
        )

    def _uniform(self, identifiers: np.ndarray, use: int) -> np.ndarray:
        """Numbers in [0, 1) that depend on the job, [m]: the mixing of SplitMix64."""
        bits = identifiers.astype(np.uint64) + np.uint64(self._salt + use * 0x9E3779B97F4A7C1)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
        return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def _identifiers(created: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """PanDA identifiers in order of creation, with gaps, [n]."""
    identifiers = np.empty(len(created), dtype=np.int64)
    gaps = np.cumsum(random.integers(1, 40, len(created)))
    identifiers[np.argsort(created, kind="stable")] = _FIRST_PANDA_ID + gaps
    return identifiers


def _of_activities(attribute: str) -> pa.StringArray:
    """An attribute of each activity, and null for none."""
    return pa.array([*(getattr(activity, attribute) for activity in ACTIVITIES), None])


def _queue_words(grid: Grid) -> dict[str, pa.StringArray]:
    elements = [f"ce{queue.lower().replace('_', '-')}.example.org" for queue in grid.queues]
    return {
        "computingsite": pa.array(grid.queues),
        # Code -1 stands for the last.
        "computingelement": pa.array([*elements, None]),
    }


def _task_words(
    tasks: Tasks, users: Users, random: np.random.Generator
) -> Iterator[tuple[str, pa.StringArray]]:
    """Columns that are the same for all jobs of a task, by task."""
    size = len(tasks)
    names = [f"synthetic user {user}" for user in range(users.robot)]
    names += ["synthetic robot", "synthetic production"]
    logins = [f"synth{user:05d}" for user in range(users.robot)] + ["synthrobot", "synthprod"]
    owner = pa.array(tasks.owner)
    yield "produsername", pa.array(names).take(owner)
    identities = [f"/O=REDWOOD synthetic data/CN={name}" for name in names]
    yield "produserid", pa.array(identities).take(owner)
    groups = pa.array([*WORKING_GROUPS, None]).take(
        pa.array(users.group % (len(WORKING_GROUPS) + 1))
    )
    yield "workinggroup", groups.take(owner)
    outputs = [
        f"user.{logins[user]}.synthetic.{_FIRST_TASK_ID + 7 * task}.v1"
        for task, user in enumerate(tasks.owner.tolist())
    ]
    yield "destinationdblock", pa.array([f"{output}_EXT0" for output in outputs])
    columns: dict[str, list[str | None]] = {
        name: [] for name in ("proddblock", "inputfileproject", "inputfiletype")
    }
    numbers = random.integers(300_000, 899_999, size).tolist()
    tags = random.integers((3000, 3000, 9000), (9000, 4300, 16000), (size, 3)).tolist()
    chance = random.random((3, size)).T.tolist()
    for task, number in enumerate(tasks.activity.tolist()):
        cells = _input(tasks, task, number, numbers[task], tags[task], outputs[task], chance[task])
        for column, cell in zip(columns.values(), cells, strict=True):
            column.append(cell)
    for name, values in columns.items():
        yield name, pa.array(values, pa.string())


def _input(
    tasks: Tasks,
    task: int,
    number: int,
    sample: int,
    tags: list[int],
    output: str,
    chance: list[float],
) -> tuple[str | None, str | None, str | None]:
    """PRODDBLOCK, INPUTFILEPROJECT and INPUTFILETYPE of a task."""
    activity = ACTIVITIES[number]
    project = catalogue.PROJECT_NAMES[tasks.project[task]]
    step, data_type = activity.step, activity.data_type
    if number == ANALYSIS:
        step = catalogue.STEP_NAMES[tasks.step[task]]
        data_type = f"DAOD_{catalogue.DATA_TYPES[tasks.data_type[task]]}"
    if not step:
        dataset: str | None = None
        if activity.kind == "pmerge" or (number == UNOFFICIAL and chance[0] < _UNMERGED):
            dataset = f"panda.um.{output}"
        elif number == UNOFFICIAL and chance[0] < 1 - _NULL_DATASET:
            dataset = output
        other = _OTHER_PROJECTS[int(chance[2] * len(_OTHER_PROJECTS))] if dataset else None
        return dataset, other, None
    dataset = catalogue.official_name(project, step, data_type, sample, tags)
    if chance[0] < _SCOPED:
        dataset = f"{project}:{dataset}"
    if chance[1] < _SLASHED:
        dataset += "/"
    scope = "hc_test" if number == ROBOTS else project
    scoped = number == ROBOTS or chance[2] < _PROJECT_SCOPED
    return dataset, f"{scope}:{project}" if scoped else project, data_type
