"""Users and their habits: how often they submit, what they read, how much they compute, where."""

import numpy as np
import pandas as pd

from redwood.configuration import Generate
from redwood.records.generation import catalogue

_JOBS_PER_USER = 150
_FEWEST, _MOST = 8, 2000
# The top user's share of LCG-2005, 32 %.
_ZIPF_EXPONENT = 1.3
# User and group explain half of the variance of log run time there.
_SD_WORK = 0.9


class Users:
    """All users of the grid, the busiest first.

    Attributes:
        work: log of the CPU time per file, relative to everybody's median, [users].
        data_type: the data type each prefers (position in `catalogue.DATA_TYPES`), [users].
        cloud: the cloud each prefers, [users].
    """

    def __init__(self, options: Generate, sites: pd.DataFrame, random: np.random.Generator) -> None:
        number = int(np.clip(options.jobs // _JOBS_PER_USER, _FEWEST, _MOST))
        self._shares = catalogue.zipf(number, _ZIPF_EXPONENT)
        self.work = random.normal(0, _SD_WORK, number)
        self.data_type = random.choice(
            len(catalogue.DATA_TYPES), number, p=catalogue.data_type_shares()
        )
        self.cloud = random.choice(sites["cloud"].to_numpy(), number, p=sites["share"].to_numpy())

    def draw(self, random: np.random.Generator, number: int) -> np.ndarray:
        """Random users (positions), busy ones more often, [number]."""
        return random.choice(len(self._shares), number, p=self._shares)
