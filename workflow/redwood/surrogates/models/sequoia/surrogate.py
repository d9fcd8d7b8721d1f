"""Sequoia: every row of a stream redrawn, given the rows around it.

Row models learn a table as if its rows had nothing to do with each other, and either smooth away
what ties them together or repeat them. But jobs come in bursts of a user, a task, a campaign, and
the others around it tell what a job is. Sequoia learns just that, the law of a row given all
others,

    p(row | others) = p(when | others) ∏ⱼ p(columnⱼ | when, columns before j, others),

an exact density, autoregressive over columns of all kinds. A row never sees itself, neither in
training nor in sampling. It keeps the *entity* it belongs to, the columns that stay the same along
a burst, and is drawn between the entity's rows before and after. Drawing all rows once in this way,
half of them at a time, is a sweep of Gibbs sampling: what holds for rows together (bursts,
sessions, days and weeks, the pace of a user) stays as it was, while each row is another. Samples
start from the training rows, which the folder therefore keeps, or from their redrawn image (option
`sweeps`), which may be shared but is one sweep further away.

As a time process this is a point process given by its conditional law; as a density of rows it
follows neural autoregression (Bengio and Bengio, NIPS 1999; Uria et al., JMLR 17 (2016) 205) with
pointers to neighbours (Vinyals et al., arXiv 1506.03134) and leave-one-out counts in place of
memory.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch.optim import swa_utils

from redwood.errors import InputError
from redwood.progress import ProgressReport
from redwood.seeds import generator
from redwood.surrogates.models.sequoia.conditions import find_matches
from redwood.surrogates.models.sequoia.events import Events, Networks
from redwood.surrogates.models.sequoia.options import Options
from redwood.surrogates.models.sequoia.renewal import renew, typical_rows
from redwood.surrogates.models.sequoia.surroundings import Background
from redwood.surrogates.models.sequoia.sweeping import stir, sweep
from redwood.surrogates.models.sequoia.units import Units
from redwood.surrogates.neural import CHUNK, NeuralSurrogate
from redwood.surrogates.streams.conditions import parse_conditions
from redwood.surrogates.streams.stream import Scheme, Stream
from redwood.surrogates.training_loop import Checkpoint, choose_device, step_size
from redwood.tables import read_table, write_table

_STREAM_FILE = "stream.parquet"

# The largest decay of the weights by itself.
_LARGEST_DECAY = 10.0

# Steps of an epoch, at least.
_LEAST_STEPS = 8

# A condition that fewer rows fulfil is refused rather than searched for hours.
_RAREST = 1e-4
_LEAST_TRIED = 50_000


class Surrogate(NeuralSurrogate):
    """Sequoia on the features of a table."""

    about = (
        "Sequoia: each row of the table's stream redrawn given the rows around it, by an "
        "autoregressive density over mixed columns; bursts and sessions stay, rows do not."
    )
    learns_units = True
    encoding_file = "scheme.json"
    options: Options
    network: Networks

    @property
    def privacy(self) -> str:
        """What the folder gives away, which depends on whether it keeps redrawn rows."""
        kept = (
            "**This folder contains its training rows** (`stream.parquet`): share samples, not "
            "the folder, or set the option sweeps to 1, so that it keeps redrawn rows instead. "
            if self.options.sweeps == 0
            else "No training row is kept: `stream.parquet` holds redrawn rows. "
        )
        hidden = ""
        if self.options.protects:
            whose = f"named by {', '.join(self.units)}" if self.units else "bursts of an entity"
            hidden = (
                f"**Hides units of up to {self.options.protects} rows** ({whose}): when, whose and "
                "what their rows are was made anew before the folder was written: only what enough "
                "others share is left of them. Larger units stay as they are. "
            )
            kept = kept.replace("its training rows", "training rows of larger units")
        samples = (
            "Samples have no row that was drawn with a look at itself, but they tell how many rows "
            "each entity has and about when, every category, and the numbers that many "
            "rows share. No guarantee such as differential privacy is given."
        )
        return hidden + kept + samples

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        device = choose_device(self.options.device)
        state = self.checkpoint_in(checkpoint, train, validation, device)
        rows = train.reset_index(drop=True)
        if len(rows) > self.options.max_rows:
            random = generator(self.seed, self.name, "rows")
            chosen = random.choice(len(rows), self.options.max_rows, replace=False)
            rows = rows.iloc[np.sort(chosen)].reset_index(drop=True)
        self._scheme = Scheme.fit(rows, self.description, self.options.bins)
        stream = self._scheme.encode(rows)
        units = None
        if self.options.protects:
            units = Units.find(rows, self.units, stream, self.options.protects)
            # A value that a single small unit repeats must be no token, nor end the last bin.
            typical = typical_rows(stream, self._scheme, units)
            if not typical.any():
                raise InputError(
                    f"{self.name}: protects is {units.most}, but every unit has at most so many "
                    "rows, and none is like enough others: nothing could be drawn; lower it"
                )
            self._scheme = self._scheme.with_numbers_of(rows[typical], self.options.bins)
            stream = self._scheme.encode(rows)
        known = _is_known(self._scheme.encode(validation.reset_index(drop=True)))
        seen = self.seen(validation, known)
        self._background = Background.build(stream, self._scheme)
        self.network = self._new_network()
        summary = {
            "time": self._scheme.time,
            "entity": list(self._scheme.entity),
            "drawn": [mark.name for mark in self._scheme.marks],
            "rows": len(rows),
            "rows_left_out_by_max_rows": len(train) - len(rows),
            "validation_rows_left_out_for_unseen_categories": len(validation) - len(seen),
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "device": device.type,
        }
        if summary["parameters"]:
            with self.computing():
                background, own = self._background, np.arange(len(stream))
                learned = Events.prepare(stream, own, background, device)
                judged = Events.prepare(self._scheme.encode(seen), None, background, device)
                summary |= self._train(learned, judged, state, device)
        summary["protects"] = self.options.protects
        if units is not None:
            named = [name for name in self.units if name in rows]
            summary |= {"units": named} | self._protect(units, device)
        self._keep(self._redrawn(self._background.stream, device))
        return summary

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Draw `n` rows.

        Up to as many rows as there were in training they are a thinned stream of the recorded
        density; more make the bursts denser, as more load from the same users would.

        Args:
            given: column → a category, a number, a day, or a range `low..high` of numbers or
                dates, `high` excluded. Days beyond the record are drawn after recorded days of the
                same weekday.

        Raises:
            InputError: no row can meet the conditions, or too few do.
        """
        random = generator(seed, self.name, "sample")
        conditions = parse_conditions(given, self._scheme, self.name)
        stream = self._background.stream
        matches = find_matches(stream, self._scheme, conditions, random)
        if not len(matches):
            raise InputError(f"{self.name}: {_said(given)}: no row of the stream can meet this")
        kept: list[pd.DataFrame] = []
        found = tried = 0
        with self.sampling() as device, ProgressReport(self.name, n, "rows") as report:
            for part in matches.rounds(random):
                rest = n - found
                share = max(found, 1) / max(tried, 1)
                wanted = rest if not conditions else int(1.1 * rest / share) + 1000
                drawn = self._draw(part.rows[:wanted], part.shifts[:wanted], random, device)
                for condition in conditions:
                    drawn = drawn[condition.holds(drawn)]
                drawn = drawn.iloc[:rest]
                kept.append(drawn)
                found, tried = found + len(drawn), tried + len(part.rows[:wanted])
                report.advance(len(drawn))
                if found == n:
                    break
                if tried >= _LEAST_TRIED and found < _RAREST * tried:
                    raise InputError(
                        f"{self.name}: {_said(given)}: {found} of {tried} rows meet this; expected "
                        f"at least 1 in {1 / _RAREST:.0f}: loosen the conditions"
                    )
        frame = pd.concat(kept, ignore_index=True)
        return frame.iloc[random.permutation(n)].reset_index(drop=True)

    def expected_rows(self, given: Mapping[str, str] | None = None) -> int:
        conditions = parse_conditions(given, self._scheme, self.name)
        matches = find_matches(
            self._background.stream, self._scheme, conditions, generator(0, self.name, "days")
        )
        frame = self._scheme.decode(self._background.stream[matches.rows])
        marks = [mark.name for mark in self._scheme.marks]
        fulfilled = np.ones(len(frame), bool)
        for condition in conditions:
            if condition.column.name in marks:
                fulfilled &= condition.holds(frame)
        return int(fulfilled.sum())

    def log_density(self, frame: pd.DataFrame) -> np.ndarray:
        """ln p of rows (n,), each as one more beside the stream; −∞ with an unseen category.

        Numbers and times are on the scales of the encoding, times within their bracket.
        """
        events = self._scheme.encode(frame.reset_index(drop=True))
        known = np.flatnonzero(_is_known(events))
        densities = np.full(len(frame), -np.inf)
        device = torch.device("cpu")
        if len(known):
            with self.computing(), torch.inference_mode():
                prepared = Events.prepare(events[known], None, self._background, device)
                densities[known] = _log_density(prepared, self.network).double().numpy()
        return densities

    def save(self, folder: Path) -> None:
        super().save(folder)
        frame = self._scheme.decode(self._background.stream)
        write_table(frame, folder / _STREAM_FILE, self.description)

    def to_json(self) -> dict[str, Any]:
        tables = [[list(t.given) for t in tables] for tables in self._background.tables]
        return {**self._scheme.to_json(), "tables": tables}

    def restore(self, content: Mapping[str, Any], folder: Path) -> Networks:
        self._scheme = Scheme.from_json(content, self.description)
        tables = [[tuple(given) for given in givens] for givens in content["tables"]]
        self._keep(read_table(folder / _STREAM_FILE, self.description), tables)
        return self._new_network().eval()

    def _new_network(self) -> Networks:
        """The networks with their weights drawn by the model's seed."""
        with self.seeded("weights"):
            return Networks(self._background, self.options.hidden, self.options.dropout)

    def _keep(self, frame: pd.DataFrame, tables: list[list[tuple[int, ...]]] | None = None) -> None:
        """Make a redrawn table the background of all that is sampled."""
        if tables is None:
            tables = [[table.given for table in of_mark] for of_mark in self._background.tables]
        self._background = Background.build(self._scheme.encode(frame), self._scheme, tables)

    def _protect(self, units: Units, device: torch.device) -> dict[str, Any]:
        """Make the small units of the training rows anew; what the fit's summary says of it."""
        random = generator(self.seed, self.name, "protected")
        self.network.to(device)
        with self.computing(), torch.inference_mode():
            renewal = renew(self.network, self._background, units, random, device)
        self.network.cpu()
        self._keep(self._scheme.decode(renewal.stream))
        return renewal.summary

    def _redrawn(self, stream: Stream, device: torch.device) -> pd.DataFrame:
        """The training rows after the sweeps that the options ask for."""
        random = generator(self.seed, self.name, "kept")
        state = stream.copy()
        rows = np.arange(len(stream))
        self.network.to(device)
        total = len(rows) * self.options.sweeps
        with (
            self.computing(),
            torch.inference_mode(),
            ProgressReport(f"{self.name}: redraws the training rows", total, "rows") as report,
        ):
            for _ in range(self.options.sweeps):
                sweep(self.network, self._background, state, rows, random, device, report)
        self.network.cpu()
        return self._scheme.decode(state)

    def _draw(
        self,
        rows: np.ndarray,
        shifts: np.ndarray,
        random: np.random.Generator,
        device: torch.device,
    ) -> pd.DataFrame:
        """The rows of the stream redrawn, their times shifted."""
        state = self._background.stream.copy()
        stir(self.network, self._background, state, self.options.stirs, random, device)
        sweep(self.network, self._background, state, rows, random, device)
        state.times[rows] += shifts
        return self._scheme.decode(state[rows])

    def _train(
        self,
        learned: Events,
        judged: Events,
        checkpoint: Checkpoint | None,
        device: torch.device,
    ) -> dict[str, Any]:
        """Train the networks; `network` ends as the best average of their weights."""
        options = self.options
        networks = self.network.to(device)
        average = swa_utils.AveragedModel(
            networks, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(options.average)
        )
        averaged = cast(Networks, average.module)
        decay = min(options.weight_decay / len(learned), _LARGEST_DECAY)
        batch_size = max(1, min(options.batch_size, len(learned) // _LEAST_STEPS))
        groups = networks.groups(decay)
        optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)
        parameters = list(networks.parameters())
        steps = -(-len(learned) // batch_size)

        def train_epoch(epoch: int) -> float:
            networks.train()
            total = torch.zeros((), dtype=torch.float64, device=device)
            with self.seeded("epoch", epoch, device=device):
                order = torch.randperm(len(learned)).to(device)
                for number, batch in enumerate(order.split(batch_size)):
                    progress = (epoch + number / steps) / options.epochs
                    for group in optimizer.param_groups:
                        share = step_size(progress) if group["falls"] else 1.0
                        group["lr"] = options.learning_rate * share
                    loss = -learned.log_density(networks, batch, hides=True).sum(dim=1).mean()
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(parameters, 5.0)
                    optimizer.step()
                    average.update_parameters(networks)
                    total += loss.detach() * len(batch)
            return total.item() / len(learned)

        def validate() -> float:
            average.eval()
            with torch.no_grad():
                return -_log_density(judged, averaged).double().mean().item()

        both = torch.nn.ModuleList([networks, average])
        summary = self.train(both, optimizer, train_epoch, validate, checkpoint)
        self.network = averaged.cpu().eval()
        return summary


def _is_known(events: Stream) -> np.ndarray:
    """Whether training rows have all categories of a row, (rows,)."""
    return np.all(events.entity >= 0, axis=1) & np.all(events.tokens >= 0, axis=1)


def _log_density(events: Events, networks: Networks) -> torch.Tensor:
    """ln p of all events (m,)."""
    rows = torch.arange(len(events), device=events.entity.device)
    parts = [events.log_density(networks, part).sum(dim=1) for part in rows.split(CHUNK)]
    return torch.cat(parts)


def _said(given: Mapping[str, str] | None) -> str:
    return ", ".join(f"{column}={value}" for column, value in (given or {}).items())
