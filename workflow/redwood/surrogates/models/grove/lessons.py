"""What Grove learns from: the training rows without what single owners tell, as levels of items.

The laws that are no networks (sizes, spans, gaps, the calendar) are learned here at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.models.grove.laws import GapLaw, SizeLaw
from redwood.surrogates.models.grove.level import Level, chosen_items
from redwood.surrogates.models.grove.options import Options
from redwood.surrogates.models.grove.ownership import (
    Ownership,
    without_extremes,
    without_rare,
)
from redwood.surrogates.models.grove.population import Population
from redwood.surrogates.models.grove.relations import RelatedScheme
from redwood.surrogates.models.grove.sequences import Sequences
from redwood.surrogates.streams.stream import Mark, Scheme
from redwood.surrogates.streams.tokens import NumberTokens
from redwood.tables import TableDescription, from_scale, to_numbers, to_scale

# Fewer owners do not tell when to stop; then groups are held out.
_LEAST_OWNERS_HELD_OUT = 2


@dataclass(frozen=True)
class Lesson:
    """What one network learns from.

    Attributes:
        name: the network's.
        level: the items.
        allowed: (n,) which items it is about.
        judging: (n,) which items only judge when to stop.
        most: items of a sequence that an epoch looks at.
        owner, group: (n,) whose each item is, from 0.
    """

    name: str
    level: Level
    allowed: np.ndarray
    judging: np.ndarray
    most: int
    owner: np.ndarray
    group: np.ndarray


def prepared(
    rows: pd.DataFrame,
    learned: TableDescription,
    units: Sequence[str],
    least: int,
    random: np.random.Generator,
) -> tuple[pd.DataFrame, Ownership, int]:
    """The rows without what single owners tell, whose they are, and how many were changed.

    Args:
        learned: the features.
        units: the columns that name units, the widest first.
        least: owners that a value is of, at least (option `least_owners`).

    Raises:
        InputError: there are fewer owners.
    """
    stamps = [c for c in learned.columns if c.kind == "timestamp"]
    time = to_numbers(rows[stamps[0].name], stamps[0]) if stamps else np.zeros(len(rows))
    categories = [c.name for c in learned.categorical_features]
    factors = {name: pd.factorize(rows[name], sort=True) for name in categories}
    codes = np.stack(
        [factors[name][0] for name in categories] or [np.zeros(len(rows), np.int64)], axis=1
    )
    ownership = Ownership.of_rows(rows, units, time, codes)
    if ownership.owners < least:
        whose = ownership.units[0] if ownership.units else "burst of rows"
        raise InputError(
            f"grove: the training rows are of {ownership.owners} different values of "
            f"{whose}; expected at least {least} (option least_owners), for a population to be "
            "told from its members"
        )
    changed = np.zeros(len(rows), bool)
    prepared = rows.copy()
    for position, name in enumerate(categories):
        common, _ = without_rare(codes[:, position], ownership, least, random)
        changed |= common != codes[:, position]
        prepared[name] = np.asarray(factors[name][1], object)[common]
    for column in learned.numeric_features:
        if column.kind != "timestamp":
            scaled = to_scale(to_numbers(rows[column.name], column), column)
            smooth = without_extremes(scaled, ownership.owner, least)
            kept = rows[column.name]
            known = to_numbers(kept, column)
            numbers = np.clip(from_scale(smooth, column), known.min(), known.max())
            numbers = np.where(smooth == scaled, known, numbers)
            prepared[column.name] = _as_before(numbers, kept)
    return prepared, ownership, int(changed.sum())


def fitted_scheme(
    rows: pd.DataFrame, learned: TableDescription, owner: np.ndarray, options: Options
) -> RelatedScheme:
    """Categories in the table's order, then numbers; the first time is when rows come."""
    encoding = TableEncoding.fit(rows, learned)
    kinds = {e.column: learned[e.column].kind for e in encoding.varying_numeric}
    time = next((name for name, kind in kinds.items() if kind == "timestamp"), None)
    marks = [Mark(e.column, len(e.categories), None) for e in encoding.varying_categorical]
    of_tokens = options.bins, owner, options.least_owners
    for name, numbers in zip(kinds, encoding.numbers(rows).T, strict=True):
        if name != time:
            tokens = NumberTokens.fit(numbers, *of_tokens)
            marks.append(Mark(name, tokens.size, tokens))
    scheme = Scheme(encoding, time, (), tuple(marks))
    return RelatedScheme.of(scheme, rows, *of_tokens)


