"""Which dumps are made: how many, what they are called, which format each has.

The workflow asks this before anything runs, so nothing here needs more than the options.
"""

import math
from typing import Final

from redwood.configuration import Generate

# One after another, so that the default run meets every reader.
FORMATS: Final = ("csv.gz", "csv.zst", "jsonl.gz", "json", "parquet")
# What monitors answer is short: 12 hours or 20,000 rows.
_WEIGHTS: Final = {"json": 0.25}

_DAYS_PER_FILE = 30
_ROWS_PER_FILE = 400_000
# Rows for each user-analysis job that is asked for: other activities come on top.
_ROWS_PER_JOB = 1.6


def dump_names(options: Generate) -> tuple[str, ...]:
    """The names of the dumps in order of time; they follow from the options alone."""
    number = max(
        len(FORMATS),
        math.ceil(options.days / _DAYS_PER_FILE),
        math.ceil(options.jobs * _ROWS_PER_JOB / _ROWS_PER_FILE),
    )
    digits = max(2, len(str(number)))
    return tuple(
        f"jobs_{index + 1:0{digits}d}.{FORMATS[index % len(FORMATS)]}" for index in range(number)
    )


def format_of(name: str) -> str:
    """The format of a dump, one of `FORMATS`."""
    return name.partition(".")[2]


def shares(names: tuple[str, ...]) -> list[float]:
    """The share of all rows that each dump gets."""
    weights = [_WEIGHTS.get(format_of(name), 1.0) for name in names]
    return [weight / sum(weights) for weight in weights]
