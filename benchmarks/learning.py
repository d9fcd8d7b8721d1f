"""Decisions per second of the environment for learning, against `simulate` with the same policy.

The scenario: 83 sites, 10,000 jobs with inputs of 10 GB on average and outputs of a tenth of it,
failures at usual rates. Three policies: a trivial agent, the first site that can take the job;
`shortest_completion`, which looks at all sites by arrays; and the same looking at them one by one.
The environment observes, masks and pays each decision; `simulate` (`running.run_seed`) does
neither. Both begin with the job table in memory and leave the log of the run; both give the same
jobs.

Times are CPU seconds of one process, after one run that compiles. Ratios are medians of pairs.

    python benchmarks/learning.py [--quick]
"""

import argparse
import json
import os
import platform as machine
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.simulation.accounts import Attempts, Run, job_table
from redwood.simulation.contract import Brokerage, Grid, Job, Site
from redwood.simulation.learning.environment import BrokerageEnv, play
from redwood.simulation.policies.brokerage.shortest_completion import Policy as Shortest
from redwood.simulation.running import Given, run_seed
from redwood.simulation.scenario import Scenario

SITES, CORES, POWER = 83, 160, 10.0
_PAIRS = 7


class First(Brokerage):
    """The trivial agent: the first site that can take the job."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return grid.sites[int(grid.takes_mask(job).argmax())]


class OneByOne(Brokerage):
    """`shortest_completion` without arrays."""

    def choose(self, job: Job, grid: Grid) -> Site | None:
        return min(
            grid.able(job),
            key=lambda site: (
                max(grid.transfer_time(job, site), grid.waiting_time(job, site))
                + site.run_time(job)
            ),
            default=None,
        )


def scenario(folder: Path, jobs: int) -> dict:
    """Sites, and jobs in a file, that keep two thirds of the cores busy."""
    random = np.random.default_rng(1)
    seconds = random.lognormal(np.log(7200) - 0.5, 1.0, jobs)
    submit = np.cumsum(random.exponential(7200 / (SITES * CORES * 2 / 3), jobs))
    frame = pd.DataFrame(
        {
            "creationtime": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(submit.round(), "s"),
            "computingsite": "S00",
            "workload": seconds * POWER,
            "size": random.lognormal(np.log(1e10) - 0.5, 1.0, jobs).astype(np.int64),
        }
    )
    frame.to_parquet(folder / "jobs.parquet", index=False)
    sites = [
        {"name": f"S{index:02d}", "cores": CORES, "core_power": POWER, "failure_rate": 0.05}
        for index in range(SITES)
    ]
    return {
        "environment": {"sites": sites},
        "workload": {"jobs": str(folder / "jobs.parquet")},
        "network": "fluid",
    }


def simulated(chosen: Scenario, given: Given, policy: Brokerage) -> tuple[float, Run]:
    """CPU seconds of `simulate`, and the run."""
    begin = time.process_time()
    run = run_seed(chosen, given, 1, objects={"brokerage": policy})
    return time.process_time() - begin, run


def learned(env: BrokerageEnv, policy: Brokerage) -> tuple[float, float, Run]:
    """CPU seconds of an episode, of its decisions alone, and the run."""
    begin = time.process_time()
    env.reset(seed=1)
    reset = time.process_time()
    play_on(env, policy)
    end = time.process_time()
    return end - begin, end - reset, env.run


def play_on(env: BrokerageEnv, policy: Brokerage) -> None:
    """Decide until the episode is over."""
    over = False
    while not over:
        _, _, over, _, _ = env.step(policy.choose(env.job, env.grid).index)


def jobs_of(run: Run) -> pd.DataFrame:
    """What became of each job."""
    return job_table(run, Attempts(run.log.attempts()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the jobs, three pairs")
    quick = parser.parse_args().quick
    jobs, pairs = (2_000, 3) if quick else (10_000, _PAIRS)
    lines = {}
    with tempfile.TemporaryDirectory() as folder:
        keys = scenario(Path(folder), jobs)
        chosen = Scenario.load(keys)
        given, env = Given.of(chosen), BrokerageEnv(keys)
        play(env, First(), seed=1)
        policies = {"first": First, "shortest_completion": Shortest, "one_by_one": OneByOne}
        for name, policy in policies.items():
            theirs, ours = [], []
            for _ in range(pairs):
                theirs.append(simulated(chosen, given, policy()))
                ours.append(learned(env, policy()))
            if not jobs_of(ours[0][2]).equals(jobs_of(theirs[0][1])):
                sys.exit(f"{name}: the environment and simulate disagree about the jobs")
            decisions = ours[0][2].log.decisions
            episode, steps, reference = (
                statistics.median(times)
                for times in ([o[0] for o in ours], [o[1] for o in ours], [t[0] for t in theirs])
            )
            lines[name] = {
                "decisions_per_cpu_s": round(decisions / steps),
                "episode_cpu_s": round(episode, 2),
                "simulate_jobs_per_cpu_s": round(jobs / reference),
                "simulate_decisions_per_cpu_s": round(decisions / reference),
                "ratio": round(
                    statistics.median(t[0] / o[0] for t, o in zip(theirs, ours, strict=True)), 2
                ),
            }
    first = lines["first"]
    line = {
        "name": "learning",
        "value": first["decisions_per_cpu_s"],
        "unit": "decisions per CPU second of a trivial agent",
        "reference": {
            "name": "simulate with the same policy, without observations and rewards",
            "value": first["simulate_decisions_per_cpu_s"],
        },
        "ratio": first["ratio"],
        "ratio_is": "CPU seconds of simulate over those of the episode, reset included, median of "
        "pairs",
        "jobs": jobs,
        "sites": SITES,
        "policies": lines,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
