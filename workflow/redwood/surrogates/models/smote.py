"""SMOTE as a generative model: interpolation between training rows and their nearest neighbours.

The engine is imbalanced-learn's SMOTE family: SMOTENC for mixed tables (Chawla et al., "SMOTE:
Synthetic Minority Over-sampling Technique", JAIR 16 (2002) 321-357, section 6.1), SMOTE (section
4.2) where all features are numeric, SMOTEN (section 6.2) where all are categorical. The engine
over-samples classes of a labelled table; here it draws whole tables:

* Distances are taken on the columns' scales, standardised, which the engine leaves to its caller.
* The label is a categorical feature. How many rows each of its values gets is drawn from its
  frequencies in training; within a value, rows are interpolated. Only these new rows are returned.
* Without a label all rows are one class.
* A class of m ≤ k rows uses m − 1 neighbours. A class of one row has none: that row is repeated.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed, generator
from redwood.surrogates import contract
from redwood.surrogates.encoding import CategoryEncoding, TableEncoding
from redwood.tables import read_table, write_table

USES_GPU = False

_ROWS_FILE = "rows.parquet"

# A feature is a usable label if at most this share of the rows is in classes of k rows or fewer.
_TOLERATED_SHARE_IN_SMALL_CLASSES = 0.01

# SMOTEN holds a few matrices of rows² distances of a class: 0.5 GB each at this size.
_LARGEST_NOMINAL_CLASS = 8_000

# SMOTENC holds the one-hot rows of a class, and those of all neighbours of its new rows, densely.
_LARGEST_DENSE_BYTES = 4 * 2**30

# Cap of the blocks of distances that scikit-learn computes at once, in MiB.
_WORKING_MEMORY = 128


class Options(BaseModel):
    """Options of SMOTE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    neighbours: int = Field(5, ge=1, le=1000, description="neighbours k of a row")
    label: str | None = Field(
        "auto",
        description="categorical feature within whose values rows are interpolated; auto: the one "
        "with the fewest values of those with ≤ 1 % of the rows in classes of ≤ k rows, or none; "
        "null: none",
    )
    max_rows: int = Field(
        100_000,
        ge=2,
        description="training rows to interpolate between, drawn at random if there are more; "
        "the time to sample grows with their square",
    )


