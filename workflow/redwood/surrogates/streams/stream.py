"""A table as a stream of events: when, whose, what."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.streams.entity import choose_entity, combine
from redwood.surrogates.streams.tokens import NumberTokens
from redwood.tables import TableDescription, from_numbers, to_numbers


@dataclass(frozen=True)
class Mark:
    """A column that is drawn.

    Attributes:
        name: the column's name.
        size: number of its tokens.
        numbers: how its numbers become tokens, `None` for a category.
    """

    name: str
    size: int
    numbers: NumberTokens | None

    @property
    def is_discrete(self) -> bool:
        return self.numbers is None or not self.numbers.bins

    @property
    def atoms(self) -> int:
        """The number of tokens that stand for a single value."""
        return self.size if self.numbers is None else len(self.numbers.atoms)


@dataclass(frozen=True)
class Stream:
    """Events in columns.

    Attributes:
        times: (n,) seconds since 1970, zeros where the table has no time.
        entity: (n, E) category codes of the entity's columns.
        tokens: (n, M) tokens of the marks.
        values: (n, M) standardised numbers of the marks, float64, 0 for categories.
    """

    times: np.ndarray
    entity: np.ndarray
    tokens: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, rows: np.ndarray) -> "Stream":
        return Stream(self.times[rows], self.entity[rows], self.tokens[rows], self.values[rows])

    def copy(self) -> "Stream":
        """The same events, to be changed in place; the entity's columns never are."""
        return replace(
            self, times=self.times.copy(), tokens=self.tokens.copy(), values=self.values.copy()
        )

    @property
    def entity_keys(self) -> np.ndarray:
        """One key for each event of equal entity: (n,) uint64."""
        return combine(list(self.entity.T), len(self))

    @property
    def columns(self) -> list[np.ndarray]:
        """The entity's codes, then the marks' tokens, each (n,)."""
        return [*self.entity.T, *self.tokens.T]


