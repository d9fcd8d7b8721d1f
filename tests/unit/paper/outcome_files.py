"""Measures of an evaluation, and outcomes of simulations as they are written and read."""

import json
from dataclasses import asdict

import pandas as pd

from redwood.outputs import file_digest
from redwood.paper.outcomes import Outcomes
from redwood.simulation.outcomes import OUTCOMES

COLUMNS = ("workload", "policy", "seed", "outcome", "unit", "value")


def measure(value, floor=1.0, low=None, high=None, **more):
    """A measure as an evaluation writes it."""
    return {
        "title": "M",
        "definition": "What it is, 100 % of a_b.",
        "unit": "1",
        "aspect": "fidelity",
        "direction": "lower",
        "limit": 0.0,
        "needs_densities": False,
        "value": value,
        "low": value if low is None else low,
        "high": value if high is None else high,
        "floor": floor,
        **more,
    }


def read(runs):
    """Outcomes as they are read, of a tidy table; `copy` has real jobs."""
    roles = {"recorded": "recorded", "copy": "floor"}
    return Outcomes(
        runs,
        {name: roles.get(name, "model") for name in runs["workload"].unique()},
        {name: asdict(outcome) for name, outcome in OUTCOMES.items()},
    )


def write_outcomes(path, rows):
    """Rows of `COLUMNS`, and what is to be known of them; return the path."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame.to_csv(path, index=False)
    known = read(frame)
    content = {
        "sha256": file_digest(path), "workloads": known.roles, "outcomes": known.described,
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(content))
    return path
