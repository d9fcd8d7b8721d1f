"""Which page stands where: what `index.md` links to, by its headings; and the tutorial's page."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import read_json

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_PAGE = re.compile(r"\]\((?!https?:)([\w/-]+)\.md\)")
# The heading of pages that `index.md` has no link to.
_MORE = "More"
_TREE = "```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


def with_contents(index: str, pages: set[str]) -> str:
    """`index` with a table of contents: the pages that it links to, below its headings.

    A page that it has no link to comes last, so that a new one is never lost.

    Args:
        index: Markdown.
        pages: the names of all pages without `.md`.

    Raises:
        InputError: it links to a page that is not there.
    """
    _, *parts = _HEADING.split(index)
    sections: dict[str, list[str]] = {}
    listed: set[str] = set()
    for caption, text in zip(parts[::2], parts[1::2], strict=True):
        sections[caption] = [
            name for name in dict.fromkeys(_PAGE.findall(text)) if name not in listed
        ]
        listed.update(sections[caption])
    if lost := sorted(listed - pages):
        raise InputError(f"index.md: links to {lost[0]}.md, which is not there")
    sections[_MORE] = sorted(pages - listed - {"index"})
    trees = [
        _TREE.format(caption=caption, pages="\n".join(names))
        for caption, names in sections.items()
        if names
    ]
    return "\n".join([index, *trees])


# It is not run for the page, which would take minutes of each build.
_NOT_RUN = (
    "*Without what its code prints and draws. To see that, run it: "
    "`pip install '.[all,notebook]' jupyterlab && jupyter lab {path}`.*"
)


def notebook_page(path: Path) -> str:
    """A notebook as a page: its text, and its code in blocks; how to run it, after its first cell.

    Raises:
        InputError: it is no notebook.
    """
    cells = read_json(path, "notebook").get("cells")
    if not isinstance(cells, list):
        raise InputError(f"{path}: has no list `cells`; expected a Jupyter notebook")
    parts: list[str] = []
    for cell in cells:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
    parts.insert(1, _NOT_RUN.format(path=f"{path.parent.name}/{path.name}"))
    return "\n\n".join(parts) + "\n"


def quoted(text: object) -> str:
    """Text for a cell of a table in Markdown."""
    return " ".join(str(text).split()).replace("|", r"\|")


def table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(quoted, line))} |" for line in lines) + "\n"


def as_json(value: object) -> str:
    """A value as it is written in YAML and JSON, as code."""
    return f"`{json.dumps(value, ensure_ascii=False)}`"
