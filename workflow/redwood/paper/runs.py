"""The folders of simulations, for the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.reading import read_parquet
from redwood.paper.style import RECORDED


@dataclass(frozen=True)
class RunFolder:
    """One seed of a scenario, as `redwood simulate` wrote it.

    Attributes:
        role: of its jobs, such as `recorded`, `model` or `control`.
    """

    workload: str
    role: str
    policy: str
    seed: int
    folder: Path

    @property
    def label(self) -> dict[str, str | int]:
        return {"workload": self.workload, "policy": self.policy, "seed": self.seed}

    @property
    def title(self) -> str:
        """The policy; with whose jobs they are, where these were not recorded."""
        other = "" if self.workload == RECORDED else f", jobs of {self.workload}"
        return f"{self.policy}{other}"

    def read(self, table: str, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of one of its tables.

        Raises:
            InputError: the table is missing or lacks a column.
        """
        path = self.folder / f"{table}.parquet"
        return read_parquet(path, "simulation", tuple(columns), "the simulation is incomplete")


def first_seeds(scenarios: Sequence[Path]) -> list[RunFolder]:
    """Of each scenario the run of its least seed; recorded jobs first, else in the given order.

    Raises:
        InputError: a folder holds no complete scenario.
    """
    found = []
    for folder in scenarios:
        path = folder / "summary.json"
        summary = read_json(path, "summary of a simulation")
        try:
            seed = min(summary["seeds"])
            # Runs of earlier versions say no role.
            role = summary.get("role", "model")
            labels = (summary["workload"], role, summary["policy"], seed)
            found.append(RunFolder(*labels, folder / f"seed-{seed}"))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: not the summary of a simulation: {error!r}") from None
    return sorted(found, key=lambda run: run.workload != RECORDED)


def of_recorded(scenarios: Sequence[Path]) -> list[RunFolder]:
    """The runs of recorded jobs, or else of the first workload."""
    runs = first_seeds(scenarios)
    return [run for run in runs if run.workload == runs[0].workload]


def spread(
    runs: Sequence[RunFolder], table: str, column: str, most: int, by_ratio: bool = False
) -> list[RunFolder]:
    """Of many runs at most `most` that differ by the sum of a column, the greatest first.

    After the greatest and the least, each further one is the one that is farthest from the nearest
    of those chosen: by ranks, near equals would be chosen where most runs are near equal. The
    distance is the difference of the sums, or their ratio.
    """
    sums = np.array([float(run.read(table, (column,))[column].sum()) for run in runs])
    places = np.log1p(sums) if by_ratio else sums
    chosen = list(dict.fromkeys((int(sums.argmax()), int(sums.argmin()))))[:most]
    while len(chosen) < min(most, len(runs)):
        apart = np.abs(places[:, None] - places[chosen]).min(axis=1)
        apart[chosen] = -1.0
        chosen.append(int(apart.argmax()))
    return [runs[place] for place in sorted(chosen, key=lambda place: (-sums[place], place))]
