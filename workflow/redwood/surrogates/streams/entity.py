"""The entity of a stream: the categorical columns that stay the same from one event to the next.

A grid's jobs come from users, tasks, campaigns: whatever submits them submits many alike in a row.
Which columns name it differs from table to table, and is found from the rows.
"""

from collections.abc import Mapping

import numpy as np

# The rows before an event in which its values are looked for.
_WINDOW = 10

# A further column must tell at least this many nats more of what comes next.
_LEAST_GAIN = 0.01


def combine(columns: list[np.ndarray], rows: int) -> np.ndarray:
    """One key for each row of equal values in all columns: (rows,) uint64.

    Keys are 64-bit hashes: of a million different tuples two share one with probability 3 × 10⁻⁸.
    """
    keys = np.zeros(rows, np.uint64)
    for codes in columns:
        # One round of splitmix64 (Steele, Lea and Flood, OOPSLA 2014) a column.
        keys = (keys + codes.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys ^= keys >> np.uint64(31)
    return keys


def choose_entity(codes: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """The columns of which the ten rows before an event tell most.

    Columns are added one by one while the information grows.

    Args:
        codes: column → its category codes (n,), rows in time order.
    """
    chosen: list[str] = []
    best = 0.0
    while len(chosen) < len(codes):
        gains = {
            name: recency_information([codes[other] for other in (*chosen, name)])
            for name in codes
            if name not in chosen
        }
        name = max(gains, key=lambda candidate: gains[candidate])
        if gains[name] < best + _LEAST_GAIN:
            break
        chosen.append(name)
        best = gains[name]
    return tuple(chosen)


def recency_information(columns: list[np.ndarray]) -> float:
    """What the ten rows before an event tell of its values in these columns, in nats.

    The mean of ln q/p, p being the frequency of the event's tuple of values and
    q = (c + 2p)/(10 + 2) its forecast from the c rows of the last ten that have the same tuple.
    """
    rows = len(columns[0])
    _, tuples, counts = np.unique(combine(columns, rows), return_inverse=True, return_counts=True)
    frequency = counts[tuples] / rows
    same = np.zeros(rows)
    for back in range(1, min(_WINDOW, rows - 1) + 1):
        same[back:] += tuples[back:] == tuples[:-back]
    forecast = (same + 2 * frequency) / (_WINDOW + 2)
    return float(np.mean(np.log(forecast / frequency)[_WINDOW:])) if rows > _WINDOW else 0.0
