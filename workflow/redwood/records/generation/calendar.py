"""When things happen: the week, the day and good and bad days; and when sites are broken."""

from datetime import UTC, datetime

import numpy as np

from redwood.configuration import Generate
from redwood.records.generation.catalogue import SITE_ERRORS

DAY = 86_400
# User jobs by weekday, Monday first (ATLAS 2017: Sunday .65 to Friday 1.30, day-to-day CV .29).
_WEEKDAY = np.array([1.0, 1.08, 1.1, 1.12, 1.3, 0.75, 0.65])
_DAY_TO_DAY = 0.29
# By hour of the day, UTC (LCG-2005: .46 to 1.62).
_HOUR = 1.04 + 0.58 * np.cos(2 * np.pi * (np.arange(24) - 14) / 24)

_OUTAGES_PER_SITE_AND_DAY = 1 / 45
_OUTAGE_DAYS = 1.5


class Calendar:
    """The recorded window as a density of activity over its hours."""

    def __init__(self, options: Generate, random: np.random.Generator) -> None:
        start = options.start
        self.epoch = int(datetime(*start.timetuple()[:3], tzinfo=UTC).timestamp())
        self.seconds = options.days * DAY
        weekdays = (start.weekday() + np.arange(options.days)) % 7
        sigma = np.sqrt(np.log1p(_DAY_TO_DAY**2))
        days = _WEEKDAY[weekdays] * random.lognormal(-(sigma**2) / 2, sigma, options.days)
        hours = (days[:, None] * _HOUR).ravel()
        self._cumulated = np.concatenate([[0.0], np.cumsum(hours) / hours.sum()])

    def draw(self, random: np.random.Generator, number: int) -> np.ndarray:
        """Random times in seconds since the window began, [number]."""
        hours = np.arange(len(self._cumulated)) * 3600.0
        return np.interp(random.random(number), self._cumulated, hours)


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
