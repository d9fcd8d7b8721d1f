"""The sites that the resource table knows: their queues, and the core power of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.facts import fact_file

SITES_FILE = fact_file("sites.csv")
_COLUMNS = ("site", "tier", "cloud", "core_power", "ddm_tb_28d", "queues")

# What PanDA adds to the name of a site for its queues of one kind of job.
_PREFIX = re.compile(r"^ANALY_", re.IGNORECASE)
_SUFFIX = re.compile(
    r"[_-](?:[A-Z0-9]*CORE|V?HI(?:GH)?MEM|L(?:O|OW)?MEM|SL\d|CL\d|C\d|EL\d|TEST|PROD|UNIFIED|SHORT"
    r"|LONG|VP|VAC|GPU|CONDOR|HTCONDOR|ARC|CE\d*|CVMFS|ES|PREPROD|CLOUD|DEV|T0|HI|OPP|DOCKER"
    r"|SINGULARITY|K8S|INTERACTIVE|ML)$",
    re.IGNORECASE,
)

_SEPARATOR = re.compile(r"[-_.+]")
_SHORTEST_WORD = 3
# What queues of any site may have in their names.
_QUEUE_WORDS = frozenset({"ANALY", "ATLAS", "GRID", "HPC", "LCG2", "MCORE", "SCORE", "TIER2"})

Acquaintance = Literal["known", "folded", "unknown"]


@dataclass(frozen=True)
class Place:
    """What a value of COMPUTINGSITE stands for.

    Attributes:
        name: the site's name in the job table.
        core_power: HS23 per core, `None` if the table does not know the site.
        acquaintance: `known` if the table has this name for the site, `folded` if it has another,
            `unknown` if it does not have it.
    """

    name: str
    core_power: float | None
    acquaintance: Acquaintance


class SiteTable:
    """Queue → site. The name of a site is that of its first queue, the one of today."""

    def __init__(self, sites: pd.DataFrame) -> None:
        self._sites: dict[str, tuple[str, float]] = {}
        shortened: dict[str, set[tuple[str, float]]] = {}
        for row in sites.itertuples():
            site = (row.queues[0], row.core_power)
            for name in (row.site, *row.queues):
                self._sites[name.lower()] = site
                for short in _shortened(name.lower()):
                    shortened.setdefault(short, set()).add(site)
        for short, candidates in shortened.items():
            if len(candidates) == 1:
                self._sites.setdefault(short, *candidates)
        self._words = _QUEUE_WORDS.union(*map(_words, self._sites))

    def resembles_a_site(self, name: str) -> bool:
        """Whether a name shares a word with those of the table, as `ANALY_CERN-ML` does."""
        return not self._words.isdisjoint(_words(name))

    def place(self, queue: str, *, fold: bool) -> Place:
        """Where a queue is.

        Args:
            queue: a value of COMPUTINGSITE.
            fold: whether queues of one site get one name; else each keeps its own.
        """
        found = self._look_up(queue)
        if found is None:
            return Place(queue, None, "unknown")
        site, core_power = found
        if not fold or site == queue:
            return Place(queue, core_power, "known")
        return Place(site, core_power, "folded")

    def _look_up(self, queue: str) -> tuple[str, float] | None:
        names = (queue.lower(), *_shortened(queue.lower()))
        return next((self._sites[name] for name in names if name in self._sites), None)


def _shortened(name: str) -> Iterator[str]:
    """The name of a queue without what PanDA may have added to it, piece by piece."""
    while True:
        shorter = _SUFFIX.sub("", name)
        if shorter == name:
            shorter = _PREFIX.sub("", name)
        if shorter == name:
            return
        name = shorter
        yield name


def _words(name: str) -> set[str]:
    words = _SEPARATOR.split(name.upper())
    return {word for word in words if len(word) >= _SHORTEST_WORD and not word.isdigit()}


@cache
def load_sites(path: Path = SITES_FILE) -> pd.DataFrame:
    """The table of sites; `queues` is split into tuples, the first being the one of today.

    Raises:
        InputError: the file is missing or lacks a column, or a core power is no positive number.
    """
    try:
        sites = pd.read_csv(path, dtype={"queues": str})
    except FileNotFoundError:
        raise InputError(f"{path}: no such table of sites") from None
    for column in _COLUMNS:
        if column not in sites.columns:
            raise InputError(f"{path}: column {column!r} is missing")
    power = pd.to_numeric(sites["core_power"], errors="coerce")
    if not (power > 0).all():
        row = int(np.flatnonzero(~(power > 0))[0])
        raise InputError(
            f"{path}: row {row + 2}: core_power is {sites['core_power'][row]!r}, "
            "expected HS23 per core > 0"
        )
    return sites.assign(core_power=power, queues=sites["queues"].str.split().map(tuple))
