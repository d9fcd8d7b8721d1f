"""Finished runs and costs, made up, for the tests of what is fitted and planned."""

from collections.abc import Mapping
from pathlib import Path

from redwood.outputs import write_json
from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.costs import Cost, Costs


def finished_run(results: Path, rows: int, sampled: int | None = None) -> None:
    """What cleaning, splitting and sampling have left of a run: 60, 20 and 20 % of the rows."""
    first, second = rows, rows // 2
    write_json(
        results / "records/cleaning.json",
        {
            "rows": {"input": first + second},
            "files": [{"file": "a.csv", "rows": first}, {"file": "b/c.csv", "rows": second}],
        },
    )
    parts = {"train": 6 * rows // 10, "validation": 2 * rows // 10, "test": 2 * rows // 10}
    write_json(
        results / "records/split.json",
        {"used": rows, "parts": {name: {"rows": number} for name, number in parts.items()}},
    )
    if sampled is not None:
        write_json(results / "surrogates/smote/sample.json", {"rows": sampled})


def write_benchmark(results: Path, name: str, seconds: object, megabytes: object) -> None:
    """A table of Snakemake's `benchmark:`, of which only these two columns count."""
    path = results / "benchmarks" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t{megabytes}\n")


def write_losses(results: Path, model: str, epochs: int, stage: str = "surrogates") -> None:
    path = results / stage / model / "model/losses.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("epoch,train\n" + "".join(f"{epoch},1\n" for epoch in range(epochs)))


def costs(dear: Mapping[str, Cost] | None = None) -> Costs:
    """36 s and 1 GB for a job of any rule, but for those given."""
    flat = {rule: Cost(rule, "", 36.0, 0, 0, 1000.0, 0, 10_000, 1) for rule in COST_SCALES}
    return Costs({**flat, **(dear or {})}.values(), "a machine", "costs.csv")
