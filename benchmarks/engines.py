"""A day of the default grid in every simulator that is there: how fast, how large, how alike.

The scenario: the first so many recorded test jobs of a run of the default configuration on its
platform, at its load, without outages, which not every engine can express; failures are drawn. Each
engine runs them under each policy, each run in a process of its own, one after the other. Times are
wall-clock seconds from the start of the engine until its last job has ended, its program's start
and the calls to it included; memory is the peak of the largest process.

    python benchmarks/engines.py results/embedded [--jobs 1000 10000] [--quick] [--output FOLDER]

With --output the comparison of the outcomes is written there, too. With --settings nothing of that
is done: the analytic transfers are run in WRENCH with other settings of SimGrid than our adapter's,
one at a time, which shows what each does.
"""

import argparse
import json
import os
import platform as machine
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.simulation import engine_cases, engines
from redwood.simulation.engine_comparison import write_comparison
from redwood.simulation.engines.wrench import platform as platforms
from redwood.simulation.environment import Environment
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.tables import TableDescription, read_table, write_table

POLICIES = ("random", "least_loaded", "data_locality", "panda_weight")
LOAD_FACTOR = 50.0


def prepare(results: Path, jobs: int, workload: str, folder: Path) -> dict[str, Any]:
    """A scenario of the first jobs of a workload of a run, without policy and engine."""
    # Jobs and samples are simulated by their features only.
    table = folder / "table.json"
    description = TableDescription.load(results / "records/table.json").only_features()
    description.save(table)
    source = results / "records/test.parquet"
    if workload != "recorded":
        source = results / "surrogates" / workload / "sample.parquet"
    rows = read_table(source, description).sort_values("creationtime", kind="stable")
    kept = folder / f"{workload}-{jobs}.parquet"
    write_table(rows.head(jobs).reset_index(drop=True), kept, description)
    environment = Environment.load(results / "simulation/platform.json")
    sites = tuple(site.model_copy(update={"outages": None}) for site in environment.sites)
    environment.model_copy(update={"sites": sites, "summary": {}}).save(folder / "platform.json")
    return {
        "environment": str(folder / "platform.json"),
        "workload": {"name": f"{workload}-{jobs}", "jobs": str(kept), "table": str(table)},
        "load_factor": LOAD_FACTOR,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="folder of a run of the default configuration")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workload", default="recorded", help="recorded, or a model of the run")
    parser.add_argument("--policies", nargs="+", default=list(POLICIES))
    parser.add_argument("--output", type=Path, help="folder for the comparison of the outcomes")
    parser.add_argument("--settings", action="store_true", help="what SimGrid's settings do")
    parser.add_argument("--quick", action="store_true", help="300 jobs, two policies")
    given = parser.parse_args()
    if given.settings:
        settings_matter()
        return
    sizes, policies = ([300], POLICIES[:2]) if given.quick else (given.jobs, given.policies)
    there = [found for found in engines.survey() if found.usable]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for jobs in sizes:
            scenario = prepare(given.results.absolute(), jobs, given.workload, folder)
            runs, took = [], {}
            for found in there:
                measured: list[dict[str, float]] = []
                for policy in policies:
                    run = folder / "runs" / found.name / f"{given.workload}-{jobs}" / policy
                    chosen = {**scenario, "policies": policy, "engine": found.name}
                    run_scenario(Scenario.load(chosen), run, measured=measured)
                    runs.append(run)
                took[found.name] = measured
            for found in there:
                print(json.dumps(line(found, jobs, took)), flush=True)
            if given.output is not None and len(there) > 1:
                given.output.mkdir(parents=True, exist_ok=True)
                at = given.output / f"engines-{given.workload}-{jobs}.csv"
                print(write_comparison(runs, at), flush=True)


def settings_matter() -> None:
    """Print what analytic transfers take in WRENCH with one setting after the other changed."""
    described = platforms.platform_xml

    def with_latency(environment: Environment, tcp_gamma: float = 0.0) -> str:
        """Links have their latency, instead of transfers."""
        text = described(environment, tcp_gamma)
        for index, site in enumerate(environment.sites):
            one = f'id="access-{index}" bandwidth="{site.bandwidth / platforms.UNIT!r}Bps" latency='
            assert one in text
            text = text.replace(f'{one}"0s"', f'{one}"{max(site.latency, 0.015)}s"')
        return text

    ours = dict(platforms._SETTINGS)
    variants: dict[str, tuple[dict[str, str], int, Any]] = {
        "as our adapter sets it": (ours, platforms.UNIT, described),
        "pieces of 10 MB": (ours, 1, described),
        "links with latency": (ours, platforms.UNIT, with_latency),
        "and TCP-gamma 4 MiB": (
            # In units, as bandwidths are.
            {**ours, "network/TCP-gamma": str(4194304 / platforms.UNIT)},
            platforms.UNIT,
            with_latency,
        ),
        "and cross-traffic": ({**ours, "network/crosstraffic": "1"}, platforms.UNIT, with_latency),
        "SimGrid's default model, LV08": (
            {"network/TCP-gamma": str(4194304 / platforms.UNIT)}, platforms.UNIT, with_latency,
        ),
    }  # fmt: skip
    moving = [case for case in engine_cases.CASES if set(case.holders.values()) == {"A"}]
    engine_cases.CASES = tuple(case for case in moving if not case.settings)[:4]
    for name, (settings, unit, describe) in variants.items():
        platforms._SETTINGS, platforms.UNIT = settings, unit
        platforms.platform_xml = describe
        table = engine_cases.run_cases(["wrench"])
        found = table.groupby("case", sort=False)["value"].agg(list)
        print(json.dumps({"settings": name, "seconds": found.to_dict()}), flush=True)


def line(
    found: engines.Found, jobs: int, took: dict[str, list[dict[str, float]]]
) -> dict[str, Any]:
    """What is printed of an engine."""

    def seconds(name: str) -> float:
        return statistics.median(one["seconds"] for one in took[name])

    return {
        "name": f"engine {found.name}",
        "value": round(jobs / seconds(found.name), 1),
        "unit": f"jobs per second, {jobs} jobs, median of the policies",
        "reference": {"name": engines.OURS, "value": round(jobs / seconds(engines.OURS), 1)},
        "ratio": round(seconds(found.name) / seconds(engines.OURS), 1),
        "ratio_is": "how many times as long as the reference",
        "seconds": [round(one["seconds"], 2) for one in took[found.name]],
        "memory_mb": round(max(one["memory_bytes"] for one in took[found.name]) / 1e6),
        "calls_per_job": round(max(one.get("calls", 0) for one in took[found.name]) / jobs, 1),
        "version": found.version,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }


if __name__ == "__main__":
    main()
