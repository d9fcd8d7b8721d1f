"""The sites that are known, their queues and facts: the one resolver of values of COMPUTINGSITE.

Cleaning, the simulation and the figures all ask `SiteTable.find`, so that a queue has the same
site, core power and tier everywhere.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redwood.errors import InputError
from redwood.facts import PANDA_CORE_POWER, fact_file, read_facts
from redwood.tables import TableDescription

SITES_FILE: Final = fact_file("sites.csv")
# The assumption of a table's description that stands for PanDA's core power.
DEFAULT_CORE_POWER: Final = "default_core_power"

# What PanDA adds to the name of a site for its queues of one kind of job.
_PREFIX = re.compile(r"^ANALY_", re.IGNORECASE)
_SUFFIX = re.compile(
    r"[_-](?:\d{0,3}[A-Z]?CORE|V?HI(?:GH)?MEM|L(?:O|OW)?MEM|SL\d|CL\d|C\d|EL\d|TEST|PROD|UNIFIED|SHORT"
    r"|LONG|VP|VAC|GPU|CONDOR|HTCONDOR|ARC|CE\d*|CVMFS|ES|PREPROD|CLOUD|DEV|T0|HI|OPP|DOCKER"
    r"|SINGULARITY|K8S|INTERACTIVE|ML)$",
    re.IGNORECASE,
)

# Names of sites of which the table has no facts: queues of public job samples of 2016 to 2018, and
# sites of the OSG that ran jobs of ATLAS in 2015 to 2017.
_NAMES_ALONE = frozenset(
    {
        *("ca-mcgill-clumeq-t2", "ca-scinet-t2", "iaas", "uki-lt2-brunel", "uki-lt2-ucl-hep"),
        *("uki-scotgrid-durham", "bnl_atlas_1", "cit_cms_t2", "clemson-palmetto", "glow", "hyak"),
        *("fnal_fermigrid", "fnal_gpgrid_1", "hu_atlas_tier2", "lucille", "luhep_osg", "mit_cms"),
        *("nebraska", "nebraska-hcc", "nysgrid_cornell_nys1", "ou_ochep_swt2", "ouhep_osg"),
        *("purdue-hadoop", "smu_hpc", "sprace", "star-onlinepool", "su-og", "tusker", "uconn-osg"),
        *("ucr-hep", "ucsd", "ucsdt2", "uscms-fnal-wc1", "uta_swt2", "wt2"),
    }
)


@dataclass(frozen=True)
class Site:
    """What is known of a site.

    Attributes:
        name: in ATLAS's grid information system.
        queues: values of COMPUTINGSITE that stand for it, the one of today first.
        tier: in the Worldwide LHC Computing Grid, 0 to 3.
        cloud: the ATLAS cloud it belongs to; empty if not known.
        country: its country, ISO 3166, or NORDIC; empty if not known.
        core_power: HS23 per core; `None` if not known.
        cores: installed ones; `None` if not published.
        moved_tb: TB moved in and out within 28 days; `None` if not known.
    """

    name: str
    queues: tuple[str, ...]
    tier: int
    cloud: str = ""
    core_power: float | None = None
    cores: int | None = None
    moved_tb: float | None = None
    country: str = ""

    @property
    def queue(self) -> str:
        """What the job table calls the site if it folds queues: its queue of today."""
        return self.queues[0]


class SiteTable:
    """Queue → site.

    Raises:
        InputError: two sites have the same name or queue.
    """

    def __init__(self, sites: Iterable[Site]) -> None:
        self.sites = tuple(sites)
        self._by_name: dict[str, Site] = {}
        shortened: dict[str, list[Site]] = {}
        for site in self.sites:
            for name in {site.name.lower(), *map(str.lower, site.queues)}:
                if name in self._by_name:
                    other = self._by_name[name].name
                    raise InputError(f"sites: {name!r} stands for {other!r} and for {site.name!r}")
                self._by_name[name] = site
                for short in _shortened(name):
                    candidates = shortened.setdefault(short, [])
                    if site not in candidates:
                        candidates.append(site)
        for short, candidates in shortened.items():
            if len(candidates) == 1:
                self._by_name.setdefault(short, *candidates)

    def __iter__(self) -> Iterator[Site]:
        return iter(self.sites)

    def find(self, queue: str) -> Site | None:
        """The site of a queue, `None` if the table does not know it.

        Names are compared without regard to case. If the table does not have a name, what PanDA may
        have added to it is left out piece by piece: so `ANALY_FZK-LCG2_MCORE` is at `FZK-LCG2`.

        Args:
            queue: a value of COMPUTINGSITE, or the name of a site.
        """
        names = (queue.lower(), *_shortened(queue.lower()))
        return next((self._by_name[name] for name in names if name in self._by_name), None)

    def is_listed(self, queue: str) -> bool:
        """Whether a queue is that of a site, one of which only the name is known included."""
        names = {queue.lower(), *_shortened(queue.lower())}
        return self.find(queue) is not None or not names.isdisjoint(_NAMES_ALONE)


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


def load_sites(path: Path = SITES_FILE) -> SiteTable:
    """The table of sites: a CSV with site, tier, core_power and queues (separated by blanks).

    It may have cloud, country, cores and ddm_tb_28d besides. An empty cell is a fact that is not
    known.

    Raises:
        InputError: the file is missing or lacks a column, or a value is wrong.
    """
    sites = []
    for row in read_facts(path, ("site", "tier", "core_power", "queues")):
        name, cores = row.text("site"), row.known("cores")
        sites.append(
            Site(
                name=name,
                queues=tuple(row.text("queues").split()) or (name,),
                tier=row.tier(),
                cloud=row.text("cloud"),
                core_power=row.known("core_power"),
                cores=None if cores is None else int(cores),
                moved_tb=row.known("ddm_tb_28d"),
                country=row.text("country"),
            )
        )
    try:
        return SiteTable(sites)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def default_core_power(description: TableDescription) -> float:
    """HS23 per core that `workload` in a job table assumes of sites whose core power is unknown.

    Raises:
        InputError: the description states one that is no positive number.
    """
    power = description.assumptions.get(DEFAULT_CORE_POWER, PANDA_CORE_POWER)
    if not 0 < power < float("inf"):
        raise InputError(
            f"table {description.name!r}: assumptions.{DEFAULT_CORE_POWER} is {power!r}, "
            "expected HS23 per core > 0"
        )
    return power
