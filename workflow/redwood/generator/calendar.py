"""When things happen: the week, the day, good and bad days; and when sites are broken."""

from datetime import UTC, datetime

import numpy as np

from redwood.configuration import Generate
from redwood.generator.catalogue import SITE_ERRORS

DAY = 86_400

# User jobs by weekday, Monday first. ATLAS had .65 on Sundays and 1.30 on Fridays in 21 days of
# 2017, each from three days and so to .15 or so: drawn half-way towards 1.
_WEEKDAY = np.array([0.93, 1.06, 1.06, 1.02, 1.22, 0.98, 0.73])
# Good and bad weeks, and days: with the weekdays, counts vary by .23 from day to day. 2017 had .29,
# to .09; LCG-2005 no more than .11.
_SD_WEEKS, _WEEKS_LAST_DAYS = 0.10, 10.0
_SD_DAYS = 0.08
# What analysis leaves of the slots, production takes.
_PRODUCTION_EXPONENT = -0.9
# By hour of the day, UTC, most at 15 h (LCG-2005: .46 to 1.62 of all jobs).
_HOUR = 1 + 0.64 * np.cos(2 * np.pi * (np.arange(24) + 0.5 - 15) / 24)

_OUTAGES_PER_SITE_AND_DAY = 1 / 45
_OUTAGE_DAYS = 1.5


class Calendar:
    """The recorded window.

    Attributes:
        epoch: its start, s since 1970.
        days, seconds: its length.
        analysis, production: how much of each there is by day, mean 1, [days].
        hours: how much analysis there is by hour of the day, mean 1, [24].
    """

    def __init__(self, options: Generate, random: np.random.Generator) -> None:
        start = options.start
        self.epoch = int(datetime(*start.timetuple()[:3], tzinfo=UTC).timestamp())
        self.days, self.seconds = options.days, options.days * DAY
        weekdays = (start.weekday() + np.arange(self.days)) % 7
        slow = autoregression(random.normal(size=(1, self.days)), np.exp(-1 / _WEEKS_LAST_DAYS))[0]
        noise = _SD_WEEKS * slow + _SD_DAYS * random.normal(size=self.days)
        analysis = _WEEKDAY[weekdays] * np.exp(noise)
        self.analysis = analysis / analysis.mean()
        production = self.analysis**_PRODUCTION_EXPONENT
        self.production = production / production.mean()
        self.hours = _HOUR / _HOUR.mean()


def autoregression(noise: np.ndarray, memory: float) -> np.ndarray:
    """Normal series of unit variance, each step `memory` of the one before, from noise [n, t]."""
    series = noise.copy()
    fresh = np.sqrt(1 - memory**2)
    for step in range(1, series.shape[1]):
        series[:, step] = memory * series[:, step - 1] + fresh * noise[:, step]
    return series


class Outages:
    """Spells of hours to days in which most jobs at a site fail with the same error."""

    def __init__(self, sites: int, seconds: int, random: np.random.Generator) -> None:
        number = random.poisson(sites * seconds / DAY * _OUTAGES_PER_SITE_AND_DAY)
        site = random.integers(0, sites, number)
        begin = random.uniform(0, seconds, number)
        length = random.lognormal(np.log(_OUTAGE_DAYS * DAY), 0.7, number)
        error = random.choice(list(SITE_ERRORS), number)
        # One number line for all sites: site by site, each a stretch of `stride` seconds.
        self._stride = 2.0 * seconds + 365 * DAY
        order = np.argsort(site * self._stride + begin)
        self._begin = (site * self._stride + begin)[order]
        self._end = self._begin + length[order]
        self._error = error[order]

    def error_at(self, site: np.ndarray, time: np.ndarray) -> np.ndarray:
        """The error code of the last outage to begin at a site, 0 if it is over by then, [n]."""
        if not len(self._begin):
            return np.zeros(len(site), dtype=np.int64)
        place = site * self._stride + time
        last = np.searchsorted(self._begin, place, side="right") - 1
        hit = (last >= 0) & (place < self._end[np.maximum(last, 0)])
        return np.where(hit, self._error[np.maximum(last, 0)], 0)
