"""What a policy that weighs carbon saves, and what that costs in time, by its patience.

The scenario is the default configuration's: records generated, cleaned and split as there, the
recorded test jobs on the platform that is fitted and sized for them, at 50 times their pace. The
reference is the policy `least_loaded` under the same seeds. A line for each patience: `value` is
the carbon per finished job, `ratio` the policy's over the reference's, `turnaround` and
`turnaround_ratio` the same of the mean turnaround.

    python benchmarks/carbon.py [--quick]
"""

import argparse
import json
import os
import platform as machine
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

import redwood
from redwood.simulation.policies.brokerage.carbon_aware import Policy

PATIENCE = (0.0, 0.1, 0.3, 1.0, 3.0)
LOAD, UTILISATION, SITES, DAYS, SEED = 50, 0.85, 83, 150, 2410


def prepared(folder: Path, jobs: int) -> dict:
    """A scenario without its policy."""
    redwood.generate_dump(folder / "dump", jobs=jobs, days=DAYS, sites=SITES, seed=SEED)
    records = redwood.clean([folder / "dump"], folder / "records", analysis_of_daod=True)
    split = records.split(folder / "split", seed=SEED)
    redwood.platform(split, folder / "grid.json", load_factor=LOAD, utilisation=UTILISATION)
    return {
        "environment": str(folder / "grid.json"),
        "workload": {"jobs": str(split.test), "table": str(split.table)},
        "load_factor": LOAD,
    }


def outcomes(scenario: dict, folder: Path, seeds: int, **policy: object) -> tuple[float, float]:
    """Carbon per finished job, g, and mean turnaround, s; means over the seeds."""
    run = redwood.simulate(scenario | {"repetitions": seeds}, folder / "run", **policy)
    carbon, turnaround = run.summary["value"][["carbon_per_job", "turnaround_mean"]]
    return carbon, turnaround


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs, one seed")
    jobs, seeds = (6_000, 1) if parser.parse_args().quick else (60_000, 5)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario = prepared(folder, jobs)
        carbon, turnaround = outcomes(scenario | {"policies": "least_loaded"}, folder, seeds)
        for patience in PATIENCE:
            found = outcomes(scenario, folder, seeds, brokerage=Policy(patience))
            print(
                json.dumps(
                    {
                        "name": f"carbon_aware_patience_{patience:g}",
                        "value": round(found[0], 3),
                        "unit": "g CO2e per finished job",
                        "reference": "least_loaded under the same seeds",
                        "ratio": round(found[0] / carbon, 3),
                        "turnaround": round(found[1]),
                        "turnaround_unit": "s",
                        "turnaround_ratio": round(found[1] / turnaround, 3),
                        "reference_value": round(carbon, 3),
                        "reference_turnaround": round(turnaround),
                        "jobs": jobs,
                        "seeds": seeds,
                        "machine": f"{machine.processor() or machine.machine()}, "
                        f"{os.cpu_count()} cores",
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
