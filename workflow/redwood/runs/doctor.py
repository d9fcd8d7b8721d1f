"""`redwood doctor`: what of everything that REDWOOD can use is here, and where to get the rest.

What there is to be found the library's parts say themselves: packages in `redwood.extras`,
programs in each room's module `tools`, other simulators in `simulation.engines`.
"""

import importlib.metadata
import platform
import sys
import textwrap
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

import redwood
from redwood.extras import EXTRAS, NOT_BY_DEFAULT, PURPOSES, how_to_get
from redwood.simulation import engines
from redwood.tools import all_tools

_WIDTH = 100
_ENGINE = "runs a scenario in another simulator"


@dataclass(frozen=True)
class Finding:
    """A thing that REDWOOD can use.

    Attributes:
        name: what it is called.
        kind: Python packages that an extra brings, or a program.
        needed: whether the default configuration cannot be run without it.
        found: whether it is here, all of it.
        version: which; of packages each with its own.
        path: of a program, where it is.
        purpose: what for.
        get: where to get what is missing; empty if nothing is.
    """

    name: str
    kind: Literal["packages", "program"]
    needed: bool
    found: bool
    version: str
    path: str
    purpose: str
    get: str


def examine() -> list[Finding]:
    """Look for all of it: packages as `redwood.extras` lists them, programs, other simulators."""
    distributions = importlib.metadata.packages_distributions()
    found = [_packages(extra, distributions) for extra in EXTRAS]
    for tool in all_tools():
        there = tool.find()
        version, path = ("", "") if there is None else (there.version, there.path)
        found.append(_program(tool.name, version, path, tool.purpose, tool.get))
    for engine in engines.survey():
        if engine.executable is not None:
            path = "" if engine.program is None else engine.program.place
            known = " (not one that is known to work)" if engine.known is False else ""
            version = (engine.version or "") + known
            get = f"{engine.where} ({engine.licence})"
            found.append(_program(engine.title, version, path, _ENGINE, get))
    return found


def _program(name: str, version: str, path: str, purpose: str, get: str) -> Finding:
    there = bool(path)
    return Finding(name, "program", False, there, version, path, purpose, "" if there else get)


def _packages(extra: str, distributions: Any) -> Finding:
    modules = EXTRAS[extra]
    missing = [module for module in modules if find_spec(module) is None]
    versions = [
        f"{module} {_version_of(module, distributions)}".strip()
        for module in modules
        if module not in missing
    ]
    return Finding(
        name=extra,
        kind="packages",
        needed=extra not in NOT_BY_DEFAULT,
        found=not missing,
        version=", ".join(versions),
        path="",
        purpose=PURPOSES[extra],
        get="; ".join(dict.fromkeys(how_to_get(module, extra) for module in missing)),
    )


def _version_of(module: str, distributions: Any) -> str:
    names = distributions.get(module)
    return importlib.metadata.version(names[0]) if names else ""


def is_ready(findings: list[Finding]) -> bool:
    """Whether all that the default configuration needs is here."""
    return all(finding.found for finding in findings if finding.needed)


def render(findings: list[Finding]) -> str:
    """The findings in words, one screen."""
    lines = [
        f"REDWOOD {redwood.__version__}, Python {platform.python_version()} ({sys.executable}), "
        f"{platform.system()} {platform.machine()}"
    ]
    width = max(len(finding.name) for finding in findings)
    for title, chosen in (
        ("The default run needs", [f for f in findings if f.needed]),
        ("Useful besides", [f for f in findings if not f.needed]),
    ):
        lines += ["", f"{title}:"]
        for finding in chosen:
            sign = "✓" if finding.found else "✗" if finding.needed else "–"
            about = f"{finding.purpose}: " if finding.purpose else ""
            told = finding.version or finding.path
            if not finding.found:
                told = f"missing; {finding.get}"
            lines += textwrap.wrap(
                f"{sign} {finding.name:<{width}}  {about}{told}",
                _WIDTH,
                initial_indent="  ",
                subsequent_indent=" " * (width + 6),
                break_long_words=False,
                break_on_hyphens=False,
            )
    ready = is_ready(findings)
    lines += ["", "Ready for ./run." if ready else "Not ready for ./run: get what ✗ marks."]
    return "\n".join(lines)


def as_json(findings: list[Finding]) -> dict[str, Any]:
    """The findings for programs."""
    return {
        "redwood": redwood.__version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "ready": is_ready(findings),
        "findings": [asdict(finding) for finding in findings],
    }
