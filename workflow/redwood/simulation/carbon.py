"""Carbon, as PanDA estimates it: cores × power of a core × time × carbon intensity of the grid.

Source: PanDA documentation, "Estimation of PanDA job carbon footprint", as of July 2026
(panda-wms.readthedocs.io/en/latest/advanced/carbon_footprint.html). PanDA records it for each job
with the intensity of the site's region, as `gCO2_regional`, and with the mean of all regions by
their computing capacity, as `gCO2_global`. It integrates intensities that change within the day;
here a site has one, such as the mean of a year.
"""

from collections.abc import Sequence
from typing import Protocol

_JOULES_PER_KWH = 3.6e6


class _Powered(Protocol):
    """A site, of an environment or as a policy sees it."""

    @property
    def cores(self) -> int: ...

    @property
    def carbon_intensity(self) -> float | None: ...


def mean_intensity(sites: Sequence[_Powered]) -> float | None:
    """gCO2e per kWh, mean by cores over the sites that have one; `None` if none with cores has."""
    known = [(s.carbon_intensity, s.cores) for s in sites if s.carbon_intensity is not None]
    cores = sum(number for _, number in known)
    return sum(grams * number for grams, number in known) / cores if cores else None


def intensities(sites: Sequence[_Powered]) -> list[float] | None:
    """gCO2e per kWh of each site, of those that have none the mean; `None` if there is no mean.

    Left out, jobs would look clean at the sites of which nothing is known.
    """
    mean = mean_intensity(sites)
    if mean is None:
        return None
    return [mean if s.carbon_intensity is None else s.carbon_intensity for s in sites]


def grams_per_core_s(sites: Sequence[_Powered], watts_per_core: float) -> list[float] | None:
    """gCO2e of a second on a core of each site; `None` if no site with cores has an intensity."""
    found = intensities(sites)
    return found and [grams * watts_per_core / _JOULES_PER_KWH for grams in found]
