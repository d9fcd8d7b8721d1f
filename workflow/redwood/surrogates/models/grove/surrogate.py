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
longer foretold better. Of how much owners send the folder has quantiles and the share and scale of
a power law. This bounds what is learned of one; it is no differential privacy.

Rows are drawn by neural autoregression (B. Uria et al., Neural autoregressive distribution
estimation, JMLR 17 (2016) 205).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.surrogates.models.grove.calendar import Calendar
from redwood.surrogates.models.grove.laws import GapLaw, SizeLaw
from redwood.surrogates.models.grove.lessons import Lesson, fitted_scheme, lessons_of, prepared
from redwood.surrogates.models.grove.novelty import settled, share_of_changes
from redwood.surrogates.models.grove.options import Options
from redwood.surrogates.models.grove.plain import train_plainly
from redwood.surrogates.models.grove.population import Networks, Population
from redwood.surrogates.models.grove.private import Guarantee, train_privately
from redwood.surrogates.models.grove.relations import RelatedScheme
from redwood.surrogates.models.grove.timing import TimeNetwork
from redwood.surrogates.models.grove.worlds import Worlds, stretches
from redwood.surrogates.neural import NeuralSurrogate
from redwood.surrogates.streams.conditions import parse_conditions
from redwood.surrogates.streams.marks import MarkNetwork
from redwood.surrogates.training_loop import choose_device
from redwood.tables import TableDescription

# Rows of a population that is drawn to settle how often items change.
_SETTLING_ROWS = 10_000

