"""What a measure is given and what it answers.

A measure is one module of `redwood.evaluation.measures`, named as the measure, that holds

* `TITLE`, `UNIT`, `DEFINITION` and `EQUATION` (LaTeX, lines divided by `\\\\`, with the signs
  that docs/measures.md names): how a reader meets it;
* `ASPECT`: what it is about, one of `Aspect`; by it measures are grouped, compared and judged;
* `DIRECTION`: `lower` or `higher` where that is better, `near floor` where both sides of the floor
  are bad;
* `measure(samples)`: its `Result`, or an `Inapplicable` that says what the table lacks;

and, where they apply,

* `OF_LAW = True`: of another aspect than `law`, it does not ask for the same realisation either, so
  that the typical multiple against other tasks counts it;
* `LIMIT`: what the value tends to as two tables of one law grow, if that is not the 0 that
  `DIRECTION = "lower"` stands for; `None` if it is not known;
* `COSTLY_FLOOR = True`: what it finds of the real rows alone takes its time, and is found once for
  all samples, see `Samples.once`;
* `COSTLY_VALUE = False`: beside it, the value itself is soon found, so that the second floor has it
  of every draw;
* `NEEDS_DENSITIES = True`: it is about the model itself, whose log densities it reads from
  `Samples.densities`; it never decides whether the sample is private;
* `NEEDS_SHARED_UNITS = True`: it takes holdout rows for training rows that were left out, as they
  are only if they are of the same units (`redwood.evaluation.membership`);
* `ATTACKER`: of a membership attack, who it is; what it answers has the detail `roc_NAME`, its ROC
  curve, where NAME is the measure's name without `attack_`;
* `judge(measured)`: whether a sample with this value, interval and floor is private enough, and the
  reason in words. The verdict on privacy asks every measure that has it.

Being there registers it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from redwood.seeds import generator
from redwood.tables import Column, TableDescription, scaled

MEASURES = "redwood.evaluation.measures"

Aspect = Literal["fidelity", "utility", "time", "law", "privacy"]
Direction = Literal["lower", "higher", "near floor"]
# Of what made the rows. `law` is the control that is another realisation of the law of the records.
Role = Literal["model", "control", "law"]
Arrays = Mapping[str, np.ndarray]


class Inapplicable(Exception):
    """The table lacks what the measure is about; the message says what."""


@dataclass(frozen=True)
class Samples:
    """Real and synthetic rows of one table, features only.

    Attributes:
        description: the features.
        train: the rows that the surrogate learned from.
        holdout: real rows that it never saw, in time order.
        synthetic: (n rows) the surrogate's, in time order.
        fresh: (n rows) real rows, drawn from `train`, in time order: a perfect surrogate's.
        others: one or two further samples (n rows) from the rest of `train`, none sharing a row.
        target: name of the numeric feature that models predict.
        groups: number of groups of consecutive rows for the jackknife.
        seed: of whatever a measure draws.
        earlier: synthetic rows beside `synthetic` that an attacker has: those that the comparison
            leaves out, and those of earlier releases.
        densities: the model's log densities of training and of holdout rows, (training rows,) and
            (holdout rows,), in no particular unit; `None` if it has none.
        target_class: name of the categorical feature that models predict, which there need not be.
        conditionals: names of features whose distributions are compared: each the last of a tuple,
            given those before it.
        train_units, holdout_units: the columns that name units of the training and of the holdout
            rows, in the rows' order, the widest unit first, with missing values where a row has
            none; `None` where the table names no units. Synthetic rows need not have any.
        of_real_rows: what measures have found of the real rows alone, see `once`.
        shared: what one measure has found of these rows and another needs, too, by name.
    """

    description: TableDescription
    train: pd.DataFrame
    holdout: pd.DataFrame
    synthetic: pd.DataFrame
    fresh: pd.DataFrame
    others: tuple[pd.DataFrame, ...]
    target: str
    groups: int
    seed: int
    earlier: pd.DataFrame | None = None
    densities: tuple[np.ndarray, np.ndarray] | None = None
    target_class: str = ""
    conditionals: tuple[tuple[str, ...], ...] = ()
    train_units: pd.DataFrame | None = None
    holdout_units: pd.DataFrame | None = None
    # Of no use to what `replace` makes of it: that may have other real rows.
    of_real_rows: dict[str, Arrays] = field(default_factory=dict, init=False)
    shared: dict[str, Any] = field(default_factory=dict, init=False)

    def once(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """What depends on the real rows, their number and the options alone: computed but once.

        So it is the same for every sample of as many rows, and another evaluation may have found
        it already. A measure that asks for it says `COSTLY_FLOOR = True`.

        Args:
            name: of what is computed.
            compute: gives named arrays.
        """
        if name not in self.of_real_rows:
            self.of_real_rows[name] = compute()
        return self.of_real_rows[name]

    @property
    def published(self) -> pd.DataFrame:
        """All synthetic rows that an attacker has."""
        if self.earlier is None:
            return self.synthetic
        return pd.concat([self.synthetic, self.earlier], ignore_index=True)

    @property
    def real_draws(self) -> tuple[pd.DataFrame, ...]:
        """All real samples in place of the synthetic one: two or three, (n rows) each.

        A single one gives a floor as uncertain as the value; the mean over all is less so.
        """
        return (self.fresh, *self.others)

    @property
    def equally_many(self) -> dict[str, pd.DataFrame]:
        """As many synthetic rows, holdout rows and rows of each draw of real ones, by name.

        The larger samples are thinned at random, their order kept, so that all are equally dense in
        time.
        """
        frames = {"synthetic": self.synthetic, "holdout": self.holdout, "fresh": self.fresh}
        frames |= {f"other {number}": other for number, other in enumerate(self.others)}
        rows = min(map(len, frames.values()))
        return {
            name: frame.iloc[
                np.sort(generator(self.seed, "thinning", name).permutation(len(frame))[:rows])
            ]
            for name, frame in frames.items()
        }


@dataclass(frozen=True)
class Result:
    """A measure's value, with its floor and what lies behind it.

    Attributes:
        value: the measure for the synthetic rows.
        low, high: its 95 % interval.
        floor: the measure for real rows in place of the synthetic ones, the mean over several draws
            of them where there are such.
        floor_draws: the floor of each of these draws, which tells how sure it is.
        difference: the 95 % interval of value − floor, over the rows of both; `None` where the
            draws tell how sure the floor is.
        warning: what the value does not see, or what else makes it one not to rely on.
        columns: tidy rows `column, value, floor`, for measures that are means over columns.
        details: tables to be written beside the values, by file name without ending.
        note: what a reader should know of this value.
    """

    value: float
    low: float
    high: float
    floor: float
    columns: pd.DataFrame | None = None
    details: dict[str, pd.DataFrame] = field(default_factory=dict)
    note: str = ""
    floor_draws: tuple[float, ...] = ()
    warning: str = ""
    difference: tuple[float, float] | None = None


def deviation(frame: pd.DataFrame, column: Column) -> float:
    """The standard deviation of a numeric feature on its scale; 0 only if it does not vary."""
    values = scaled(frame, column)
    # Of equal values NumPy may find a deviation of a rounding error.
    return float(values.std()) if np.ptp(values) > 0 else 0.0
