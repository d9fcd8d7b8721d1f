"""What an event is, given when it happens, its entity and the events around it.

Marks (the columns besides time and entity) are drawn one after another, each given those before it.
A mark's law is a mixture whose weights a network gives for every event:

* a base: a softmax over the mark's tokens, uniform within a bin;
* one component for each neighbour: the neighbour's own value or, of a number, a logistic kernel
  around it;
* one for each table of counts: how often the token followed what is drawn already (see `counts`).

So the density of an event is exact: the product of its marks' conditional densities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from redwood.surrogates.streams.density import Observed, log_mixture
from redwood.surrogates.streams.lookup import sum_of_rows
from redwood.surrogates.streams.stream import Mark

_NEIGHBOUR_WIDTH = 32
_LATE_WIDTH = 48

# Stands for minus infinity where −inf would make gradients undefined.
_NEVER = -30.0

# Marks of at most this many tokens have an affinity for each pair of them.
_FEW_TOKENS = 16

# Widths of the kernels, e⁻⁹ … e² standard deviations.
_NARROWEST, _WIDEST, _USUAL = -9.0, 2.0, -3.0


@dataclass(frozen=True)
class Neighbours:
    """K events around each of B events.

    Attributes:
        tokens: (B, K, M) tokens of their marks.
        values: (B, K, M) their standardised numbers, 0 for categories.
        distances: (B, K) ln(1 + seconds) between them and the event.
        known: (B, K) 1.0 where there is one.
    """

    tokens: Tensor
    values: Tensor
    distances: Tensor
    known: Tensor

    def seen(self, which: Tensor) -> "Neighbours":
        """These with only those known of which `which` (B, K) says so."""
        return Neighbours(
            self.tokens,
            self.values * which[:, :, None],
            self.distances * which,
            self.known * which,
        )

    def joined(self, other: "Neighbours") -> "Neighbours":
        """These and the others."""
        pairs = (
            (self.tokens, other.tokens),
            (self.values, other.values),
            (self.distances, other.distances),
            (self.known, other.known),
        )
        return Neighbours(*(torch.cat(pair, dim=1) for pair in pairs))


@dataclass(frozen=True)
class Mixture:
    """The laws of one mark of B events.

    Attributes:
        base: (B, tokens) log probabilities, up to a constant of each event.
        weights: log weights of base, neighbours and tables, up to a constant of each event,
            (B, 1 + K + T) for a discrete mark; with the kernels around the tables' means
            (B, 1 + K + 2T) for a number.
        centres: (B, K + T) centres of the kernels around neighbours and means, `None` for a
            discrete mark.
        log_widths: (B, K + T) of the kernels.
    """

    base: Tensor
    weights: Tensor
    centres: Tensor | None
    log_widths: Tensor | None

    def renewed(self, nats: float) -> "Mixture":
        """With the odds of the base multiplied by exp(`nats`)."""
        weights = self.weights.clone()
        weights[:, 0] += nats
        return Mixture(self.base, weights, self.centres, self.log_widths)


class Affinity(nn.Module):
    """How much more an event takes after a neighbour, by a mark of both, in nats.

    Of a mark with few tokens for each pair of tokens, else for equal ones.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size if size <= _FEW_TOKENS else None
        self.nats = nn.Parameter(torch.zeros(2 if self.size is None else size**2))

    def pairs(self, own: Tensor, near: Tensor) -> Tensor:
        """Which of `nats` it is: (B, K) for tokens (B,) of events and (B, K) of neighbours."""
        own = own[:, None]
        return (own == near).long() if self.size is None else own * self.size + near

    def forward(self, own: Tensor, near: Tensor) -> Tensor:
        """(B, K) for tokens (B,) of events and (B, K) of their neighbours."""
        return self.nats[self.pairs(own, near)]