@dataclass(frozen=True)
class Scheme:
    """Which columns of a table are time, entity and marks, and how their values are encoded.

    Attributes:
        encoding: the encoding of the table.
        time: the column of the events' time, `None` where there is none that varies.
        entity: the columns that name the entity.
        marks: the others, in the order in which they are drawn: categories first, of which the
            one with the most values leads; numbers in the table's order.
    """

    encoding: TableEncoding
    time: str | None
    entity: tuple[str, ...]
    marks: tuple[Mark, ...]

    @classmethod
    def fit(cls, train: pd.DataFrame, description: TableDescription, bins: int) -> "Scheme":
        """Learn the scheme from training rows.

        Args:
            bins: number of bins of a number that is not discrete, at most.
        """
        encoding = TableEncoding.fit(train, description)
        kinds = {e.column: description[e.column].kind for e in encoding.varying_numeric}
        time = next((name for name, kind in kinds.items() if kind == "timestamp"), None)
        sizes = {e.column: len(e.categories) for e in encoding.varying_categorical}
        entity: tuple[str, ...] = ()
        if time is not None:
            codes = encoding.codes(train)
            order = np.argsort(to_numbers(train[time], description[time]), kind="stable")
            entity = choose_entity({name: codes[order, i] for i, name in enumerate(sizes)})
        categories = [Mark(name, size, None) for name, size in sizes.items() if name not in entity]
        if categories:
            leading = max(categories, key=lambda mark: mark.size)
            categories.remove(leading)
            categories.insert(0, leading)
        numbers = []
        for name, column in zip(kinds, encoding.numbers(train).T, strict=True):
            if name != time:
                tokens = NumberTokens.fit(column, bins)
                numbers.append(Mark(name, tokens.size, tokens))
        return cls(encoding, time, entity, (*categories, *numbers))

    def with_numbers_of(self, frame: pd.DataFrame, bins: int) -> "Scheme":
        """The scheme with tokens of numbers learned from the rows of `frame` only.

        A column that does not vary there keeps its tokens.
        """
        names = [e.column for e in self.encoding.varying_numeric]
        numbers = dict(zip(names, self.encoding.numbers(frame).T, strict=True))
        marks = []
        for mark in self.marks:
            if mark.numbers is not None and len(np.unique(numbers[mark.name])) > 1:
                tokens = NumberTokens.fit(numbers[mark.name], bins)
                mark = Mark(mark.name, tokens.size, tokens)
            marks.append(mark)
        return replace(self, marks=tuple(marks))

    @property
    def entity_sizes(self) -> list[int]:
        """Number of categories of each of the entity's columns."""
        sizes = {e.column: len(e.categories) for e in self.encoding.varying_categorical}
        return [sizes[name] for name in self.entity]

    def encode(self, frame: pd.DataFrame) -> "Stream":
        """Rows → events; a category unseen in training has code −1."""
        names = [e.column for e in self.encoding.varying_categorical]
        codes = dict(zip(names, self.encoding.codes(frame).T, strict=True))
        names = [e.column for e in self.encoding.varying_numeric]
        numbers = dict(zip(names, self.encoding.numbers(frame).T, strict=True))
        rows = len(frame)
        times = np.zeros(rows)
        if self.time is not None:
            column = self.encoding.description[self.time]
            times = np.rint(to_numbers(frame[self.time], column))
        tokens = np.zeros((rows, len(self.marks)), np.int64)
        values = np.zeros((rows, len(self.marks)))
        for position, mark in enumerate(self.marks):
            if mark.numbers is None:
                tokens[:, position] = codes[mark.name]
            else:
                values[:, position] = numbers[mark.name]
                tokens[:, position] = mark.numbers.encode(numbers[mark.name])
        entity = [codes[name] for name in self.entity]
        return Stream(times, np.array(entity, np.int64).reshape(-1, rows).T, tokens, values)

    def decode(self, stream: Stream) -> pd.DataFrame:
        """The inverse of `encode`."""
        names = [e.column for e in self.encoding.varying_numeric]
        numbers = np.zeros((len(stream), len(names)))
        codes = np.zeros((len(stream), len(self.encoding.varying_categorical)), np.int64)
        places = [e.column for e in self.encoding.varying_categorical]
        for position, name in enumerate(self.entity):
            codes[:, places.index(name)] = stream.entity[:, position]
        for position, mark in enumerate(self.marks):
            if mark.numbers is None:
                codes[:, places.index(mark.name)] = stream.tokens[:, position]
            else:
                numbers[:, names.index(mark.name)] = stream.values[:, position]  # noqa: PD011
        frame = self.encoding.decode(numbers, codes)
        if self.time is not None:
            column = self.encoding.description[self.time]
            of_time = next(e for e in self.encoding.varying_numeric if e.column == self.time)
            frame[self.time] = from_numbers(of_time.on_grid(stream.times), column)
        return frame

    def settle(self, position: int, tokens: np.ndarray, values: np.ndarray) -> tuple:
        """Chosen tokens and numbers of a mark → those of the value that a row will have.

        Args:
            tokens: (m,) chosen tokens; −1 where only the number is known.
            values: (m,) chosen numbers; ignored where the token is an atom.

        Returns:
            tokens (m,) and values (m,), as `encode` gives them for the decoded value.
        """
        mark = self.marks[position]
        if mark.numbers is None:
            return tokens, np.zeros(len(tokens))
        atom = (tokens >= 0) & (tokens < mark.atoms)
        if mark.atoms:
            values = np.where(atom, mark.numbers.atoms[np.clip(tokens, 0, mark.atoms - 1)], values)
        column = self.encoding.description[mark.name]
        encoding = next(e for e in self.encoding.varying_numeric if e.column == mark.name)
        values = encoding.encode(encoding.decode(values, column), column)
        return mark.numbers.encode(values), values

    def to_json(self) -> dict[str, Any]:
        """The scheme as a value that JSON holds exactly; `from_json` is the inverse."""
        return {
            "table": self.encoding.to_json(),
            "time": self.time,
            "entity": list(self.entity),
            "marks": [
                {
                    "name": mark.name,
                    "size": mark.size,
                    "atoms": None if mark.numbers is None else mark.numbers.atoms.tolist(),
                    "edges": None if mark.numbers is None else mark.numbers.edges.tolist(),
                }
                for mark in self.marks
            ],
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any], description: TableDescription) -> "Scheme":
        marks = []
        for mark in content["marks"]:
            numbers = None
            if mark["atoms"] is not None:
                numbers = NumberTokens(
                    np.array(mark["atoms"], float), np.array(mark["edges"], float)
                )
            marks.append(Mark(mark["name"], mark["size"], numbers))
        encoding = TableEncoding.from_json(content["table"], description)
        return cls(encoding, content["time"], tuple(content["entity"]), tuple(marks))
