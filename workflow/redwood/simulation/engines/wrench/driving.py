"""The life of every job in WRENCH, driven from outside.

At each submission WRENCH's clock is moved to it, what has ended until then is heard, and the
brokerage is asked. A job that has a site becomes a chain of compound jobs there, each the parent of
the next: its input is read, from the site's storage or from that of the best replica's site; it
computes; its output is written. So WRENCH queues jobs for cores, runs them and shares the network,
and what it tells of them makes the state that the brokerage sees.

Which attempts fail is drawn as in our engine: such a one computes for as long as until it fails,
writes nothing, and the job is offered again. The rest is as `engine.py` has it.
"""

import time
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Any

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed
from redwood.simulation.attempt import OVER, RUNNING, STAGING, STORING, WAITING, Attempt
from redwood.simulation.case import Case
from redwood.simulation.catalogue import Catalogue
from redwood.simulation.contract import Grid, Job
from redwood.simulation.engines.wrench.daemon import Daemon
from redwood.simulation.engines.wrench.services import Services
from redwood.simulation.faults import Failures
from redwood.simulation.job_table import RECORDED_STATES
from redwood.simulation.log import BY_RECORD, CANCELLED, CUT_OFF, FAILED, FINISHED, Log
from redwood.simulation.routes import find_routes, latencies, narrowest
from redwood.simulation.site_state import SiteState
from redwood.simulation.staging import choose_nuclei
from redwood.simulation.workload import CLOSED

_FAILED, _CANCELLED = (RECORDED_STATES.index(state) for state in ("failed", "cancelled"))
# The clock is moved no further at once, s.
_FAR = 3600.0
_REPORT_EVERY = 200


