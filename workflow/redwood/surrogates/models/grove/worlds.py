"""Worlds: what of a population is drawn for one stretch of time, as rows of the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from redwood.errors import InputError
from redwood.seeds import derive_seed
from redwood.surrogates.models.grove.calendar import DAY
from redwood.surrogates.models.grove.population import Networks, Population
from redwood.surrogates.streams.conditions import parse_conditions
from redwood.tables import TableDescription

_WEEK = 7 * DAY


@dataclass(frozen=True)
class Stretch:
    """A stretch of time that one world fills.

    Attributes:
        shift: seconds by which its rows are moved.
        until: rows from this time on, before they are moved, are left out.
    """

    shift: float = 0.0
    until: float = np.inf


@dataclass(frozen=True)
class Worlds:
    """Where worlds come from.

    Attributes:
        population: the laws.
        networks: its networks, on `device`.
        description: the features, units that are features among them.
        units: the columns that name units, the widest first.
    """

    population: Population
    networks: Networks
    description: TableDescription
    units: Sequence[str]
    device: torch.device

    def draw(
        self, rows: int, stretch: Stretch, label: str, random: np.random.Generator
    ) -> pd.DataFrame:
        """All rows of a population of at least so many, in a world of its own.

        Args:
            label: what the names of its units are made from.
        """
        population = self.population
        world = population.calendar.another(random)
        wanted = max(rows, population.rows)
        stream, owner, group = population.draw(
            wanted, rows, world, self.networks, random, self.device
        )
        inside = stream.times < stretch.until
        stream = stream[inside]
        stream.times[:] += stretch.shift
        frame = population.scheme.decode(stream)
        for unit in self.units:
            if unit in self.description:
                number = owner if unit == self.units[0] else group
                prefix = f"{label} {unit} {stretch.shift:.0f}"
                frame[unit] = _names(number[inside], prefix)
        return frame[[column.name for column in self.description.columns]]


def stretches(
    population: Population, given: Mapping[str, str] | None, table: str, model: str
) -> list[Stretch]:
    """The worlds that fill the given window of time, each as long as the record in whole weeks.

    Args:
        given: the conditions of a sample, among which the window may be.
        table, model: their names, for messages.

    Raises:
        InputError: the window ends before it begins.
    """
    calendar = population.calendar
    conditions = parse_conditions(given, population.scheme, model)
    window = [c for c in conditions if c.column.name == population.scheme.time]
    if not window:
        return [Stretch()]
    low = calendar.low if np.isinf(window[0].low) else window[0].low
    high = calendar.high + 1 if np.isinf(window[0].high) else window[0].high
    if not low < high:
        raise InputError(f"{table}: the record ends before the requested time")
    if calendar.low <= low and high <= calendar.high + 1:
        return [Stretch()]
    length = calendar.length
    for unit in (_WEEK, DAY):
        if length >= unit:
            length = length // unit * unit
            break
    first = int((low - calendar.low) // length)
    last = int(np.ceil((high - calendar.low) / length))
    return [Stretch(number * length, calendar.low + length) for number in range(first, last)]


def _names(number: np.ndarray, prefix: str) -> np.ndarray:
    """A made-up name for each number (n,)."""
    known, inverse = np.unique(number, return_inverse=True)
    names = [f"{derive_seed(0, prefix, int(one)):08x}" for one in known]
    return np.array(names, object)[inverse]
