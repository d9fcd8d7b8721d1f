"""The Standard Workload Format of the Parallel Workloads Archive.

Header lines begin with `;`, each job is a line of 18 numbers, -1 where unknown (Feitelson, Tsafrir
and Krakov, "Experience with using the Parallel Workloads Archive", JPDC 74 (2014) 2967).
"""

import re
from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from redwood.errors import InputError
from redwood.readers import archives
from redwood.readers.archives import Clock, job_cells, known
from redwood.readers.foreign import Rows

TITLE: Final = "the Standard Workload Format"
ENDINGS = (".swf",)
FIELDS: Final = (*archives.COMMON, "preceding job", "think time")
NUMBERS: Final = FIELDS
FEWEST: Final = 5
STATES: Final = archives.STATES
MADE_OF: Final = archives.MADE_OF | {
    "computingsite": "the partition (field 16), else the queue (field 15), else `; Computer:`",
}
REMEDY: Final = "the format has no other fields: put the values into these, -1 where unknown"
FIRST_TIME: Final = archives.FIRST_TIME
IS_NAMELESS: Final = True
OWN_NUMBERS: Final = True

_ENTRY = re.compile(r";\s*(\w+)\s*:\s*(.*?)\s*$")
_SECONDS = re.compile(r"-?\d{1,12}(?!\d)")
_NUMBERED = re.compile(r"(\d+)\s+(\S+)")


class Header:
    """What the header says: when the log starts, and names of queues, partitions, machine."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.clock = Clock()
        self._computer: str | None = None
        self._names: dict[str, dict[int, str]] = {"Queue": {}, "Partition": {}}

    def add(self, line: str) -> None:
        """Take in one header line; those with other keys are passed over.

        Raises:
            InputError: the log begins at what is no time.
        """
        entry = _ENTRY.match(line.strip())
        if entry is None:
            return
        key, value = entry.groups()
        if key == "UnixStartTime" and value:
            seconds = _SECONDS.match(value)
            if seconds is None:
                raise InputError(
                    f"{self._name}: `; UnixStartTime:` is followed by {len(value)} characters, "
                    "expected seconds since 1970, or no such line"
                )
            self.clock.start = max(0, int(seconds[0]))
        elif key == "Computer" and value:
            self._computer = value
        elif key in self._names and (numbered := _NUMBERED.match(value)):
            self._names[key][int(numbered[1])] = numbered[2]

    def site(self, partition: str | None, queue: str | None) -> str | None:
        """Where a job ran: its partition, else its queue, else the machine of the log."""
        for kind, number in (("Partition", partition), ("Queue", queue)):
            if number is not None:
                place = int(float(number))
                return self._names[kind].get(place, f"{kind.lower()} {place}")
        return self._computer


def translate(rows: Rows) -> Mapping[str, pa.Array]:
    """Cells under PanDA's names."""
    header: Header = rows.header
    cells = job_cells(rows, header.clock)
    places = zip(known(rows.text("partition")), known(rows.text("queue")), strict=True)
    sites = pa.array([header.site(*place) for place in places], pa.string())
    return {
        **cells,
        "computingsite": rows.or_file(sites),
        "produsername": _numbered("uid", rows.text("user")),
        "workinggroup": _numbered("group", rows.text("group")),
    }


def _numbered(what: str, column: pa.Array) -> pa.Array:
    names = [None if number is None else f"{what} {number}" for number in known(column)]
    return pa.array(names, pa.string())
