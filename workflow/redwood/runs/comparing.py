"""Two runs, file by file: the same bytes, or else the same to the printed digits."""

import difflib
import filecmp
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import files_of
from redwood.runs.checking import MANIFEST, without_training

# What tells of times, not of results: what jobs said, what they took, when they ran.
OF_TIMES = ("logs", "benchmarks")
# The paper, which names the machine, and is made of results that are compared themselves.
PAPER = "paper"


@dataclass
class Comparison:
    """What two runs have in common.

    Attributes:
        identical: files of the same bytes in both.
        only: a line for each file that one of them lacks.
        differing: names of the files whose bytes differ.
        agreeing: a line for each table in which only digits that are not printed differ.
        disagreeing: lines that say where tables differ in print.
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
    """Compare the results of two runs, all but logs, benchmarks, manifest and paper.

    Args:
        one, other: folders of a dataset; of runs whose bytes should be equal.

    Raises:
        InputError: one of them is no folder of results, or a file cannot be read.
    """
    left, right = _names(one), _names(other)
    both = sorted(left & right)
    filecmp.clear_cache()
    same, differing, unreadable = filecmp.cmpfiles(one, other, both, shallow=False)
    if unreadable:
        raise InputError(f"{one / unreadable[0]}: cannot be read, here or in {other}")
    found = Comparison(
        identical=len(same),
        only=[f"{name}: only in {one if name in left else other}" for name in sorted(left ^ right)],
        differing=differing,
    )
    for name in both:
        if not (name.startswith("tables/") and name.endswith(".md")):
            continue
        family = [table for table in differing if table.startswith(name.removesuffix(".md"))]
        if lines := list(_different_lines(one / name, other / name)):
            found.disagreeing += [f"{name}:", *lines]
        elif family:
            tidy = [table for table in family if table.endswith(".csv")]
            found.agreeing.append(
                f"{name}: same in print; {_greatest_difference(one, other, tidy)}"
            )
    return found


def _names(results: Path) -> set[str]:
    if not results.is_dir():
        raise InputError(f"{results}: no such folder, expected the results of a dataset")
    names = {file.relative_to(results).as_posix() for file in files_of(results)}
    compared = {
        name
        for name in names
        if without_training(name).split("/")[0] not in (*OF_TIMES, PAPER) and name != MANIFEST
    }
    if not compared:
        raise InputError(f"{results}: holds nothing to compare, expected the results of a dataset")
    return compared


def _different_lines(one: Path, other: Path) -> Iterator[str]:
    """The lines of a printed table that differ, marked - and + as by `diff`."""
    before, after = (path.read_text(encoding="utf-8").splitlines() for path in (one, other))
    for line in difflib.unified_diff(before, after, n=0, lineterm=""):
        if not line.startswith(("---", "+++", "@@")):
            yield f"  {line}"


def _greatest_difference(one: Path, other: Path, names: list[str]) -> str:
    """The greatest relative difference of numbers in tidy tables, in words."""
    import pandas as pd

    greatest = 0.0
    for name in names:
        left, right = (pd.read_csv(folder / name) for folder in (one, other))
        if left.shape != right.shape or list(left) != list(right):
            return f"{name} has other rows or columns"
        for column in left:
            before, after = left[column], right[column]
            numbers = all(map(pd.api.types.is_numeric_dtype, (before, after)))
            changed = (
                before.isna() != after.isna()
                if numbers
                else before.astype(str) != after.astype(str)
            )
            if changed.any():
                row = changed.idxmax()
                return f"{name} has {after[row]} in place of {before[row]}"
            if numbers and not before.equals(after):
                larger = before.abs().combine(after.abs(), max)
                greatest = max(greatest, ((before - after).abs() / larger).max())
    return f"numbers differ by at most {greatest:.1e} of themselves"