def lessons_of(
    rows: pd.DataFrame,
    ownership: Ownership,
    scheme: RelatedScheme,
    options: Options,
    random: np.random.Generator,
) -> tuple[Population, tuple[Lesson, ...]]:
    """The laws of the training rows that are no networks, and what the networks learn from."""
    stream = scheme.encode(rows)
    owner, group = ownership.owner, ownership.group
    first = np.full(int(group.max()) + 1, np.inf)
    np.minimum.at(first, group, stream.times)
    order = np.lexsort((stream.times, group, first[group], owner))
    stream, owner, group = stream[order], owner[order], group[order]
    sizes, begins = _runs(group)
    level = _level(sizes, stream.times, stream.tokens, stream.values)
    held = np.zeros(len(owner), bool)
    if options.privacy is None:
        held = _held_out(owner, group, options.held_out, random)
    calendar = Calendar.fit(stream.times, owner)
    if np.array_equal(_runs(owner)[1], begins):
        number = np.arange(len(sizes))
        law = SizeLaw.fit(sizes, level.spans, number, options.least_owners, heavy=True)
        population = Population(
            scheme, calendar, law, None, None, ownership.owners, len(owner), _unmoved(scheme)
        )
        judged = held, options.most_rows, owner, owner
        return population, (
            Lesson("row_times", level, level.sequences.level > 1, *judged),
            Lesson("rows", level, _everything(level), *judged),
        )
    owner_of_head = owner[begins]
    counts, _ = _runs(owner_of_head)
    marked = stream[begins]
    heads = _level(counts, marked.times, marked.tokens, marked.values)
    heads.sizes[:] = np.log1p(np.column_stack([sizes, level.spans]))
    busy = chosen_items(heads, options.most_groups, random, _everything(heads))
    least, most = options.least_owners, options.most_groups
    of_busy = sizes[busy], level.spans[busy], owner_of_head[busy]
    population = Population(
        scheme,
        calendar,
        SizeLaw.fit(counts, heads.spans, np.arange(len(counts)), least, heavy=True),
        SizeLaw.fit(*of_busy, least, heavy=False, most=most),
        GapLaw.fit(counts, calendar.read(marked.times), least),
        ownership.owners,
        len(owner),
        _unmoved(scheme),
    )
    # In private training the tasks of an owner that are looked at may not hang on the others.
    looked_at = np.full(len(begins), options.privacy is not None)
    looked_at[busy] = True
    looked_at = np.repeat(looked_at, sizes)
    place, number = level.sequences.level, np.arange(len(begins))
    of_heads = held[begins], options.most_groups, owner_of_head, number
    judged = held, options.most_rows, owner, np.repeat(number, sizes)
    return population, (
        Lesson("groups", heads, _everything(heads), *of_heads),
        Lesson("row_times", level, looked_at & (place > 1), *judged),
        Lesson("rows", level, looked_at & (place > 0), *judged),
    )


def _unmoved(scheme: Scheme) -> dict[str, np.ndarray]:
    """The novelty of networks of marks that are as they were trained."""
    return {network: np.zeros(len(scheme.marks)) for network in ("groups", "rows")}


def _everything(level: Level) -> np.ndarray:
    """All items (n,) of a level."""
    return np.ones(len(level.times), bool)


def _runs(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lengths and first places of runs of equal keys (n,)."""
    begins = np.flatnonzero(np.concatenate([[True], np.diff(keys) != 0]))
    return np.diff(np.append(begins, len(keys))), begins


def _level(sizes: np.ndarray, times: np.ndarray, tokens: np.ndarray, values: np.ndarray) -> Level:
    sequences = Sequences.of_sizes(sizes)
    first, last = sequences.starts[:-1], sequences.starts[1:] - 1
    return Level(
        sequences, times, times[last] - times[first], np.zeros((len(times), 2)), tokens, values
    )


def _held_out(
    owner: np.ndarray, group: np.ndarray, share: float, random: np.random.Generator
) -> np.ndarray:
    """Rows (n,) of the owners that judge when to stop; of groups, where owners are few."""
    for keys in (owner, group):
        number = int(keys.max()) + 1
        held = round(share * number)
        if held >= _LEAST_OWNERS_HELD_OUT:
            chosen = np.zeros(number, bool)
            chosen[random.permutation(number)[:held]] = True
            return chosen[keys]
    return np.zeros(len(owner), bool)


def _as_before(numbers: np.ndarray, values: pd.Series) -> pd.Series:
    """Numbers (n,) with the type that `values` (n,) have."""
    if pd.api.types.is_integer_dtype(values.dtype):
        numbers = np.rint(numbers)
    return pd.Series(numbers, index=values.index).astype(values.dtype)
