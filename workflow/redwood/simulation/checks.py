"""Checks of numbers that are read from JSON."""

import math
from typing import Any


def is_positive(value: Any) -> bool:
    """Whether `value` is a finite number above zero."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0


def is_count(value: Any) -> bool:
    """Whether `value` is a whole number of at least zero."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
