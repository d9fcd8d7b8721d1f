"""What becomes of jobs: final states and numbers of failed attempts, as ATLAS had them in 2017.

A chain is a job with all its attempts. Shares are those of 31.4 million chains of August 2017
(ATLAS analytics, public notebooks), by activity. Each chain has a hazard, high in a task that is
broken or at a site that is; the hazards of an activity are scaled so that its published share of
chains is met, whatever tasks and outages there are.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

STATES: Final = ("finished", "failed", "closed", "cancelled")
FINISHED, FAILED, CLOSED, CANCELLED = range(4)

# Retries that finished chains needed, and attempts after which failed ones ended, were 100 at most.
MOST_FAILURES: Final = 100
_TAIL_BEGINS = 4


@dataclass(frozen=True)
class Outcome:
    """Final states of the chains of one activity.

    Attributes:
        states: share of each of `STATES`; what is missing to 1 was not final.
        retried: share of finished chains with 0, 1, 2, 3 failed attempts before; the rest had more.
        retried_more: mean of the rest.
        failed: share of failed chains with 0, 1, 2, 3 failed attempts; the rest had more.
        failed_more: mean of the rest.
    """

    states: tuple[float, float, float, float]
    retried: tuple[float, float, float, float]
    retried_more: float
    failed: tuple[float, float, float, float]
    failed_more: float


OUTCOMES: Final = {
    "user": Outcome(
        (0.8476, 0.0375, 0.0849, 0.0300),
        (0.98273, 0.01273, 0.00258, 0.00165),
        5.56,
        (0, 0.56819, 0.10116, 0.25421),
        8.24,
    ),
    "robot": Outcome((0.8975, 0.0752, 0.0006, 0.0267), (1, 0, 0, 0), 5.0, (0, 1, 0, 0), 5.0),
    "evgen": Outcome(
        (0.9375, 0.0289, 0.0306, 0.0030),
        (0.93252, 0.05721, 0.00767, 0.00174),
        4.73,
        (0, 0.78497, 0.06797, 0.01731),
        8.81,
    ),
    "simul": Outcome(
        (0.7315, 0.0324, 0.1720, 0.0095),
        (0.90521, 0.07451, 0.01606, 0.00280),
        5.97,
        (0, 0.74602, 0.10936, 0.02026),
        9.73,
    ),
    "pmerge": Outcome(
        (0.9168, 0.0824, 0.0002, 0.0007),
        (0.99825, 0.00148, 0.00027, 0),
        5.0,
        (0, 0.99729, 0.00174, 0.00097),
        5.0,
    ),
    "pile": Outcome(
        (0.9524, 0.0091, 0.0384, 0.0001),
        (0.92459, 0.06730, 0.00683, 0.00096),
        4.37,
        (0, 0.82699, 0.08852, 0.02160),
        6.17,
    ),
    "merge": Outcome(
        (0.9368, 0.0284, 0.0056, 0.0292),
        (0.97389, 0.01833, 0.00388, 0.00152),
        6.13,
        (0, 0.74013, 0.02811, 0.01695),
        11.45,
    ),
    "deriv": Outcome(
        (0.9342, 0.0518, 0.0128, 0.0012),
        (0.97464, 0.01771, 0.00250, 0.00116),
        7.55,
        (0, 0.52015, 0.08207, 0.07160),
        7.76,
    ),
    "reprocessing": Outcome(
        (0.8917, 0.0145, 0.0337, 0.0601),
        (0.96307, 0.03241, 0.00265, 0.00065),
        10.61,
        (0, 0.86160, 0.02043, 0.00711),
        9.80,
    ),
    "recon": Outcome(
        (0.9438, 0.0138, 0.0086, 0.0338),
        (0.95208, 0.04476, 0.00247, 0.00035),
        5.22,
        (0, 0.96716, 0.00420, 0.00025),
        6.84,
    ),
}

# A task that fails or is cancelled does so almost entirely; one that closes loses a third.
_CANCELLED_TASKS_LOSE, _FAILING_TASKS_LOSE, _CLOSING_TASKS_LOSE = 0.85, 0.95, 0.35
_IN_FAILING_TASKS = 0.3
_IN_CANCELLED_TASK, _IN_FAILING_TASK, _IN_CLOSING_TASK = 400.0, 2000.0, 20.0
_IN_OUTAGE = 25.0


def expected_attempts(outcome: Outcome) -> float:
    """Mean number of attempts per chain."""
    finished, failed = outcome.states[FINISHED], outcome.states[FAILED]
    retries = _mean(outcome.retried, outcome.retried_more)
    others = sum(outcome.states) - failed
    attempts = others + finished * retries + failed * _mean(outcome.failed, outcome.failed_more)
    return attempts / sum(outcome.states)


def _mean(shares: tuple[float, ...], more: float) -> float:
    return sum(count * share for count, share in enumerate(shares)) + (1 - sum(shares)) * more


def draw_fates(
    outcome: Outcome,
    task: np.ndarray,
    sizes: np.ndarray,
    in_outage: np.ndarray,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Final state and number of failed attempts of each chain of one activity.

    Args:
        outcome: what is published of the activity.
        task: task of each chain, [n].
        sizes: chains of each task, [tasks]; those of other activities 0.
        in_outage: whether the first attempt meets a broken site, [n] bool.
        random: source of randomness.

    Returns:
        Position in `STATES`, int8 [n], and failed attempts, int16 [n].
    """
    share = np.array(outcome.states) / sum(outcome.states)
    number = len(task)
    outage = np.where(in_outage, _IN_OUTAGE, 1.0)
    cancelled = _whole_tasks(sizes, share[CANCELLED] / _CANCELLED_TASKS_LOSE, random)
    failing = _whole_tasks(sizes, _IN_FAILING_TASKS * share[FAILED] / _FAILING_TASKS_LOSE, random)
    closing = _whole_tasks(sizes, share[CLOSED] / _CLOSING_TASKS_LOSE, random)
    final = np.full(number, FINISHED, dtype=np.int8)
    for state, hazard, most in (
        (CANCELLED, np.where(cancelled, _IN_CANCELLED_TASK, 1.0)[task], _CANCELLED_TASKS_LOSE),
        (FAILED, np.where(failing, _IN_FAILING_TASK, 1.0)[task] * outage, _FAILING_TASKS_LOSE),
        (CLOSED, np.where(closing, _IN_CLOSING_TASK, 1.0)[task], 0.9),
    ):
        open_ = final == FINISHED
        chance = _scaled(hazard, share[state] * number, most, open_)
        final[open_ & (random.random(number) < chance)] = state
    failures = np.zeros(number, dtype=np.int16)
    failed = np.flatnonzero(final == FAILED)
    failures[failed] = _draw_failures(outcome.failed, outcome.failed_more, len(failed), random)
    # Where a job is likely to fail at last, it is also likely to fail before it finishes.
    others = (final == FINISHED) | (final == CANCELLED)
    retried = _scaled(outage, (1 - outcome.retried[0]) * others.sum(), 0.9, others)
    retried = np.flatnonzero(others & (random.random(number) < retried))
    if len(retried):
        at_least_one = tuple(
            count / (1 - outcome.retried[0]) for count in (0.0, *outcome.retried[1:])
        )
        failures[retried] = _draw_failures(at_least_one, outcome.retried_more, len(retried), random)
    return final, failures


