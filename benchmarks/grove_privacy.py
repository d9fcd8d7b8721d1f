"""What differential privacy of Grove's networks costs, by ε: the law, WD and classifiers.

Trains Grove on the training rows of a run of the default configuration, once for each ε and seed,
draws as many rows as there are test rows and measures them as the run does, against its floors.
ε = inf is Grove as it is. Lines that the CSV has already are not made again, so that a benchmark
that was cut off goes on. The figure is of all its lines.

    OMP_NUM_THREADS=1 python benchmarks/grove_privacy.py --results results/embedded --unit task \
        --epsilon 1 --epsilon 4 --epsilon 8 --epsilon inf --seeds 2 \
        --output docs/privacy.csv --figure docs/privacy.png
"""

import argparse
import math
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood import plugins
from redwood.configuration.evaluation import Evaluation
from redwood.evaluation.evaluating import evaluate
from redwood.inputs import read_json
from redwood.paper.comparison import compared_of_law, other_multiple, typical_other_multiples
from redwood.paper.evaluations import read_evaluations
from redwood.paper.other_floors import read_other_floors, with_other_floors
from redwood.paper.style import COLUMN_WIDTH, use_style, write_figure
from redwood.surrogates.contract import Surrogate, new_surrogate
from redwood.tables import TableDescription, read_table, write_table

# Beside the law: how far numbers are, and whether a classifier tells rows, or their order.
OTHERS = ["wd", "c2st", "c2st_sequence"]
# What is noisy is to be small.
PRIVATE = {"hidden": 32, "average": 0.95}
# Beyond so many times the multiple of no privacy, advice is against it.
WORTH = 1.5


def trained(
    folder: Path, description: TableDescription, epsilon: float, unit: str, seed: int
) -> tuple[Surrogate, dict[str, Any]]:
    """Grove on the training rows, and what it says of its training."""
    described = description.with_units()
    names = [column.name for column in described.columns]
    train, validation = (
        read_table(folder / f"{part}.parquet", description)[names]
        for part in ("train", "validation")
    )
    options = (
        {} if math.isinf(epsilon) else PRIVATE | {"privacy": {"epsilon": epsilon, "unit": unit}}
    )
    surrogate = new_surrogate("grove", description, options, seed)
    return surrogate, surrogate.fit(train, validation)


def is_law(measure: str) -> bool:
    """Whether a measure is one of the law."""
    plugin = plugins.load("redwood.evaluation.measures", measure)
    return plugin.ASPECT == "law" or getattr(plugin, "OF_LAW", False)


def measured(results: Path, surrogate: Surrogate, seed: int) -> dict[str, Any]:
    """What a sample of it comes to."""
    records, other = results / "records", read_other_floors(results / "other_floors")
    options = read_json(results / "configuration.json", "configuration")["evaluation"]
    law = [name for name in other.measures if is_law(name)]
    options = Evaluation.model_validate(options | {"measures": [*law, *OTHERS]})
    with tempfile.TemporaryDirectory() as scratch:
        sample, output = Path(scratch) / "sample.parquet", Path(scratch) / "grove"
        rows = surrogate.sample(other.rows, seed)
        write_table(rows, sample, surrogate.description)
        evaluate(
            records / "table.json",
            records / "train.parquet",
            records / "test.parquet",
            sample,
            output,
            options,
            read_json(results / "floors" / "floors.json", "floors")["seed"],
            floors=results / "floors",
        )
        one = with_other_floors(read_evaluations([output]), other)
    measures = {"grove": one["grove"].measures}
    return {
        "typical": typical_other_multiples(measures)["grove"],
        "measures_of_law": len(compared_of_law(measures)),
        "wd": measures["grove"]["wd"]["value"],
        "wd_over_floor": other_multiple(measures["grove"]["wd"]),
        "c2st": measures["grove"]["c2st"]["value"],
        "in_sequence": measures["grove"]["c2st_sequence"]["value"],
        "in_sequence_floor": measures["grove"]["c2st_sequence"]["other_floor"],
    }


