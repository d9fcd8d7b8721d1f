"""The second floor, which `redwood other-floors` found: what real rows of other units score."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.evaluations import Evaluated

_FILE = "other_floors.json"


@dataclass(frozen=True)
class OtherFloors:
    """What real rows of other units score against the test rows.

    Attributes:
        title: whose rows they are, such as `other tasks`.
        words: how they were found, a sentence without its full stop.
        rows: of a sample that the floors are for.
        measures: name → `floor`, and `floor_draws`, one of each draw of such rows.
    """

    title: str
    words: str
    rows: int
    measures: Mapping[str, Mapping[str, Any]]

    @property
    def same(self) -> str:
        """Whose rows the first floor is of, such as `same tasks`."""
        return f"same {self.title.removeprefix('other ')}"


def read_other_floors(folder: Path) -> OtherFloors:
    """What the folder has.

    Raises:
        InputError: it is missing, damaged, or no folder of second floors.
    """
    path = folder / _FILE
    content = read_json(path, "second floor")
    try:
        measures = {
            name: {
                "floor": float(found["floor"]),
                "floor_draws": [float(draw) for draw in found["floor_draws"]],
            }
            for name, found in content["measures"].items()
        }
        title, words = str(content["title"]), str(content["words"])
        return OtherFloors(title, words, int(content["rows"]), measures)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not the floors of other units: {error!r}") from None


def with_other_floors(
    evaluated: Mapping[str, Evaluated], other: OtherFloors
) -> dict[str, Evaluated]:
    """The evaluations, each measure with `other_floor` and `other_floor_draws` where known."""

    def both(name: str, measure: Mapping[str, Any]) -> Mapping[str, Any]:
        if (found := other.measures.get(name)) is None:
            return measure
        return {
            **measure,
            "other_floor": found["floor"],
            "other_floor_draws": found["floor_draws"],
        }

    return {
        model: replace(one, measures={name: both(name, m) for name, m in one.measures.items()})
        for model, one in evaluated.items()
    }
