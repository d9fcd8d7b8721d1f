"""The events of a run as CGSim's plug-ins write them: a table EVENTS in SQLite.

So tools made for CGSim can be used on runs of REDWOOD. Columns, events and the keys of METADATA, a
JSON object, are those of the team's studies of data management
(https://github.com/REDWOOD24/Data-Management-Study, Apache-2.0: README.md, plugin/src/output.cpp):

| EVENT | STATE | when |
|---|---|---|
| JobAllocation | Started, Finished | the brokerage has chosen the site |
| FileTransfer | Started, Finished | input from, or output to, another site |
| FileRead, FileWrite | Started, Finished | input from, or output to, the site's own storage |
| JobExecution | Started, Finished | the run |
| BackGroundFileTransfer | Finished | a copy that a placement ordered; its start is not known |

STATUS is `assigned` before a run, `running` at its start, and after it how the attempt ended.
JOB_ID is the row of the job table; an attempt that another one followed is `ROW#NUMBER`, as PanDA
gives each attempt an identifier of its own. A transfer lasts from the choice of the site, or the
end of the run, until it is there, transfers that failed before included. Utilisations of CPUs count
the cores that are busy after the event. What a run does not tell has no key, and so is NULL to
SQLite's json_extract: how full storage is, how loaded a link, and what a job cost.
"""

import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from redwood.errors import InputError
from redwood.outputs import writing
from redwood.simulation.accounts import Attempts, Run
from redwood.simulation.environment import Site
from redwood.simulation.log import ENDS, FINISHED, FLOWS
from redwood.simulation.routes import find_routes, latencies, narrowest

COLUMNS = ("EVENT", "STATE", "STATUS", "JOB_ID", "TIME", "METADATA")
_TYPES = ("TEXT NOT NULL",) * 4 + ("FLOAT NOT NULL", "TEXT")
_CREATE = "CREATE TABLE EVENTS (_ID INTEGER PRIMARY KEY AUTOINCREMENT, {})".format(
    ", ".join(map(" ".join, zip(COLUMNS, _TYPES, strict=True)))
)
_INSERT = f"INSERT INTO EVENTS ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
# Operations/s of 1 HS23, of the order of the speeds in CGSim's own examples.
_OPERATIONS = 1e6

_Row = tuple[str, str, str, str, float, str]


def write_event_database(run: Run, attempts: Attempts, path: str | Path) -> None:
    """Write a run's events, in order of time. Equal runs give equal bytes with one SQLite.

    Args:
        run: the run.
        attempts: all of its log.
        path: the file.

    Raises:
        InputError: SQLite cannot write it, as on a full disk.
    """
    with writing(path) as partial:
        try:
            with sqlite3.connect(partial) as database:
                # Nobody sees it before it is complete.
                database.execute("PRAGMA journal_mode=OFF")
                database.execute("PRAGMA synchronous=OFF")
                database.execute(_CREATE)
                database.executemany(_INSERT, _Events(run, attempts).rows())
                # Tools look for each job's events by itself; CGSim's own table has no index.
                database.execute("CREATE INDEX EVENTS_OF_JOB ON EVENTS (JOB_ID, TIME)")
            database.close()
        except sqlite3.Error as error:
            raise InputError(f"{path}: cannot be written: {error}") from None


