"""What a sample of the default records comes to by the measures of the law, against its floors."""

import tempfile
from pathlib import Path
from typing import Any

from redwood import plugins
from redwood.configuration.evaluation import Evaluation
from redwood.evaluation.evaluating import evaluate
from redwood.inputs import read_json
from redwood.paper.comparison import compared_of_law, other_multiple, typical_other_multiples
from redwood.paper.evaluations import read_evaluations
from redwood.paper.other_floors import read_other_floors, with_other_floors

# Beside the law: how far numbers are, and whether a classifier tells rows, or their order.
OTHERS = ["wd", "c2st", "c2st_sequence"]


def is_law(measure: str) -> bool:
    """Whether a measure is one of the law."""
    plugin = plugins.load("redwood.evaluation.measures", measure)
    return plugin.ASPECT == "law" or getattr(plugin, "OF_LAW", False)


def sampled_rows(results: Path) -> int:
    """The rows that a sample must have to be compared with the second floor."""
    return read_other_floors(results / "other_floors").rows


def of_law(results: Path, sample: Path) -> dict[str, Any]:
    """The typical multiple of the second floor, and some measures.

    Args:
        results: of a run of the default configuration, with its records and floors.
        sample: `sampled_rows` rows, a table.
    """
    records, other = results / "records", read_other_floors(results / "other_floors")
    options = read_json(results / "configuration.json", "configuration")["evaluation"]
    law = [name for name in other.measures if is_law(name)]
    options = Evaluation.model_validate(options | {"measures": [*law, *OTHERS]})
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "sample"
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
    measures = {name: evaluation.measures for name, evaluation in one.items()}
    (name,) = measures
    found = measures[name]
    return {
        "typical": typical_other_multiples(measures)[name],
        "measures_of_law": len(compared_of_law(measures)),
        "wd": found["wd"]["value"],
        "wd_over_floor": other_multiple(found["wd"]),
        "c2st": found["c2st"]["value"],
        "in_sequence": found["c2st_sequence"]["value"],
        "in_sequence_floor": found["c2st_sequence"]["other_floor"],
    }
