"""Moving data: inputs to the jobs, outputs to storage, and the copies that placements order."""

from collections.abc import Callable, Iterable
from math import inf
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from redwood.configuration import Settings
from redwood.simulation.attempt import STAGING, STORING, Attempt
from redwood.simulation.catalogue import Catalogue
from redwood.simulation.contract import Copy, Removal
from redwood.simulation.faults import Failures
from redwood.simulation.log import BY_STAGE_IN, BY_STAGE_OUT, FLOWS, Log
from redwood.simulation.network import Network, Transfer
from redwood.simulation.notes import Notes
from redwood.simulation.site_state import SiteState

if TYPE_CHECKING:
    from redwood.simulation.fluid_network import FluidNetwork

_INPUT, _OUTPUT, _PLACEMENT = range(len(FLOWS))


class AttemptEngine(Protocol):
    """What staging asks of the engine: dates in s, causes as indices into `log.CAUSES`."""

    def schedule(self, date: float, what: Callable[[float, Any], None], about: Any) -> None:
        """Let `what(date, about)` happen at a date."""

    def staged(self, date: float, attempt: Attempt) -> None:
        """An attempt's input has come."""

    def stored(self, date: float, attempt: Attempt) -> None:
        """An attempt's output is stored."""

    def failed(self, date: float, attempt: Attempt, cause: int) -> None:
        """An attempt has failed because of its transfers."""