class _Events:
    """The rows of the table."""

    def __init__(self, run: Run, attempts: Attempts) -> None:
        self._run, self._sites = run, run.environment.sites
        self._own = attempts.where(attempts.row >= 0)
        self._names = [site.name for site in self._sites]
        self._hosts = [f"{name}_cpu-0" for name in self._names]
        routes = find_routes(run.environment)
        self._latency = latencies(routes)
        self._bandwidth = narrowest(run.environment, routes, reads=False, writes=False)

    def rows(self) -> Iterator[_Row]:
        """All rows, in order of time; at one time attempt by attempt."""
        rows = sorted([*self._of_attempts(), *self._copies()], key=lambda row: row[0])
        cores = np.array([site.cores for site in self._sites], float)
        busy, all_busy, all_cores = np.zeros(len(cores)), 0.0, cores.sum()
        for time, together in groupby(rows, lambda row: row[0]):
            at_once = list(together)
            for _, site, change, *_ in at_once:
                busy[site] += change
                all_busy += change
            for _, site, _, event, state, status, job, told in at_once:
                if event.startswith("Job"):
                    told["site_cpu_util"] = busy[site] / cores[site]
                    told["grid_cpu_util"] = all_busy / all_cores
                yield event, state, status, job, time, json.dumps(told, ensure_ascii=False)

    def _of_attempts(self) -> Iterator[tuple[Any, ...]]:
        """Time, site, change of its busy cores, and the row, of what attempts tell."""
        own, workload = self._own, self._run.workload
        read, written = (
            of_jobs[np.argsort(workload.row)].tolist()
            for of_jobs in (workload.input_bytes, workload.output_bytes)
        )
        datasets = workload.dataset[np.argsort(workload.row)].tolist()
        last = dict(zip(own.index("row").tolist(), own.index("number").tolist(), strict=True))
        whole = ("row", "number", "site", "cores", "end_state", "hit")
        columns = [own.index(name).tolist() for name in whole]
        for name in ("source", "sink"):
            columns.append(np.nan_to_num(getattr(own, name), nan=-1).astype(int).tolist())
        for name in ("bytes_in", "bytes_out"):
            columns.append(own.index(name).tolist())
        for name in ("brokered", "staged", "start", "stop", "end"):
            columns.append(getattr(own, name).tolist())
        for row, number, site, cores, ended, hit, source, sink, came, went, *dates in zip(
            *columns, strict=True
        ):
            brokered, staged, start, stop, end = dates
            job = str(row) if number == last[row] else f"{row}#{number}"
            place = {"site": self._names[site], "host": self._hosts[site]}
            for state in ("Started", "Finished"):
                yield brokered, site, 0, "JobAllocation", state, "assigned", job, dict(place)
            name = file_of(datasets[row])
            if staged == staged and came:
                about = self._transfer(name, came, source, site)
                yield from _pair(brokered, staged, site, "FileTransfer", "assigned", job, about)
            elif staged == staged and hit == 1 and read[row]:
                limit = self._sites[site].read_bandwidth
                about = self._disk(name, read[row], site, "disk_read_bw", limit)
                yield from _pair(brokered, staged, site, "FileRead", "assigned", job, about)
            if start != start:
                continue
            speed = operations_per_s(self._sites[site])
            about = {"flops": round((stop - start) * speed * cores), "cores": cores}
            about |= {"speed": float(speed), **place}
            yield start, site, cores, "JobExecution", "Started", "running", job, dict(about)
            about |= {
                "duration": stop - start,
                "retries": number - 1,
                "total_io_read_time": 0.0 if came else staged - brokered,
                "file_transfer_queue_time": staged - brokered if came else 0.0,
                "resource_waiting_queue_time": start - staged,
                "total_queue_time": start - (brokered if came else staged),
            }
            status = ENDS[ended]
            yield stop, site, -cores, "JobExecution", "Finished", status, job, about
            if ended != FINISHED or not written[row]:
                continue
            name = f"output-{row}"
            if went:
                about = self._transfer(name, went, site, sink)
                yield from _pair(stop, end, site, "FileTransfer", status, job, about)
            else:
                limit = self._sites[site].write_bandwidth
                about = self._disk(name, written[row], site, "disk_write_bw", limit)
                yield from _pair(stop, end, site, "FileWrite", status, job, about)

    def _transfer(self, name: str, size: int, source: int, destination: int) -> dict[str, Any]:
        return {
            "file": name,
            "size": size,
            "source_site": self._names[source],
            "destination_site": self._names[destination],
            "bandwidth": self._bandwidth[source][destination],
            "latency": self._latency[source][destination],
        }

    def _disk(
        self, name: str, size: int, site: int, limited: str, limit: float | None
    ) -> dict[str, Any]:
        about: dict[str, Any] = {"file": name, "size": size, "site": self._names[site]}
        about |= {"host": self._hosts[site], "disk": disk_of(self._sites[site])}
        return about | ({} if limit is None else {limited: limit})

    def _copies(self) -> Iterator[tuple[Any, ...]]:
        """The same of the transfers that a placement ordered and that arrived."""
        placement = FLOWS.index("placement")
        for ended, kind, source, destination, moved, ok in self._run.log.transfers().tolist():
            if kind == placement and ok:
                at = int(destination)
                told = self._transfer("", int(moved), int(source), at)
                del told["file"]
                yield ended, at, 0, "BackGroundFileTransfer", "Finished", "", "", told


def _pair(
    begin: float, end: float, site: int, event: str, status: str, job: str, about: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    yield begin, site, 0, event, "Started", status, job, about
    yield end, site, 0, event, "Finished", status, job, about | {"duration": end - begin}


def operations_per_s(site: Site) -> int:
    """The speed of a site's cores, for CGSim."""
    return round(site.core_power * site.efficiency * _OPERATIONS)


def disk_of(site: Site) -> str:
    """What CGSim calls the storage of a site."""
    return f"{site.name}_DATADISK"


def file_of(dataset: int) -> str:
    """What CGSim calls a dataset: to it, it is one file."""
    return f"dataset-{dataset}"
