"""The engine: the life of every job on the grid, as PanDA has it.

    submitted → brokered → input staged in → queued → running → output stored → finished
                   ↑                                     │
                   └──────────── tried again ←───────── failed

* A job that its record calls *closed* was ended by the system before it ran: it is closed at once.
* The brokerage names a site when the job is submitted. A job that gets none is pending and offered
  again every `pending_s`; after `give_up_s` it ends as *unbrokered*, at once if no site has as many
  cores as it needs.
* Its input is staged in before it queues, see `staging.py`.
* A site starts its jobs in the order of the queue policy; a job that needs more cores than are free
  lets no other pass. A job has its cores to itself and runs for
  overhead + work / (core power × efficiency × cores^scaling) seconds.
* An attempt that fails (`faults.py`) has used its cores up to that moment, and the job is brokered
  again after `retry_delay_s`, at another site if there is one, until `attempts` have failed.
* A job that its record calls *cancelled* ends as cancelled after its run. One that it calls
  *failed* is a job like any other, whose luck is drawn again, unless failures are replayed as
  recorded.
* When a site goes down, what runs there fails, and what waits or stages in there is brokered again.
* Jobs that have not ended `drain_s` after the last submission are *unfinished*.

Only transfers share anything, so they alone are SimGrid's; the end of a job is arithmetic.

Promise: every date is exact, and a policy sees the state at the very moment it is asked, except for
what follows from a transfer less than `time_step` s after its end, see `network.Network`. At equal
dates jobs end before sites change, sites change before inputs arrive, and all of these before jobs
are submitted.
"""

import gc
import time
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any

from redwood.configuration import Settings
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed
from redwood.simulation.asking import Policies
from redwood.simulation.attempt import OVER, RUNNING, STAGING, STORING, WAITING, Attempt
from redwood.simulation.catalogue import Catalogue
from redwood.simulation.contract import Grid, Job
from redwood.simulation.downtime import Downtime
from redwood.simulation.environment import Environment
from redwood.simulation.faults import Failures, LocalJobs, outages
from redwood.simulation.job_table import RECORDED_STATES
from redwood.simulation.log import (
    BY_OUTAGE,
    BY_RECORD,
    CANCELLED,
    CUT_OFF,
    ENDS,
    FAILED,
    FINISHED,
    SENT_BACK,
    Log,
)
from redwood.simulation.network import Network, Transfer
from redwood.simulation.notes import Notes
from redwood.simulation.queues import Queues
from redwood.simulation.site_state import SiteState
from redwood.simulation.staging import Staging, choose_nuclei
from redwood.simulation.workload import Workload

if TYPE_CHECKING:
    from redwood.simulation.fluid_network import FluidNetwork

_ENDS, _SITES, _ARRIVALS, _RETRIES, _MOMENTS = range(5)
_FAILED, _CANCELLED, _CLOSED = (RECORDED_STATES.index(s) for s in ("failed", "cancelled", "closed"))
_REPORT_EVERY = 1000
# Final states that do not follow from a job's last attempt.
_WITHOUT_ATTEMPT = ("closed", "unbrokered")
# How much the latest waiting time counts in a site's moving average.
_LATEST = 0.05


def _end(transfer: Transfer) -> float:
    return transfer.ended


def _network(environment: Environment, settings: Settings) -> "Network | FluidNetwork":
    if settings.network == "simgrid":
        return Network(environment, settings.tcp_gamma, settings.time_step)
    # Compiled code: not loaded where it is not used.
    from redwood.simulation.fluid_network import FluidNetwork

    limits = settings.transfers_per_link, settings.transfers_per_site
    return FluidNetwork(environment, settings.tcp_gamma, *limits)


