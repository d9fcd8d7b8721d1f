"""Two runs, file by file: the same bytes, or else the same to the printed digits."""

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from redwood.artefacts.hashing import files_of, sha256
from redwood.artefacts.naming import MANIFEST
from redwood.errors import InputError

# What tells of times, not of results: what jobs said, what they took, when they ran.
_OF_TIMES = ("logs", "benchmarks")


@dataclass
class Comparison:
    """What two runs have in common.

    Attributes:
        identical: files of the same bytes in both.
        only: a line for each file that one of them lacks.
        differing: names of the files whose bytes differ.
        agreeing: tables of which only digits that are not printed differ, with a line for each.
        disagreeing: tables that differ in print, with lines that say where.
    """

    identical: int = 0
    only: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    agreeing: list[str] = field(default_factory=list)
    disagreeing: list[str] = field(default_factory=list)

    @property
    def same_bytes(self) -> bool:
        """Whether every file is the same in both."""
        return not (self.only or self.differing)

    @property
    def same_print(self) -> bool:
        """Whether every table is the same in print."""
        return not (self.disagreeing or any("tables/" in line for line in self.only))


def compare(one: Path, other: Path) -> Comparison:
    """Compare the results of two runs, all but logs, benchmarks and manifests.

    Args:
        one, other: folders of a dataset; of runs whose bytes should be equal.

    Raises:
        InputError: one of them is no folder of results, or a file cannot be read.
    """
    names, found = (_names(one), _names(other)), Comparison()
    for name in sorted(names[0] | names[1]):
        if name not in names[0] or name not in names[1]:
            found.only.append(f"{name}: only in {one if name in names[0] else other}")
        elif _same(one / name, other / name):
            found.identical += 1
        else:
            found.differing.append(name)
    differing = [name for name in found.differing if name.startswith("tables/")]
    printed = [name for name in sorted(names[0] & names[1]) if _is_print(name)]
    for name in printed:
        family = [table for table in differing if table.startswith(name.removesuffix(".md"))]
        if not family:
            continue
        lines = list(_different_lines(one / name, other / name))
        if lines:
            found.disagreeing += [f"{name}:", *lines]
        else:
            found.agreeing.append(
                f"{name}: same in print; {_greatest_difference(one, other, family)}"
            )
    return found


def _names(results: Path) -> set[str]:
    if not results.is_dir():
        raise InputError(f"{results}: no such folder, expected the results of a dataset")
    names = {file.relative_to(results).as_posix() for file in files_of(results)}
    return {name for name in names if name.split("/")[0] not in _OF_TIMES and name != MANIFEST}


def _is_print(name: str) -> bool:
    return name.startswith("tables/") and name.endswith(".md")


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and sha256(one) == sha256(other)


def _different_lines(one: Path, other: Path) -> Iterator[str]:
    """The lines of a printed table that differ, marked - and + as by `diff`."""
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (one, other))
    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield f"  {line}"


def _greatest_difference(one: Path, other: Path, names: list[str]) -> str:
    """The greatest relative difference of numbers in the tidy tables, in words."""
    greatest = 0.0
    for name in names:
        if not name.endswith(".csv"):
            continue
        cells = _cells(one / name), _cells(other / name)
        if len(cells[0]) != len(cells[1]):
            return f"{name} has other rows"
        for left, right in zip(*cells, strict=True):
            difference = _relative(left, right)
            if difference is None:
                return f"{name} has {right!r} in place of {left!r}"
            greatest = max(greatest, difference)
    return f"numbers differ by at most {greatest:.1e} of themselves"


def _cells(path: Path) -> list[str]:
    with open(path, encoding="utf-8", newline="") as stream:
        return [cell for row in csv.reader(stream) for cell in row]


def _relative(left: str, right: str) -> float | None:
    """The difference of two numbers over the greater one; `None` for different words."""
    if left == right:
        return 0.0
    try:
        numbers = float(left), float(right)
    except ValueError:
        return None
    return abs(numbers[0] - numbers[1]) / max(map(abs, numbers))
