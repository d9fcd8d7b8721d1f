"""One attempt at a job: its phase, its dates, and what came of it."""

from math import nan

from redwood.simulation.contract import Job
from redwood.simulation.log import FAILED, NO_CAUSE
from redwood.simulation.site_state import SiteState

STAGING, WAITING, RUNNING, STORING, OVER = range(5)

# How much the latest waiting time counts in a site's moving average.
_LATEST = 0.05


class Attempt:
    """From the moment a job is given to a site until it ends there.

    Attributes:
        job: the job.
        number: 1 for the first.
        state: the site.
        phase: `STAGING`, `WAITING`, `RUNNING`, `STORING` or `OVER`.
        brokered, staged, start, stop: dates, s; NaN for what has not happened.
        run_time: how long it runs, unless it fails, s.
        lasts: how long it runs, s; how soon after its input something can start a transfer.
        fails_after: share of the run after which it fails; above 1 if it does not.
        cause: why it fails, an index into `log.CAUSES`.
        source, sink: the sites that its input came from and its output went to, -1 if that was its
            own or there is none.
        bytes_in, bytes_out: moved between sites for it.
        hit: whether its input lay at its site: 1 or 0; -1 if it has none.
        tries: transfers of its input or output that failed.
        sources: the sites from which they did.
    """

    __slots__ = (
        "brokered", "bytes_in", "bytes_out", "cause", "fails_after", "hit", "job", "lasts",
        "number", "phase", "run_time", "sink", "source", "sources", "staged", "start", "state",
        "stop", "tries",
    )  # fmt: skip

    def __init__(
        self,
        job: Job,
        number: int,
        state: SiteState,
        date: float,
        run_time: float,
    ) -> None:
        self.job, self.number, self.state, self.brokered = job, number, state, date
        self.run_time = self.lasts = run_time
        self.cause, self.fails_after = NO_CAUSE, 2.0
        self.phase = STAGING
        self.staged = self.start = self.stop = nan
        self.source = self.sink = self.hit = -1
        self.bytes_in = self.bytes_out = self.tries = 0
        self.sources: tuple[int, ...] = ()

    def begin(self, date: float) -> None:
        """It has its cores, and runs: what policies see of its site, whichever engine runs it."""
        job, state = self.job, self.state
        core_s = job.cores * self.run_time
        state.busy_cores += job.cores
        state.running_jobs += 1
        state.running_until_core_s += core_s + job.cores * date
        state.waiting_core_s -= core_s
        state.queue_time += _LATEST * (date - self.staged - state.queue_time)
        state.stale = True
        self.phase, self.start = RUNNING, date

    def free(self, date: float) -> None:
        """It has run, and gives back its cores."""
        job, state = self.job, self.state
        self.stop = date
        state.busy_cores -= job.cores
        state.commit(-job.cores)
        state.running_jobs -= 1
        state.running_until_core_s -= job.cores * (self.start + self.run_time)

    def logged(self, date: float, end: int) -> tuple[float, ...]:
        """What a log keeps of it once it has ended, `log.ATTEMPT_COLUMNS`; `end` is of `ENDS`."""
        job = self.job
        return (
            job.row, self.number, self.state.index, job.cores, self.brokered, self.staged,
            self.start, self.stop, date, end, self.cause if end == FAILED else NO_CAUSE,
            self.source, self.sink, self.bytes_in, self.bytes_out, self.hit,
        )  # fmt: skip

    def fail_after(self, share: float, cause: int) -> None:
        """Let it fail after a share of its run."""
        self.fails_after, self.cause = share, cause
        self.lasts = self.run_time * share
