"""Cases whose results a formula gives, to be run in every engine: each isolates one thing.

What an engine is said to leave out shows as the difference that follows from it, and nothing else.
"""

import csv
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import factorial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from redwood.simulation.account_tables import JOBS
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.tables import read_table

_BEGIN = pd.Timestamp("2024-01-01", tz="UTC")
_POWER, _OVERHEAD_S = 10.0, 60.0
_SITE = {"core_power": _POWER, "overhead_s": _OVERHEAD_S, "bandwidth": 1e9, "latency": 1e-6}
# Where no job can run: an engine that brokers by itself might send them to their input.
_STORE = {"cores": 0}


@dataclass(frozen=True)
class Expected:
    """What a case should give.

    Attributes:
        quantity: in words.
        column: of `account_tables.JOBS`, in s.
        row: of which job; `None`: the mean over all.
        value: by the formula.
        formula: the formula.
    """

    quantity: str
    column: str
    row: int | None
    value: float
    formula: str

    def found(self, jobs: pd.DataFrame) -> float:
        """What a run gave."""
        values = jobs[self.column]
        return float(values.mean() if self.row is None else values[self.row])


@dataclass(frozen=True)
class AnalyticCase:
    """A scenario with what it should give.

    Attributes:
        title: what it isolates.
        sites: name → keys of the environment that are not as `_SITE`.
        jobs: a row each: `at` [s], `site`, `seconds` on one core of the usual power besides the
            overhead, and, if not the default, `cores`, `size`, `dataset`.
        holders: dataset → the site that holds it.
        expected: what it should give.
        settings: of the scenario.
    """

    title: str
    sites: Mapping[str, Mapping[str, Any]]
    jobs: Sequence[Mapping[str, Any]]
    expected: Sequence[Expected]
    holders: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def scenario(self, folder: Path, engine: str) -> Scenario:
        """The scenario, whose files are written into a folder."""
        with open(folder / "jobs.csv", "w", encoding="utf-8", newline="") as stream:
            columns = ["creationtime", "computingsite", "workload", "cores"]
            columns += ["size", "dataset"] if self.holders else []
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            for job in self.jobs:
                at = _BEGIN + pd.Timedelta(job["at"], "s")
                writer.writerow(
                    {"creationtime": at.isoformat(), "computingsite": job["site"],
                     "workload": job["seconds"] * _POWER, "cores": job.get("cores", 1),
                     "size": job.get("size", 0), "dataset": job.get("dataset", "none")}
                )  # fmt: skip
        workload = {"name": "case", "jobs": str(folder / "jobs.csv")}
        if self.holders:
            lines = ["dataset,sites", *(f"{name},{at}" for name, at in self.holders.items())]
            (folder / "catalogue.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
            workload["catalogue"] = str(folder / "catalogue.csv")
        sites = [{"name": name, "cores": 10, **_SITE, **own} for name, own in self.sites.items()]
        return Scenario.load(
            {
                "environment": {"sites": sites},
                "workload": workload,
                "policies": "as_recorded",
                "engine": engine,
                "output_share": 0,
                **self.settings,
            }
        )


def run_cases(
    engines: Sequence[str], programs: Mapping[str, str] = MappingProxyType({})
) -> pd.DataFrame:
    """Run every case in every engine.

    Args:
        engines: their names.
        programs: engine → its program, as for `running.run_scenario`.

    Returns:
        Columns case, quantity, formula, expected [s], engine, value [s], difference (relative).
    """
    rows = []
    for case in CASES:
        for engine in engines:
            with TemporaryDirectory(prefix="redwood-") as scratch:
                folder = Path(scratch)
                scenario = case.scenario(folder, engine)
                run_scenario(scenario, folder / "run", program=programs.get(engine))
                jobs = read_table(folder / "run" / "seed-1" / "jobs.parquet", JOBS)
            rows += [
                _row(case, expected, engine, expected.found(jobs)) for expected in case.expected
            ]
    return pd.DataFrame(rows)


def _row(case: AnalyticCase, expected: Expected, engine: str, value: float) -> dict[str, Any]:
    return {
        "case": case.title,
        "quantity": expected.quantity,
        "formula": expected.formula,
        "expected": expected.value,
        "engine": engine,
        "value": value,
        "difference": value / expected.value - 1,
    }


def _stage_in(row: int, value: float, formula: str) -> Expected:
    return Expected(f"stage-in of job {row + 1}", "stagein_s", row, value, formula)


def _queue(seed: int = 1, jobs: int = 4000, cores: int = 10, load: float = 0.9) -> AnalyticCase:
    """Poisson arrivals, exponential run times: M/M/c."""
    random, mean_s = np.random.default_rng(seed), 1000.0
    at = np.cumsum(random.exponential(mean_s / cores / load, jobs)).round(3)
    seconds = random.exponential(mean_s, jobs).round(3)
    free, waited = [0.0] * cores, []
    for submit, run in zip(at - at[0], seconds, strict=True):
        start = max(submit, heapq.heappop(free))
        waited.append(start - submit)
        heapq.heappush(free, start + run)
    offered = cores * load
    last = offered**cores / factorial(cores) / (1 - load)
    waits = last / (sum(offered**n / factorial(n) for n in range(cores)) + last)
    long_run = waits * mean_s / cores / (1 - load)
    return AnalyticCase(
        "a saturated site",
        {"A": {"overhead_s": 0.0, "cores": cores}},
        [
            {"at": float(one), "site": "A", "seconds": float(run)}
            for one, run in zip(at, seconds, strict=True)
        ],
        [
            Expected(
                "mean queue time", "queue_s", None, float(np.mean(waited)),
                "the recursion of J. Kiefer and J. Wolfowitz (1955) on these jobs",
            ),
            Expected("mean queue time", "queue_s", None, long_run,
                     f"Erlang C of {cores} cores at a load of {load:g}, which {jobs} jobs are too "
                     "few to meet"),
        ],
    )  # fmt: skip


def _both(size: float, sites: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    """A job at each site, all at once, that reads the dataset."""
    return [
        {"at": 0.0, "site": site, "seconds": 100.0, "size": size, "dataset": "d", **more}
        for site in sites
    ]


CASES = (
    AnalyticCase(
        "one job",
        {"A": {"read_bandwidth": 1e8, "write_bandwidth": 5e7, "core_scaling": 0.8}},
        _both(5e9, ["A"], cores=4),
        [
            _stage_in(0, 50.0, "size / read bandwidth"),
            Expected("wall time", "wall_s", 0, _OVERHEAD_S + 100 / 4**0.8,
                     "overhead + work / (power × cores^scaling)"),
            Expected("turnaround", "end", 0, 50 + _OVERHEAD_S + 100 / 4**0.8 + 10,
                     "stage-in + wall time + output / write bandwidth"),
        ],
        {"d": "A"}, {"output_share": 0.1},
    ),
    AnalyticCase(
        "a transfer", {"A": {**_STORE, "bandwidth": 2e8}, "B": {}}, _both(5e9, ["B"]),
        [_stage_in(0, 25.0, "size / narrowest link")], {"d": "A"},
    ),
    AnalyticCase(
        "two transfers over one link", {"A": {**_STORE, "bandwidth": 2e8}, "B": {}, "C": {}},
        _both(5e9, ["B", "C"]),
        [_stage_in(row, 50.0, "2 × size / bandwidth") for row in (0, 1)], {"d": "A"},
    ),
    AnalyticCase(
        "a transfer and a local read", {"A": {"read_bandwidth": 2e8}, "B": {}},
        _both(5e9, ["A", "B"]),
        [_stage_in(row, 50.0, "2 × size / read bandwidth") for row in (0, 1)], {"d": "A"},
    ),
    AnalyticCase(
        "a transfer from afar, another from nearby",
        {"A": {**_STORE, "bandwidth": 2e8}, "B": {"latency": 0.1}, "C": {}},
        _both(5e9, ["B", "C"]),
        [_stage_in(row, 50.0, "2 × size / bandwidth, whatever the latency") for row in (0, 1)],
        {"d": "A"},
    ),
    AnalyticCase(
        "a transfer with a TCP window", {"A": {**_STORE, "latency": 0.01}, "B": {"latency": 0.01}},
        _both(5e9, ["B"]),
        [_stage_in(0, 5e9 * 0.04 / 4194304 + 0.02, "size × 2 × latency / window + latency")],
        {"d": "A"}, {"tcp_gamma": 4194304.0},
    ),
    AnalyticCase(
        "a file of one byte over a long way",
        {"A": {**_STORE, "latency": 0.1}, "B": {"latency": 0.1}},
        _both(1, ["B"]), [_stage_in(0, 0.2, "latency")], {"d": "A"},
    ),
    AnalyticCase(
        "a file of 50 GB, twice", {"A": {**_STORE, "bandwidth": 2e8}, "B": {}, "C": {}},
        _both(5e10, ["B", "C"]),
        [_stage_in(row, 500.0, "2 × size / bandwidth") for row in (0, 1)], {"d": "A"},
    ),
    _queue(),
    AnalyticCase(
        "a wide job before a narrow one", {"A": {"cores": 2, "overhead_s": 0.0}},
        [{"at": 0.0, "site": "A", "seconds": 100.0},
         {"at": 1.0, "site": "A", "seconds": 100.0, "cores": 2},
         {"at": 2.0, "site": "A", "seconds": 10.0}],
        [Expected("start of the wide one", "start", 1, 100.0, "once the first has ended"),
         Expected("start of the narrow one", "start", 2, 150.0, "after the wide one")],
    ),
)  # fmt: skip
