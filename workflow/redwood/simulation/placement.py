"""Where the replicas of the datasets lie when a simulation begins."""

import numpy as np

from redwood.seeds import generator
from redwood.simulation.platform import Platform


def place_replicas(platform: Platform, datasets: int, seed: int) -> list[tuple[int, ...]]:
    """Give every dataset two replicas, as indices of sites.

    The first lies at a Tier-0 or Tier-1, the second at any other site, and both are drawn with a
    site's cores as its weight, so that data lie where they can be worked on. This is the usual
    state of ATLAS's analysis data, two copies on disk. A platform without a Tier-1 draws the first
    from all its sites too; one of a single site holds one replica.
    """
    weights = np.array([site.cores for site in platform.sites], dtype=np.float64)
    large = np.array([site.tier <= 1 for site in platform.sites])
    random = generator(seed, "simulation", "replicas")
    first_weights = np.where(large, weights, 0.0) if large.any() else weights
    first = _draw(np.cumsum(first_weights), random.random(datasets) * first_weights.sum())
    if len(weights) == 1:
        return [(int(site),) for site in first]
    # Draw from all weight but the first site's, then step over the gap that it leaves.
    ends = np.cumsum(weights)
    points = random.random(datasets) * (ends[-1] - weights[first])
    points += np.where(points >= ends[first] - weights[first], weights[first], 0.0)
    second = _draw(ends, points)
    return list(zip(first.tolist(), second.tolist(), strict=True))


def _draw(ends: np.ndarray, points: np.ndarray) -> np.ndarray:
    return np.searchsorted(ends, points, side="right")
