"""The Grid Workload Format of the Grid Workloads Archive.

Comments begin with `#`, each job is a line of 29 fields, -1 where unknown (Iosup et al., "The Grid
Workloads Archive", FGCS 24 (2008) 672). Users, groups and sites are names without meaning, such as
`U12`.
"""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from redwood.readers import archives
from redwood.readers.archives import Clock, job_cells, known
from redwood.readers.foreign import Rows

TITLE: Final = "the Grid Workloads Archive's format"
ENDINGS = (".gwf",)
FIELDS: Final = (
    *(*archives.COMMON, "first site", "last site", "structure", "structure parameters"),
    *("network", "disk", "resources", "asked platform", "asked network", "asked disk"),
    *("asked resources", "organisation", "project"),
)
NUMBERS: Final = archives.NUMBERS
FEWEST: Final = 18
STATES: Final = archives.STATES
MADE_OF: Final = archives.MADE_OF | {
    "workinggroup": "the virtual organisation (field 28), else the group (field 13)",
    "computingsite": "the site of the last run (field 18), else that of the submission (field 17), "
    "the partition (field 16) or the queue (field 15)",
}
REMEDY: Final = "the format has no other fields: put the values into these, -1 where unknown"
FIRST_TIME: Final = archives.FIRST_TIME
IS_NAMELESS: Final = True
OWN_NUMBERS: Final = True


class Header:
    """Comments of this format say nothing that is needed: submit times are seconds since 1970."""

    def __init__(self, _name: str) -> None:
        self.clock = Clock()

    def add(self, line: str) -> None:
        """Take in a comment."""


def translate(rows: Rows) -> Mapping[str, pa.Array]:
    """Cells under PanDA's names."""
    return {
        **job_cells(rows, rows.header.clock),
        "computingsite": rows.or_file(
            _first(rows, "last site", "first site", "partition", "queue")
        ),
        "produsername": _first(rows, "user"),
        "workinggroup": _first(rows, "organisation", "group"),
    }


def _first(rows: Rows, *names: str) -> pa.Array:
    columns = [known(rows.text(name)) for name in names]
    values = [next(filter(None, row), None) for row in zip(*columns, strict=True)]
    return pa.array(values, pa.string())
