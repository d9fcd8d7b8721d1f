"""Users who wait for their jobs: in a closed loop the grid decides when the next ones come.

A recorded trace that is replayed job by job, an *open* system, sends the same jobs at the same
moments however the grid does. Real users wait for answers: E. Shmueli and D. G. Feitelson (On
Simulation and Design of Parallel-Systems Schedulers, IEEE TPDS 20 (2009) 983) let them be models;
N. Zakay and D. G. Feitelson (Preserving User Behavior Characteristics in Trace-Based Simulation of
Parallel Job Scheduling, MASCOTS 2014, 51) keep those of the trace: not its dates, but "sessions and
think times between the termination of one batch of jobs and the submission of a subsequent batch".
With `users: closed` so it is here, by this rule, for each user alone:

* A *session* goes on as long as the user submits: it ends before a pause of more than
  `session_gap_s` between two submissions, however long jobs run (Zakay and Feitelson, On
  Identifying User Session Boundaries in Parallel Workload Logs, JSSPP 2012, LNCS 7698, 216).
* A *batch* is what is submitted within a session without waiting: a job that was submitted after
  all earlier ones of its session had ended begins another. Jobs of a batch keep their distances.
* Within a session the next batch comes once all jobs of the one before have ended, and the recorded
  *think time* is over: from the last end of the one to the first submission of the other.
* A session begins when it was recorded, or later: once all earlier jobs of the user have been
  submitted, and once those have ended that had ended before it in the recording (the partial order
  that M. Madon et al. replay, doi:10.1016/j.future.2024.01.024, without their think times).

So a user's jobs are submitted in their recorded order, and sessions never before they were. What a
session and a batch is, is read off the recording at its own pace; with a load factor pauses and
think times, and not runs, are that much shorter. However a job ends, what waits for it goes on.

The job table tells submissions, not ends. A job's *recorded end* is its submission, its `queuetime`
and its `walltime`, where these are features of the table; else the first is taken as 0 and the
second as its run time at the recorded site, on the environment at hand. That is so for recorded and
synthetic jobs alike, which so differ in their values alone.
"""

from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.names import listed, nth_row
from redwood.simulation.contract import Job
from redwood.simulation.environment import Environment
from redwood.simulation.site_state import SiteState
from redwood.simulation.workload import CLOSED, Workload
from redwood.tables import Column, TableDescription, read_table, table_columns

_USER = Column("user", "categorical", role="auxiliary")
_TIMES = tuple(Column(name, "numeric", "s", role="auxiliary") for name in ("queuetime", "walltime"))
TIMES = tuple(column.name for column in _TIMES)

# A date from which a batch may be submitted, and its number.
Release = tuple[float, int]


def read_users(path: str | Path, description: TableDescription, columns: list[str]) -> pd.DataFrame:
    """Whose each row of a job table is, and what it tells of the ends of jobs.

    The column `user` need not be a feature.

    Args:
        path: the job table.
        description: its description.
        columns: what it offers to simulations.

    Raises:
        InputError: it has no column `user`, or a time in it is negative.
    """
    there = table_columns(path)
    if _USER.name not in there:
        raise InputError(
            f"{path}: users: closed needs the column 'user', to know who waits for what; the "
            f"columns are {listed(there, 20)}; a model's samples have it if it is a feature"
        )
    times = tuple(column for column in _TIMES if column.name in columns)
    frame = read_table(path, TableDescription(description.name, (_USER, *times)))
    for column in times:
        if (wrong := frame[column.name] < 0).any():
            row = int(wrong.to_numpy().argmax())
            raise InputError(
                f"{path}: {nth_row(row)}: {column.name} is {frame[column.name][row]}, expected "
                "0 or more"
            )
    return frame


def response_times(users: pd.DataFrame, workload: Workload, environment: Environment) -> np.ndarray:
    """(n,) from the recorded submission of each job to its recorded end, s; order of the workload.

    Raises:
        InputError: the environment lacks the recorded site of a job whose wall time is not known.
    """
    at = users.iloc[workload.row]
    queue, wall = (
        at[name].to_numpy(np.float64) if name in at else np.full(len(at), np.nan) for name in TIMES
    )
    states = {site.name: SiteState.of(0, site) for site in environment.sites}
    for position, job in enumerate(workload.jobs()):
        if np.isnan(wall[position]):
            if job.site not in states:
                raise InputError(
                    f"{nth_row(job.row)} was recorded at {job.site!r}, which the environment "
                    "lacks: users: closed needs its run time there, as the job table has no "
                    "walltime"
                )
            wall[position] = states[job.site].run_time(job)
    return np.where(workload.state == CLOSED, 0.0, np.nan_to_num(queue) + wall)