class Staging:
    """The transfers of a simulation.

    * An input that lies at the job's site is read there; else it comes from the replica with the
      most bandwidth per transfer that it sends already. A job's copy serves that job alone, unless
      the placement keeps inputs: then the dataset is fetched whole, jobs that want it meanwhile
      wait for the same copy, and it stays until room is needed. Where there is no room it is not
      kept.
    * An output is stored at the job's site, or at the Tier-0 or Tier-1 that its kind of job belongs
      to.
    * A transfer that fails starts again after a while, an input from another replica if there is
      one; after too many failures the attempt fails. Transfers that a site in an outage holds up
      wait.

    Args:
        engine: is told what becomes of attempts, and when to call again.
        states: the sites.
        network, catalogue, failures, log, notes: of the simulation.
        settings: how often and how soon a failed transfer starts again.
        keeps_inputs: see `contract.Placement`.
        outputs_at: for each kind of job the site that its outputs go to, -1: where it ran.
        up_at: for each site the moment at which it will be up again.
        tracked: whether sites may go down, so that their transfers must be found.
    """

    def __init__(
        self,
        engine: AttemptEngine,
        *,
        states: list[SiteState],
        network: "Network | FluidNetwork",
        catalogue: Catalogue,
        failures: Failures,
        log: Log,
        notes: Notes,
        settings: Settings,
        keeps_inputs: bool,
        outputs_at: list[int],
        up_at: list[float],
        tracked: bool,
    ) -> None:
        self._engine, self._network, self._catalogue = engine, network, catalogue
        self._failures, self._log, self._notes, self._states = failures, log, notes, states
        self._keeps, self._outputs_at = keeps_inputs, outputs_at
        self._lossy = failures.transfers_fail
        self._attempts, self._delay_s = settings.transfer_attempts, settings.transfer_delay_s
        self._up_at = up_at
        self._fetching: dict[tuple[int, int], Transfer] = {}
        self._under_way: list[dict[Transfer, None]] | None = (
            [{} for _ in states] if tracked else None
        )

    def stage_in(self, date: float, attempt: Attempt) -> None:
        """Bring an attempt its input."""
        job, site = attempt.job, attempt.state.index
        dataset = job.dataset
        if dataset < 0:
            self._engine.staged(date, attempt)
        elif site in self._catalogue.holders[dataset]:
            attempt.hit = 1
            if self._keeps:
                self._catalogue.read(dataset, site)
            transfer = Transfer(
                site, site, job.input_bytes, attempt.lasts, self._input_ended, attempt
            )
            if not self._network.read(date, transfer):
                self._engine.staged(date, attempt)
            else:
                self._began(transfer)
        else:
            attempt.hit = 0
            self._stage_in_from_afar(date, attempt, dataset, site)

    def _stage_in_from_afar(self, date: float, attempt: Attempt, dataset: int, site: int) -> None:
        fetch = self._fetching.get((dataset, site)) if self._fetching else None
        if fetch is not None:
            fetch.tag[1].append(attempt)
            self._network.hasten(fetch, attempt.lasts)
            return
        source = self._best_source(dataset, site, attempt.sources)
        if source < 0:
            self._engine.schedule(self._next_up(dataset), self._stage_in_again, attempt)
            return
        if self._keeps and self._fetch(date, dataset, site, source, [attempt], attempt.lasts):
            return
        job = attempt.job
        transfer = Transfer(
            source, site, job.input_bytes, attempt.lasts, self._input_ended, attempt
        )
        if self._lossy:
            self._doom(transfer)
        self._network.read(date, transfer)
        self._began(transfer)

    def _stage_in_again(self, date: float, attempt: Attempt) -> None:
        if attempt.phase == STAGING:
            self.stage_in(date, attempt)

    def _fetch(
        self,
        date: float,
        dataset: int,
        site: int,
        source: int,
        waiting: list[Attempt],
        reaction: float,
    ) -> bool:
        """Copy a dataset to a site's storage, if there is room."""
        gone = self._catalogue.reserve(dataset, site)
        if gone is None:
            return False
        for _ in gone:
            self._notes.site(date, "removed", self._states[site])
        size = max(1, round(self._catalogue.sizes[dataset]))
        transfer = Transfer(
            source, site, size, reaction, self._fetch_ended, (dataset, waiting, not waiting)
        )
        if self._lossy:
            self._doom(transfer)
        self._fetching[dataset, site] = transfer
        self._network.copy(date, transfer)
        self._began(transfer)
        return True

    def _input_ended(self, date: float, transfer: Transfer) -> None:
        attempt: Attempt = transfer.tag
        self._over(transfer)
        if attempt.phase != STAGING:
            self._count(transfer, _INPUT)
        elif transfer.ok:
            if transfer.source != transfer.destination:
                attempt.source, attempt.bytes_in = transfer.source, transfer.moved
            self._engine.staged(date, attempt)
        else:
            self._count(transfer, _INPUT)
            self._input_failed(date, attempt, transfer)

    def _input_failed(self, date: float, attempt: Attempt, transfer: Transfer) -> None:
        self._notes.transfer_failed(date, attempt, self._states[transfer.source])
        if not self._states[transfer.source].up:
            self.stage_in(date, attempt)
            return
        attempt.tries += 1
        attempt.sources = (*attempt.sources, transfer.source)
        if attempt.tries >= self._attempts:
            self._engine.failed(date, attempt, BY_STAGE_IN)
        else:
            self._engine.schedule(date + self._delay_s, self._stage_in_again, attempt)

    def _fetch_ended(self, date: float, transfer: Transfer) -> None:
        dataset, waiting, ordered = transfer.tag
        site = transfer.destination
        del self._fetching[dataset, site]
        self._over(transfer)
        first = next((attempt for attempt in waiting if attempt.phase == STAGING), None)
        if ordered or first is None or not transfer.ok:
            self._count(transfer, _PLACEMENT if ordered else _INPUT)
        else:
            first.source, first.bytes_in = transfer.source, transfer.moved
        if transfer.ok:
            self._catalogue.add(dataset, site)
            self._notes.site(date, "copied", self._states[site], transfer.source)
        else:
            self._catalogue.release(dataset, site)
        for attempt in waiting:
            if attempt.phase != STAGING:
                continue
            if transfer.ok:
                self._engine.staged(date, attempt)
            else:
                self._input_failed(date, attempt, transfer)

    def store(self, date: float, attempt: Attempt) -> None:
        """Store an attempt's output."""
        job, site = attempt.job, attempt.state.index
        to = self._outputs_at[job.kind]
        to = site if to < 0 else to
        if not (attempt.state.up and self._states[to].up):
            down = to if attempt.state.up else site
            self._engine.schedule(self._up_at[down], self._store_again, attempt)
            return
        transfer = Transfer(site, to, job.output_bytes, inf, self._output_ended, attempt)
        if site != to and self._lossy:
            self._doom(transfer)
        if self._network.write(date, transfer):
            self._began(transfer)
        else:
            self._engine.stored(date, attempt)

    def _store_again(self, date: float, attempt: Attempt) -> None:
        if attempt.phase == STORING:
            self.store(date, attempt)

    def _output_ended(self, date: float, transfer: Transfer) -> None:
        attempt: Attempt = transfer.tag
        self._over(transfer)
        if transfer.ok:
            if transfer.source != transfer.destination:
                attempt.sink, attempt.bytes_out = transfer.destination, transfer.moved
            self._engine.stored(date, attempt)
            return
        self._count(transfer, _OUTPUT)
        self._notes.transfer_failed(date, attempt, self._states[transfer.destination])
        if self._states[transfer.source].up and self._states[transfer.destination].up:
            attempt.tries += 1
            if attempt.tries >= self._attempts:
                self._engine.failed(date, attempt, BY_STAGE_OUT)
                return
        self._engine.schedule(date + self._delay_s, self._store_again, attempt)

    def obey(self, date: float, orders: Iterable[Copy | Removal]) -> None:
        """Do what a placement orders, as far as it can be done."""
        for order in orders:
            dataset, site = order.dataset, order.site.index
            if isinstance(order, Removal):
                if self._catalogue.remove(dataset, site):
                    self._notes.site(date, "removed", self._states[site])
                continue
            held = site in self._catalogue.holders[dataset] or (dataset, site) in self._fetching
            if held or not self._states[site].up or self._catalogue.sizes[dataset] == 0:
                continue
            source = self._best_source(dataset, site, ())
            if source >= 0:
                self._fetch(date, dataset, site, source, [], inf)

    def cut(self, date: float, site: int) -> None:
        """A site goes down: end all transfers from and to it."""
        if self._under_way is not None:
            for transfer in list(self._under_way[site]):
                if self._network.cut(date, transfer):
                    transfer.then(date, transfer)

    def _best_source(self, dataset: int, destination: int, tried: tuple[int, ...]) -> int:
        """The site to send from, one not yet tried if there is one; -1 where all are down."""
        holders = self._catalogue.holders[dataset]
        if len(holders) == 1:
            return holders[0] if self._states[holders[0]].up else -1
        best = again = -1
        most = most_again = 0.0
        for index in holders:
            state = self._states[index]
            if not state.up:
                continue
            rate = self._network.bandwidth[index][destination] / (1 + state.sending)
            if index not in tried:
                if rate > most:
                    best, most = index, rate
            elif rate > most_again:
                again, most_again = index, rate
        return best if best >= 0 else again

    def _next_up(self, dataset: int) -> float:
        return min(self._up_at[index] for index in self._catalogue.holders[dataset])

    def _doom(self, transfer: Transfer) -> None:
        """Let it fail with the source's rate, after part of its bytes."""
        share = self._failures.of_transfer(transfer.source)
        if share < 1:
            transfer.doomed = True
            transfer.size = max(1, int(transfer.size * share))
            transfer.reaction = min(transfer.reaction, self._delay_s)

    def _began(self, transfer: Transfer) -> None:
        source, destination = self._states[transfer.source], self._states[transfer.destination]
        source.sending += 1
        destination.receiving += 1
        source.stale = destination.stale = True
        if self._under_way is not None:
            self._under_way[transfer.source][transfer] = None
            self._under_way[transfer.destination][transfer] = None

    def _over(self, transfer: Transfer) -> None:
        source, destination = self._states[transfer.source], self._states[transfer.destination]
        source.sending -= 1
        destination.receiving -= 1
        source.stale = destination.stale = True
        if self._under_way is not None:
            self._under_way[transfer.source].pop(transfer, None)
            self._under_way[transfer.destination].pop(transfer, None)

    def _count(self, transfer: Transfer, kind: int) -> None:
        """Log a transfer between sites that is not in an attempt's own account."""
        if transfer.source != transfer.destination:
            self._log.transfer(
                (
                    transfer.ended,
                    kind,
                    transfer.source,
                    transfer.destination,
                    transfer.moved,
                    transfer.ok,
                )
            )


def choose_nuclei(states: list[SiteState], kinds: int, at_tier1: bool, random: Random) -> list[int]:
    """For each kind of job the site its outputs go to; -1: where the job ran.

    Drawn among the Tier-0 and Tier-1 sites with their cores as weights.
    """
    large = [state for state in states if state.tier <= 1]
    if not at_tier1 or not large:
        return [-1] * kinds
    weights = [max(state.cores, 1) for state in large]
    return [state.index for state in random.choices(large, weights, k=kinds)]
