"""Reading the outcomes of simulations, and what the simulation says of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.errors import InputError
from redwood.inputs import REMEDY, read_json
from redwood.names import listed
from redwood.outputs import file_digest
from redwood.paper.reading import read_csv
from redwood.paper.style import RECORDED

_COLUMNS = ("workload", "policy", "seed", "outcome", "unit", "value")
_KEYS = ("unit", "definition", "title", "shown_unit", "scale", "better", "comparison")
_SIGNS = {"less": 1, "more": -1}
_LOST = "lost_share"
# As many runs are named in a sentence.
_NAMED = 8


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of simulations.

    Attributes:
        runs: columns workload, policy, seed, outcome, unit and value; NaN where undefined.
        roles: workload → `recorded`, `model`, `control` or `floor` (real jobs).
        described: outcome → its unit, definition, title, shown_unit, scale (units in a shown_unit),
            better (`less`, `more` or `None`) and comparison (title, what and offset, or `None`).
        without_group: (workload, policy, outcome) → its values, means over the seeds, without each
            of some groups of jobs, (groups,); none where there are no such values.
    """

    runs: pd.DataFrame
    roles: Mapping[str, str]
    described: Mapping[str, Mapping[str, Any]]
    without_group: Mapping[tuple[str, str, str], Sequence[float]] = field(default_factory=dict)

    @property
    def signs(self) -> dict[str, int]:
        """Outcomes by which policies can be better or worse: 1 if less is better, −1 if more is."""
        better = {name: about["better"] for name, about in self.described.items()}
        return {name: _SIGNS[side] for name, side in better.items() if side is not None}

    @property
    def shortfalls(self) -> list[str]:
        """What they lack and what they leave out, a sentence each."""
        none = "There are no runs of recorded jobs, and so nothing to compare with."
        return [*(() if (self.runs["workload"] == RECORDED).any() else (none,)), *self.gaps]

    @property
    def gaps(self) -> list[str]:
        """The same but for recorded jobs, which not everybody has."""
        runs, found = self.runs, []
        seeds = runs.groupby(["workload", "policy"], sort=False)["seed"].nunique()
        pairs = pd.MultiIndex.from_product(seeds.index.remove_unused_levels().levels)
        counts = seeds.reindex(pairs, fill_value=0)
        if len(missing := counts[counts == 0]):
            found.append(f"There is no run of: {_named(missing)}.")
        fewer = counts[(counts > 0) & (counts < counts.max())]
        if len(fewer):
            told = _named(fewer, lambda number: f" ({number} of {counts.max()})")
            found.append(f"There are fewer seeds of: {told}.")
        lost = runs[runs["outcome"] == _LOST].groupby(["workload", "policy"], sort=False)["value"]
        shares = lost.mean()
        if (shares > 0).any():
            told = _named(shares[shares > 0], lambda share: f" ({100 * share:.2g} %)")
            found.append(
                "Jobs that got no site, or had not ended when the simulation did, count in no "
                f"mean. How many of all jobs: {told}."
            )
        return found


def _named(values: pd.Series, words: Callable[[Any], str] = lambda value: "") -> str:
    """The runs of a series by workload and policy, each with words on its value."""
    texts = [f"{workload} under {policy}{words(v)}" for (workload, policy), v in values.items()]
    return listed(texts, _NAMED)


def read_outcomes(path: Path) -> Outcomes:
    """What `redwood simulation outcomes` wrote: a CSV, and a JSON of the same name beside it.

    Raises:
        InputError: one of the files is missing or not of that form, they do not belong together,
            or the JSON says nothing of a workload or an outcome.
    """
    runs = read_csv(path, _COLUMNS, numbers=("value",))
    file = path.with_suffix(".json")
    about = read_json(file, "description of outcomes")
    if about.get("sha256") != file_digest(path):
        raise InputError(
            f"{path}: damaged or edited: its SHA-256 is not the one in {file}; {REMEDY}"
        )
    roles, described = about.get("workloads", {}), about.get("outcomes", {})
    for column, known in (("workload", roles), ("outcome", described)):
        for name in runs[column].unique():
            if name not in known or (column == "outcome" and not known[name].keys() >= {*_KEYS}):
                raise InputError(
                    f"{file}: does not say what {column} {name!r} is; write it again with "
                    "`redwood simulation outcomes`"
                )
    without_group = {
        (workload, policy, outcome): values
        for workload, policies in about.get("without_group", {}).items()
        for policy, outcomes in policies.items()
        for outcome, values in outcomes.items()
    }
    return Outcomes(runs, roles, described, without_group)