class ClosedUsers:
    """Who waits for what: the batches of all users, released one after the other.

    Args:
        workload: the jobs.
        user: (rows,) whose each row of the job table is; missing: a user of its own.
        response: (n,) from submission to recorded end, s, see `response_times`.
        load_factor: submissions in `workload` are this many times as fast as recorded.
        session_gap_s: a longer pause ends a session, s of the recording.
    """

    def __init__(
        self,
        workload: Workload,
        user: pd.Series,
        response: np.ndarray,
        load_factor: float,
        session_gap_s: float,
    ) -> None:
        codes = pd.factorize(user)[0][workload.row]
        unknown = codes < 0
        codes[unknown] = codes.max(initial=-1) + 1 + np.arange(unknown.sum())
        recorded = workload.submit * load_factor
        order = np.lexsort((np.arange(len(codes)), codes))
        codes, submit, end = codes[order], recorded[order], (recorded + response)[order]
        follows = codes[1:] == codes[:-1]
        session = np.r_[True, ~follows | (np.diff(submit) > session_gap_s)].cumsum() - 1
        so_far = pd.Series(end).groupby(session).cummax().to_numpy()
        first_of_session = np.r_[True, np.diff(session) > 0]
        begins = first_of_session | np.r_[True, submit[1:] > so_far[:-1]]
        first = np.flatnonzero(begins)
        last = np.r_[first[1:], len(codes)] - 1
        self._workload, self._order = workload, order
        self._first, self._after_last = first, last + 1
        self._goes_on = np.r_[~first_of_session[first[1:]], False]
        self._next_session = np.r_[codes[first[1:]] == codes[first[:-1]], False] & ~self._goes_on
        self._think = np.r_[submit[first[1:]] - so_far[last[:-1]], np.nan] / load_factor
        self._offset = (submit - np.repeat(submit[first], last - first + 1)) / load_factor
        opens = first_of_session[first]
        self._waits = (~opens).astype(np.int64)
        # A session's first batch waits for the last submission of the session before.
        self._waits[1:] += self._next_session[:-1]
        self._from = np.where(opens, workload.submit[order[first]], 0.0)
        self._session_after = self._sessions_after(opens, codes[first], submit[first], end)
        self._open_jobs = last - first + 1
        self._batch_of_row = np.empty(len(codes), np.int64)
        self._batch_of_row[workload.row[order]] = begins.cumsum() - 1
        # (rows,) when each row was submitted, s; NaN until then.
        self.submitted = np.full(len(codes), np.nan)

    def _sessions_after(
        self, opens: np.ndarray, user: np.ndarray, begin: np.ndarray, end: np.ndarray
    ) -> np.ndarray:
        """(rows,) first batch of the user's first session after the end of each row's job, or -1.

        Only of jobs of a session's last batch: for the others a later batch of their own session
        waits, and every later session for that.
        """
        found = np.full(len(end), -1)
        openings = np.flatnonzero(opens)
        begins = begin[openings].tolist()
        behind = np.searchsorted(user[openings], user, side="right").tolist()
        place = np.cumsum(opens).tolist()
        for batch in np.flatnonzero(~self._goes_on).tolist():
            for job in range(self._first[batch], self._after_last[batch]):
                at = bisect_right(begins, float(end[job]), place[batch], behind[batch])
                if at < behind[batch]:
                    found[self._workload.row[self._order[job]]] = openings[at]
        np.add.at(self._waits, found[found >= 0], 1)
        return found

    def begin(self) -> Iterator[Release]:
        """What waits for nothing."""
        for batch in np.flatnonzero(self._waits == 0).tolist():
            yield float(self._from[batch]), batch

    def release(self, date: float, batch: int) -> tuple[list[Job], list[Release]]:
        """The jobs of a batch that is submitted from a date on, and what this lets go besides."""
        part = slice(self._first[batch], self._after_last[batch])
        dates = date + self._offset[part]
        jobs = list(self._workload.jobs(self._order[part], dates))
        if not self._next_session[batch]:
            return jobs, []
        return jobs, self._one_less(batch + 1, float(dates[-1]))

    def ended(self, row: int, date: float) -> list[Release]:
        """What the end of a job lets go."""
        after = int(self._session_after[row])
        released = [] if after < 0 else self._one_less(after, date)
        batch = int(self._batch_of_row[row])
        self._open_jobs[batch] -= 1
        if self._goes_on[batch] and not self._open_jobs[batch]:
            released += self._one_less(batch + 1, date + float(self._think[batch]))
        return released

    def give_up(self, date: float) -> None:
        """The simulation ends: what is still held back counts as submitted, and unfinished, now."""
        self.submitted[np.isnan(self.submitted)] = date

    def _one_less(self, batch: int, date: float) -> list[Release]:
        self._from[batch] = max(self._from[batch], date)
        self._waits[batch] -= 1
        return [] if self._waits[batch] else [(float(self._from[batch]), batch)]
