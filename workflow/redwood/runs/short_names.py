"""Names for what lies outside the project, so that no manifest tells where people keep things."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# A path from the root or a home, where a word begins: not the path in a URL, nor one that goes on
# from a relative one.
_ELSEWHERE = re.compile(r"(?<![\w.:/~*-])[~/][^\s'\"\\,;:]*/([^\s'\"\\,;:/]*)")


class ShortNames:
    """Paths as they are told: relative to the project, or else the last part alone.

    Args:
        paths: all that may have to be told; two of one last part are told apart by a number.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        taken: set[str] = set()
        for path in sorted(set(paths)):
            name = first = within_project(path) or Path(path).name
            number = 1
            while name in taken:
                number += 1
                name = f"{number}-{first}"
            taken.add(name)
            self._names[path] = name
        # A path before those that it begins.
        self._long = sorted(
            (path for path, name in self._names.items() if path != name), key=len, reverse=True
        )

    def __getitem__(self, path: str) -> str:
        return self._names[path]

    def in_text(self, text: str) -> str:
        """`text` with each path by its name; of paths that are not known, the last part."""
        for path in self._long:
            text = text.replace(path, self._names[path])
        text = text.replace(f"{Path.cwd()}/", "")
        return _ELSEWHERE.sub(r"\1", text)

    def in_values(self, value: Any) -> Any:
        """A configuration with each path or pattern that leads elsewhere by its last part."""
        if isinstance(value, dict):
            return {key: self.in_values(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.in_values(one) for one in value]
        if isinstance(value, str) and value.startswith(("/", "~", "../")):
            return self._names.get(value) or within_project(value) or Path(value).name
        return value


def within_project(path: str) -> str | None:
    """The path relative to the project, where Snakemake runs; `None` if it is elsewhere."""
    relative = os.path.relpath(path)
    outside = relative == ".." or relative.startswith("../") or path.startswith("~")
    return None if outside else relative
