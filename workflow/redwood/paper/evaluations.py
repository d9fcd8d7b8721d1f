"""What `redwood evaluate` wrote of each model, read, checked and taken together over trainings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.combining import over_trainings
from redwood.paper.reading import folders_by_name

# Whether less of a measure is better, or more, or neither.
DIRECTIONS = ("lower", "higher", "near floor")
NUMBERS = ("value", "low", "high", "floor")
LAW_ROLE = "law"
_ROLES = ("model", "control", LAW_ROLE)
_DESCRIBED = ("title", "definition", "unit", "aspect", "direction", "limit", "needs_densities")

Measure = Mapping[str, Any]
Measures = Mapping[str, Measure]


@dataclass(frozen=True)
class Evaluated:
    """What is known of a model.

    Attributes:
        role: `model`, or `control` for what models are judged by: it is never the best of a
            column and never published; `law` is the control that is another realisation of the law
            of the records.
        measures: by name, over all trainings.
        passes: whether every training's sample passes the checks of privacy; `None` if one was not
            judged and none fails.
        words: the checks of the training that decided, in words.
        rows: synthetic rows that were evaluated, of the first training.
        trainings: how often it was trained.
        warnings: what did not go as asked in the evaluations, a sentence each.
        left_to_canaries: whether the checks of privacy that could be judged hold, and the holdout
            cannot judge the others: the release gate has to.
        shares_units: whether test rows are of the units that training rows are of.
    """

    role: str
    measures: Measures
    passes: bool | None
    words: str = ""
    rows: int = 0
    trainings: int = 1
    warnings: tuple[str, ...] = ()
    left_to_canaries: bool = False
    shares_units: bool = True

    @property
    def is_control(self) -> bool:
        return self.role != "model"


def read_evaluations(folders: Sequence[Path]) -> dict[str, Evaluated]:
    """Model → what is known of it.

    Args:
        folders: each named as its model. Folders of one name are of that model's trainings; the
            first is the training that is simulated and released.

    Raises:
        InputError: an evaluation is missing or incomplete, is given twice, or has other measures
            than that of another training.
    """
    return {name: _together(paths) for name, paths in folders_by_name(folders).items()}


def read_evaluation(folder: Path) -> Evaluated:
    """What one evaluation says.

    Raises:
        InputError: it is missing or incomplete.
    """
    path = folder / "measures.json"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of evaluation")
    content = read_json(path, "evaluation")
    try:
        measures, rows, privacy = content["measures"], int(content["rows"]), content["privacy"]
        if content.get("role") not in _ROLES:
            raise InputError(
                f"{path}: role is {content.get('role')!r}, expected one of {', '.join(_ROLES)}; "
                "evaluations of earlier versions have none: evaluate again"
            )
        if not (privacy["passes"] is None or isinstance(privacy["passes"], bool)):
            raise InputError(
                f"{path}: privacy passes is {privacy['passes']!r}, expected true, false or null"
            )
        for name, measure in measures.items():
            _require_complete(path, name, measure)
        words, warnings = str(privacy["words"]), tuple(map(str, content.get("warnings", ())))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path}: not the measures of an evaluation: {error!r}") from None
    passes = privacy["passes"]
    return Evaluated(
        content["role"],
        measures,
        passes,
        words,
        rows,
        warnings=warnings,
        left_to_canaries=passes is None and privacy.get("left_to_canaries") is True,
        shares_units=content.get("shares_units") is not False,
    )


def controls_of(evaluated: Mapping[str, Evaluated]) -> list[str]:
    """The names of the controls."""
    return [name for name, one in evaluated.items() if one.is_control]


def _together(folders: Sequence[Path]) -> Evaluated:
    first, *others = found = [read_evaluation(folder) for folder in folders]
    for folder, other in zip(folders[1:], others, strict=True):
        if (other.role, set(other.measures)) != (first.role, set(first.measures)):
            raise InputError(
                f"{folder}: has another role or other measures than {folders[0]}, expected two "
                "trainings of one model, evaluated alike"
            )
    passes = [one.passes for one in found]
    verdict = False if False in passes else None if None in passes else True
    deciding = passes.index(verdict)
    words = found[deciding].words
    return Evaluated(
        first.role,
        {name: over_trainings([one.measures[name] for one in found]) for name in first.measures},
        verdict,
        f"training {deciding + 1} of {len(found)} {words}" if others else words,
        first.rows,
        len(found),
        tuple(dict.fromkeys(warning for one in found for warning in one.warnings)),
        verdict is None and all(one.passes or one.left_to_canaries for one in found),
        first.shares_units,
    )


def _require_complete(path: Path, name: str, measure: Measure) -> None:
    for key in (*_DESCRIBED, *NUMBERS):
        if key not in measure:
            raise InputError(f"{path}: measure {name!r} has no {key!r}: evaluate again")
    if measure["direction"] not in DIRECTIONS:
        raise InputError(
            f"{path}: measure {name!r}: direction is {measure['direction']!r}, "
            f"expected one of {', '.join(DIRECTIONS)}"
        )
    draws = measure.get("floor_draws", [])
    if not isinstance(draws, list) or not all(isinstance(x, int | float) for x in draws):
        raise InputError(
            f"{path}: measure {name!r}: floor_draws is {draws!r}, expected a list of numbers"
        )
    ends = measure.get("difference")
    if ends is not None and not (
        isinstance(ends, list) and len(ends) == 2 and all(isinstance(x, int | float) for x in ends)
    ):
        raise InputError(
            f"{path}: measure {name!r}: difference is {ends!r}, expected two ends of an interval"
        )