class Engine:
    """One simulation; a process can hold one, see `network.Network`.

    Args:
        environment: the grid.
        workload: the jobs.
        replicas: for each dataset the indices of the sites that hold it.
        policies: who decides.
        seed: of failures, outages, local jobs and the random numbers that policies draw.
        settings: what happens beside what policies decide.
        checkpoint: called now and then with the log, the date and the number of jobs that ended.
    """

    def __init__(
        self,
        environment: Environment,
        workload: Workload,
        replicas: list[set[int]],
        policies: Policies,
        seed: int,
        settings: Settings = Settings(),
        checkpoint: Callable[[Log, float, int], None] | None = None,
    ) -> None:
        self.log = Log(settings.events)
        self._states = states = [
            SiteState.of(index, site) for index, site in enumerate(environment.sites)
        ]
        self._limited = any(site.queue_limit is not None for site in environment.sites)
        fragile = bool(environment.outages) or any(site.outages for site in environment.sites)
        # Whether it can be that no site can take a job.
        self._uncertain = self._limited or fragile
        self._largest = max(site.cores for site in environment.sites)
        self._workload, self._policies, self._settings = workload, policies, settings
        self._seed = seed
        self._recorded = bytes(workload.state[workload.row.argsort()])
        sizes = workload.dataset_bytes
        catalogue = Catalogue(states, replicas, sizes)
        failures = Failures(environment, workload.kinds, len(workload), seed)
        self._failures = failures if settings.failures == "drawn" and not failures.never else None
        self._replays = settings.failures == "recorded"
        self._network = _network(environment, settings)
        self._tried: dict[int, set[int]] = {}
        self._grid = Grid(
            states,
            replicas=catalogue.holders,
            sizes=sizes,
            bandwidth=lambda i, j: self._network.bandwidth[i][j],
            random=Random(derive_seed(seed, "simulation", "policy")),
            tried=self._tried,
            clock=lambda: self.now,
        )
        self._notes = Notes(self.log, states)
        self._queues = Queues(policies, self._grid.sites)
        self._downtime = Downtime(
            outages(environment, seed),
            states,
            self._grid,
            self.log,
            self._notes,
            schedule=lambda date, what, about: self.schedule(date, what, about, _SITES),
            abandon=self._abandon,
            alive=lambda: self._alive,
        )
        nuclei = choose_nuclei(
            states,
            len(workload.kinds),
            settings.outputs == "tier1",
            Random(derive_seed(seed, "simulation", "outputs")),
        )
        self._staging = Staging(
            self,
            states=states,
            network=self._network,
            catalogue=catalogue,
            failures=failures,
            log=self.log,
            notes=self._notes,
            settings=settings,
            keeps_inputs=policies.keeps_inputs,
            outputs_at=nuclei,
            up_at=self._downtime.up_at,
            tracked=fragile,
        )
        self._local = [
            LocalJobs(site.background.load, site.background.job_s, site.cores, index, seed)
            if site.background is not None and site.background.load > 0 and site.cores > 0
            else None
            for index, site in enumerate(environment.sites)
        ]
        self._at: list[dict[Attempt, None]] = [{} for _ in states]
        self._events: list[tuple[float, int, int, Callable[[float, Any], None], Any]] = []
        self._scheduled = self._alive = self._ended = 0
        self._counts_reads = policies.period() is not None
        self._checkpoint = checkpoint
        self.now = 0.0

    def run(self) -> Log:
        """Run all jobs to their ends.

        Raises:
            InputError: a policy raised an error or gave an answer that is not allowed.
        """
        jobs = len(self._workload)
        self._began = time.monotonic()
        with ProgressReport(f"simulating, seed {self._seed}", jobs, "jobs") as self._report:
            # What the engine makes has no cycles; looking for some would take a sixth of the time.
            collects = gc.isenabled()
            gc.disable()
            try:
                self._loop()
            finally:
                self._network.close()
                if collects:
                    gc.enable()
            if self._ended % _REPORT_EVERY or self._ended < jobs:
                self._report.advance(jobs - self._ended // _REPORT_EVERY * _REPORT_EVERY)
        return self.log

    def schedule(
        self, date: float, what: Callable[[float, Any], None], about: Any, order: int = _RETRIES
    ) -> None:
        """Let `what(date, about)` happen at a date."""
        self._scheduled += 1
        heappush(self._events, (date, order, self._scheduled, what, about))

    def _loop(self) -> None:
        events, network = self._events, self._network
        pending = network.pending
        submissions = self._workload.jobs()
        job = next(submissions, None)
        submit = job.submit if job is not None else inf
        last = float(self._workload.submit[-1]) + self._settings.drain_s
        self._begin()
        while submit != inf or self._alive:
            date = events[0][0] if events else inf
            submits = submit < date
            date = min(submit, date)
            if pending and pending[0][0] <= date:
                until = network.horizon(date)
                ended = network.advance(until)
                if ended:
                    for transfer in sorted(ended, key=_end) if len(ended) > 1 else ended:
                        when = transfer.ended
                        if when <= until and (not events or when < events[0][0]):
                            self.now = when
                            transfer.then(when, transfer)
                        else:
                            self.schedule(when, transfer.then, transfer, _ARRIVALS)
                    continue
                if until < date:
                    continue
            if date > last:
                self._cut_off(last)
                return
            self.now = date
            if submits and job is not None:
                self._submit(job)
                job = next(submissions, None)
                submit = job.submit if job is not None else inf
            else:
                _, _, _, what, about = heappop(events)
                what(date, about)

    def _begin(self) -> None:
        self._downtime.expect()
        self._expect_placement(0.0)
        for index, local in enumerate(self._local):
            if local is not None:
                self.schedule(local.wait(), self._submit_local, (index, local), _MOMENTS)

    # Brokerage

    def _submit(self, job: Job) -> None:
        self._alive += 1
        if self._counts_reads and job.dataset >= 0:
            reads = self._grid._reads
            reads[job.dataset] = reads.get(job.dataset, 0) + 1
        if self._notes.wanted:
            self._notes.job(job.submit, "submitted", job)
        if self._recorded[job.row] == _CLOSED:
            self._end_job(job, "closed", job.submit)
        elif job.cores > self._largest:
            self._end_job(job, "unbrokered", job.submit)
        else:
            self._broker(job.submit, (job, 1))

    def _broker(self, date: float, offer: tuple[Job, int]) -> None:
        job, number = offer
        state = None
        if not self._uncertain or self._grid.able(job):
            state = self._policies.site(job, self._grid)
        if state is None:
            self._leave_pending(date, job, number)
            return
        run_time = state.run_time(job)
        attempt = Attempt(job, number, state, date, run_time)
        if self._failures is not None:
            share, cause = self._failures.of_attempt(job.row, number, job.kind, state.index)
            if share <= 1:
                attempt.fail_after(share, cause)
        elif self._replays and self._recorded[job.row] == _FAILED:
            attempt.fail_after(1.0, BY_RECORD)
        self._at[state.index][attempt] = None
        state.committed_cores += job.cores
        state.waiting_core_s += job.cores * run_time
        state.staging_jobs += 1
        if self._limited:
            self._grid._forget_able()
        if self._notes.wanted:
            self._notes.attempt(date, "brokered", attempt)
        if self._policies.listens:
            site = self._grid.sites[state.index]
            self._staging.obey(date, self._policies.copies(job, site, self._grid))
        self._staging.stage_in(date, attempt)

    def _leave_pending(self, date: float, job: Job, number: int) -> None:
        again = date + self._settings.pending_s
        if again > job.submit + self._settings.give_up_s:
            self._end_job(job, "unbrokered", date)
            return
        self._notes.job(date, "pending", job)
        self.schedule(again, self._broker, (job, number))

    def _place(self, date: float, _: None) -> None:
        orders = self._policies.placed(self._grid)
        self._grid._reads.clear()
        self._staging.obey(date, orders)
        self._expect_placement(date)

    def _expect_placement(self, date: float) -> None:
        """Ask the placement once its period is over, if it has one."""
        period = self._policies.period()
        if period is not None:
            self.schedule(date + period, self._place, None, _MOMENTS)

    def _submit_local(self, date: float, about: tuple[int, LocalJobs]) -> None:
        site, local = about
        state = self._states[site]
        if state.up:
            job = Job(-1, date, state.name, 0.0, 1, 0, 0, 0, -1, 0, -1)
            attempt = Attempt(job, 1, state, date, local.run_time())
            self._at[site][attempt] = None
            state.committed_cores += 1
            state.waiting_core_s += attempt.run_time
            state.staging_jobs += 1
            self.staged(date, attempt)
        self.schedule(date + local.wait(), self._submit_local, about, _MOMENTS)

    # Queue and run

    def staged(self, date: float, attempt: Attempt) -> None:
        """An attempt's input has come: it queues, and starts if it can."""
        attempt.phase, attempt.staged = WAITING, date
        state = attempt.state
        state.staging_jobs -= 1
        if self._notes.wanted:
            self._notes.attempt(date, "staged", attempt)
        if state.waiting_jobs == 0 and attempt.job.cores <= state.cores - state.busy_cores:
            self._queues.skip(attempt)
            self._start(date, attempt)
        else:
            self._queues.join(attempt)
            self._start_waiting(date, state)

    def _start_waiting(self, date: float, state: SiteState) -> None:
        """Start the first of those that wait, as long as its cores are free."""
        while state.waiting_jobs:
            attempt = self._queues.next(state)
            if attempt is None:
                return
            self._start(date, attempt)

    def _start(self, date: float, attempt: Attempt) -> None:
        job, state = attempt.job, attempt.state
        core_s = job.cores * attempt.run_time
        state.busy_cores += job.cores
        state.running_jobs += 1
        state.running_until_core_s += core_s + job.cores * date
        state.waiting_core_s -= core_s
        state.queue_time += _LATEST * (date - attempt.staged - state.queue_time)
        if self._limited:
            self._grid._forget_able()
        attempt.phase, attempt.start = RUNNING, date
        if self._notes.wanted:
            self._notes.attempt(date, "started", attempt)
        self._scheduled += 1
        heappush(
            self._events,
            (date + attempt.lasts, _ENDS, self._scheduled, self._ran, attempt),
        )

    def _ran(self, date: float, attempt: Attempt) -> None:
        if attempt.phase != RUNNING:
            return
        self._free(date, attempt)
        job = attempt.job
        if self._notes.wanted:
            self._notes.attempt(date, "ran", attempt)
        if attempt.fails_after <= 1:
            self.failed(date, attempt, attempt.cause)
        elif job.output_bytes and self._recorded[job.row] != _CANCELLED:
            attempt.phase = STORING
            self._staging.store(date, attempt)
        else:
            self.stored(date, attempt)
        self._start_waiting(date, attempt.state)

    def _free(self, date: float, attempt: Attempt) -> None:
        """Give back the cores of an attempt that has run."""
        job, state = attempt.job, attempt.state
        attempt.stop = date
        state.busy_cores -= job.cores
        state.committed_cores -= job.cores
        state.running_jobs -= 1
        state.running_until_core_s -= job.cores * (attempt.start + attempt.run_time)

    def stored(self, date: float, attempt: Attempt) -> None:
        """An attempt has done all it had to."""
        job = attempt.job
        if job.row < 0:
            self._end_attempt(date, attempt, FINISHED)
            return
        attempt.state.finished_jobs += 1
        cancelled = self._recorded[job.row] == _CANCELLED
        self._end_attempt(date, attempt, CANCELLED if cancelled else FINISHED)
        self._end_job(job, "cancelled" if cancelled else "finished", date)

    def failed(self, date: float, attempt: Attempt, cause: int) -> None:
        """An attempt has failed, by itself or because of a transfer."""
        job, state = attempt.job, attempt.state
        if attempt.phase == STAGING:
            self._leave_queue(attempt)
        attempt.cause = cause
        self._end_attempt(date, attempt, FAILED)
        if job.row < 0:
            return
        state.failed_jobs += 1
        if attempt.number >= self._settings.attempts or cause == BY_RECORD:
            self._end_job(job, "failed", date)
        else:
            self._tried.setdefault(job.row, set()).add(state.index)
            again = (job, attempt.number + 1)
            self.schedule(date + self._settings.retry_delay_s, self._broker, again)

    def _leave_queue(self, attempt: Attempt) -> None:
        """An attempt that stages in or waits will not start."""
        job, state = attempt.job, attempt.state
        if attempt.phase == STAGING:
            state.staging_jobs -= 1
        else:
            state.waiting_jobs -= 1
        state.committed_cores -= job.cores
        state.waiting_core_s -= job.cores * attempt.run_time
        if self._limited:
            self._grid._forget_able()

    def _end_attempt(self, date: float, attempt: Attempt, end: int) -> None:
        if self._notes.wanted and end in (FAILED, SENT_BACK):
            self._notes.attempt(date, ENDS[end], attempt)
        attempt.phase = OVER
        job, site = attempt.job, attempt.state.index
        del self._at[site][attempt]
        self.log.attempt(
            (
                job.row,
                attempt.number,
                site,
                job.cores,
                attempt.brokered,
                attempt.staged,
                attempt.start,
                attempt.stop,
                date,
                end,
                attempt.cause if end == FAILED else 0,
                attempt.source,
                attempt.sink,
                attempt.bytes_in,
                attempt.bytes_out,
                attempt.hit,
            )
        )

    def _end_job(self, job: Job, state: str, date: float) -> None:
        self._alive -= 1
        self._ended += 1
        if state in _WITHOUT_ATTEMPT:
            self.log.final(job.row, state, date)
        if self._tried:
            self._tried.pop(job.row, None)
        if self._notes.wanted:
            self._notes.job(date, state, job)
        if self._downtime.recovering:
            self._downtime.notice_recovery(date)
        if self._ended % _REPORT_EVERY == 0:
            rate = self._ended / (time.monotonic() - self._began)
            self._report.advance(_REPORT_EVERY, days=date / 86_400, jobs_per_s=rate)
            if self._checkpoint is not None:
                self._checkpoint(self.log, date, self._ended)

    def _abandon(self, date: float, site: int) -> None:
        """A site has gone down."""
        sent_back = list(self._end_what_is_there(date, site))
        self._staging.cut(date, site)
        for offer in sent_back:
            self._broker(date, offer)

    def _end_what_is_there(self, date: float, site: int) -> Iterable[tuple[Job, int]]:
        """Fail what runs at a site; yield what waits or stages in there, to be brokered again."""
        for attempt in list(self._at[site]):
            if attempt.phase == RUNNING:
                self._free(date, attempt)
                self.failed(date, attempt, BY_OUTAGE)
            elif attempt.phase in (STAGING, WAITING):
                self._leave_queue(attempt)
                self._end_attempt(date, attempt, SENT_BACK)
                if attempt.job.row >= 0:
                    yield attempt.job, attempt.number

    def _cut_off(self, date: float) -> None:
        """The simulation ends although jobs have not."""
        self.now = date
        for site in self._at:
            for attempt in list(site):
                if attempt.phase == RUNNING:
                    self._free(date, attempt)
                self._end_attempt(date, attempt, CUT_OFF)
        for _, _, _, what, about in self._events:
            if what == self._broker:
                self.log.final(about[0].row, "unfinished", date)
