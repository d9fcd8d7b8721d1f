"""The sites that the resource table knows, and the core power of each."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError

SITES_FILE = Path(__file__).resolve().parents[3] / "resources" / "sites.csv"
_COLUMNS = ("site", "tier", "cloud", "core_power", "ddm_tb_28d", "queues")


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


def core_powers(path: Path = SITES_FILE) -> dict[str, float]:
    """Site or queue name → HS23 per core."""
    powers: dict[str, float] = {}
    for row in load_sites(path).itertuples():
        for name in (row.site, *row.queues):
            powers[name] = row.core_power
    return powers
