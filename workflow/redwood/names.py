"""Names in messages: the nearest of those that there are, short lists, and rows of tables."""

import difflib
from collections.abc import Iterable, Sequence


def suggested(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the known one most alike, if any is.

    Case and blanks around do not count.
    """
    alike = {other.strip().lower(): other for other in known}
    found = difflib.get_close_matches(name.strip().lower(), alike, n=1)
    return f"; the nearest is {alike[found[0]]!r}" if found else ""


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names joined by commas; of many the first, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def nth_row(row: int) -> str:
    """A row of a table, as people count: the first below the header is 1, whatever the format.

    Args:
        row: from 0. Not a line: a value of a CSV may have several, and lines may be empty.
    """
    return f"data row {row + 1}"
