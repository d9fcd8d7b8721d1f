"""What a job of each rule takes, as measured: time and memory by rows."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeInt, TypeAdapter, ValidationError

from redwood.errors import InputError
from redwood.outputs import require_ending, write_text
from redwood.runs.cost_scales import COST_SCALES

_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Job:
    """A job as far as its cost goes.

    Attributes:
        rule: the rule.
        variant: its model or policy, where each has a cost of its own; else empty.
        rows: what its time and memory grow with.
        times: epochs or seeds, what its time grows with besides; else 1.
        gpu: whether it can use a GPU.
        fluid: whether it simulates with `network: fluid`.
    """

    rule: str
    variant: str
    rows: int
    times: int
    gpu: bool
    fluid: bool = False

    @property
    def name(self) -> str:
        return f"{self.rule} {self.variant}".rstrip()


@dataclass(frozen=True)
class Cost:
    """The cost of a job of a rule.

    It takes `base_s + (s_per_row + (s_per_pass + s_per_pass_row · rows) · times) · rows` seconds,
    times being epochs or seeds, and `base_mb + mb_per_row · rows` MB of memory. The square of rows
    is for simulations: the more jobs in the same days, the more transfers share the network. With
    `network: fluid` that costs no more a job: `s_per_pass_fluid` stands for both.

    Attributes:
        rule: the rule.
        variant: the model or policy; empty where that does not matter.
        base_s, s_per_row, s_per_pass, s_per_pass_row: on the machine of the measurements, without
            a GPU.
        s_per_pass_fluid: the same of simulations with `network: fluid`; as `s_per_pass` if 0.
        base_mb, mb_per_row: peak of resident memory.
        most_rows: rows of the largest job that was measured; beyond is extrapolation.
        measured: jobs that were measured.
    """

    rule: str
    variant: str
    base_s: _Number
    s_per_row: _Number
    s_per_pass: _Number
    base_mb: _Number
    mb_per_row: _Number
    most_rows: NonNegativeInt
    measured: NonNegativeInt
    s_per_pass_row: _Number = 0.0
    s_per_pass_fluid: _Number = 0.0

    def seconds(self, rows: float, times: float = 1, fluid: bool = False) -> float:
        per_pass = self.s_per_pass + self.s_per_pass_row * rows
        if fluid:
            per_pass = self.s_per_pass_fluid or self.s_per_pass
        return self.base_s + (self.s_per_row + per_pass * times) * rows

    def megabytes(self, rows: float) -> float:
        return self.base_mb + self.mb_per_row * rows


# Measurements tell nothing of these: they wait for a network, or do next to nothing.
_UNMEASURED = {
    "records_download": Cost("records_download", "", 6 * 3600, 0, 0, 400, 0, 0, 0),
    "records_retrieve": Cost("records_retrieve", "", 1800, 0, 0, 150, 0, 0, 0),
    "records_hash_key": Cost("records_hash_key", "", 2, 0, 0, 100, 0, 0, 0),
}


class Costs:
    """The measured costs of the rules.

    Args:
        costs: one for each rule and variant.
        machine: where they were measured.
        source: what error messages call them.
    """

    def __init__(self, costs: Iterable[Cost], machine: str, source: str) -> None:
        self._costs = {(cost.rule, cost.variant): cost for cost in costs}
        self.machine, self._source = machine, source

    def __iter__(self) -> Iterator[Cost]:
        return iter(self._costs.values())

    def of(self, job: Job) -> Cost:
        """The cost of a job. A variant that was never measured counts as the dearest other one.

        Raises:
            InputError: no job of its rule was ever measured.
        """
        rule = COST_SCALES[job.rule].like or job.rule
        if rule in _UNMEASURED:
            return _UNMEASURED[rule]
        exact = self._costs.get((rule, job.variant))
        if exact is not None:
            return exact
        others = [cost for cost in self._costs.values() if cost.rule == rule]
        if not others:
            raise InputError(f"{self._source}: no line for the rule {rule}, expected one")
        return max(others, key=lambda cost: cost.seconds(job.rows, job.times, job.fluid))


def read_costs(path: Path) -> Costs:
    """The costs in a file that `write_costs` has written.

    Raises:
        InputError: the file is missing, or a line is wrong.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the measured costs") from None
    remarks = [line.removeprefix("#").strip() for line in lines if line.startswith("#")]
    table = [(n, line) for n, line in enumerate(lines, start=1) if not line.startswith("#")]
    names = [field.name for field in fields(Cost)]
    if not table or table[0][1].split(",") != names:
        found = repr(table[0][1]) if table else "nothing"
        raise InputError(f"{path}: the columns are {found}, expected {','.join(names)}")
    costs: dict[tuple[str, str], Cost] = {}
    for number, line in table[1:]:
        try:
            cost = _cost(dict(zip(names, next(csv.reader([line])), strict=True)))
        except ValueError as error:
            raise InputError(f"{path}: line {number}: {line!r} is no cost: {error}") from None
        if (cost.rule, cost.variant) in costs:
            raise InputError(f"{path}: line {number}: {line!r}: there is one for this already")
        costs[cost.rule, cost.variant] = cost
    return Costs(costs.values(), " ".join(remarks), str(path))


def write_costs(path: Path, costs: Iterable[Cost], machine: str) -> None:
    """Write costs as CSV, four digits each, under a remark that says where they were measured.

    Raises:
        InputError: the ending of `path` says another format.
    """
    require_ending(path, ".csv")
    lines = [f"# {line}" for line in machine.splitlines()]
    lines.append(",".join(field.name for field in fields(Cost)))
    for cost in costs:
        values = asdict(cost).values()
        lines.append(",".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in values))
    write_text(path, "\n".join(lines) + "\n")


def _cost(row: Mapping[str, str]) -> Cost:
    try:
        cost = TypeAdapter(Cost).validate_python(row)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ValueError(f"{wrong['loc'][-1]} is {wrong['input']!r}: {wrong['msg']}") from None
    if cost.rule not in COST_SCALES:
        raise ValueError(f"there is no rule {cost.rule!r}")
    return cost
