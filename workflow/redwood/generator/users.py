"""Users and their habits: how many jobs they have, what they read, how much they compute, where."""

import numpy as np

from redwood.configuration import Generate
from redwood.generator.catalogue import (
    DATA_TYPES,
    WORKING_GROUPS,
    data_type_shares,
    zipf,
)
from redwood.generator.grid import Grid

_JOBS_PER_USER = 150
_FEWEST, _MOST = 8, 2000
# The busiest user's share of LCG-2005.
_TOP_SHARE = 0.32
# Between users log CPU time differs by this much, between tasks of all users by 1.2, which makes
# the users about half of the variance.
_SD_WORK = 0.95
# Users of a group do similar work.
_SD_IN_GROUP = 0.3


class Users:
    """All users of the grid, the busiest first, and two service accounts after them.

    Attributes:
        shares: of the jobs, without service accounts, [users].
        work: log of the CPU time per job, relative to everybody's mean, [users + 2].
        data_type: the data type each prefers (position in `DATA_TYPES`), [users + 2].
        cloud: the cloud each prefers, [users + 2] of str.
        group: the working group of each (position in `WORKING_GROUPS`, -1 for none), [users + 2].
        robot, production: the service accounts.
    """

    def __init__(self, options: Generate, grid: Grid, random: np.random.Generator) -> None:
        number = int(np.clip(options.jobs // _JOBS_PER_USER, _FEWEST, _MOST))
        self.shares = zipf(number, _exponent(number))
        self.robot, self.production = number, number + 1
        work = random.normal(size=number)
        work -= self.shares @ work
        work *= _SD_WORK / np.sqrt(self.shares @ work**2)
        self.work = np.append(work, [0.0, 0.0])
        self.data_type = random.choice(len(DATA_TYPES), number + 2, p=data_type_shares())
        self.cloud = random.choice(grid.clouds, number + 2, p=grid.share)
        self.group = self._groups(random)

    def __len__(self) -> int:
        return len(self.work)

    def _groups(self, random: np.random.Generator) -> np.ndarray:
        """Users roughly in order of their work, cut into groups of similar numbers of jobs."""
        users = len(self.shares)
        order = np.argsort(self.work[:users] + random.normal(0, _SD_IN_GROUP, users))
        places = len(WORKING_GROUPS) + 1
        group = np.full(len(self), -1)
        group[order] = np.floor(np.cumsum(self.shares[order]) * places * (1 - 1e-9)) - 1
        return group


def _exponent(number: int) -> float:
    """The exponent of Zipf's law at which the busiest of `number` users has the share it had."""
    low, high = 0.0, 3.0
    for _ in range(50):
        middle = (low + high) / 2
        if zipf(number, middle)[0] < _TOP_SHARE:
            low = middle
        else:
            high = middle
    return low
