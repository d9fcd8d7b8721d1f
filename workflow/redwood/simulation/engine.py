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
* With users in a closed loop (`users.py`) jobs are submitted when those that they wait for have
  ended; without, when they were recorded.
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
from collections import deque
from collections.abc import Callable, Generator, Iterable
from heapq import heappop, heappush
from math import inf
from operator import attrgetter
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
from redwood.simulation.network import Network
from redwood.simulation.notes import Notes
from redwood.simulation.queues import Queues
from redwood.simulation.site_state import SiteState
from redwood.simulation.staging import Staging, choose_nuclei
from redwood.simulation.users import ClosedUsers, Release
from redwood.simulation.workload import CLOSED, Workload

if TYPE_CHECKING:
    from redwood.simulation.fluid_network import FluidNetwork

_ended = attrgetter("ended")
_ENDS, _SITES, _ARRIVALS, _RETRIES, _MOMENTS, _SUBMISSIONS = range(6)
_FAILED, _CANCELLED = (RECORDED_STATES.index(state) for state in ("failed", "cancelled"))
_REPORT_EVERY = 1000
# One decision in 64 is timed: the others have a bit of this in their number.
_UNTIMED = 63
# Final states that do not follow from a job's last attempt.
_WITHOUT_ATTEMPT = ("closed", "unbrokered")


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
        users: who waits for what; `None` if jobs are submitted as recorded.
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
        users: ClosedUsers | None = None,
    ) -> None:
        self._users, self._held = users, len(workload) if users is not None else 0
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
        # Jobs for which the brokerage is to be asked now, and which attempt it will be.
        self._offers: deque[tuple[Job, int]] = deque()
        self._report: ProgressReport | None = None
        self._scheduled = self._alive = self._ended = 0
        # Sums over jobs of the dates at which they were submitted, and at which they ended.
        self._came_s = self._left_s = 0.0
        self._counts_reads = policies.period() is not None
        self._checkpoint = checkpoint
        self.now = 0.0

    @property
    def grid(self) -> Grid:
        """What policies see."""
        return self._grid

    @property
    def states(self) -> list[SiteState]:
        """The sites, in the order of `grid.sites`."""
        return self._states

    @property
    def job_s(self) -> float:
        """How long all jobs together have been under way so far, s: finally all turnarounds."""
        return self._left_s - self._came_s + self._alive * self.now

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
            questions = self.questions()
            try:
                self._answer(questions.send)
            finally:
                questions.close()
                if collects:
                    gc.enable()
            if self._ended % _REPORT_EVERY or self._ended < jobs:
                self._report.advance(jobs - self._ended // _REPORT_EVERY * _REPORT_EVERY)
        return self.log

    def _answer(self, send: Callable[[SiteState | None], Job]) -> None:
        """Answer all questions as the brokerage does."""
        site, grid, log = self._policies.site, self._grid, self.log
        answer = None
        try:
            while True:
                job = send(answer)
                if log.decisions & _UNTIMED:
                    answer = site(job, grid)
                else:
                    begin = time.perf_counter()
                    answer = site(job, grid)
                    log.timed_s += time.perf_counter() - begin
                    log.timed += 1
        except StopIteration:
            # What a policy raises is never one, see `asking.Policies`.
            pass

    def schedule(
        self, date: float, what: Callable[[float, Any], None], about: Any, order: int = _RETRIES
    ) -> None:
        """Let `what(date, about)` happen at a date."""
        self._scheduled += 1
        heappush(self._events, (date, order, self._scheduled, what, about))

    def questions(self) -> Generator[Job, SiteState | None, None]:
        """Run all jobs to their ends, and stop whenever a job needs a site.

        Whoever drives it sends the site that is to run the job, one that can take it, or `None` for
        not now, as the brokerage would answer. `run` does so; an environment for learning does it
        step by step. The state of `grid` is that of the moment until then.
        """
        try:
            yield from self._loop()
        finally:
            self._network.close()

    def _loop(self) -> Generator[Job, SiteState | None, None]:
        events, network = self._events, self._network
        pending = network.pending
        submissions = self._workload.jobs() if self._users is None else iter(())
        job = next(submissions, None)
        submit = job.submit if job is not None else inf
        last = float(self._workload.submit[-1]) + self._settings.drain_s
        offers, log = self._offers, self.log
        self._begin()
        while submit != inf or self._alive or self._held:
            while offers:
                job_offered, number = offers.popleft()
                state = None
                if not self._uncertain or self._grid._takers(job_offered):
                    log.decisions += 1
                    state = yield job_offered
                    if state is None:
                        log.declined += 1
                if state is None:
                    self._leave_pending(self.now, job_offered, number)
                else:
                    self._assign(self.now, job_offered, number, state)
            date = events[0][0] if events else inf
            submits = submit < date
            if submits:
                date = submit
            if pending and pending[0][0] <= date:
                until = network.horizon(date)
                ended = network.advance(until)
                if ended:
                    for transfer in sorted(ended, key=_ended) if len(ended) > 1 else ended:
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
        if self._users is not None:
            self._expect(self._users.begin())

    # Users who wait

    def _expect(self, releases: Iterable[Release]) -> None:
        for date, batch in releases:
            self.schedule(date, self._release, batch, _SUBMISSIONS)

    def _release(self, date: float, batch: int) -> None:
        assert self._users is not None
        jobs, releases = self._users.release(date, batch)
        for job in jobs:
            self.schedule(job.submit, self._submit_held, job, _SUBMISSIONS)
        self._expect(releases)

    def _submit_held(self, date: float, job: Job) -> None:
        assert self._users is not None
        self._held -= 1
        self._users.submitted[job.row] = date
        self._submit(job)

    # Brokerage

    def _submit(self, job: Job) -> None:
        self._alive += 1
        self._came_s += job.submit
        if self._counts_reads and job.dataset >= 0:
            reads = self._grid._reads
            reads[job.dataset] = reads.get(job.dataset, 0) + 1
        if self._notes.wanted:
            self._notes.job(job.submit, "submitted", job)
        if self._recorded[job.row] == CLOSED:
            self._end_job(job, "closed", job.submit)
        elif job.cores > self._largest:
            self._end_job(job, "unbrokered", job.submit)
        else:
            self._offers.append((job, 1))

    def _broker(self, date: float, offer: tuple[Job, int]) -> None:
        """The brokerage is asked next, before anything else happens."""
        self._offers.append(offer)

    def _assign(self, date: float, job: Job, number: int, state: SiteState) -> None:
        run_time = state.run_time(job)
        attempt = Attempt(job, number, state, date, run_time)
        if self._failures is not None:
            share, cause = self._failures.of_attempt(job.row, number, job.kind, state.index)
            if share <= 1:
                attempt.fail_after(share, cause)
        elif self._replays and self._recorded[job.row] == _FAILED:
            attempt.fail_after(1.0, BY_RECORD)
        self._at[state.index][attempt] = None
        state.commit(job.cores)
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
            state.commit(1)
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
        state.stale = True
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
        attempt.begin(date)
        if self._limited:
            self._grid._forget_able()
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
        attempt.free(date)
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
        if attempt.state.waiting_jobs:
            self._start_waiting(date, attempt.state)

    def stored(self, date: float, attempt: Attempt) -> None:
        """An attempt has done all it had to."""
        job = attempt.job
        if job.row < 0:
            self._end_attempt(date, attempt, FINISHED)
            return
        attempt.state.finished_jobs += 1
        attempt.state.stale = True
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
        state.stale = True
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
        state.commit(-job.cores)
        state.waiting_core_s -= job.cores * attempt.run_time
        if self._limited:
            self._grid._forget_able()

    def _end_attempt(self, date: float, attempt: Attempt, end: int) -> None:
        if self._notes.wanted and end in (FAILED, SENT_BACK):
            self._notes.attempt(date, ENDS[end], attempt)
        attempt.phase = OVER
        del self._at[attempt.state.index][attempt]
        self.log.attempt(attempt.logged(date, end))

    def _end_job(self, job: Job, state: str, date: float) -> None:
        self._alive -= 1
        self._ended += 1
        self._left_s += date
        if state in _WITHOUT_ATTEMPT:
            self.log.final(job.row, state, date)
        if self._tried:
            self._tried.pop(job.row, None)
        if self._notes.wanted:
            self._notes.job(date, state, job)
        if self._downtime.recovering:
            self._downtime.notice_recovery(date)
        if self._users is not None:
            self._expect(self._users.ended(job.row, date))
        if self._ended % _REPORT_EVERY == 0:
            if self._report is not None:
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
                attempt.free(date)
                self.failed(date, attempt, BY_OUTAGE)
            elif attempt.phase in (STAGING, WAITING):
                self._leave_queue(attempt)
                self._end_attempt(date, attempt, SENT_BACK)
                if attempt.job.row >= 0:
                    yield attempt.job, attempt.number

    def _cut_off(self, date: float) -> None:
        """The simulation ends although jobs have not."""
        self.now = date
        if self._users is not None:
            self._users.give_up(date)
        for site in self._at:
            for attempt in list(site):
                if attempt.phase == RUNNING:
                    attempt.free(date)
                self._end_attempt(date, attempt, CUT_OFF)
        for _, _, _, what, about in self._events:
            if what == self._broker:
                self.log.final(about[0].row, "unfinished", date)
