"""REDWOOD's engine against other simulators, on the same jobs on the same grid.

10,000 jobs on 100 sites of 160 cores, 3,300 running at once, each reading 10 GB on average from one
replica and writing a tenth of it; two choices as brokerage, where the engine asks one. Every engine
whose program is on the PATH simulates them.

Times are CPU seconds of simulating, from the jobs and the grid in memory to a log of attempts in
memory: all of the program of another simulator, and what REDWOOD does for it, writing its input,
reading what it says and answering it (`adapter`). Machines that are shared take wall-clock time
away, from either side. The ratio is of medians.

    python benchmarks/engine_speed.py [--quick] [--jobs N]
"""

import argparse
import ctypes
import json
import multiprocessing
import os
import platform as machine
import resource
import statistics
import sys
import tempfile
import time
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.simulation import engines
from redwood.simulation.asking import Policies
from redwood.simulation.contract import Placement, QueueOrder
from redwood.simulation.exporting import case_to_write
from redwood.simulation.log import FINISHED
from redwood.simulation.policies.brokerage.power_of_two import Policy
from redwood.simulation.scenario import Scenario

SITES, CORES, POWER = 100, 160, 10.0
_REPEATS = 3
_SUBREAPER = 36


def write_jobs(path: Path, jobs: int) -> None:
    """A job table: a row every 2.2 s, two hours of work and 10 GB of input on average."""
    random = np.random.default_rng(1)
    created = np.cumsum(random.exponential(7200 / 3300, jobs))
    start = pd.Timestamp("2024-01-01", tz="UTC")
    pd.DataFrame(
        {
            "creationtime": start + pd.to_timedelta(created.round(3), "s"),
            "computingsite": "S00",
            "workload": random.lognormal(np.log(7200) - 0.5, 1.0, jobs) * POWER,
            "size": random.lognormal(np.log(1e10) - 0.5, 1.0, jobs).round() + 10,
        }
    ).to_parquet(path)


def simulate(folder: Path, name: str) -> dict[str, float]:
    """CPU seconds of the program and of ours, peak memory in GB, wall-clock seconds."""
    sites = [{"name": f"S{index:02d}", "cores": CORES} for index in range(SITES)]
    scenario = Scenario.load(
        {
            "environment": {"sites": sites},
            "workload": {"jobs": str(folder / "jobs.parquet")},
            "engine": name,
            "replicas": 1,
            "jobs_per_dataset": 1,
            "failures": "none",
        }
    )
    found = engines.require(name)
    # Processes whose parent has ended become ours, so that what they took counts, too (Linux).
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory(dir=folder) as own:
        case = replace(
            case_to_write(scenario),
            policies=Policies(Policy(), Placement(), QueueOrder()),
            folder=Path(own),
            program=found.program,
        )
        engine = engines.load(name)
        begin, cpu = time.perf_counter(), time.process_time()
        with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
            log = engine.simulate(case)
        taken = {"ours": time.process_time() - cpu, "wall": time.perf_counter() - begin}
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    attempts = log.attempts()
    if len(attempts) != len(case.run.workload) or (attempts[:, 9] != FINISHED).any():
        raise SystemExit(f"{name}: a job did not finish")
    own_peak, peak = (
        resource.getrusage(whose).ru_maxrss * 1024 / 1e9
        for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken["program"] = children.ru_utime + children.ru_stime
    return taken | {"peak": own_peak if found.program is None else peak}


def medians(folder: Path, name: str, repeats: int) -> dict[str, float]:
    """Of runs in processes of their own: SimGrid's engine is a singleton."""
    runs = []
    for _ in range(repeats):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            runs.append(pool.apply(simulate, (folder, name)))
    return {what: statistics.median(run[what] for run in runs) for what in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs, once")
    parser.add_argument("--jobs", type=int, default=10_000)
    asked = parser.parse_args()
    jobs, repeats = (asked.jobs // 10, 1) if asked.quick else (asked.jobs, _REPEATS)
    there = [found for found in engines.survey() if found.usable and found.name != engines.OURS]
    others = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_jobs(folder / "jobs.parquet", jobs)
        ours = medians(folder, engines.OURS, _REPEATS)
        for found in there:
            taken = medians(folder, found.name, repeats)
            whole = taken["program"] + taken["ours"]
            others[found.name] = {
                "version": found.version,
                "jobs_per_cpu_s": round(jobs / whole, 1),
                "times_as_fast": round(whole / ours["ours"], 1),
                "adapter_over_program": round(taken["ours"] / taken["program"], 4),
                "peak_gb": round(taken["peak"], 3),
                "wall_s": round(taken["wall"], 1),
            }
    ratios = [one["times_as_fast"] for one in others.values()]
    line = {
        "name": "engine_speed",
        "value": round(jobs / ours["ours"]),
        "unit": "jobs per CPU second",
        "reference": others or "no other simulator is on the PATH: nothing is compared",
        "ratio": min(ratios, default=None),
        "ratio_is": "our jobs per CPU second over those of the fastest other simulator",
        "jobs": jobs,
        "peak_gb": round(ours["peak"], 3),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
