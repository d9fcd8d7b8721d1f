"""When an event happens, given those of its entity before and after it.

Its place in the bracket between the two (see `clock`) has a density: a histogram mixed with
logistic kernels, each around a place where an event would stand if a gap nearby was repeated. A
small network gives all of it from the gaps around, the hour, the pace and the entity.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch.nn.functional import softplus

from redwood.surrogates.models.sequoia.clock import Clock
from redwood.surrogates.streams.marks import Dropout, draw_index

BINS = 40
_HIDDEN = 128
_DROPOUT = 0.1

# Where an event would repeat a gap: (end of the bracket, sign, position of the gap), gaps counted
# from the bracket's own; the last candidate is the middle.
_REPEATED_GAPS = (("begin", -1), ("begin", -2), ("begin", 1), ("end", -1), ("end", 1), ("end", 2))
CANDIDATES = len(_REPEATED_GAPS) + 1

# What stands for minus infinity where −inf would make gradients undefined.
_NEVER = -30.0


@dataclass(frozen=True)
class Surroundings:
    """What the timing of m events depends on.

    Attributes:
        begin: (m,) start of the bracket, in seconds.
        end: (m,) its end.
        features: (m, F) numbers for the network.
        candidates: (m, C) places where gaps nearby would be repeated.
        usable: (m, C) whether there are such gaps and the place is within the bracket.
    """

    begin: np.ndarray
    end: np.ndarray
    features: np.ndarray
    candidates: np.ndarray
    usable: np.ndarray


def features(each_side: int) -> int:
    """The number of features, K neighbours being known on each side."""
    return 2 * each_side - 1 + 8


def surroundings(
    neighbours: np.ndarray, times: np.ndarray, own: np.ndarray | None, clock: Clock
) -> Surroundings:
    """Describe what is known around events.

    Args:
        neighbours: (m, 2K) rows of the same entity before and after each, −1 for none.
        times: (n,) times of the stream's rows.
        own: (m,) times of the rows that the events take the place of, `None` for none.
        clock: the stream's clock.
    """
    each_side = neighbours.shape[1] // 2
    around = np.where(neighbours >= 0, times[np.maximum(neighbours, 0)], np.nan)
    no_begin = np.isnan(around[:, each_side - 1])
    no_end = np.isnan(around[:, each_side])
    begin = np.where(no_begin, clock.low, around[:, each_side - 1])
    end = np.where(no_end, clock.high, around[:, each_side])
    # A redrawn stream may begin later than it did.
    begin, end = np.minimum(begin, end), np.maximum(begin, end)
    # Redrawn times of one entity may end up out of order by a second where brackets touch.
    gaps = np.maximum(np.diff(around, axis=1), 0)
    gaps[:, each_side - 1] = end - begin
    length = np.maximum(clock.read(end, own) - clock.read(begin, own), 0)
    angle = (begin + end) / 2 % 86400 * (2 * np.pi / 86400)
    described = np.column_stack(
        [
            np.where(np.isnan(gaps), -1, np.log1p(np.nan_to_num(gaps))) / 4,
            no_begin,
            no_end,
            np.sin(angle),
            np.cos(angle),
            np.sin(2 * angle),
            np.cos(2 * angle),
            np.log1p(length) / 4,
            np.log((length + 1) / (end - begin + 1)),
        ]
    )
    places, usable = [], []
    for edge, offset in _REPEATED_GAPS:
        gap = gaps[:, np.clip(each_side - 1 + offset, 0, gaps.shape[1] - 1)]
        time = begin + gap if edge == "begin" else end - gap
        usable.append((time >= begin) & (time <= end))
        places.append(clock.places(np.where(usable[-1], time, begin), begin, end, own))
    usable.append(np.ones(len(begin), bool))
    places.append(clock.places((begin + end) / 2, begin, end, own))
    return Surroundings(begin, end, described, np.column_stack(places), np.column_stack(usable))


class TimingNetwork(nn.Module):
    """(features, candidates, entity) of events → the parameters of their places' densities."""

    def __init__(self, each_side: int, entity_sizes: list[int]) -> None:
        super().__init__()
        widths = [min(12, 4 + int(size**0.5)) for size in entity_sizes]
        self.entity = nn.ModuleList(map(nn.Embedding, entity_sizes, widths))
        self.layers = nn.Sequential(
            nn.Linear(features(each_side) + CANDIDATES + sum(widths), _HIDDEN),
            nn.SiLU(),
            Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.SiLU(),
            Dropout(_DROPOUT),
            nn.Linear(_HIDDEN, BINS + 1 + 2 * CANDIDATES),
        )

    def last_layers(self) -> list[nn.Parameter]:
        """The parameters of the layer that gives the mixtures."""
        return list(self.layers[-1].parameters())

    def forward(
        self, described: Tensor, candidates: Tensor, usable: Tensor, entity: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log probabilities of the bins and of the components, and log widths of the kernels."""
        embedded = [layer(codes) for layer, codes in zip(self.entity, entity.T, strict=True)]
        places = torch.where(usable, candidates, -1.0)
        output = self.layers(torch.cat([described, places, *embedded], dim=1))
        bins, components, widths = output.split((BINS, 1 + CANDIDATES, CANDIDATES), dim=1)
        kernels = components[:, 1:].masked_fill(~usable, _NEVER)
        components = torch.cat([components[:, :1], kernels], dim=1)
        return bins.log_softmax(dim=1), components.log_softmax(dim=1), (widths - 4).clamp(-8, 0)


def log_density(
    parameters: tuple[Tensor, Tensor, Tensor],
    candidates: Tensor,
    places: Tensor,
) -> Tensor:
    """The log density of places (m,) in 0 … 1; kernels are cut off at both ends."""
    bins, components, log_widths = parameters
    chosen = (places * BINS).long().clamp(0, BINS - 1)
    histogram = bins.gather(1, chosen[:, None]) + np.log(BINS)
    widths = log_widths.exp()
    z = (places[:, None] - candidates) / widths
    inside = torch.sigmoid((1 - candidates) / widths) - torch.sigmoid(-candidates / widths)
    kernels = -z - 2 * softplus(-z) - log_widths - inside.clamp_min(1e-6).log()
    return (components + torch.cat([histogram, kernels], dim=1)).logsumexp(dim=1)


def draw(
    parameters: tuple[Tensor, Tensor, Tensor],
    candidates: np.ndarray,
    random: np.random.Generator,
) -> np.ndarray:
    """Places (m,) drawn from their densities."""
    bins, components, log_widths = (tensor.double().cpu().numpy() for tensor in parameters)
    events = np.arange(len(bins))
    component = draw_index(components, random)
    places = (draw_index(bins, random) + random.random(len(bins))) / BINS
    kernel = np.maximum(component - 1, 0)
    centre, width = candidates[events, kernel], np.exp(log_widths[events, kernel])
    low, high = expit(-centre / width), expit((1 - centre) / width)
    uniform = np.clip(low + (high - low) * random.random(len(bins)), 1e-9, 1 - 1e-9)
    around = centre + width * np.log(uniform / (1 - uniform))
    return np.clip(np.where(component > 0, around, places), 0, 1)
