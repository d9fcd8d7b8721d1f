"""SMOTE as a generative model: interpolation between training rows and their nearest neighbours.

Source: Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16 (2002) 321-357,
in the reading of imbalanced-learn: SMOTENC for mixed tables (section 6.1), SMOTE (section 4.2)
where all features are numeric, SMOTEN (section 6.2) where all are categorical. These over-sample
classes of a labelled table; here whole tables are drawn:

* Distances are taken on the columns' scales, standardised or such that training spans [0, 1].
* The label is a categorical feature. How many rows each of its values gets is drawn from its
  frequencies in training; within a value, rows are interpolated.
* Without a label all rows are one class.
* A class of m ≤ k rows uses m − 1 neighbours. A class of one row has none: that row is repeated.

A new row: a row of the class, drawn with replacement; one of its k nearest others; numbers at a
uniformly drawn point between the two; categories by majority among the k, ties drawn. In SMOTEN
there is nothing between two rows: categories are those of the majority of the row and its k, the
alphabetically first of a tie. Of equally near rows, those of the same categories are taken, and
then those that come first in the training table.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.extras import explained
from redwood.nearest import MixedRows
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.surrogates import contract
from redwood.surrogates.encoding import CategoryEncoding, TableEncoding
from redwood.surrogates.models.smote.options import Options
from redwood.surrogates.models.smote.value_difference import NominalRows
from redwood.tables import read_table, write_table

_ROWS_FILE = "rows.parquet"

# A feature is a usable label if at most this share of the rows is in classes of k rows or fewer.
_TOLERATED_SHARE_IN_SMALL_CLASSES = 0.01

# Neighbours (new rows × k) that are held at once: 32 MB for each number of them.
_NEIGHBOURS_AT_ONCE = 1 << 22

# Cells (categories × classes) of the largest table of shares that SMOTEN may hold: 1 GiB.
_MOST_SHARES = 1 << 27

# Categories that an error message lists.
_MOST_LISTED = 8


class Surrogate(contract.Surrogate):
    """SMOTE on the features of a table. Training keeps the rows; sampling does the work."""

    about = (
        "SMOTE: new rows between a training row and one of its nearest neighbours; categories by "
        "majority among the neighbours."
    )
    licence = "None but that of the training rows."
    privacy = (
        "**This folder contains its training rows** (`rows.parquet`), and samples lie close to "
        "them: share neither where the training rows may not be shared."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        """Keep the rows and choose the label: there is nothing to learn, nothing to validate."""
        limit = self.options.max_rows
        rows = train
        if limit is not None and len(train) > limit:
            chosen = generator(self.seed, "smote", "rows").choice(len(train), limit, replace=False)
            rows = train.iloc[np.sort(chosen)].reset_index(drop=True)
            message = f"smote: interpolates between {limit} of {len(train)} rows (option max_rows)"
            print(message, file=sys.stderr)
        self._prepare(rows)
        sizes = self._class_sizes()
        small = sizes[(sizes > 1) & (sizes <= self.options.neighbours)]
        return {
            "variant": self._variant,
            "label": self._label,
            "rows_interpolated_between": len(rows),
            "rows_left_out_by_max_rows": len(train) - len(rows),
            "classes": len(sizes),
            "classes_with_fewer_neighbours": len(small),
            "rows_in_classes_with_fewer_neighbours": int(small.sum()),
            "classes_of_one_row_repeated_as_it_is": int((sizes == 1).sum()),
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Draw `n` rows, `given` a value of the label or nothing; see the base class."""
        rng = generator(seed, "smote", "sample")
        wanted = self._rows_per_class(n, given or {}, rng)
        numbers = np.empty((n, self._numbers.shape[1]))
        codes = np.empty((n, self._codes.shape[1]), np.int64)
        by_class = np.argsort(self._classes, kind="stable")
        members = np.split(by_class, self._class_sizes().cumsum()[:-1])
        begin = 0
        with ProgressReport("smote", n, "rows") as report:
            for label in np.flatnonzero(wanted):
                end = begin + int(wanted[label])
                numbers[begin:end], codes[begin:end] = self._sample_class(
                    members[label],
                    end - begin,
                    generator(seed, "smote", "class", int(label)),
                    report.advance,
                )
                begin = end
        order = rng.permutation(n)
        return self._encoding.decode(numbers[order] / self._unit, codes[order])

    def save(self, folder: Path) -> None:
        write_table(self._rows, folder / _ROWS_FILE, self.description)

    def load(self, folder: Path) -> None:
        self._prepare(read_table(folder / _ROWS_FILE, self.description))

    def _prepare(self, rows: pd.DataFrame) -> None:
        """Encode the rows, choose the label and with it the variant."""
        self._rows = rows
        self._encoding = TableEncoding.fit(rows, self.description)
        standardised = self._encoding.numbers(rows)
        self._unit = np.ones(standardised.shape[1])
        if self.options.scaling == "min-max":
            self._unit /= np.ptp(standardised, axis=0)
        self._numbers = standardised * self._unit
        self._codes = self._encoding.codes(rows)
        self._label = self._choose_label()
        self._label_values: tuple[str, ...] = ()
        self._classes = np.zeros(len(rows), np.int64)
        if self._label is not None:
            labels = CategoryEncoding.fit(rows[self._label], self.description[self._label])
            self._label_values = labels.categories
            self._classes = labels.encode(rows[self._label])
        self._variant = self._choose_variant()
        if self._variant == "SMOTEN":
            self._nominal_rows = NominalRows(self._codes[:, self._beside_label()], self._classes)

    def _choose_label(self) -> str | None:
        wanted = self.options.label
        if wanted is None:
            return None
        if wanted != "auto":
            if not self.description[wanted].is_categorical:
                kind = self.description[wanted].kind
                raise InputError(
                    f"smote: label {wanted!r} is {kind}, expected a categorical feature"
                )
            return wanted
        usable = []
        for encoding, codes in zip(self._encoding.varying_categorical, self._codes.T, strict=True):
            sizes = np.bincount(codes)
            in_small = sizes[sizes <= self.options.neighbours].sum()
            if in_small <= _TOLERATED_SHARE_IN_SMALL_CLASSES * len(codes):
                usable.append((len(sizes), encoding.column))
        # Of equals the first in the table.
        return min(usable, key=lambda candidate: candidate[0])[1] if usable else None

    def _choose_variant(self) -> Literal["SMOTE", "SMOTENC", "SMOTEN", "none"]:
        nominal = self._beside_label()
        if self._numbers.shape[1]:
            return "SMOTENC" if nominal else "SMOTE"
        if not nominal:
            return "none"
        if self._label is None:
            raise InputError(
                f"smote: table {self.description.name!r} has neither a varying numeric feature nor "
                "a label, which the distance between categories needs: set the option label"
            )
        classes = len(self._class_sizes())
        for position in nominal:
            encoding = self._encoding.varying_categorical[position]
            cells = len(encoding.categories) * classes
            if cells > _MOST_SHARES:
                raise InputError(
                    f"smote: {len(encoding.categories)} values of {encoding.column!r} times "
                    f"{classes} of the label {self._label!r} are {cells}, expected at most "
                    f"{_MOST_SHARES} in a table without varying numeric features: set another label"
                )
        return "SMOTEN"

    def _class_sizes(self) -> np.ndarray:
        return np.bincount(self._classes)

    def _beside_label(self) -> list[int]:
        """The positions, among the varying categorical columns, of all but the label."""
        return [
            position
            for position, encoding in enumerate(self._encoding.varying_categorical)
            if encoding.column != self._label
        ]

    def _rows_per_class(
        self, n: int, given: Mapping[str, str], rng: np.random.Generator
    ) -> np.ndarray:
        """How many of `n` rows each class gets: all of them the one that is given."""
        sizes = self._class_sizes()
        for column, value in given.items():
            refusal = f"smote: cannot sample given {column}={value}; "
            if self._label is None:
                raise InputError(refusal + "without a label it has no condition")
            if column != self._label:
                raise InputError(refusal + f"its only condition is its label, {self._label}")
            if value not in self._label_values:
                known = ", ".join(self._label_values[:_MOST_LISTED])
                more = ", …" if len(self._label_values) > _MOST_LISTED else ""
                raise InputError(refusal + f"the training rows have {known}{more}")
            sizes = (np.array(self._label_values, dtype=object) == value).astype(np.int64)
        return rng.multinomial(n, sizes / sizes.sum())

    def _sample_class(
        self,
        members: np.ndarray,
        n: int,
        rng: np.random.Generator,
        settled: Callable[[int], None],
    ) -> tuple[np.ndarray, np.ndarray]:
        """`n` new rows of the class of the rows `members`.

        Returns:
            Numbers (n, numeric) and codes (n, categorical).
        """
        # Sorted, for the rows are shuffled in the end anyway.
        base = np.sort(rng.integers(len(members), size=n))
        numbers, codes = self._numbers[members], self._codes[members]
        new_numbers, new_codes = numbers[base], codes[base]
        k = min(self.options.neighbours, len(members) - 1)
        if k == 0 or self._variant == "none":
            settled(n)
            return new_numbers, new_codes
        nominal = self._beside_label()
        if self.options.engine == "imbalanced-learn":
            drawn = self._drawn_by_reference(members, n, k, int(rng.integers(2**32)))
            settled(n)
            new_codes[:, nominal] = drawn[:, numbers.shape[1] :]
            return drawn[:, : numbers.shape[1]].astype(np.float64), new_codes
        toward = rng.integers(k, size=n)
        step = rng.random((n, 1))
        # imbalanced-learn draws which of a tie in SMOTENC, and takes the first in SMOTEN.
        mixed = self._variant == "SMOTENC"
        chance = rng.random((n, len(nominal))) if mixed else np.zeros((n, len(nominal)))
        search = self._search_for_neighbours(members, k, settled)
        at_once = max(1, _NEIGHBOURS_AT_ONCE // k)
        for begin in range(0, n, at_once):
            rows = slice(begin, min(begin + at_once, n))
            distinct, of_row = np.unique(base[rows], return_inverse=True)
            neighbours = search(distinct)[of_row]
            other = neighbours[np.arange(len(neighbours)), toward[rows]]
            new_numbers[rows] += step[rows] * (numbers[other] - new_numbers[rows])
            if self._variant == "SMOTEN":
                neighbours = np.column_stack([base[rows], neighbours])
            for column, drawn in zip(nominal, chance[rows].T, strict=True):
                new_codes[rows, column] = majority(codes[neighbours, column], drawn)
            settled(len(of_row) - len(distinct))
        return new_numbers, new_codes

    def _drawn_by_reference(self, members: np.ndarray, n: int, k: int, seed: int) -> np.ndarray:
        """What imbalanced-learn draws: numbers, then the codes beside the label, (n, columns).

        It over-samples one class of two at least. SMOTEN's distances are between the classes of the
        table; the other two look at the class alone, beside which one row stands for another.
        """
        with explained():
            from imblearn import over_sampling
        nominal = self._beside_label()
        numeric = self._numbers.shape[1]
        if self._variant == "SMOTEN":
            rows, classes = self._codes[:, nominal], self._classes
            wanted = int(classes[members[0]])
        else:
            rows = np.column_stack([self._numbers[members], self._codes[members][:, nominal]])
            rows = np.vstack([rows, rows[:1]])
            classes, wanted = np.append(np.zeros(len(members), np.int64), 1), 0
        positions = [list(range(numeric, rows.shape[1]))] if self._variant == "SMOTENC" else []
        sampler = getattr(over_sampling, self._variant)(
            *positions,
            sampling_strategy={wanted: len(members) + n},
            k_neighbors=k,
            random_state=seed,
        )
        try:
            drawn: np.ndarray = sampler.fit_resample(rows, classes)[0]
        except ValueError as error:
            raise InputError(f"smote: imbalanced-learn's {self._variant}: {error}") from None
        return drawn[len(rows) :]

    def _search_for_neighbours(
        self, members: np.ndarray, k: int, settled: Callable[[int], None]
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Positions in `members` (rows,) → those of their k nearest others (rows, k)."""
        nominal = self._beside_label()
        if self._variant == "SMOTEN":
            return lambda rows: self._nominal_rows.nearest(members, rows, k, settled)
        numbers = self._numbers[members]
        codes = self._codes[members][:, nominal]
        mixed_rows = MixedRows(numbers, codes, cost_of_a_mismatch(numbers))
        return lambda rows: mixed_rows.nearest(rows, k, settled)[0]


def cost_of_a_mismatch(numbers: np.ndarray) -> float:
    """The squared median of the columns' standard deviations: what a differing category costs."""
    # Rounding gives a constant column a deviation.
    deviations = np.where(np.ptp(numbers, axis=0) > 0, numbers.std(axis=0), 0)
    return float(np.median(deviations)) ** 2


def majority(codes: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """The most frequent code of each row, (rows, columns) → (rows,).

    Args:
        codes: codes, not negative.
        chance: which of a tie, in ascending order, as a number in [0, 1): (rows,).
    """
    codes = np.sort(codes, axis=1)
    position = np.arange(codes.shape[1])
    ends = np.ones(codes.shape, bool)
    ends[:, :-1] = codes[:, 1:] != codes[:, :-1]
    last_end = np.maximum.accumulate(np.where(ends, position, -1), axis=1)
    times = np.where(ends, position + 1, 0)
    times[:, 1:] -= np.where(ends[:, 1:], last_end[:, :-1] + 1, 0)
    tied = times == times.max(axis=1, keepdims=True)
    wanted = np.floor(chance * tied.sum(axis=1))
    chosen = (tied.cumsum(axis=1) > wanted[:, None]).argmax(axis=1)
    return codes[np.arange(len(codes)), chosen]
