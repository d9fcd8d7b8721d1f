"""The windows that a BigPanDA monitor is asked for, and their files.

The workflow asks for the names before anything runs, so nothing here needs more than the options.
"""

import re
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from redwood.configuration import BigPanda
from redwood.errors import InputError

# More is a bulk pull, which the service forbids. At half a day each these are 100 days of a site.
MOST_WINDOWS: Final = 200
SHORTEST_WINDOW: Final = timedelta(minutes=1)
# Where the configuration says what to ask for.
KEY: Final = "records.source.bigpanda"

_SITE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class Window(NamedTuple):
    """The jobs of a site that were last modified from `begin` to before `end`, both in UTC."""

    site: str
    begin: datetime
    end: datetime

    @property
    def file(self) -> str:
        """The window's file, such as `AGLT2_20240101T0000_20240101T1200.json.gz`."""
        return f"{self.site}_{self.begin:%Y%m%dT%H%M}_{self.end:%Y%m%dT%H%M}.json.gz"

    def __str__(self) -> str:
        return f"{self.site} from {self.begin:%Y-%m-%dT%H:%M} to {self.end:%Y-%m-%dT%H:%M}"


def windows(options: BigPanda) -> tuple[Window, ...]:
    """What is asked for: windows of at most `window_hours`, by time and then in the sites' order.

    Raises:
        InputError: more than `MOST_WINDOWS` windows, sites that are not names of queues, or times
            that are not on whole minutes.
    """
    for time in (options.start, options.end):
        if time.second or time.microsecond:
            raise InputError(f"{KEY}: {time.isoformat()} is not on a whole minute")
    for site in options.sites:
        if not _SITE.fullmatch(site):
            raise InputError(
                f"{KEY}.sites: {site!r} is not the name of a queue; expected letters, digits, '_', "
                "'.' and '-', no wildcards"
            )
        if options.sites.count(site) > 1:
            raise InputError(f"{KEY}.sites: {site!r} is listed twice")
    length = timedelta(hours=options.window_hours)
    number = -((options.start - options.end) // length)
    if number * len(options.sites) > MOST_WINDOWS:
        raise InputError(
            f"{KEY}: {number} windows of {options.window_hours} h × {len(options.sites)} sites "
            f"are {number * len(options.sites)} requests, expected at most {MOST_WINDOWS}: bulk "
            "pulls are forbidden; ask the monitor's operators for a dump, to be given as "
            "records.source.files"
        )
    begins = [options.start + length * index for index in range(number)]
    return tuple(
        Window(site, begin, min(begin + length, options.end))
        for begin in begins
        for site in options.sites
    )


def file_names(options: BigPanda) -> tuple[str, ...]:
    """The file of each of `windows`."""
    return tuple(window.file for window in windows(options))