class Dropout(nn.Module):
    """Dropout whose random bits cost a tenth of PyTorch's on a processor.

    The share is rounded to a 256th: a byte decides on a unit.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.dropped = round(256 * share)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.dropped:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
        # All 64 bits: the default leaves the sign out.
        bits = words.random_(-(2**63), None).view(torch.uint8)[: x.numel()].view_as(x)
        return x * ((bits >= self.dropped) * (256 / (256 - self.dropped)))


class Drawn:
    """What a network makes of the marks that are drawn already, one after another."""

    def __init__(self) -> None:
        # Of each mark (B, …) features, and for each later mark (B, K) nats of the neighbours.
        self.features: list[Tensor] = []
        self.nats: list[Tensor] = []


class MarkNetwork(nn.Module):
    """The network that gives every mark's mixture.

    Args:
        marks: the marks in the order in which they are drawn.
        entity_sizes: number of categories of each of the entity's columns.
        early: number of neighbours that are known from the start.
        late: number of neighbours that are known once the first mark is drawn.
        tables: number of count tables of each mark.
        calendar: number of features of the time.
        hidden: width of the layers.
        dropout: share of units that are dropped in training.

    Attributes:
        by_torch: whether all gradients are left to PyTorch, so that its transforms can be applied.
    """

    by_torch = False

    def __init__(
        self,
        marks: Sequence[Mark],
        entity_sizes: list[int],
        early: int,
        late: int,
        tables: list[int],
        calendar: int,
        hidden: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.marks, self.early, self.late, self.tables = marks, early, late, tables
        self.embeddings = nn.ModuleList(nn.Embedding(m.size, _width(m.size)) for m in marks)
        self.entity = nn.ModuleList(nn.Embedding(size, _width(size)) for size in entity_sizes)
        numbers = sum(mark.numbers is not None for mark in marks)
        embedded = sum(_width(mark.size) for mark in marks) + numbers
        entity = sum(map(_width, entity_sizes))
        # Distance, whether it is seconds, whether there is a neighbour.
        self.neighbour = nn.Sequential(nn.Linear(embedded + 3, _NEIGHBOUR_WIDTH), nn.SiLU())
        self.trunk = nn.Sequential(
            nn.Linear(early * _NEIGHBOUR_WIDTH + entity + calendar, hidden),
            nn.SiLU(),
            Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            Dropout(dropout),
        )
        self.later = nn.Sequential()
        if late:
            self.later = nn.Sequential(
                nn.Linear(late * _NEIGHBOUR_WIDTH, _LATE_WIDTH), nn.SiLU(), Dropout(dropout)
            )
        self.affinities = nn.ModuleList(
            nn.ModuleList(Affinity(before.size) for before in marks[:position])
            for position in range(len(marks))
        )
        self.heads = nn.ModuleList()
        drawn = 0
        for position, mark in enumerate(marks):
            neighbours = early + (late if position else 0)
            width = hidden + drawn + neighbours * max(1, position) + 5 * tables[position]
            width += _LATE_WIDTH if position and late else 0
            outputs = mark.size + 1 + neighbours + tables[position]
            if not mark.is_discrete:
                outputs += tables[position] + 2 * (neighbours + tables[position])
            self.heads.append(
                nn.Sequential(
                    nn.Linear(width, hidden // 2),
                    nn.SiLU(),
                    Dropout(dropout),
                    nn.Linear(hidden // 2, outputs),
                )
            )
            drawn += _width(mark.size) + (mark.numbers is not None)

    def last_layers(self) -> list[nn.Parameter]:
        """The parameters of the layers that give the mixtures."""
        heads = [cast(nn.Sequential, head) for head in self.heads]
        return [parameter for head in heads for parameter in head[-1].parameters()]

    def context(self, neighbours: Neighbours, entity: Tensor, calendar: Tensor) -> Tensor:
        """What is known before any mark: (B, hidden) from (B, early) neighbours."""
        embedded = [layer(codes) for layer, codes in zip(self.entity, entity.T, strict=True)]
        parts = [self._encode(neighbours), *embedded, calendar]
        return self.trunk(torch.cat(parts, dim=1))

    def late_context(self, neighbours: Neighbours) -> Tensor:
        """What the neighbours add that are known after the first mark: (B, L)."""
        return self.later(self._encode(neighbours))

    def mixture(
        self,
        position: int,
        context: Tensor,
        neighbours: Neighbours,
        tokens: Tensor,
        values: Tensor,
        counted: Tensor,
        drawn: Drawn | None = None,
    ) -> Mixture:
        """The law of the mark at `position`.

        Args:
            context: (B, …) `context`, with `late_context` beside it after the first mark.
            neighbours: all that are known.
            tokens: (B, ≥ position) tokens of the marks drawn before.
            values: (B, ≥ position) their numbers.
            counted: (B, 5T) features of the count tables, the first T of them ln(1 + rows), the
                last 2T mean and deviation of their numbers.
            drawn: what was made of the marks before for earlier positions, which is added to.
        """
        mark, tables = self.marks[position], self.tables[position]
        drawn = Drawn() if drawn is None else drawn
        for before in range(len(drawn.features), position):
            self._add(drawn, neighbours, tokens[:, before], values[:, before])
        parts = [context, counted]
        if position == 0:
            parts.append(neighbours.known)
        output = self.heads[position](torch.cat([*parts, *drawn.features], dim=1))
        number = neighbours.known.shape[1]
        unknown = counted[:, :tables] <= 0
        absent = [unknown.new_zeros(len(output), 1), neighbours.known == 0, unknown]
        if not mark.is_discrete:
            absent.append(unknown)
        is_absent = torch.cat(absent, dim=1)
        sizes = [mark.size, is_absent.shape[1]]
        base, weights, kernels = output.split([*sizes, output.shape[1] - sum(sizes)], dim=1)
        if position and number:
            affinity = sum(nats[:, :, position - 1 - i] for i, nats in enumerate(drawn.nats))
            around = weights.shape[1] - 1 - number
            weights = weights + nn.functional.pad(cast(Tensor, affinity), (1, around))
        weights = weights.masked_fill(is_absent, _NEVER)
        if mark.is_discrete:
            return Mixture(base, weights, None, None)
        shifts, log_widths = kernels.chunk(2, dim=1)
        means = counted[:, 3 * tables : 4 * tables]
        centres = torch.cat([neighbours.values[:, :, position], means], dim=1) + 0.3 * shifts
        log_widths = (log_widths + _USUAL).clamp(_NARROWEST, _WIDEST)
        return Mixture(base, weights, centres, log_widths)

    def _add(self, drawn: Drawn, neighbours: Neighbours, token: Tensor, value: Tensor) -> None:
        """Take the next mark into `drawn`.

        Args:
            neighbours: all that are known to the marks after it.
            token: (B,) its tokens.
            value: (B,) its numbers.
        """
        position = len(drawn.features)
        parts = [self.embeddings[position](token)]
        if self.marks[position].numbers is not None:
            parts.append(value[:, None])
        near = neighbours.tokens[:, :, position]
        parts.append((near == token[:, None]) * neighbours.known)
        drawn.features.append(torch.cat(parts, dim=1))
        later = [
            cast(Affinity, cast(nn.ModuleList, of)[position])
            for of in list(self.affinities)[position + 1 :]
        ]
        if later:
            nats = torch.stack([affinity.nats for affinity in later], dim=1)
            pairs = later[0].pairs(token, near)
            found = sum_of_rows(nats, pairs.view(-1, 1), self.by_torch)
            drawn.nats.append(found.view(*pairs.shape, len(later)))

    def _encode(self, neighbours: Neighbours) -> Tensor:
        """(B, K · _NEIGHBOUR_WIDTH): a linear layer over embeddings and numbers of each neighbour.

        Its part that sees the embeddings is applied to the few tokens rather than to all rows.
        """
        layer = cast(nn.Linear, self.neighbour[0])
        embeddings = [cast(nn.Embedding, e).weight for e in self.embeddings]
        widths = [weight.shape[1] for weight in embeddings]
        rest = layer.in_features - sum(widths)
        *weights, of_numbers = layer.weight.split([*widths, rest], dim=1)
        table = torch.cat([e @ w.T for e, w in zip(embeddings, weights, strict=True)])
        sizes = torch.tensor([0, *(mark.size for mark in self.marks[:-1])])
        tokens = neighbours.tokens + sizes.cumsum(0).to(table.device)
        numeric = [i for i, mark in enumerate(self.marks) if mark.numbers is not None]
        near = (neighbours.distances < 10).to(neighbours.distances.dtype)
        described = torch.stack([neighbours.distances / 3, near, neighbours.known], dim=2)
        numbers = torch.cat([neighbours.values[:, :, numeric], described], 2)
        encoded = sum_of_rows(table, tokens.flatten(0, 1), self.by_torch)
        encoded = encoded.view(*tokens.shape[:2], _NEIGHBOUR_WIDTH)
        encoded = encoded + nn.functional.linear(numbers, of_numbers, layer.bias)
        encoded = self.neighbour[1](encoded)
        return (encoded * neighbours.known[:, :, None]).flatten(1)


def log_density(
    mark: Mark,
    position: int,
    mixture: Mixture,
    neighbours: Neighbours,
    tokens: Tensor,
    values: Tensor,
    counted: Tensor,
    by_torch: bool = False,
) -> Tensor:
    """The log density of a mark of B events; of a single value the log probability.

    Args:
        tokens: (B,) the mark's tokens.
        values: (B,) its standardised numbers, which densities refer to.
        counted: (B, T) log frequencies of the tokens in the tables.
        by_torch: as of the network.
    """
    near = neighbours.tokens[:, :, position]
    observed = Observed(tokens, near, counted)
    if mark.numbers is not None and mixture.centres is not None:
        edges = torch.as_tensor(mark.numbers.edges, dtype=values.dtype, device=values.device)
        # Two edges beside a far value may be one in float32, though not in float64.
        exact = torch.as_tensor(np.diff(mark.numbers.edges)).to(values)
        widths = torch.where(edges.diff() > 0, edges.diff(), exact).log()
        log_bins = widths[(tokens - mark.atoms).clamp_min(0)]
        log_bins = torch.where(tokens < mark.atoms, 0.0, log_bins)
        observed = Observed(tokens, near, counted, values, mark.atoms, log_bins)
    law = mixture.base, mixture.weights, mixture.centres, mixture.log_widths
    return log_mixture(*law, observed, by_torch)


@dataclass(frozen=True)
class Choice:
    """What was chosen for one mark of B events, before tables have been asked.

    Attributes:
        tokens: (B,) tokens; −1 where the value is a number around a neighbour's.
        values: (B,) such numbers, float64; elsewhere NaN.
        table: (B,) which table is to give the token, −1 for none.
    """

    tokens: np.ndarray
    values: np.ndarray
    table: np.ndarray


def choose(
    mark: Mark,
    position: int,
    mixture: Mixture,
    neighbours: Neighbours,
    random: np.random.Generator,
) -> Choice:
    """Draw a component of each mixture, and from it where it is no table."""
    number = neighbours.known.shape[1]
    component = draw_index(mixture.weights.double().cpu().numpy(), random)
    # The base is asked where it was chosen, by random numbers that are drawn for all.
    uniform, of_base = random.random(len(component)), np.flatnonzero(component == 0)
    tokens = np.zeros(len(component), np.int64)
    tokens[of_base] = _index(
        mixture.base[torch.from_numpy(of_base).to(mixture.base.device)].double().cpu().numpy(),
        uniform[of_base],
    )
    rows = np.arange(len(component))
    values = np.full(len(rows), np.nan)
    beside = (component > 0) & (component <= number)
    if number:
        near = neighbours.tokens[:, :, position].cpu().numpy()
        tokens = np.where(beside, near[rows, np.clip(component - 1, 0, number - 1)], tokens)
    after = component - 1 - number
    if mixture.centres is None or mixture.log_widths is None:
        return Choice(tokens, values, np.where(after >= 0, after, -1))
    tables = mixture.weights.shape[1] - 1 - mixture.centres.shape[1]
    kernel = np.where(after >= tables, component - 1 - tables, component - 1)
    around = (after >= tables) | (beside & (tokens >= mark.atoms))
    kernel = np.clip(kernel, 0, None)
    uniform = np.clip(random.random(len(rows)), 1e-9, 1 - 1e-9)
    noise = np.log(uniform / (1 - uniform))
    width = mixture.log_widths.double().exp().cpu().numpy()[rows, kernel]
    values = np.where(
        around, mixture.centres.double().cpu().numpy()[rows, kernel] + width * noise, values
    )
    table = np.where((after >= 0) & (after < tables), after, -1)
    return Choice(np.where(around, -1, tokens), values, table)


def within_bins(
    mark: Mark, tokens: np.ndarray, values: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Numbers (B,) for chosen tokens (B,): where `values` (B,) has none, anywhere in the bin."""
    if mark.numbers is None or not mark.numbers.bins:
        return values
    within = np.isnan(values) & (tokens >= mark.atoms)
    begin = np.clip(tokens - mark.atoms, 0, mark.numbers.bins - 1)
    low, high = mark.numbers.edges[begin], mark.numbers.edges[begin + 1]
    return np.where(within, low + (high - low) * random.random(len(tokens)), values)


def draw_index(log_probabilities: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """An index of each row (m, k) by its log probabilities, up to a constant of the row: (m,)."""
    return _index(log_probabilities, random.random(len(log_probabilities)))


def _index(log_probabilities: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """`draw_index` by random numbers (m,) in 0 … 1."""
    highest = log_probabilities.max(axis=1, keepdims=True)
    summed = np.exp(log_probabilities - highest).cumsum(axis=1)
    reached = uniform * summed[:, -1]
    return np.minimum((summed <= reached[:, None]).sum(axis=1), summed.shape[1] - 1)


def _width(size: int) -> int:
    """The width of an embedding of `tokens` tokens."""
    return min(24, 4 + int(size**0.5))
