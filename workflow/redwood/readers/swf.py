"""The Standard Workload Format of the Parallel Workloads Archive.

Header lines begin with `;`, each job is a line of 18 numbers, -1 where unknown (Feitelson, Tsafrir
and Krakov, "Experience with using the Parallel Workloads Archive", JPDC 74 (2014) 2967).
"""

import re
from collections import Counter
from collections.abc import Mapping

from redwood.errors import InputError
from redwood.readers.values import LARGEST

_FIELDS = 18
_ENTRY = re.compile(r";\s*(\w+)\s*:\s*(.*?)\s*$")
_SECONDS = re.compile(r"\d{1,12}(?!\d)")
_NUMBERED = re.compile(r"(\d+)\s+(\S+)")

# 2, 3 and 4 mark parts of a job that was checkpointed; a line of its own sums the job up.
_STATES = {"0": "failed", "1": "finished", "2": "part", "3": "part", "4": "part", "5": "cancelled"}

CPU_ASSUMPTION = "CPU time of a job is its run time × processors, for want of a measured CPU time"


class SwfHeader:
    """What the header says: when the log starts, and names of queues, partitions, machine."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._start: int | None = None
        self._computer = ""
        self._names: dict[str, dict[str, str]] = {"Queue": {}, "Partition": {}}

    def add(self, line: str) -> None:
        """Take in one header line; those with other keys are passed over."""
        entry = _ENTRY.match(line.strip())
        if entry is None:
            return
        key, value = entry.groups()
        if key == "UnixStartTime" and (start := _SECONDS.match(value)):
            self._start = int(start[0])
        elif key == "Computer":
            self._computer = value
        elif key in self._names and (numbered := _NUMBERED.match(value)):
            self._names[key][numbered[1]] = numbered[2]

    @property
    def start(self) -> int:
        """Seconds since 1970 to which the submit times are relative."""
        if self._start is None:
            raise InputError(
                f"{self._name}: no `; UnixStartTime: seconds` before the first job, "
                "so the submit times have no date"
            )
        return self._start

    def site(self, partition: str, queue: str) -> str | None:
        """Where a job ran: its partition, else its queue, else the machine of the log."""
        for kind, number in (("Partition", partition), ("Queue", queue)):
            if int(number) >= 0:
                return self._names[kind].get(number, f"{kind.lower()} {number}")
        return self._computer or None


def swf_row(line: str, header: SwfHeader, assumptions: Counter) -> Mapping[str, str | None] | str:
    """One job line as cells under PanDA's names, or the reason why it cannot be read.

    Args:
        line: 18 numbers, separated by blanks.
        header: the header lines before it.
        assumptions: counts the jobs whose CPU time had to be taken from their run time.
    """
    fields = line.split()
    if len(fields) != _FIELDS:
        return "wrong_number_of_fields"
    try:
        numbers = [float(text) for text in fields]
        partition, queue = str(int(numbers[15])), str(int(numbers[14]))
    except (ValueError, OverflowError):
        return "unreadable_row"
    if not all(abs(number) < LARGEST for number in numbers):
        return "unreadable_row"
    submit, wait, run, processors, cpu, _, asked_processors, asked_time = numbers[1:9]
    used = processors if processors > 0 else asked_processors
    if cpu < 0 and run >= 0 and used > 0:
        assumptions[CPU_ASSUMPTION] += 1
        cpu = run
    created = header.start + submit
    started = created + wait if wait >= 0 else None
    return {
        "pandaid": fields[0],
        "creationtime": _text(created),
        "starttime": _text(started),
        "endtime": _text(started + run) if started is not None and run >= 0 else None,
        "jobstatus": _STATES.get(fields[10]),
        "produsername": f"uid {fields[11]}" if numbers[11] >= 0 else None,
        "workinggroup": f"group {fields[12]}" if numbers[12] >= 0 else None,
        "computingsite": header.site(partition, queue),
        "corecount": _text(used) if used > 0 else None,
        "cpuconsumptiontime": _text(cpu * used) if cpu >= 0 and used > 0 else None,
        "maxwalltime": _text(asked_time) if asked_time >= 0 else None,
    }


def _text(number: float | None) -> str | None:
    if number is None:
        return None
    return str(int(number)) if number == int(number) else repr(round(number, 6))