# A condition that fewer rows fulfil is refused rather than searched for hours.
_RAREST, _LEAST_TRIED = 1e-4, 200_000


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

    guarantee: Guarantee | None = None

    @property
    def privacy(self) -> str:
        told = "No guarantee such as differential privacy is given; what attackers find, the "
        if self.guarantee is not None:
            told = f"{self.guarantee} What attackers find, the "
        return (
            "The folder has networks and aggregates, no row and no unit of the training table. "
            f"Categories and numbers that fewer than {self.options.least_owners} owners have are "
            "not in it, and the largest and smallest numbers are no owner's. Quantiles of "
            "numbers, of how much owners send, for how long and with which gaps are in it, and the "
            "share and scale of a power law of how much the largest send. "
            f"{told}release gate measures."
        )

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        random = generator(self.seed, self.name, "rows")
        learned, options = self._learned(), self.options
        rows, ownership, changed = prepared(
            train.reset_index(drop=True), learned, self.units, options.least_owners, random
        )
        scheme = fitted_scheme(rows, learned, ownership.owner, options)
        self._population, lessons = lessons_of(rows, ownership, scheme, options, random)
        self.network = self._new_network()
        summary: dict[str, Any] = {
            "owners": ownership.owners,
            "groups": int(ownership.group.max()) + 1,
            "units": list(ownership.units) or "bursts of rows that are alike",
            "rows_with_a_rare_value_replaced": changed,
            "days_vary_by": float(f"{self._population.calendar.spread:.3g}"),
            "parameters": sum(p.numel() for p in self.network.parameters()),
        }
        if options.privacy is not None:
            networks = sum(1 for _ in self._taught(lessons))
            by_group = options.privacy.unit in ownership.units[1:]
            number = int((ownership.group if by_group else ownership.owner).max()) + 1
            self.guarantee = Guarantee.of(
                options.privacy, ownership.units, number, networks, self.name
            )
            summary["privacy"] = self.guarantee.to_json()
        with self.computing():
            summary |= self._train(lessons, train, validation, checkpoint)
        if options.privacy is None:
            # What it takes of recorded rows has no noise.
            self._settle(lessons)
        return summary

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
        filled = stretches(population, given, self.description.name, self.name)
        kept: list[pd.DataFrame] = []
        found = tried = 0
        with self._worlds() as worlds, ProgressReport(self.name, n, "rows") as report:
            while found < n:
                for stretch in filled:
                    drawn = worlds.draw(
                        1 if conditions else n, stretch, f"{seed} {len(kept)}", random
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
        filled = stretches(self._population, given, self.description.name, self.name)
        random = generator(0, self.name, "expected")
        number = 0
        with self._worlds() as worlds:
            for stretch in filled:
                drawn = worlds.draw(1, stretch, "expected", random)
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
            "novelty": {level: nats.tolist() for level, nats in population.novelty.items()},
            "units": list(self.units),
            "privacy": self.guarantee and self.guarantee.to_json(),
        }

    def restore(self, content: Mapping[str, Any], folder: Path) -> Networks:
        self.units = tuple(content["units"])
        private = content.get("privacy")
        self.guarantee = private and Guarantee.from_json(private)
        self._population = Population(
            RelatedScheme.from_json(content, self._learned()),
            Calendar.from_json(content["calendar"]),
            SizeLaw.from_json(content["owners"]),
            content["groups"] and SizeLaw.from_json(content["groups"]),
            content["gaps"] and GapLaw.from_json(content["gaps"]),
            content["size"],
            content["rows"],
            {level: np.array(nats) for level, nats in content["novelty"].items()},
        )
        return self._new_network().eval()

    @contextmanager
    def _worlds(self) -> Iterator[Worlds]:
        with self.sampling() as device:
            yield Worlds(self._population, self.network, self.description, self.units, device)

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

    def _train(
        self,
        lessons: tuple[Lesson, ...],
        train: pd.DataFrame,
        validation: pd.DataFrame,
        checkpoint: Path | None,
    ) -> dict[str, Any]:
        """Train the networks one after another, each until unseen owners are foretold no better."""
        device = choose_device(self.options.device)
        self.network.to(device)
        summary: dict[str, Any] = {}
        files: list[Path] = []
        for module, lesson in self._taught(lessons):
            file = checkpoint and checkpoint.with_suffix(f".{lesson.name}{checkpoint.suffix}")
            state = self.checkpoint_in(file, train, validation, device)
            common = self._population.calendar, state, device
            if self.guarantee is not None:
                train_privately(self, module, lesson, self.guarantee, *common)
            else:
                summary[f"{lesson.name}_network"] = train_plainly(self, module, lesson, *common)
            files += [file] if file else []
        self.network.cpu().eval()
        for file in files:
            file.unlink(missing_ok=True)
        return summary

    def _taught(
        self, lessons: tuple[Lesson, ...]
    ) -> Iterator[tuple[MarkNetwork | TimeNetwork, Lesson]]:
        """The networks that have something to learn, each with its lesson."""
        for lesson in lessons:
            module = getattr(self.network, lesson.name)
            if module is not None and lesson.allowed.any():
                yield module, lesson

    def _settle(self, lessons: tuple[Lesson, ...]) -> None:
        """Have categories differ from those of the item before as often as recorded ones do."""
        population, options = self._population, self.options
        moved = np.array([mark.numbers is None for mark in population.scheme.marks], bool)
        wanted = {
            lesson.name: share_of_changes(
                lesson.level.tokens[:, moved], lesson.level.sequences.sequence, lesson.most
            )
            for lesson in lessons
            if lesson.name in population.novelty
        }

        def with_nats(nats: Mapping[str, np.ndarray]) -> Population:
            novelty = {level: np.zeros(len(moved)) for level in nats}
            for level, of_moved in nats.items():
                novelty[level][moved] = of_moved
            return replace(population, novelty=novelty)

        def drawn(nats: Mapping[str, np.ndarray], turn: int) -> dict[str, np.ndarray]:
            random = generator(self.seed, self.name, "novelty", turn)
            world = population.calendar.another(random)
            rows = min(population.rows, _SETTLING_ROWS)
            stream, owner, group = with_nats(nats).draw(
                rows, rows, world, self.network, random, device
            )
            tokens = stream.tokens[:, moved]
            heads = np.flatnonzero(np.concatenate([[True], np.diff(group) != 0]))
            return {
                "rows": share_of_changes(tokens, group, options.most_rows),
                "groups": share_of_changes(tokens[heads], owner[heads], options.most_groups),
            }

        with self.sampling() as device:
            self._population = with_nats(settled(wanted, drawn))
