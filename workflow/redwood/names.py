"""Names in messages: the nearest of those that there are, and lists that stay short."""

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