class Driver:
    """One simulation in WRENCH.

    Args:
        case: what is to be run.
        daemon: a simulation of the case's platform that has begun.
    """

    def __init__(self, case: Case, daemon: Daemon) -> None:
        run = case.run
        environment, workload = run.environment, run.workload
        self._case, self._workload = case, workload
        self._settings, self._policies = case.scenario, case.policies
        self.log = Log()
        self._states = states = [SiteState.of(i, site) for i, site in enumerate(environment.sites)]
        self._limited = any(site.queue_limit is not None for site in environment.sites)
        self._largest = max(site.cores for site in environment.sites)
        self._reads = [site.read_bandwidth is not None for site in environment.sites]
        self._writes = [site.write_bandwidth is not None for site in environment.sites]
        routes = find_routes(environment)
        self._rates = narrowest(environment, routes, case.scenario.tcp_gamma)
        self._latencies = latencies(routes)
        self._holders = Catalogue(states, case.replicas, workload.dataset_bytes).holders
        failures = Failures(environment, workload.kinds, len(workload), case.seed)
        self._failures = None
        if case.scenario.failures == "drawn" and not failures.never:
            self._failures = failures
        self._recorded = bytes(workload.state[workload.row.argsort()])
        self._outputs_at = choose_nuclei(
            states,
            len(workload.kinds),
            case.scenario.outputs == "tier1",
            Random(derive_seed(case.seed, "simulation", "outputs")),
        )
        self._tried: dict[int, set[int]] = {}
        self._grid = Grid(
            states,
            replicas=self._holders,
            sizes=workload.dataset_bytes,
            bandwidth=lambda i, j: self._rates[i][j],
            random=Random(derive_seed(case.seed, "simulation", "policy")),
            tried=self._tried,
            clock=lambda: self.now,
        )
        self._services = Services(daemon)
        self.now = 0.0
        # Offers to come: date, order, job and which attempt it will be.
        self._offers: list[tuple[float, int, Job, int]] = []
        self._under_way: dict[str, Attempt] = {}
        self._names: dict[Attempt, str] = {}
        self._waiting: list[dict[Attempt, str]] = [{} for _ in states]
        self._changed: set[int] = set()
        self._failing = self._numbered = self._chained = self._ended = self._reported = 0

    def run(self) -> Log:
        """Run all jobs to their ends.

        Raises:
            InputError: a policy or the daemon has failed.
        """
        jobs = len(self._workload)
        what = f"simulating in WRENCH, seed {self._case.seed}"
        cores = [state.cores for state in self._states]
        self._services.begin(cores, self._holders, self._workload.dataset_bytes.tolist())
        with ProgressReport(what, jobs, "jobs") as self._report:
            self._loop()
            self._report.advance(jobs - self._reported)
        self._case.measured["calls"] = self._services.calls
        return self.log

    def _loop(self) -> None:
        submissions = self._workload.jobs()
        job = next(submissions, None)
        last = float(self._workload.submit[-1]) + self._settings.drain_s
        while job is not None or self._offers or self._under_way:
            submit = inf if job is None else job.submit
            date = min(submit, self._offers[0][0] if self._offers else inf)
            # A job that fails meanwhile is offered again no sooner than this.
            bound = self._settings.retry_delay_s if self._failing else _FAR
            if date > self.now + bound:
                self._advance(min(self.now + bound, last))
                if self.now >= last:
                    self._cut_off(job, submissions)
                    return
                continue
            if date > last:
                self._advance(last)
                self._cut_off(job, submissions)
                return
            self._advance(date)
            if self._offers and self._offers[0][0] <= date and self._offers[0][0] < submit:
                _, _, offered, number = heappop(self._offers)
                self._broker(date, offered, number)
            elif job is not None:
                self._submit(job)
                job = next(submissions, None)

    # The clock, and what WRENCH tells

    def _advance(self, date: float) -> None:
        """Move WRENCH's clock to a date, and hear what has happened until then."""
        self.now = date
        if not self._under_way:
            # Nothing happens: the clock can be moved once something does.
            return
        self._services.move_clock(date)
        for event in self._services.events():
            self._hear(event)
        for site in sorted(self._changed):
            self._look(site)
        self._changed.clear()

    def _hear(self, event: dict[str, Any]) -> None:
        """A compound job has ended."""
        name, date = event["job_name"], float(event["end_date"])
        attempt = self._under_way.pop(name)
        if event["event_type"] != "compound_job_completion":
            cause = event.get("failure_cause", "no cause")
            raise InputError(
                f"WRENCH: job {attempt.job.row} failed at {attempt.state.name!r}: {cause}"
            )
        if name[0] == "r":
            self._staged(date, attempt)
        elif name[0] == "c":
            self._ran(date, attempt)
        else:
            self._over(attempt.state.index, attempt.sink)
            if attempt.sink == attempt.state.index:
                attempt.sink = -1
            else:
                attempt.bytes_out = attempt.job.output_bytes
            self._stored(date, attempt)

    def _look(self, site: int) -> None:
        """Ask which of the jobs that wait at a site have started."""
        state, waiting = self._states[site], self._waiting[site]
        for attempt, name in list(waiting.items()):
            free = state.cores - state.busy_cores
            if not free:
                return
            if attempt.job.cores <= free:
                date = self._services.start_date(name)
                if date >= 0:
                    self._start(date, attempt)

    # The life of a job

    def _submit(self, job: Job) -> None:
        if self._recorded[job.row] == CLOSED:
            self._end_job(job, "closed", job.submit)
        elif job.cores > self._largest:
            self._end_job(job, "unbrokered", job.submit)
        else:
            self._broker(job.submit, job, 1)

    def _broker(self, date: float, job: Job, number: int) -> None:
        state, log = None, self.log
        if not self._limited or self._grid.able(job):
            log.decisions += 1
            begin = time.perf_counter()
            state = self._policies.site(job, self._grid)
            log.timed_s += time.perf_counter() - begin
            log.timed += 1
            log.declined += state is None
        if state is not None:
            self._assign(date, job, number, state)
        elif date + self._settings.pending_s > job.submit + self._settings.give_up_s:
            self._end_job(job, "unbrokered", date)
        else:
            self._offer(date + self._settings.pending_s, job, number)

    def _offer(self, date: float, job: Job, number: int) -> None:
        self._numbered += 1
        heappush(self._offers, (date, self._numbered, job, number))

    def _assign(self, date: float, job: Job, number: int, state: SiteState) -> None:
        attempt = Attempt(job, number, state, date, state.run_time(job))
        if self._failures is not None:
            share, cause = self._failures.of_attempt(job.row, number, job.kind, state.index)
            if share <= 1:
                attempt.fail_after(share, cause)
        elif self._settings.failures == "recorded" and self._recorded[job.row] == _FAILED:
            attempt.fail_after(1.0, BY_RECORD)
        self._failing += attempt.fails_after <= 1
        state.commit(job.cores)
        state.waiting_core_s += job.cores * attempt.run_time
        state.staging_jobs += 1
        if self._limited:
            self._grid._forget_able()
        self._services.move_clock(date)
        self._chain(attempt)

    def _chain(self, attempt: Attempt) -> None:
        """Submit the compound jobs of an attempt."""
        job, site, services = attempt.job, attempt.state.index, self._services
        # WRENCH's order of what is ready at once is none unless names grow with time.
        self._chained += 1
        name = self._names[attempt] = f"{self._chained:09d}"
        reads = ""
        if job.dataset >= 0:
            source = self._source(job, site)
            attempt.hit = int(source == site)
            if source != site or self._reads[site]:
                reads, attempt.source = f"r{name}", source
                latency = self._latencies[source][site]
                services.read(reads, site, job.dataset, source, job.input_bytes, latency)
                self._moves(source, site)
                self._under_way[reads] = attempt
        services.compute(f"c{name}", site, attempt.lasts, job.cores, reads)
        self._under_way[f"c{name}"] = attempt
        writes = attempt.fails_after > 1 and self._recorded[job.row] != _CANCELLED
        if job.output_bytes and writes:
            to = self._outputs_at[job.kind]
            to = site if to < 0 else to
            if to != site or self._writes[site]:
                attempt.sink = to
                latency = self._latencies[site][to]
                services.write(f"w{name}", site, to, job.output_bytes, latency, f"c{name}")
                self._under_way[f"w{name}"] = attempt
        if not reads:
            self._staged(self.now, attempt)

    def _source(self, job: Job, site: int) -> int:
        """The site itself, or the replica with the most bandwidth for each transfer it serves."""
        holders = self._holders[job.dataset]
        if site in holders:
            return site
        rates = [self._rates[i][site] / (1 + self._states[i].sending) for i in holders]
        return holders[rates.index(max(rates))]

    def _moves(self, source: int, destination: int) -> None:
        self._states[source].sending += 1
        self._states[destination].receiving += 1
        self._states[source].stale = self._states[destination].stale = True

    def _over(self, source: int, destination: int) -> None:
        self._states[source].sending -= 1
        self._states[destination].receiving -= 1
        self._states[source].stale = self._states[destination].stale = True

    def _staged(self, date: float, attempt: Attempt) -> None:
        job, state = attempt.job, attempt.state
        if attempt.source >= 0:
            self._over(attempt.source, state.index)
            if attempt.source == state.index:
                attempt.source = -1
            else:
                attempt.bytes_in = job.input_bytes
        attempt.staged, attempt.phase = date, WAITING
        state.staging_jobs -= 1
        state.waiting_jobs += 1
        state.stale = True
        if not self._waiting[state.index] and job.cores <= state.cores - state.busy_cores:
            # With free cores and nobody before it, it starts at once.
            self._waiting[state.index][attempt] = ""
            self._start(date, attempt)
            return
        self._waiting[state.index][attempt] = f"c{self._names[attempt]}"
        self._changed.add(state.index)

    def _start(self, date: float, attempt: Attempt) -> None:
        state = attempt.state
        del self._waiting[state.index][attempt]
        state.waiting_jobs -= 1
        attempt.begin(date)
        if self._limited:
            self._grid._forget_able()

    def _ran(self, date: float, attempt: Attempt) -> None:
        state = attempt.state
        if attempt.phase == WAITING:
            # It started since WRENCH was last asked, and has ended already.
            self._start(max(date - attempt.lasts, attempt.staged), attempt)
        attempt.free(date)
        self._changed.add(state.index)
        self._failing -= attempt.fails_after <= 1
        if attempt.fails_after <= 1:
            self._fail(date, attempt)
        elif attempt.sink >= 0:
            attempt.phase = STORING
            self._moves(state.index, attempt.sink)
        else:
            self._stored(date, attempt)
        if self._waiting[state.index]:
            self._changed.add(state.index)

    def _fail(self, date: float, attempt: Attempt) -> None:
        job, state = attempt.job, attempt.state
        self._end_attempt(date, attempt, FAILED)
        state.failed_jobs += 1
        if attempt.number >= self._settings.attempts or attempt.cause == BY_RECORD:
            self._end_job(job, "failed", date)
        else:
            self._tried.setdefault(job.row, set()).add(state.index)
            self._offer(date + self._settings.retry_delay_s, job, attempt.number + 1)

    def _stored(self, date: float, attempt: Attempt) -> None:
        attempt.state.finished_jobs += 1
        attempt.state.stale = True
        cancelled = self._recorded[attempt.job.row] == _CANCELLED
        self._end_attempt(date, attempt, CANCELLED if cancelled else FINISHED)
        self._end_job(attempt.job, "cancelled" if cancelled else "finished", date)

    def _end_attempt(self, date: float, attempt: Attempt, end: int) -> None:
        attempt.phase = OVER
        del self._names[attempt]
        self.log.attempt(attempt.logged(date, end))

    def _end_job(self, job: Job, state: str, date: float) -> None:
        self._tried.pop(job.row, None)
        if state in ("closed", "unbrokered"):
            self.log.final(job.row, state, date)
        self._ended += 1
        if self._ended % _REPORT_EVERY == 0:
            self._reported += _REPORT_EVERY
            self._report.advance(_REPORT_EVERY, days=date / 86_400)
            if self._case.checkpoint is not None:
                self._case.checkpoint(self.log, date, self._ended)

    def _cut_off(self, job: Job | None, submissions: Any) -> None:
        """The simulation ends although jobs have not."""
        for attempt in dict.fromkeys(self._under_way.values()):
            if attempt.phase == RUNNING:
                attempt.free(self.now)
            # What has not come has no source yet.
            attempt.sink = -1
            if attempt.phase == STAGING:
                attempt.source = -1
            self._end_attempt(self.now, attempt, CUT_OFF)
        for _, _, offered, _ in self._offers:
            self.log.final(offered.row, "unfinished", self.now)
        for left in filter(None, (job, *submissions)):
            self.log.final(left.row, "unfinished", self.now)
