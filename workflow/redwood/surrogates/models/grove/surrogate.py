"""Grove: a population of new owners whose rows follow each other as those of real ones do.

What a recorded unit, be it a user or a task, sent is not to be told from a sample. So nothing of a
recorded unit is kept, and none is redrawn: an owner (a user, or else a task) is an individual of a
learned population. First comes how much owners send and for how long; then, for each owner, when
its groups (tasks) begin and what each is, given the owner's other groups; then, for each group,
when its rows come and what each is, given rows of the same group. Both levels are the same
autoregressive law (`level`), whose items are drawn from coarse to fine (`sequences`). What all
owners share is the calendar: hours, weekdays and a trend, and good and bad days, drawn anew.

No single owner is to matter: values that few owners have become values of others, the largest
numbers follow an exponential tail instead of their owner, training looks at so many rows of a group
and so many groups of an owner and at no more, and it stops when owners that it has not seen are no
longer foretold better. This bounds what is learned of one; it is no differential privacy.

Rows are drawn by neural autoregression (B. Uria et al., Neural autoregressive distribution
estimation, JMLR 17 (2016) 205).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch.optim import swa_utils

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import derive_seed, generator
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.models.grove.calendar import DAY, Calendar
from redwood.surrogates.models.grove.laws import GapLaw, SizeLaw
from redwood.surrogates.models.grove.level import (
    Level,
    Remembered,
    chosen_items,
    log_density,
    log_density_of_times,
)
from redwood.surrogates.models.grove.options import Options
from redwood.surrogates.models.grove.ownership import (
    Ownership,
    without_extremes,
    without_rare,
)
from redwood.surrogates.models.grove.population import Networks, Population
from redwood.surrogates.models.grove.relations import RelatedScheme
from redwood.surrogates.models.grove.sequences import Sequences
from redwood.surrogates.models.grove.timing import TimeNetwork
from redwood.surrogates.neural import CHUNK, NeuralSurrogate
from redwood.surrogates.streams.conditions import parse_conditions
from redwood.surrogates.streams.marks import MarkNetwork
from redwood.surrogates.streams.stream import Mark, Scheme
from redwood.surrogates.streams.tokens import NumberTokens
from redwood.surrogates.training_loop import Checkpoint, choose_device
from redwood.tables import TableDescription, from_scale, to_numbers, to_scale

_WEEK = 7 * DAY

# Steps of an epoch, at least.
_LEAST_STEPS = 8

# Networks of times are small; they need less decay.
_DECAY_OF_TIMES = 0.25

# The largest decay of the weights by itself.
_LARGEST_DECAY = 5.0

# Fewer owners do not tell when to stop; then groups are held out.
_LEAST_OWNERS_HELD_OUT = 2

# A condition that fewer rows fulfil is refused rather than searched for hours.
_RAREST, _LEAST_TRIED = 1e-4, 200_000


@dataclass(frozen=True)
class _Lesson:
    """What one network learns from.

    Attributes:
        name: the network's.
        level: the items.
        allowed: (n,) which items it is about.
        judging: (n,) which items only judge when to stop.
        most: items of a sequence that an epoch looks at.
    """

    name: str
    level: Level
    allowed: np.ndarray
    judging: np.ndarray
    most: int


class Surrogate(NeuralSurrogate):
    """Grove on the features of a table."""

    about = (
        "Grove: a population of new users with new tasks, whose rows follow each other as those "
        "of real ones; nothing of a recorded unit is kept."
    )
    encoding_file = "population.json"
    learns_units = True
    options: Options
    network: Networks

    @property
    def privacy(self) -> str:
        return (
            "The folder has networks and aggregates, no row and no unit of the training table. "
            f"Categories that fewer than {self.options.least_owners} owners have are not in it, "
            "and the largest and smallest numbers are no owner's. Quantiles of numbers are in it, "
            "and numbers that five rows or more share, be they of one owner. No guarantee such as "
            "differential privacy is given; what attackers find, the release gate measures."
        )

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        random = generator(self.seed, self.name, "rows")
        rows, ownership, changed = self._prepared(train.reset_index(drop=True), random)
        scheme = self._scheme(rows)
        lessons = self._lessons(rows, ownership, scheme, random)
        self.network = self._new_network()
        summary = {
            "owners": ownership.owners,
            "groups": int(ownership.group.max()) + 1,
            "units": list(ownership.units) or "bursts of rows that are alike",
            "rows_with_a_rare_value_replaced": changed,
            "days_vary_by": float(f"{self._population.calendar.spread:.3g}"),
            "parameters": sum(p.numel() for p in self.network.parameters()),
        }
        with self.computing():
            return summary | self._train(lessons, train, validation, checkpoint)

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Draw `n` rows of new owners.

        They are as many of the rows of a population as dense as the recorded one, or of a denser
        one if `n` is more than that has.

        Args:
            given: column → a category, a number, a day, or a range `low..high` of numbers or
                dates, `high` excluded. Time beyond the record is filled with one population after
                another, each as long as the record.

        Raises:
            InputError: no row can meet the conditions, or too few do.
        """
        random = generator(seed, self.name, "sample")
        population = self._population
        conditions = parse_conditions(given, population.scheme, self.name)
        window = [c for c in conditions if c.column.name == population.scheme.time]
        stretches = self._stretches(window[0].low, window[0].high) if window else [_Stretch()]
        kept: list[pd.DataFrame] = []
        found = tried = 0
        with self.sampling() as device, ProgressReport(self.name, n, "rows") as report:
            while found < n:
                for stretch in stretches:
                    drawn = self._world(
                        1 if conditions else n, stretch, f"{seed} {len(kept)}", random, device
                    )
                    tried += len(drawn)
                    for condition in conditions:
                        drawn = drawn[condition.holds(drawn)]
                    kept.append(drawn)
                    report.advance(min(n, found + len(drawn)) - min(n, found))
                    found += len(drawn)
                if tried >= _LEAST_TRIED and found < _RAREST * tried:
                    said = ", ".join(f"{name}={value}" for name, value in (given or {}).items())
                    raise InputError(
                        f"{self.name}: {said}: {found} of {tried} rows meet this; expected at "
                        f"least 1 in {1 / _RAREST:.0f}: loosen the conditions"
                    )
        frame = pd.concat(kept, ignore_index=True)
        return frame.iloc[random.permutation(len(frame))[:n]].reset_index(drop=True)

    def expected_rows(self, given: Mapping[str, str] | None = None) -> int:
        if not given:
            return self._population.rows
        conditions = parse_conditions(given, self._population.scheme, self.name)
        window = [c for c in conditions if c.column.name == self._population.scheme.time]
        stretches = self._stretches(window[0].low, window[0].high) if window else [_Stretch()]
        random = generator(0, self.name, "expected")
        number = 0
        with self.sampling() as device:
            for stretch in stretches:
                drawn = self._world(1, stretch, "expected", random, device)
                holds = [condition.holds(drawn) for condition in conditions]
                number += int(np.logical_and.reduce(holds).sum())
        return number

    def to_json(self) -> dict[str, Any]:
        population = self._population
        return {
            **population.scheme.to_json(),
            "calendar": population.calendar.to_json(),
            "owners": population.owners.to_json(),
            "groups": population.groups and population.groups.to_json(),
            "gaps": population.gaps and population.gaps.to_json(),
            "size": population.size,
            "rows": population.rows,
            "units": list(self.units),
        }

    def restore(self, content: Mapping[str, Any], folder: Path) -> Networks:
        self.units = tuple(content["units"])
        self._population = Population(
            RelatedScheme.from_json(content, self._learned()),
            Calendar.from_json(content["calendar"]),
            SizeLaw.from_json(content["owners"]),
            content["groups"] and SizeLaw.from_json(content["groups"]),
            content["gaps"] and GapLaw.from_json(content["gaps"]),
            content["size"],
            content["rows"],
        )
        return self._new_network().eval()

    def _learned(self) -> TableDescription:
        """The features that are learned; units among them are made up."""
        names = [c.name for c in self.description.columns if c.name not in self.units]
        return self.description.only(names)

    def _new_network(self) -> Networks:
        population = self._population
        with self.seeded("weights"):
            return Networks(
                population.scheme,
                population.groups is not None,
                self.options.hidden,
                self.options.dropout,
            )

    def _prepared(
        self, rows: pd.DataFrame, random: np.random.Generator
    ) -> tuple[pd.DataFrame, Ownership, int]:
        """The rows without what single owners tell, whose they are, and how many were changed."""
        learned, least = self._learned(), self.options.least_owners
        stamps = [c for c in learned.columns if c.kind == "timestamp"]
        time = to_numbers(rows[stamps[0].name], stamps[0]) if stamps else np.zeros(len(rows))
        categories = [c.name for c in learned.categorical_features]
        factors = {name: pd.factorize(rows[name], sort=True) for name in categories}
        codes = np.stack(
            [factors[name][0] for name in categories] or [np.zeros(len(rows), np.int64)], axis=1
        )
        ownership = Ownership.of_rows(rows, self.units, time, codes)
        if ownership.owners < least:
            whose = ownership.units[0] if ownership.units else "burst of rows"
            raise InputError(
                f"{self.name}: the training rows are of {ownership.owners} different values of "
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

    def _scheme(self, rows: pd.DataFrame) -> RelatedScheme:
        """Categories in the table's order, then numbers; the first time is when rows come."""
        encoding = TableEncoding.fit(rows, self._learned())
        kinds = {e.column: self.description[e.column].kind for e in encoding.varying_numeric}
        time = next((name for name, kind in kinds.items() if kind == "timestamp"), None)
        marks = [Mark(e.column, len(e.categories), None) for e in encoding.varying_categorical]
        for name, numbers in zip(kinds, encoding.numbers(rows).T, strict=True):
            if name != time:
                tokens = NumberTokens.fit(numbers, self.options.bins)
                marks.append(Mark(name, tokens.size, tokens))
        scheme = Scheme(encoding, time, (), tuple(marks))
        return RelatedScheme.of(scheme, rows, self.options.bins)

    def _lessons(
        self,
        rows: pd.DataFrame,
        ownership: Ownership,
        scheme: RelatedScheme,
        random: np.random.Generator,
    ) -> tuple[_Lesson, ...]:
        """The levels of the training rows; also learns the laws that are no networks."""
        options, stream = self.options, scheme.encode(rows)
        owner, group = ownership.owner, ownership.group
        first = np.full(int(group.max()) + 1, np.inf)
        np.minimum.at(first, group, stream.times)
        order = np.lexsort((stream.times, group, first[group], owner))
        stream, owner, group = stream[order], owner[order], group[order]
        sizes, begins = _runs(group)
        level = _level(sizes, stream.times, stream.tokens, stream.values)
        held = _held_out(owner, group, options.held_out, random)
        calendar = Calendar.fit(stream.times, owner)
        if np.array_equal(_runs(owner)[1], begins):
            law = SizeLaw.fit(sizes, level.spans, np.arange(len(sizes)), options.least_owners)
            self._population = Population(
                scheme, calendar, law, None, None, ownership.owners, len(owner)
            )
            return (
                _Lesson("row_times", level, level.sequences.level > 1, held, options.most_rows),
                _Lesson("rows", level, _everything(level), held, options.most_rows),
            )
        owner_of_head = owner[begins]
        counts, _ = _runs(owner_of_head)
        marked = stream[begins]
        heads = _level(counts, marked.times, marked.tokens, marked.values)
        heads.sizes[:] = np.log1p(np.column_stack([sizes, level.spans]))
        busy = chosen_items(heads, options.most_groups, random, _everything(heads))
        least = options.least_owners
        self._population = Population(
            scheme,
            calendar,
            SizeLaw.fit(counts, heads.spans, np.arange(len(counts)), least),
            SizeLaw.fit(sizes[busy], level.spans[busy], owner_of_head[busy], least),
            GapLaw.fit(counts, calendar.read(marked.times), least),
            ownership.owners,
            len(owner),
        )
        looked_at = np.zeros(len(begins), bool)
        looked_at[busy] = True
        looked_at = np.repeat(looked_at, sizes)
        place = level.sequences.level
        return (
            _Lesson("groups", heads, _everything(heads), held[begins], options.most_groups),
            _Lesson("row_times", level, looked_at & (place > 1), held, options.most_rows),
            _Lesson("rows", level, looked_at & (place > 0), held, options.most_rows),
        )

    def _train(
        self,
        lessons: tuple[_Lesson, ...],
        train: pd.DataFrame,
        validation: pd.DataFrame,
        checkpoint: Path | None,
    ) -> dict[str, Any]:
        """Train the networks one after another, each until unseen owners are foretold no better."""
        device = choose_device(self.options.device)
        self.network.to(device)
        summary: dict[str, Any] = {}
        files: list[Path] = []
        for lesson in lessons:
            module = getattr(self.network, lesson.name)
            if module is None or not lesson.allowed.any():
                continue
            file = checkpoint and checkpoint.with_suffix(f".{lesson.name}{checkpoint.suffix}")
            state = self.checkpoint_in(file, train, validation, device)
            summary[lesson.name] = self._train_network(module, lesson, state, device)
            files += [file] if file else []
        self.network.cpu().eval()
        for file in files:
            file.unlink(missing_ok=True)
        return summary

    def _train_network(
        self,
        module: MarkNetwork | TimeNetwork,
        lesson: _Lesson,
        checkpoint: Checkpoint | None,
        device: torch.device,
    ) -> dict[str, Any]:
        """Train one network in place; it ends as the best average of its weights."""
        options, calendar = self.options, self._population.calendar
        level, learned = lesson.level, lesson.allowed & ~lesson.judging
        judging = lesson.allowed & lesson.judging
        judging = judging if judging.any() else learned
        number = len(chosen_items(level, lesson.most, np.random.default_rng(0), learned))
        decay = min(options.weight_decay / max(1, number), _LARGEST_DECAY)
        decay *= _DECAY_OF_TIMES if isinstance(module, TimeNetwork) else 1.0
        groups = [
            {"params": [p for p in module.parameters() if p.ndim >= 2], "weight_decay": decay},
            {"params": [p for p in module.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        known = Remembered([], [])
        coarse = 0
        if isinstance(module, MarkNetwork):
            known = Remembered.of(level, module.marks)
        else:
            # Long sequences have few coarse steps, and these shape what is seen of them.
            coarse = lesson.most // 2
        average = swa_utils.AveragedModel(
            module, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(options.average)
        )
        optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)

        def loss_of(
            network: torch.nn.Module, items: np.ndarray, random: np.random.Generator
        ) -> torch.Tensor:
            """Minus the log density of items, summed."""
            if isinstance(network, TimeNetwork):
                return -log_density_of_times(level, items, network, calendar, device).sum()
            given = level.sequences.references(items, random)
            marks = cast(MarkNetwork, network)
            return -log_density(level, known, items, given, marks, calendar, device).sum()

        def train_epoch(epoch: int) -> float:
            module.train()
            random = generator(self.seed, self.name, lesson.name, "epoch", epoch)
            items = chosen_items(level, lesson.most, random, learned, coarse)
            items = random.permutation(items)
            size = max(1, min(options.batch_size, len(items) // _LEAST_STEPS))
            total = 0.0
            with self.seeded(lesson.name, "epoch", epoch, device=device):
                for begin in range(0, len(items), size):
                    batch = items[begin : begin + size]
                    loss = loss_of(module, batch, random)
                    optimizer.zero_grad()
                    (loss / len(batch)).backward()
                    torch.nn.utils.clip_grad_norm_(module.parameters(), 5.0)
                    optimizer.step()
                    average.update_parameters(module)
                    total += float(loss.detach())
            return total / max(1, len(items))

        def validate() -> float:
            average.eval()
            random = generator(self.seed, self.name, lesson.name, "validation")
            items = chosen_items(level, lesson.most, random, judging, coarse)
            with torch.no_grad():
                total = sum(
                    float(loss_of(average.module, items[begin : begin + CHUNK], random))
                    for begin in range(0, len(items), CHUNK)
                )
            return total / len(items)

        both = torch.nn.ModuleList([module, average])
        summary = self.train(both, optimizer, train_epoch, validate, checkpoint)
        module.load_state_dict(average.module.state_dict())
        return summary

    def _stretches(self, low: float, high: float) -> list["_Stretch"]:
        """The worlds that fill a window of time, each as long as the record in whole weeks."""
        calendar = self._population.calendar
        low = calendar.low if np.isinf(low) else low
        high = calendar.high + 1 if np.isinf(high) else high
        if not low < high:
            raise InputError(f"{self.description.name}: the record ends before the requested time")
        if calendar.low <= low and high <= calendar.high + 1:
            return [_Stretch()]
        length = calendar.length
        for unit in (_WEEK, DAY):
            if length >= unit:
                length = length // unit * unit
                break
        first = int((low - calendar.low) // length)
        last = int(np.ceil((high - calendar.low) / length))
        return [_Stretch(number * length, calendar.low + length) for number in range(first, last)]

    def _world(
        self,
        rows: int,
        stretch: "_Stretch",
        label: str,
        random: np.random.Generator,
        device: torch.device,
    ) -> pd.DataFrame:
        """All rows of a population of at least so many, in a world of its own."""
        population = self._population
        world = population.calendar.another(random)
        wanted = max(rows, population.rows)
        stream, owner, group = population.draw(wanted, rows, world, self.network, random, device)
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


@dataclass(frozen=True)
class _Stretch:
    """A stretch of time that one world fills.

    Attributes:
        shift: seconds by which its rows are moved.
        until: rows from this time on, before they are moved, are left out.
    """

    shift: float = 0.0
    until: float = np.inf


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


def _names(number: np.ndarray, prefix: str) -> np.ndarray:
    """A made-up name for each number (n,)."""
    known, inverse = np.unique(number, return_inverse=True)
    names = [f"{derive_seed(0, prefix, int(one)):08x}" for one in known]
    return np.array(names, object)[inverse]


def _as_before(numbers: np.ndarray, values: pd.Series) -> pd.Series:
    """Numbers (n,) with the type that `values` (n,) have."""
    if pd.api.types.is_integer_dtype(values.dtype):
        numbers = np.rint(numbers)
    return pd.Series(numbers, index=values.index).astype(values.dtype)