def advice(lines: pd.DataFrame, unit: str) -> str:
    """One line on which ε to take."""
    means = lines.groupby("epsilon")["typical"].mean()
    plain, private = means.get(math.inf, math.nan), means[np.isfinite(means.index)]
    units = int(lines["units"].max())
    good = private[private <= WORTH * plain]
    if len(good):
        return (
            f"With {units:,} {unit}s, ε = {good.index.min():g} costs a factor of "
            f"{good.loc[good.index.min()] / plain:.1f}: take it."
        )
    last = private.index.max()
    return (
        f"With {units:,} {unit}s even ε = {last:g} costs a factor of {private[last] / plain:.1f}: "
        "take Grove without noise and let the release gate judge it."
    )


def draw(lines: pd.DataFrame, unit: str, path: Path) -> None:
    """Multiples of the floor by ε, a point a training."""
    use_style()
    from matplotlib import pyplot

    epsilons = sorted(lines["epsilon"].unique())
    place = lines["epsilon"].map(epsilons.index)
    figure, axis = pyplot.subplots(figsize=(COLUMN_WIDTH, 2.6), layout="constrained")
    for name, words, marker, colour in (
        ("typical", "measures of the law, typically", "o", "#0072B2"),
        ("wd_over_floor", "Wasserstein distance", "s", "#D55E00"),
    ):
        axis.plot(place, lines[name], marker, color=colour, markersize=4, label=words)
        means = lines.groupby("epsilon")[name].mean()
        axis.plot(range(len(epsilons)), means.loc[epsilons], color=colour, linewidth=0.9)
    axis.axhline(1, color="#6b6b6b", linewidth=0.9, linestyle=":")
    axis.set_yscale("log")
    axis.set_yticks([1, 2, 5, 10, 20], ["1", "2", "5", "10", "20"])
    axis.minorticks_off()
    labels = ["no noise" if math.isinf(e) else f"{e:g}" for e in epsilons]
    axis.set_xticks(range(len(epsilons)), labels)
    axis.set_xlabel(f"ε of the networks, for a {unit} (δ = 1e-5)")
    axis.set_ylabel("multiples of the second floor")
    axis.set_title(textwrap.fill(advice(lines, unit), 72), fontsize=7)
    axis.legend()
    write_figure(figure, path, 200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/embedded"))
    parser.add_argument("--unit", default="task")
    parser.add_argument("--epsilon", type=float, action="append")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("privacy.csv"))
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    description = TableDescription.load(arguments.results / "records" / "table.json")
    lines = pd.read_csv(arguments.output) if arguments.output.exists() else pd.DataFrame()
    for seed in range(1, arguments.seeds + 1):
        for epsilon in arguments.epsilon or [1.0, 4.0, 8.0, math.inf]:
            made = {"unit": arguments.unit, "epsilon": epsilon, "seed": seed}
            if len(lines) and (lines[list(made)] == list(made.values())).all(axis=1).any():
                continue
            begin = time.process_time()
            surrogate, told = trained(
                arguments.results / "records", description, epsilon, arguments.unit, seed
            )
            seconds = time.process_time() - begin
            private = told.get("privacy", {})
            line = {
                **made,
                "units": told["groups" if arguments.unit == description.units[-1] else "owners"],
                "noise": private.get("noise", 0.0),
                "steps": private.get("steps", math.nan),
                **measured(arguments.results, surrogate, seed),
                "cpu_s": round(seconds, 1),
            }
            lines = pd.concat([lines, pd.DataFrame([line])], ignore_index=True)
            lines.to_csv(arguments.output, index=False, float_format="%.4g")
    lines = lines[lines["unit"] == arguments.unit]
    shown = lines.groupby("epsilon")[["noise", "typical", "wd_over_floor", "c2st", "in_sequence"]]
    print(shown.agg(["mean", "min", "max"]).round(3).to_string())
    print(advice(lines, arguments.unit))
    if arguments.figure:
        draw(lines, arguments.unit, arguments.figure)


if __name__ == "__main__":
    main()
