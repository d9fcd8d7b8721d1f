"""What a job of each rule takes, as measured: time and memory that grow linearly with rows."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from redwood.cluster.rules import RULES, Job
from redwood.errors import InputError
from redwood.outputs import write_text


@dataclass(frozen=True)
class Cost:
    """The cost of a job of a rule: `base_s + s_per_work · work` and `base_mb + mb_per_row · rows`.

    Attributes:
        rule: the rule.
        variant: the model or policy; empty where that does not matter.
        base_s, s_per_work: seconds, on the machine of the measurements and without a GPU.
        base_mb, mb_per_row: peak of resident memory in MB.
        most_rows: rows of the largest job that was measured; beyond is extrapolation.
        measured: jobs that were measured.
    """

    rule: str
    variant: str
    base_s: float
    s_per_work: float
    base_mb: float
    mb_per_row: float
    most_rows: int
    measured: int

    def seconds(self, work: float) -> float:
        return self.base_s + self.s_per_work * work

    def megabytes(self, rows: float) -> float:
        return self.base_mb + self.mb_per_row * rows


# What nobody's measurements foretell: these wait for a network, or do next to nothing.
_UNMEASURED = {
    "records_download": Cost("records_download", "", 6 * 3600, 0, 400, 0, 0, 0),
    "records_retrieve": Cost("records_retrieve", "", 1800, 0, 150, 0, 0, 0),
    "records_hash_key": Cost("records_hash_key", "", 2, 0, 100, 0, 0, 0),
}


class Costs:
    """The measured costs of the rules.

    Attributes:
        machine: where they were measured.
    """

    def __init__(self, costs: Iterable[Cost], machine: str) -> None:
        self._costs = {(cost.rule, cost.variant): cost for cost in costs}
        self.machine = machine

    def __iter__(self) -> Iterator[Cost]:
        return iter(self._costs.values())

    def of(self, job: Job) -> Cost:
        """The cost of a job; of a variant that was never measured, that of the dearest other."""
        rule = RULES[job.rule].like or job.rule
        if rule in _UNMEASURED:
            return _UNMEASURED[rule]
        exact = self._costs.get((rule, job.variant))
        if exact is not None:
            return exact
        others = [cost for cost in self._costs.values() if cost.rule == rule]
        if not others:
            raise InputError(f"resources/costs.csv: no line for the rule {rule}")
        return max(others, key=lambda cost: cost.seconds(job.work))


def read_costs(path: Path) -> Costs:
    """The costs in a file that `write_costs` has written.

    Raises:
        InputError: the file is missing, or a line is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the measured costs") from None
    remarks = [line.removeprefix("# ") for line in lines if line.startswith("#")]
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    costs = []
    for number, row in enumerate(rows, start=len(remarks) + 2):
        try:
            costs.append(_cost(row))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{path}: line {number}: not a cost: {error}") from None
    return Costs(costs, " ".join(remarks))


def write_costs(path: Path, costs: Iterable[Cost], machine: str) -> None:
    """Write costs, four digits each, under a remark that says where they were measured."""
    lines = [f"# {machine}", ",".join(field.name for field in fields(Cost))]
    for cost in costs:
        values = asdict(cost).values()
        lines.append(",".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values))
    write_text(path, "\n".join(lines) + "\n")


def _cost(row: Mapping[str, str]) -> Cost:
    values = {field.name: field.type(row[field.name]) for field in fields(Cost)}
    cost = Cost(**values)
    if cost.rule not in RULES:
        raise ValueError(f"rule is {cost.rule!r}, which there is not")
    if min(cost.base_s, cost.s_per_work, cost.base_mb, cost.mb_per_row) < 0:
        raise ValueError(f"a negative number for {cost.rule} {cost.variant}")
    return cost
