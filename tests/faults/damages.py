"""Finished results that are damaged: the check names them, the next run makes them again."""

import os
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.faults.journal import Outcome
from tests.faults.kills import RESULTS, Run, wrong
from tests.project import Project

from redwood.errors import InputError
from redwood.runs.checking import MANIFEST, check, read_manifest

SURVIVED = "`redwood artefacts check` names that file and no other"
HEALED = (
    f"{SURVIVED}, the next run ends with exit status 0, and then every file of the results has the "
    "bytes that it had and none is left over"
)
ONLY_THE_DATE: Final = "only the date is another"
HOUR_S = 3600
YEAR_S = 365 * 24 * HOUR_S


def _flipped(content: bytes, chance: random.Random, other: bytes) -> bytes:
    changed = bytearray(content)
    for place in chance.sample(range(len(content)), min(len(content), chance.choice((1, 1, 5)))):
        changed[place] ^= 1 << chance.randrange(8)
    return bytes(changed)


# Their lines in the table; `None` for a file that is gone.
KINDS: Final[dict[str, Callable[[bytes, random.Random, bytes], bytes | None]]] = {
    "bits flipped": _flipped,
    "cut off": lambda content, chance, other: content[: chance.randrange(len(content))],
    "longer": lambda content, chance, other: content + chance.randbytes(chance.randint(1, 99)),
    "emptied": lambda content, chance, other: b"",
    "removed": lambda content, chance, other: None,
    "another result's bytes": lambda content, chance, other: other,
    ONLY_THE_DATE: lambda content, chance, other: content,
}


def fault(
    project: Project,
    undisturbed: Mapping[str, str],
    chance: random.Random,
    kind: str,
    *,
    rerun: bool,
    among: tuple[str, ...] = ("",),
) -> Outcome:
    """Damage a result; afterwards it is as it was, unless it was to be made again and was not.

    Args:
        project: whose results are finished.
        undisturbed: their digests.
        chance: source of randomness.
        kind: what is done to it.
        rerun: whether it is to be made again; otherwise it only is to be named.
        among: what the names begin with of which one is chosen.
    """
    results = project.folder / RESULTS
    names = sorted(name for name in read_manifest(results).results if name.startswith(among))
    names += [MANIFEST] * (len(names) // 20)
    contents = {name: (results / name).read_bytes() for name in chance.sample(names, 9)}
    name, content = next((name, one) for name, one in contents.items() if one)
    path, dates = results / name, (results / name).stat()
    other = next(one for one in contents.values() if one not in (content, b""))
    damaged = KINDS[kind](content, chance, other)
    moment, date = _date(chance, dates.st_mtime, keep=kind != ONLY_THE_DATE)
    if damaged is None:
        path.unlink()
    else:
        path.write_bytes(damaged)
        os.utime(path, (moment, moment))
    lost = _not_named(results, name, damaged == content)
    if rerun:
        run = Run.of(project)
        if status := run.wait():
            lost.append(f"the rerun ended with {status}: {run.said.read_text()[-800:]}")
        lost += wrong(project, undisturbed)
    else:
        path.write_bytes(content)
        os.utime(path, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    return Outcome(kind, f"{name}, its date {date}", "; ".join(lost))


def _date(chance: random.Random, before: float, *, keep: bool) -> tuple[float, str]:
    """A date for a file, and what it is called."""
    now = time.time()
    dates = {"a year older": before - YEAR_S, "now": now, "an hour ahead": now + HOUR_S}
    name = chance.choice([*dates, *(["as it was"] if keep else [])])
    return dates.get(name, before), name


def _not_named(results: Path, name: str, sound: bool) -> list[str]:
    """What is wrong with the findings of a check, if this file is damaged, or none is."""
    try:
        findings = check(results).findings
    except InputError as error:
        findings = [str(error).removeprefix(f"{results}/")]
    named = [finding.partition(": ")[0] for finding in findings]
    return [] if named == ([] if sound else [name]) else [f"the check finds {findings}"]
