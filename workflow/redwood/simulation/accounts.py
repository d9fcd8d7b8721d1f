"""The accounts of a simulation: tables of jobs, sites, flows and events, and a summary."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.facts import PANDA_WATTS_PER_CORE
from redwood.jackknife import group_of_rows
from redwood.simulation.account_tables import EVENT_TABLE
from redwood.simulation.carbon import grams_per_core_s
from redwood.simulation.environment import Environment
from redwood.simulation.log import (
    ATTEMPT_COLUMNS,
    CAUSES,
    ENDS,
    EVENT_COLUMNS,
    EVENTS,
    FAILED,
    FINAL_STATES,
    FINISHED,
    FLOWS,
    LOST,
    TRANSFER_COLUMNS,
    Log,
)
from redwood.simulation.outcomes import described
from redwood.simulation.workload import Workload

_MOST_SITE_ROWS = 20_000_000
# Groups of jobs that outcomes are found without: few, so that queues do not outlast them. Between
# five draws of real jobs that share none, queue times under four policies differ by standard errors
# of 0.19, 0.13, 0.03 and 0.60 of their logarithms; five groups say 0.16, 0.16, 0.17 and 0.83,
# twenty only 0.09, 0.09, 0.09 and 0.61.
_GROUPS = 5
_LEAST_JOBS = 20 * _GROUPS


@dataclass(frozen=True)
class Run:
    """A simulation that has been run.

    Attributes:
        labels: workload, policy and seed.
        environment, workload: what it ran on.
        interval_s: step of the time series of the sites.
        log: what it wrote down.
        short_of_replicas: datasets that began with fewer replicas than asked for.
        watts_per_core: electric power of a core that runs a job, W.
        submitted: (rows,) when each row was submitted, s; `None`: as the workload says.
    """

    labels: dict[str, Any]
    environment: Environment
    workload: Workload
    interval_s: float
    log: Log
    short_of_replicas: int = 0
    watts_per_core: float = PANDA_WATTS_PER_CORE
    submitted: np.ndarray | None = None

    def grams(self, attempts: "Attempts") -> np.ndarray | None:
        """gCO2e of each attempt, (a,); `None` where no site has a carbon intensity."""
        rates = grams_per_core_s(self.environment.sites, self.watts_per_core)
        return None if rates is None else attempts.core_s * np.array(rates)[attempts.index("site")]

    @property
    def recorded(self) -> np.ndarray:
        """(rows,) when each row of the job table would be submitted as recorded, s."""
        return self.workload.submit[np.argsort(self.workload.row)]

    @property
    def site_names(self) -> np.ndarray:
        """Names by index; index -1, nowhere, is the name appended last."""
        return np.array([*(site.name for site in self.environment.sites), None], dtype=object)


class Attempts:
    """The attempts of a log as columns, (a,) each, named as in `log.ATTEMPT_COLUMNS`."""

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getattr__(self, name: str) -> np.ndarray:
        if name not in ATTEMPT_COLUMNS:
            raise AttributeError(name)
        return self._rows[:, ATTEMPT_COLUMNS.index(name)]

    def index(self, name: str) -> np.ndarray:
        """A column as integers."""
        return getattr(self, name).astype(np.int64)

    @property
    def core_s(self) -> np.ndarray:
        """Core seconds that each has used, s; 0 of one that never ran."""
        return np.nan_to_num(self.stop - self.start) * self.cores

    def where(self, chosen: np.ndarray) -> "Attempts":
        """Those that are chosen by a mask; themselves, not a copy, if all are."""
        return self if chosen.all() else Attempts(self._rows[chosen])


def job_table(run: Run, attempts: Attempts, finals_from: int = 0) -> pd.DataFrame:
    """One row a job, in the order of the job table, as `account_tables.JOBS` describes it.

    Args:
        run: the run.
        attempts: all of its log, or some of them, for a checkpoint: jobs without an attempt or a
            final state among them are `unfinished`.
        finals_from: the first of the log's final states that counts.
    """
    workload = run.workload
    count = len(workload)
    own = attempts.where(attempts.row >= 0)
    row = own.index("row")
    last = np.full(count, -1)
    last[row] = np.arange(len(own))
    ran = last >= 0
    at = last[ran]

    def of_last(name: str) -> np.ndarray:
        values = np.full(count, np.nan)
        values[ran] = getattr(own, name)[at]
        return values

    by_row = np.argsort(workload.row)
    end_state = np.full(count, FINAL_STATES.index("unfinished"))
    state_of = np.array([0, 1, 2] + [FINAL_STATES.index("unfinished")] * 2)
    end_state[ran] = state_of[own.index("end_state")[at]]
    end = np.where(end_state < 3, of_last("end"), np.nan)
    for job, state, date in run.log.finals()[finals_from:]:
        end_state[int(job)], end[int(job)] = int(state), date
    wasted = (own.end_state == FAILED) | (own.end_state > 2)
    used, grams = own.core_s, run.grams(own)
    names = run.site_names
    site = np.where(ran, np.nan_to_num(of_last("site"), nan=-1), -1).astype(np.int64)
    source = np.nan_to_num(of_last("source"), nan=-1).astype(np.int64)
    cause = np.nan_to_num(of_last("cause")).astype(np.int64)
    staged, start = of_last("staged"), of_last("start")
    moved = np.bincount(row, own.bytes_in + own.bytes_out, minlength=count)
    return pd.DataFrame(
        {
            "job": np.arange(count),
            "state": pd.Categorical.from_codes(end_state, FINAL_STATES),
            "site": _named(site, names),
            "attempts": np.bincount(row, minlength=count),
            "cores": workload.cores[by_row],
            "submit": run.recorded if run.submitted is None else run.submitted,
            "stagein_s": staged - of_last("brokered"),
            "queue_s": start - staged,
            "start": start,
            "wall_s": of_last("stop") - start,
            "end": end,
            "lost_core_s": np.bincount(row, np.where(wasted, used, 0.0), minlength=count),
            "carbon_g": np.nan if grams is None else np.bincount(row, grams, minlength=count),
            "cause": _named(np.where(cause > 0, cause, -1), np.array([*CAUSES, None], object)),
            "source": _named(source, names),
            "bytes_moved": moved.astype(np.int64),
        }
    )


def _named(codes: np.ndarray, names: np.ndarray) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, list(names[:-1]))


def site_table(run: Run, attempts: Attempts, until: float) -> pd.DataFrame:
    """One row a site and interval, as `account_tables.SITES` describes it; sites in order.

    Args:
        run: the run.
        attempts: all of its log.
        until: the end of the last interval, s.

    Raises:
        InputError: the interval is so short that the table would have more than 2e7 rows.
    """
    interval, sites = run.interval_s, run.environment.sites
    steps = _steps(len(sites), until, interval)
    series = _Series(len(sites), steps, interval)
    local = attempts.row < 0
    site = attempts.index("site")
    start, stop, staged, end = attempts.start, attempts.stop, attempts.staged, attempts.end
    ran = np.isfinite(start)
    # An attempt that was sent back or cut off while it waited or staged in did so until its end.
    arrived = np.isfinite(staged)
    leaves_queue = np.where(ran, start, end)
    leaves_staging = np.where(arrived, staged, end)
    grid, own = ran & ~local, ran & local
    waits = arrived & ~local
    failed = attempts.end_state == FAILED
    finished = (attempts.end_state == FINISHED) & ~local
    into, out_of = series.empty(), series.empty()
    for dates, source, destination, moved in _moves(run.log, attempts):
        into += series.sums(dates, destination, moved)
        out_of += series.sums(dates, source, moved)
    hit = attempts.hit
    down = run.log.outages()
    whole = np.ones(len(down))
    columns = {
        "busy_cores": series.means(start[grid], stop[grid], site[grid], attempts.cores[grid]),
        "background_cores": series.means(start[own], stop[own], site[own], attempts.cores[own]),
        "queued_jobs": series.means(staged[waits], leaves_queue[waits], site[waits]),
        "staging_jobs": series.means(
            attempts.brokered[~local], leaves_staging[~local], site[~local]
        ),
        "bytes_in": into.astype(np.int64),
        "bytes_out": out_of.astype(np.int64),
        "cache_hits": series.counts(staged, site, arrived & (hit == 1)),
        "cache_misses": series.counts(staged, site, arrived & (hit == 0)),
        "finished": series.counts(end, site, finished),
        "failed": series.counts(end, site, failed & ~local),
        "available": np.clip(
            1 - series.means(down[:, 1], down[:, 2], down[:, 0].astype(np.int64), whole), 0, 1
        ),
    }
    return pd.DataFrame(
        {
            "site": pd.Categorical.from_codes(
                np.repeat(np.arange(len(sites)), steps), [s.name for s in sites]
            ),
            "time": np.tile(np.arange(steps) * interval, len(sites)),
            "cores": np.repeat([s.cores for s in sites], steps),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )


def check_interval(environment: Environment, workload: Workload, interval_s: float) -> None:
    """Raise an `InputError` if the time series of the sites would have more than 2e7 rows."""
    _steps(len(environment.sites), float(workload.submit[-1]), interval_s)


def _steps(sites: int, until: float, interval: float) -> int:
    steps = max(1, math.ceil(until / interval))
    if steps * sites > _MOST_SITE_ROWS:
        raise InputError(
            f"interval_s is {interval:g}: the time series of {sites} sites over {until:.0f} s "
            f"would have {steps * sites} rows, expected at most {_MOST_SITE_ROWS}"
        )
    return steps


class _Series:
    """Time series of all sites at once: (sites, steps) arrays."""

    def __init__(self, sites: int, steps: int, interval: float) -> None:
        self._shape, self._interval = (sites, steps), interval

    def empty(self) -> np.ndarray:
        return np.zeros(self._shape)

    def _cell(self, dates: np.ndarray, site: np.ndarray) -> np.ndarray:
        """The cell that each date lies in; the last interval includes its end."""
        step = np.minimum((dates / self._interval).astype(np.int64), self._shape[1] - 1)
        return site * self._shape[1] + step

    def sums(self, dates: np.ndarray, site: np.ndarray, amounts: np.ndarray) -> np.ndarray:
        cells = self._cell(dates, site)
        return np.bincount(cells, amounts, self._shape[0] * self._shape[1]).reshape(self._shape)

    def counts(self, dates: np.ndarray, site: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        cells = self._cell(dates[chosen], site[chosen])
        return np.bincount(cells, minlength=self._shape[0] * self._shape[1]).reshape(self._shape)

    def means(
        self,
        begin: np.ndarray,
        end: np.ndarray,
        site: np.ndarray,
        weight: np.ndarray | None = None,
    ) -> np.ndarray:
        """The mean, over each interval, of the summed weights of what is under way at each site.

        What begins in a cell counts in it for the rest of the interval and in all later ones; what
        ends is taken off alike.
        """
        weight = np.ones(len(begin)) if weight is None else weight
        width, last = self._interval, self._shape[1] * self._interval
        level, rest = self.empty(), self.empty()
        for dates, sign in ((begin, 1.0), (np.minimum(end, last), -1.0)):
            signed = sign * weight
            level += self.sums(dates, site, signed)
            step = np.minimum((dates / width).astype(np.int64), self._shape[1] - 1)
            rest += self.sums(dates, site, signed * ((step + 1) * width - dates))
        before = np.cumsum(level, axis=1) - level
        return np.maximum(before + rest / width, 0.0)


def _moves(log: Log, attempts: Attempts) -> list[tuple[np.ndarray, ...]]:
    """Date, source, destination and bytes of all transfers between sites: inputs, outputs, rest."""
    come, go = np.flatnonzero(attempts.bytes_in), np.flatnonzero(attempts.bytes_out)
    rest = log.transfers()
    ended, _, source, destination, moved, _ = rest.T if len(rest) else np.zeros((6, 0))
    site = attempts.index("site")
    return [
        (
            attempts.staged[come],
            attempts.source[come].astype(np.int64),
            site[come],
            attempts.bytes_in[come],
        ),
        (attempts.end[go], site[go], attempts.sink[go].astype(np.int64), attempts.bytes_out[go]),
        (ended, source.astype(np.int64), destination.astype(np.int64), moved),
    ]


def flow_table(run: Run, attempts: Attempts) -> pd.DataFrame:
    """One row a source, destination and kind, as `account_tables.FLOW_TABLE` describes it."""
    sites = len(run.environment.sites)
    inputs, outputs, (_, source, destination, moved) = _moves(run.log, attempts)
    rest = run.log.transfers()
    kind = np.concatenate(
        [
            np.full(len(inputs[0]), FLOWS.index("input"), np.int8),
            np.full(len(outputs[0]), FLOWS.index("output"), np.int8),
            rest[:, TRANSFER_COLUMNS.index("kind")].astype(np.int8),
        ]
    )
    failed = np.concatenate(
        [np.zeros(len(inputs[0]) + len(outputs[0])), 1 - rest[:, TRANSFER_COLUMNS.index("ok")]]
    )
    source, destination, moved = (
        np.concatenate([inputs[part], outputs[part], last])
        for part, last in ((1, source), (2, destination), (3, moved))
    )
    cell = (source * sites + destination) * len(FLOWS) + kind
    cells = sites**2 * len(FLOWS)
    transfers = np.bincount(cell, minlength=cells)
    used = np.flatnonzero(transfers)
    names = run.site_names
    return pd.DataFrame(
        {
            "source": _named(used // (sites * len(FLOWS)), names),
            "destination": _named(used // len(FLOWS) % sites, names),
            "kind": pd.Categorical.from_codes(used % len(FLOWS), FLOWS),
            "transfers": transfers[used],
            "failed": np.bincount(cell, failed, cells)[used].astype(np.int64),
            "bytes": np.bincount(cell, moved, cells)[used].astype(np.int64),
        }
    )


def event_table(run: Run) -> pd.DataFrame:
    """One row an event, in order of time, as `account_tables.EVENT_TABLE` describes it."""
    table = pd.DataFrame(run.log.events(), columns=list(EVENT_COLUMNS))
    names = run.site_names
    table["event"] = pd.Categorical.from_codes(table["event"].astype(int), EVENTS)
    for column in ("site", "other_site"):
        table[column] = _named(table[column].astype(int).to_numpy(), names)
    table["job"] = table["job"].where(table["job"] >= 0)
    for entry in EVENT_TABLE.columns:
        if entry.kind == "integer":
            table[entry.name] = table[entry.name].astype("Int64")
    return table


def summarise(run: Run, jobs: pd.DataFrame, attempts: Attempts) -> dict[str, Any]:
    """What went in, what became of it, and the outcomes; one that is undefined is `None`.

    Each outcome has `without_group`, its values without each of 5 groups of jobs that were
    submitted one after the other: they tell how much hangs on which jobs there were, in the way of
    the batch means of a queue (A. Law, Simulation Modeling and Analysis, 5th ed., McGraw-Hill 2015,
    section 9.5.3). `None` where there is no such value, as of a recovery, or of too few jobs.
    """
    state = jobs["state"]
    own = attempts.where(attempts.row >= 0)
    cores = sum(site.cores for site in run.environment.sites)
    recoveries = run.log.recoveries()
    begun = {(run.site_names[int(site)], start) for site, start, _ in run.log.outages()}
    values = _outcomes(run, jobs, attempts, np.ones(len(jobs), bool))
    # The same jobs in each whenever they were submitted: then policies are compared in pairs.
    group = _groups(run.recorded)
    numbers = range(_GROUPS if len(jobs) >= _LEAST_JOBS else 0)
    without = [_outcomes(run, jobs, attempts, group != number) for number in numbers]
    found = {
        name: {
            "value": value,
            "without_group": [of_others[name] for of_others in without] or None,
        }
        for name, value in values.items()
    }
    found["recovery_time"] = {"value": _mean(recoveries), "without_group": None}
    return {
        **run.labels,
        "sites": len(run.environment.sites),
        "cores": cores,
        "datasets": len(run.workload.dataset_bytes),
        "short_of_replicas": run.short_of_replicas,
        "jobs": {
            "submitted": len(jobs),
            **{name: int((state == name).sum()) for name in FINAL_STATES},
        },
        "brokerage": run.log.counts,
        "attempts": {name: int((own.end_state == index).sum()) for index, name in enumerate(ENDS)},
        "failures": {
            name: int(((own.cause == index) & (own.end_state == FAILED)).sum())
            for index, name in enumerate(CAUSES)
            if name
        },
        "local_jobs": int((attempts.row < 0).sum()),
        "outages": {
            "begun": len(run.log.outages()),
            "recovered_from": len(recoveries),
            "never_begun": [
                {"site": outage.site, "start_s": outage.start_s}
                for outage in run.environment.outages
                if (outage.site, outage.start_s) not in begun
            ],
        },
        "outcomes": described(found),
    }


def _groups(submit: np.ndarray) -> np.ndarray:
    """For each job its group: runs of as many jobs, nearly, in the order of submission."""
    rank = np.empty(len(submit), np.int64)
    rank[np.argsort(submit, kind="stable")] = np.arange(len(submit))
    return group_of_rows(len(submit), _GROUPS)[rank]


def _outcomes(
    run: Run, jobs: pd.DataFrame, attempts: Attempts, kept: np.ndarray
) -> dict[str, float | None]:
    """The outcomes of some jobs, among all as they ran; amounts as if all were like these.

    So is the makespan, from the first submission of all to the last, and from that of these on to
    the end of the last of these: it hangs on few jobs, and so does the throughput.

    Args:
        run, jobs, attempts: as for `summarise`.
        kept: (jobs,) which of the jobs count.
    """
    every = len(jobs) / np.count_nonzero(kept)
    ran = kept & (jobs["start"].notna() & jobs["state"].isin(FINAL_STATES[:3])).to_numpy()
    begin, last = jobs["submit"].min(), jobs["submit"].max()
    later = last - jobs["submit"][kept].max()
    makespan = float(jobs["end"][ran].max() - begin + later) if ran.any() else None
    state = jobs["state"][kept]
    finished, failed = int((state == "finished").sum()), int((state == "failed").sum())
    lost = int(state.isin(LOST).sum())
    queue_time = jobs["queue_s"].to_numpy()[ran]
    own = attempts.where(attempts.row >= 0)
    own = own.where(kept[own.index("row")])
    used, grams = own.core_s, run.grams(own)
    carbon = None if grams is None else float(grams.sum())
    useful = float(used[own.end_state == FINISHED].sum())
    arrived = np.isfinite(own.staged)
    hits, misses = int((own.hit[arrived] == 1).sum()), int((own.hit[arrived] == 0).sum())
    cores = sum(site.cores for site in run.environment.sites)
    window = float(last) or (makespan or 0.0)
    everything = sum(int(move[3].sum()) for move in _moves(run.log, attempts))
    by_job = jobs["bytes_moved"].to_numpy()
    of_kept = every * int(by_job[kept].sum())
    return {
        "makespan": makespan,
        "queue_time_mean": _mean(queue_time),
        "queue_time_median": float(np.median(queue_time)) if ran.any() else None,
        "queue_time_p95": float(np.quantile(queue_time, 0.95)) if ran.any() else None,
        "wall_time_mean": _mean(jobs["wall_s"].to_numpy()[ran]),
        "stagein_mean": _mean(jobs["stagein_s"].to_numpy()[ran]),
        "turnaround_mean": _mean((jobs["end"] - jobs["submit"]).to_numpy()[ran]),
        "throughput": _ratio(every * finished, (makespan or 0.0) / 3600),
        "utilisation": _ratio(every * _used_until(own, window), cores * window),
        "goodput": _ratio(useful, float(used.sum())),
        "failed_share": _ratio(failed, finished + failed),
        "lost_share": lost / len(state),
        # What moved for no single job stays as it is.
        "wan_bytes": everything if kept.all() else everything - int(by_job.sum()) + of_kept,
        "cache_hit_rate": _ratio(hits, hits + misses),
        "carbon": None if carbon is None else every * carbon / 1000,
        "carbon_per_job": None if carbon is None else _ratio(carbon, finished),
    }


def _used_until(attempts: Attempts, date: float) -> float:
    """Core seconds that attempts used until a date, s."""
    ran = np.minimum(attempts.stop, date) - np.minimum(attempts.start, date)
    return float((np.nan_to_num(ran) * attempts.cores).sum())


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
