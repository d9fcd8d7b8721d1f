"""How well `redwood plan` predicts: costs fitted without the largest runs, against the largest.

Of every rule, and model or policy where these matter, the jobs of most rows are left out, the cost
is fitted to the others by `redwood.runs.cost_fitting`, and what it predicts for those left out is
compared with what they took. The reference is the rule of thumb that time grows in proportion to
rows, and to epochs or seeds, from the largest of the others on. An error is a factor, 1 for none:
the larger of predicted over measured and its inverse; the value is the median over the rules.

Without arguments, generated datasets of three sizes go through the quick rules on one core. With
results of finished runs, of three sizes at least, their measurements are taken instead.

    python benchmarks/plan.py [--quick] [RESULTS…]
"""

import argparse
import json
import os
import platform as machine
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from processes import python

from redwood.runs.cost_fitting import Measurement, fit, measurements

PROJECT = Path(__file__).resolve().parents[1]
COPIED = ("workflow", "config", "envs", "profiles", "resources")
SIZES, QUICK_SIZES = (6_000, 60_000, 600_000), (500, 5_000, 50_000)
# Between sizes: nearer ones are one size.
LEAST_FACTOR = 3

CONFIGURATION = """
dataset: of_{jobs}
records: {{source: {{generate: {{days: 150, sites: 83, jobs: {jobs}}}}}}}
surrogates: {{models: [smote]}}
simulation: {{policies: [least_loaded], seeds: 1, load_factor: {load_factor}}}
"""
TARGETS = (
    "records/card.html",
    "surrogates/smote/sample.parquet",
    "simulation/runs/recorded/least_loaded",
)


def run_of(jobs: int, targets: Sequence[str], project: Path) -> Path:
    """The results of the rules up to `targets` for so many generated jobs."""
    # As many jobs an hour whatever the number, so that the simulated sites are alike.
    configuration = CONFIGURATION.format(jobs=jobs, load_factor=max(SIZES) / jobs)
    (project / f"{jobs}.yaml").write_text(configuration)
    results = f"results/of_{jobs}"
    python(
        *("-m", "snakemake", "--directory", project, "--snakefile", project / "Snakefile"),
        *("--configfile", project / f"{jobs}.yaml", "--quiet", "all", "--cores", "1"),
        *(f"{results}/{target}" for target in targets),
        log=project / f"{jobs}.log",
    )
    return project / results


def foretold(measured: Sequence[Measurement]) -> Iterator[dict[str, Any]]:
    """What each rule's largest jobs took, and what the others and proportion predict."""
    groups: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for one in measured:
        groups[one.rule, one.variant].append(one)
    for (rule, variant), group in sorted(groups.items()):
        most = max(one.rows for one in group)
        largest = [one for one in group if LEAST_FACTOR * one.rows > most]
        others = [one for one in group if LEAST_FACTOR * one.rows <= most]
        sizes = {one.rows for one in others}
        if not sizes or max(sizes) < LEAST_FACTOR * min(sizes):
            continue
        (cost,) = fit(others)
        nearest = max(others, key=lambda one: one.rows * one.times)
        took = statistics.fmean(one.seconds for one in largest)
        by_fit = statistics.fmean(cost.seconds(one.rows, one.times) for one in largest)
        by_rows = statistics.fmean(
            nearest.seconds * one.rows * one.times / (nearest.rows * nearest.times)
            for one in largest
        )
        yield {
            "rule": f"{rule} {variant}".rstrip(),
            "times_the_rows": round(most / max(one.rows for one in others), 1),
            "measured_s": round(took, 1),
            "foretold_over_measured": round(by_fit / took, 2),
            "in_proportion_over_measured": round(by_rows / took, 2),
            **_memory(cost.megabytes, largest),
        }


def _memory(foretell, largest: Sequence[Measurement]) -> dict[str, float]:
    seen = [one for one in largest if one.megabytes is not None]
    if not seen:
        return {}
    measured = statistics.fmean(one.megabytes for one in seen)
    expected = statistics.fmean(foretell(one.rows) for one in seen)
    return {
        "measured_mb": round(measured),
        "memory_foretold_over_measured": round(expected / measured, 2),
    }


def error(ratios: Sequence[float]) -> float:
    """The median of how many times too large or too small."""
    return round(statistics.median(max(ratio, 1 / ratio) for ratio in ratios), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twelfth of the rows, no simulation")
    parser.add_argument("results", nargs="*", type=Path, help="results of finished runs")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project, folders = Path(name), given.results
        if not folders:
            for copied in COPIED:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(PROJECT / copied, project / copied, ignore=ignored)
            shutil.copy2(PROJECT / "Snakefile", project)
            sizes, targets = (QUICK_SIZES, TARGETS[:2]) if given.quick else (SIZES, TARGETS)
            folders = [run_of(jobs, targets, project) for jobs in sizes]
        rules = list(foretold([one for folder in folders for one in measurements(folder)]))
    if not rules:
        sys.exit(f"expected runs of three sizes, {LEAST_FACTOR} times as many rows each")
    by_fit = error([one["foretold_over_measured"] for one in rules])
    by_rows = error([one["in_proportion_over_measured"] for one in rules])
    memory = [one["memory_foretold_over_measured"] for one in rules if "measured_mb" in one]
    line = {
        "name": "plan",
        "value": by_fit,
        "unit": "times too long or too short, median of the rules, for their largest jobs",
        "reference": {"name": "time in proportion to rows", "value": by_rows},
        "ratio": round(by_rows / by_fit, 2),
        "ratio_is": "how many times as far off the reference is",
        "memory": error(memory) if memory else None,
        "rules": rules,
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
