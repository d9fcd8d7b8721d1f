"""Where the sites of an environment are, and the outline of the continents."""

from collections.abc import Sequence

import numpy as np

from redwood.facts import fact_file, read_facts
from redwood.sites import load_sites

# Degrees; where sites without a known place stand, one beside the other.
_NOWHERE_LATITUDE, _NOWHERE_EDGE = -50.0, 150.0


def outline() -> tuple[list[list[float]], list[list[float]]]:
    """Longitudes and latitudes of each ring of land, degrees; those beyond 180 stand for -180 on.

    Natural Earth's land at 1:110m, see `resources/README.md`.
    """
    rows = read_facts(fact_file("land.csv"), ("ring", "longitudes", "latitudes"))
    longitudes, latitudes = (
        [[float(value) for value in row.text(name).split()] for row in rows]
        for name in ("longitudes", "latitudes")
    )
    return longitudes, latitudes


def places_of(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of each site, (s, 2) in degrees, and whether it is known, (s,).

    Sites at the same place are moved apart a little, in order, so that each can be seen. Those of
    which no place is known stand in a row in the Southern Ocean.

    Args:
        names: values of `computingsite`.
    """
    rows = read_facts(fact_file("places.csv"), ("site", "latitude", "longitude"))
    known = {row.text("site"): tuple(float(row.text(c)) for c in ("longitude", "latitude"))
             for row in rows}  # fmt: skip
    sites = load_sites()
    found = [known.get(site.name) if (site := sites.find(name)) else None for name in names]
    lost = [index for index, place in enumerate(found) if place is None]
    row = np.linspace(-_NOWHERE_EDGE, _NOWHERE_EDGE, len(lost) + 2)[1:-1]
    places = np.array([place or (0.0, 0.0) for place in found], np.float64).reshape(-1, 2)
    places[lost] = np.column_stack([row, np.full(len(lost), _NOWHERE_LATITUDE)])
    seen: dict[tuple[float, float], int] = {}
    for place in places:
        times = seen.setdefault(tuple(np.round(place)), 0)
        seen[tuple(np.round(place))] += 1
        # A sunflower's spiral: the n-th is farther out, and never behind another.
        place += 0.35 * times**0.5 * np.array([np.cos(2.4 * times), np.sin(2.4 * times)])
    return places, np.array([place is not None for place in found], bool)
