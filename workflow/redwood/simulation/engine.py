"""The engine: the life of every job on the grid.

    submitted → brokered → input staged in → queued → running → finished, failed or cancelled

* A job that its record calls *closed* was ended by the system before it ran: it is submitted and
  closed at once, is not brokered and takes no core. All others run for
  work / (core power × cores) seconds and end in the state of their record: a job that failed or was
  cancelled used its CPU before it did.
* A job for which the policy names no site ends as *unbrokered* at once.
* Input is staged in when the job is brokered, before it queues, from the replica whose access link
  has the most bandwidth per transfer that it sends already. A replica at the job's own site costs
  nothing. The copy serves that job alone.
* A site starts its jobs in the order in which their input arrived (FIFO); a job that needs more
  cores than are free lets none pass.

Only transfers share anything, so they alone are SimGrid's; a job has its cores to itself and its
end is arithmetic.

Promise: every date is exact. Transfers begin at submissions only, and the network's clock never
passes the next submission; whatever else falls between two submissions (ends of transfers, starts
and ends of jobs) is dated by itself and handled in order of these dates, and a policy sees the
state at the very moment of the submission. At equal dates, jobs end before others start.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.simulation.contract import Brokerage, Grid, Job, Site, SiteState
from redwood.simulation.network import Network
from redwood.simulation.platform import Platform
from redwood.simulation.workload import Workload

_ENDS, _ARRIVES = 0, 1
_REPORT_EVERY = 1000


@dataclass(frozen=True)
class JobRecords:
    """What became of each job, by row of the job table; indices of sites are the platform's.

    Attributes:
        site: (n,) int, where it ran; -1 where it was not brokered.
        source: (n,) int, where its input came from over the network; -1 where nothing was moved.
        submit, arrive, start, end: (n,) float, dates in s: submitted, input complete, started,
            ended; NaN for what never happened.
        state: (n,) object, the final state.
    """

    site: np.ndarray
    source: np.ndarray
    submit: np.ndarray
    arrive: np.ndarray
    start: np.ndarray
    end: np.ndarray
    state: np.ndarray


@dataclass(slots=True)
class _Queue:
    """What the engine keeps of a site beside what policies may see."""

    state: SiteState
    bandwidth: float
    sending: int = 0
    waiting: deque[Job] = field(default_factory=deque)


class Engine:
    """One simulation.

    Args:
        platform: the sites.
        workload: the jobs.
        replicas: for each dataset the indices of the sites that hold it.
        policy: who chooses the jobs' sites.
        policy_name: its name, for error messages.
        seed: of the random numbers that the policy may draw.
        tcp_gamma: see `Network`.
    """

    def __init__(
        self,
        platform: Platform,
        workload: Workload,
        replicas: Sequence[tuple[int, ...]],
        policy: Brokerage,
        policy_name: str,
        seed: int,
        tcp_gamma: float = 0.0,
    ) -> None:
        states = [
            SiteState(index, site.name, site.tier, site.cores, site.core_power)
            for index, site in enumerate(platform.sites)
        ]
        self._queues = [
            _Queue(state, site.bandwidth)
            for state, site in zip(states, platform.sites, strict=True)
        ]
        self._workload, self._replicas = workload, replicas
        self._policy, self._policy_name = policy, policy_name
        self._grid = Grid(states, replicas, generator(seed, "simulation", "policy", policy_name))
        self._network = Network(platform, tcp_gamma)
        self._events: list[tuple[float, int, int, Job]] = []
        self._scheduled = 0
        rows = len(workload.jobs)
        self._site, self._source = [-1] * rows, [-1] * rows
        self._arrive, self._start, self._end = ([np.nan] * rows for _ in range(3))
        self._state = workload.recorded_state.copy()

    def run(self) -> JobRecords:
        """Run all jobs to their ends.

        Raises:
            InputError: the policy raised, or answered with anything but an able site or `None`.
        """
        try:
            self._run()
        except BaseException:
            self._network.abandon()
            raise
        jobs = self._workload.jobs
        submit = np.empty(len(jobs))
        submit[[job.row for job in jobs]] = [job.submit for job in jobs]
        return JobRecords(
            np.array(self._site),
            np.array(self._source),
            submit,
            np.array(self._arrive),
            np.array(self._start),
            np.array(self._end),
            self._state,
        )

    def _run(self) -> None:
        jobs = self._workload.jobs
        with ProgressReport("simulating", len(jobs), "jobs") as report:
            for count, job in enumerate(jobs, start=1):
                self._advance(job.submit)
                self._submit(job)
                if count % _REPORT_EVERY == 0:
                    report.advance(_REPORT_EVERY, days=job.submit / 86400)
            for date, arrived in self._network.drain():
                self._receive(date, arrived)
            self._handle_events(np.inf)
            if len(jobs) % _REPORT_EVERY:
                report.advance(len(jobs) % _REPORT_EVERY)

    def _advance(self, date: float) -> None:
        for ended, job in self._network.advance(date):
            self._receive(ended, job)
        self._handle_events(date)

    def _receive(self, date: float, job: Job) -> None:
        self._queues[self._source[job.row]].sending -= 1
        self._schedule(date, _ARRIVES, job)

    def _schedule(self, date: float, what: int, job: Job) -> None:
        self._scheduled += 1
        heapq.heappush(self._events, (date, what, self._scheduled, job))

    def _handle_events(self, until: float) -> None:
        events = self._events
        while events and events[0][0] <= until:
            date, what, _, job = heapq.heappop(events)
            queue = self._queues[self._site[job.row]]
            if what == _ARRIVES:
                self._arrive[job.row] = date
                queue.waiting.append(job)
                queue.state.waiting_jobs += 1
            else:
                self._end[job.row] = date
                queue.state.busy_cores -= job.cores
                queue.state.committed_cores -= job.cores
            self._start_waiting(queue, date)

    def _start_waiting(self, queue: _Queue, date: float) -> None:
        state, waiting = queue.state, queue.waiting
        while waiting and waiting[0].cores <= state.cores - state.busy_cores:
            job = waiting.popleft()
            state.waiting_jobs -= 1
            state.busy_cores += job.cores
            self._start[job.row] = date
            self._schedule(date + job.work / (state.core_power * job.cores), _ENDS, job)

    def _submit(self, job: Job) -> None:
        if self._state[job.row] == "closed":
            self._end[job.row] = job.submit
            return
        site = self._broker(job)
        if site is None:
            self._state[job.row] = "unbrokered"
            self._end[job.row] = job.submit
            return
        self._site[job.row] = site.index
        self._queues[site.index].state.committed_cores += job.cores
        self._stage_in(job, site.index)

    def _broker(self, job: Job) -> Site | None:
        who = f"policy {self._policy_name!r}: job {job.row}"
        try:
            site = self._policy.choose(job, self._grid)
        except Exception as error:
            raise InputError(f"{who}: it raised {type(error).__name__}: {error}") from error
        if site is None:
            return None
        if not isinstance(site, Site) or self._grid.site(site.name) is not site:
            raise InputError(f"{who}: it answered {site!r}, expected a site of the grid or None")
        if site.cores < job.cores:
            raise InputError(
                f"{who}: it answered {site.name!r}, which has {site.cores} cores in all, "
                f"but the job needs {job.cores}"
            )
        return site

    def _stage_in(self, job: Job, destination: int) -> None:
        if job.dataset < 0 or destination in self._replicas[job.dataset]:
            self._schedule(job.submit, _ARRIVES, job)
            self._handle_events(job.submit)
            return
        source = max(
            self._replicas[job.dataset],
            key=lambda index: self._queues[index].bandwidth / (1 + self._queues[index].sending),
        )
        self._source[job.row] = source
        self._queues[source].sending += 1
        self._network.start(job.submit, source, destination, job.input_bytes, job)
