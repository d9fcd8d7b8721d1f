"""Numbers as what is left when earlier numbers have foretold them: bytes per file instead of bytes.

A network would need many examples to learn that a size grows in proportion to a number of files,
and the heads of groups are few. So a number without values of its own (atoms) is seen as its
residual of a linear regression on the numbers before it, on the columns' scales.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from redwood.surrogates.streams.stream import Scheme, Stream
from redwood.surrogates.streams.tokens import NumberTokens
from redwood.tables import TableDescription


@dataclass(frozen=True)
class RelatedScheme(Scheme):
    """A scheme whose streams hold residuals.

    Attributes:
        slopes: (M, M) what is subtracted of a mark's number (row) for each unit of a mark before it
            (column). Numbers with slopes of their own foretell no others.
    """

    slopes: np.ndarray

    @classmethod
    def of(
        cls, scheme: Scheme, rows: pd.DataFrame, bins: int, owner: np.ndarray, least_owners: int
    ) -> "RelatedScheme":
        """Find the slopes, by least squares, from training rows, and the tokens of the residuals.

        Args:
            bins, owner, least_owners: of the tokens (`NumberTokens.fit`).
        """
        values = scheme.encode(rows).values  # noqa: PD011
        slopes, marks = np.zeros((len(scheme.marks),) * 2), list(scheme.marks)
        plain: list[int] = []
        for position, mark in enumerate(scheme.marks):
            if mark.numbers is None:
                continue
            if mark.atoms or not plain:
                plain.append(position)
                continue
            known = np.column_stack([np.ones(len(values)), values[:, plain]])
            found = np.linalg.lstsq(known, values[:, position], rcond=None)[0][1:]
            residuals = values[:, position] - values[:, plain] @ found
            if np.ptp(residuals) == 0 or not np.isfinite(found).all():
                plain.append(position)
                continue
            tokens = NumberTokens.fit(residuals, bins, owner, least_owners)
            if len(tokens.atoms):
                plain.append(position)
                continue
            slopes[position, plain] = found
            marks[position] = replace(mark, size=tokens.size, numbers=tokens)
        return cls(scheme.encoding, scheme.time, scheme.entity, tuple(marks), slopes)

    def encode(self, frame: pd.DataFrame) -> Stream:
        stream = super().encode(frame)
        whole = stream.values  # noqa: PD011
        tokens, values = stream.tokens.copy(), whole - whole @ self.slopes.T
        for position in np.flatnonzero(self.slopes.any(axis=1)):
            numbers = self.marks[position].numbers
            assert numbers is not None
            tokens[:, position] = numbers.encode(values[:, position])
        return replace(stream, tokens=tokens, values=values)

    def decode(self, stream: Stream) -> pd.DataFrame:
        residuals = stream.values  # noqa: PD011
        return super().decode(replace(stream, values=residuals + residuals @ self.slopes.T))

    def settle_after(
        self, position: int, tokens: np.ndarray, values: np.ndarray, before: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `settle`, for residuals given the numbers (m, position) of the marks before."""
        slopes, mark = self.slopes[position, :position], self.marks[position]
        if not slopes.any() or mark.numbers is None:
            return self.settle(position, tokens, values)
        column = self.encoding.description[mark.name]
        encoding = next(e for e in self.encoding.varying_numeric if e.column == mark.name)
        foretold = before @ slopes
        whole = encoding.encode(encoding.decode(values + foretold, column), column)
        return mark.numbers.encode(whole - foretold), whole - foretold

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "slopes": self.slopes.tolist()}

    @classmethod
    def from_json(
        cls, content: Mapping[str, Any], description: TableDescription
    ) -> "RelatedScheme":
        scheme = Scheme.from_json(content, description)
        slopes = np.array(content["slopes"], float).reshape((len(scheme.marks),) * 2)
        return cls(scheme.encoding, scheme.time, scheme.entity, scheme.marks, slopes)
