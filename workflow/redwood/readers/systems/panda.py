"""PanDA: its own names, however they are spelled, are what all other systems are translated to."""

from typing import Final

from redwood.readers import values

TITLE: Final = "PanDA"
ENDINGS = ()
MADE_OF: Final[dict[str, str]] = {}
REMEDY: Final = "map names by records.cleaning.columns"
STATES: Final[dict[str, str]] = {}
# A time that never came is 1970-01-01 in PanDA, give or take a time zone.
FIRST_TIME: Final = values.FIRST_TIME
IS_NAMELESS: Final = False
OWN_NUMBERS: Final = False
COLUMNS: Final[dict[str, str]] = {}

_MARKS = frozenset({"pandaid", "computingsite", "creationtime"})


def is_mine(names: frozenset[str]) -> bool:
    """Whether a table has columns of PanDA's job records."""
    return not _MARKS.isdisjoint(names)