class Surrogate(contract.Surrogate):
    """SMOTE on the features of a table. Training keeps the rows; sampling does the work."""

    about = (
        "SMOTE: new rows between a training row and one of its nearest neighbours; categories by "
        "majority among the neighbours. Engine: imbalanced-learn."
    )
    licence = "imbalanced-learn is MIT-licensed; this folder has no code of it."
    privacy = (
        "**This folder contains its training rows** (`rows.parquet`), and samples lie close to "
        "them: share neither where the training rows may not be shared."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        """Keep the rows and choose the label: there is nothing to learn, nothing to validate."""
        self._import_engine()
        limit = self.options.max_rows
        rows = train
        if len(train) > limit:
            chosen = generator(self.seed, "smote", "rows").choice(len(train), limit, replace=False)
            rows = train.iloc[np.sort(chosen)].reset_index(drop=True)
            message = f"smote: interpolates between {limit} of {len(train)} rows (option max_rows)"
            print(message, file=sys.stderr)
        self._prepare(rows)
        sizes = self._class_sizes()
        small = sizes[(sizes > 1) & (sizes <= self.options.neighbours)]
        return {
            "engine": self._engine,
            "label": self._label,
            "rows_interpolated_between": len(rows),
            "rows_left_out_by_max_rows": len(train) - len(rows),
            "classes": len(sizes),
            "classes_with_fewer_neighbours": len(small),
            "rows_in_classes_with_fewer_neighbours": int(small.sum()),
            "classes_of_one_row_repeated_as_it_is": int((sizes == 1).sum()),
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        import sklearn

        rng = generator(seed, "smote", "sample")
        sizes = self._class_sizes()
        wanted = rng.multinomial(n, sizes / sizes.sum())
        numbers = np.empty((n, self._numbers.shape[1]))
        codes = np.empty((n, self._codes.shape[1]), np.int64)
        begin = 0
        with (
            sklearn.config_context(working_memory=_WORKING_MEMORY),
            ProgressReport("smote", n, "rows") as report,
        ):
            for label in np.flatnonzero(wanted):
                end = begin + wanted[label]
                numbers[begin:end], codes[begin:end] = self._sample_class(
                    label, wanted[label], derive_seed(seed, "smote", "class", int(label)), rng
                )
                report.advance(int(wanted[label]))
                begin = end
        order = rng.permutation(n)
        return self._encoding.decode(numbers[order], codes[order])

    def save(self, folder: Path) -> None:
        write_table(self._rows, folder / _ROWS_FILE, self.description)

    def load(self, folder: Path) -> None:
        self._import_engine()
        self._prepare(read_table(folder / _ROWS_FILE, self.description))

    def _import_engine(self) -> None:
        try:
            import imblearn  # noqa: F401
        except ImportError:
            raise InputError(
                "smote: imbalanced-learn is not installed: pip install imbalanced-learn"
            ) from None

    def _prepare(self, rows: pd.DataFrame) -> None:
        """Encode the rows, choose the label and with it the engine."""
        self._rows = rows
        self._encoding = TableEncoding.fit(rows, self.description)
        self._numbers = self._encoding.numbers(rows)
        self._codes = self._encoding.codes(rows)
        self._label = self._choose_label()
        if self._label is None:
            self._classes = np.zeros(len(rows), np.int64)
        else:
            self._classes = CategoryEncoding.fit(
                rows[self._label], self.description[self._label]
            ).encode(rows[self._label])
        self._engine = self._choose_engine()

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

    def _choose_engine(self) -> Literal["SMOTE", "SMOTENC", "SMOTEN", "none"]:
        nominal = len(self._beside_label())
        if self._numbers.shape[1]:
            return "SMOTENC" if nominal else "SMOTE"
        if not nominal:
            return "none"
        largest = int(self._class_sizes().max())
        if self._label is None:
            raise InputError(
                f"smote: table {self.description.name!r} has neither a varying numeric feature nor "
                "a label, which the distance between categories needs: set the option label"
            )
        if largest > _LARGEST_NOMINAL_CLASS:
            raise InputError(
                f"smote: {largest} rows share one {self._label}; without numeric features at most "
                f"{_LARGEST_NOMINAL_CLASS} can: lower the option max_rows"
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

    def _sample_class(
        self, label: int, n: int, seed: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """`n` new rows of one class: numbers (n, numeric) and codes (n, categorical)."""
        members = np.flatnonzero(self._classes == label)
        neighbours = min(self.options.neighbours, len(members) - 1)
        if neighbours == 0 or self._engine == "none":
            chosen = rng.choice(members, n)
            return self._numbers[chosen], self._codes[chosen]
        nominal = self._beside_label()
        if self._engine == "SMOTEN":
            # Its distance compares the labels' frequencies given a category: it sees all rows.
            rows, classes = self._codes[:, nominal], self._classes
        else:
            # The engine refuses a single class: one row more, of a class that is not over-sampled.
            members = np.append(members, members[0])
            rows = np.column_stack([self._numbers, self._codes[:, nominal]])[members]
            classes = np.full(len(members), label)
            classes[-1] = label + 1
        new = self._oversample(rows, classes, label, n, neighbours, seed)
        width = self._numbers.shape[1]
        codes = np.repeat(self._codes[members[:1]], n, axis=0)
        codes[:, nominal] = new[:, width:]
        return new[:, :width], codes

    def _oversample(
        self,
        rows: np.ndarray,
        classes: np.ndarray,
        label: int,
        n: int,
        neighbours: int,
        seed: int,
    ) -> np.ndarray:
        """`n` rows that imbalanced-learn adds to the class `label`: (n, columns of `rows`)."""
        from imblearn import over_sampling

        sampler = getattr(over_sampling, self._engine)
        arguments = {}
        if self._engine == "SMOTENC":
            width = self._numbers.shape[1]
            self._check_memory(rows, n * neighbours)
            arguments["categorical_features"] = list(range(width, rows.shape[1]))
        resampled, _ = sampler(
            **arguments,
            sampling_strategy={label: int((classes == label).sum()) + int(n)},
            # A generator and not a number: the engine would begin the same sequence several times.
            random_state=np.random.RandomState(seed),
            k_neighbors=neighbours,
        ).fit_resample(rows, classes)
        return resampled[len(rows) :]

    def _check_memory(self, rows: np.ndarray, neighbours: int) -> None:
        width = self._numbers.shape[1]
        one_hot = sum(len(np.unique(codes)) for codes in rows[:, width:].T)
        needed = 8 * (width + one_hot) * (len(rows) + neighbours)
        if needed > _LARGEST_DENSE_BYTES:
            raise InputError(
                f"smote: {one_hot} categories of {len(rows)} rows of a class need "
                f"{needed / 2**30:.1f} GiB, expected at most {_LARGEST_DENSE_BYTES / 2**30:.0f}: "
                "lower the option max_rows or sample fewer rows"
            )