def _whole_tasks(sizes: np.ndarray, share: float, random: np.random.Generator) -> np.ndarray:
    """Random tasks that together hold about `share` of the chains, [tasks] bool."""
    tasks = np.flatnonzero(sizes)
    order = tasks[random.permutation(len(tasks))]
    wanted = share * sizes.sum()
    # Tasks too large to fit are passed over, lest one task alone overshoot the share.
    order = order[sizes[order] <= max(1.0, 0.5 * wanted)]
    chosen = np.zeros(len(sizes), dtype=bool)
    chosen[order[np.cumsum(sizes[order]) <= wanted * 1.05]] = True
    return chosen


def _scaled(hazard: np.ndarray, wanted: float, most: float, among: np.ndarray) -> np.ndarray:
    """Probabilities proportional to the hazards, `most` at most, that add up to `wanted`."""
    own = hazard[among]
    values, counts = np.unique(own, return_counts=True)
    low, high = 0.0, 1.0
    for _ in range(50):
        scale = (low + high) / 2
        if (counts * np.minimum(most, scale * values)).sum() < wanted:
            low = scale
        else:
            high = scale
    return np.where(among, np.minimum(most, high * hazard), 0.0)


@cache
def _tail_exponent(mean: float) -> float:
    """The exponent at which a power law from 4 to 100, rounded down, has this mean."""
    counts = np.arange(_TAIL_BEGINS + 1, MOST_FAILURES + 1)
    low, high = 0.1, 50.0
    for _ in range(50):
        middle = (low + high) / 2
        if _TAIL_BEGINS + ((_TAIL_BEGINS / counts) ** middle).sum() > mean:
            low = middle
        else:
            high = middle
    return low


def _draw_failures(
    shares: tuple[float, ...], more: float, number: int, random: np.random.Generator
) -> np.ndarray:
    """Numbers of failed attempts, [number]: as published up to 3, then a power law."""
    failures = np.searchsorted(np.cumsum(shares), random.random(number), side="right")
    tail = np.flatnonzero(failures >= _TAIL_BEGINS)
    drawn = _TAIL_BEGINS * random.random(len(tail)) ** (-1 / _tail_exponent(more))
    failures[tail] = np.minimum(drawn, MOST_FAILURES)
    return failures
