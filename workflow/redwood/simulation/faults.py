"""What fails: attempts by site and by kind of job, transfers, and sites that go down."""

from collections.abc import Iterator, Sequence
from heapq import merge
from random import Random

from redwood.seeds import derive_seed, generator
from redwood.simulation.environment import Environment
from redwood.simulation.log import BY_KIND, BY_SITE, NO_CAUSE


class Failures:
    """Draws which attempts and which transfers fail.

    An attempt fails with probability 1 - (1 - rate of the site) × (1 - rate of the kind of job),
    at a moment of its run that is drawn evenly. The draw belongs to job and attempt, so that the
    same job has the same luck under every policy.

    Args:
        environment: has the rates.
        kinds: the kinds of jobs, in the workload's order.
        rows: number of jobs.
        seed: the scenario's.
    """

    def __init__(
        self, environment: Environment, kinds: Sequence[str], rows: int, seed: int
    ) -> None:
        by_kind = [environment.kind_failure_rates.get(kind, 0.0) for kind in kinds]
        self._survival = [
            [(1 - site.failure_rate) * (1 - rate) for rate in by_kind] for site in environment.sites
        ]
        self._site_survival = [1 - site.failure_rate for site in environment.sites]
        self._transfer_rates = [site.transfer_failure_rate for site in environment.sites]
        self._first = generator(seed, "simulation", "failures").random(rows)
        self._seed = derive_seed(seed, "simulation", "further failures")
        self._transfers = Random(derive_seed(seed, "simulation", "transfer failures"))
        self.transfers_fail = any(self._transfer_rates)
        self.never = not any(by_kind) and all(s.failure_rate == 0 for s in environment.sites)

    def of_attempt(self, row: int, number: int, kind: int, site: int) -> tuple[float, int]:
        """The share of its run after which an attempt fails, above 1 if it does not, and why.

        The reason is an index into `log.CAUSES`.
        """
        if self.never:
            return 2.0, NO_CAUSE
        luck = self._first[row] if number == 1 else self._further(row, number)
        survival = self._survival[site][kind]
        if luck < survival:
            return 2.0, NO_CAUSE
        # Given that it fails and why, the place of the draw within its part is uniform.
        by_site = self._site_survival[site]
        if luck >= by_site:
            return float((luck - by_site) / (1 - by_site)), BY_SITE
        return float((luck - survival) / (by_site - survival)), BY_KIND

    def of_transfer(self, source: int) -> float:
        """The share of its bytes after which a transfer fails, above 1 if it does not."""
        rate = self._transfer_rates[source]
        if rate == 0 or self._transfers.random() >= rate:
            return 2.0
        return self._transfers.random()

    def _further(self, row: int, number: int) -> float:
        return Random(f"{self._seed}/{row}/{number}").random()


def outages(environment: Environment, seed: int) -> Iterator[tuple[float, int, float]]:
    """Start, site and end of every outage, an endless series in order of their starts."""
    index = {site.name: number for number, site in enumerate(environment.sites)}
    fixed = sorted(
        (outage.start_s, index[outage.site], outage.start_s + outage.lasting_s)
        for outage in environment.outages
    )
    drawn = [
        _drawn(number, site.outages.every_s, site.outages.lasting_s, seed)
        for number, site in enumerate(environment.sites)
        if site.outages is not None
    ]
    return merge(fixed, *drawn)


def _drawn(
    site: int, every_s: float, lasting_s: float, seed: int
) -> Iterator[tuple[float, int, float]]:
    random = Random(derive_seed(seed, "simulation", "outages", site))
    date = 0.0
    while True:
        date += random.expovariate(1 / every_s)
        end = date + random.expovariate(1 / lasting_s)
        yield date, site, end
        date = end


class LocalJobs:
    """The local jobs of a site: Poisson arrivals and exponential run times.

    Args:
        load: share of the cores that they keep busy on average.
        job_s: their mean run time, s.
        cores: of the site.
        site: its index.
        seed: the scenario's.
    """

    def __init__(self, load: float, job_s: float, cores: int, site: int, seed: int) -> None:
        self._random = Random(derive_seed(seed, "simulation", "local jobs", site))
        self._rate = load * cores / job_s
        self._job_s = job_s

    def wait(self) -> float:
        """Until the next one, s."""
        return self._random.expovariate(self._rate)

    def run_time(self) -> float:
        """Of one, s."""
        return self._random.expovariate(1 / self._job_s)
