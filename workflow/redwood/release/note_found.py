"""What attackers find, as a release note shows it: a picture against the limit, and a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redwood.release.canaries import RECORD
from redwood.release.shares import sizes_in_words

# In the picture's own units: where the axis from 0 to 100 % lies, and the height of a line.
_LEFT, _RIGHT, _LINE = 245, 720, 25


@dataclass(frozen=True)
class Line:
    """A group of planted units.

    Attributes:
        what: their level and sizes, in words.
        planted: how many there were.
        found: the share of them that the attacker finds.
        at_most: the upper bound of it.
        judged: whether the gate judges by this group; otherwise it is a part of one that it does.
    """

    what: str
    planted: int
    found: float
    at_most: float
    judged: bool


@dataclass(frozen=True)
class FoundPicture:
    """What the picture shows.

    Attributes:
        lines: in the order from above; each judged group before its sizes.
        limit: the share that no judged group's bound may exceed.
        guessing: the share that chance finds.
    """

    lines: Sequence[Line]
    limit: float
    guessing: float

    @property
    def height(self) -> int:
        return _LINE * len(self.lines) + 58

    @property
    def middles(self) -> list[int]:
        """The ordinate of each line."""
        return [_LINE * place + 44 for place in range(len(self.lines))]

    @property
    def words(self) -> str:
        """The same for whoever cannot see it."""
        told = [
            f"{line.what} {_percent(line.found)}, at most {_percent(line.at_most)}"
            for line in self.lines
            if line.judged
        ]
        return (
            f"Share of the planted units that the attacker finds; limit {_percent(self.limit)}, "
            f"guessing {_percent(self.guessing)}. {'; '.join(told)}."
        )

    def across(self, share: float) -> float:
        """The abscissa of a share."""
        return round(_LEFT + (_RIGHT - _LEFT) * share, 1)


def found_picture(
    checks: Sequence[tuple[str | None, Sequence[Mapping[str, Any]]]],
    audited: Mapping[str, Any],
    limit: float,
    guessing: float,
) -> FoundPicture | None:
    """The picture of what was judged; `None` if nothing was.

    Args:
        checks: level and judged groups of each check, as in a decision.
        audited: what `redwood release audit` wrote.
        limit, guessing: as in `FoundPicture`.
    """
    lines = []
    for level, groups in checks:
        sizes = audited["levels"].get(level, {}).get("sizes", [])
        for group in groups:
            parts = [size for size in sizes if _within(size["rows"], group["rows"])]
            words = "" if level == RECORD else f" of {sizes_in_words(group['rows'])}"
            lines.append(_line(f"{level}s{words}", group, judged=True))
            if len(parts) > 1:
                lines += [_line(sizes_in_words(p["rows"]), p, judged=False) for p in parts]
        for size in sizes:
            if groups and not any(_within(size["rows"], group["rows"]) for group in groups):
                words = f"{level}s of {sizes_in_words(size['rows'])}, not judged"
                lines.append(_line(words, size, judged=False))
    return FoundPicture(lines, limit, guessing) if lines else None


def _line(what: str, of: Mapping[str, Any], judged: bool) -> Line:
    return Line(what, of["planted"], of["found"], of["at_most"], judged)


def _within(rows: Sequence[int], group: Sequence[int]) -> bool:
    return group[0] <= rows[0] and rows[1] <= group[1]


def found_by_size_and_kind(
    audited: Mapping[str, Any], levels: Sequence[str]
) -> list[tuple[str, str, str]]:
    """What, how many planted, and what is found of them, for each size and kind of each level."""
    told = []
    for level in levels:
        found = audited["levels"].get(level)
        if found is None:
            continue
        parts = (
            []
            if level == RECORD
            else [(f"{level}s of {sizes_in_words(size['rows'])}", size) for size in found["sizes"]]
        )
        parts += [(f"{level}s, {kind}", part) for kind, part in found["kinds"].items()]
        told += [
            (
                what,
                str(part["planted"]),
                f"{_percent(part['found'])}; 95 % upper bound {_percent(part['at_most'])}",
            )
            for what, part in parts
        ]
        if "best" in found:
            best = found["best"]
            told.append(
                (
                    f"{level}s, by the best of {len(found['attackers'])} attackers",
                    str(found["planted"]),
                    f"{_percent(best['found'])}; guessing {_percent(best['by_chance'])}, as much "
                    f"in {_percent(best['chance'])} of cases",
                )
            )
    return told


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
