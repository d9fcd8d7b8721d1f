"""All pages of the site in one folder: those of `docs/`, those beside it, those that are made."""

import os
import re
import shutil
from pathlib import Path

from redwood.documentation.contents import notebook_page, with_contents
from redwood.documentation.measures import measures
from redwood.documentation.reference import command_line, configuration, python

# What comes after the text of these pages.
_MADE = {
    "measures": measures,
    "python": python,
    "command_line": command_line,
    "configuration": configuration,
}
# A link to something that is no page of the web, and where on it.
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def gather(source: Path, pages: Path) -> None:
    """Put all pages into the new folder `pages`, whose parent gets links to what is beside them.

    Pages outside of `source` that a page links to, such as `../CONTRIBUTING.md`, become pages, too.

    Args:
        source: with `index.md`, further pages (`*.md`), notebooks and pictures.
        pages: a folder that is not there yet.
    """
    shutil.copytree(source, pages, ignore=shutil.ignore_patterns("*.md", "*.ipynb", ".*"))
    texts = {page.stem: page.read_text(encoding="utf-8") for page in source.glob("*.md")}
    texts |= {page.stem: notebook_page(page) for page in source.glob("*.ipynb")}
    texts |= {name: f"{texts[name]}\n{make()}" for name, make in _MADE.items() if name in texts}
    written: dict[str, str] = {}
    pending = [(name, text, source) for name, text in texts.items()]
    while pending:
        name, text, folder = pending.pop()
        written[name] = ""
        for path in {match[1] for match in _LINK.finditer(text)}:
            target = (folder / path).resolve()
            if target.suffix not in (".md", ".ipynb") or not target.is_file():
                continue
            adopted = _name(target, source)
            text = text.replace(f"]({path}", f"]({adopted}.md")
            if adopted not in texts:
                texts[adopted] = target.read_text(encoding="utf-8")
                pending.append((adopted, texts[adopted], target.parent))
        written[name] = _from_pages(text, folder, source)
    written["index"] = with_contents(written["index"], set(written))
    for name, text in written.items():
        (pages / f"{name}.md").write_text(text, encoding="utf-8")
    for beside in source.resolve().parent.iterdir():
        if beside.is_dir() and not beside.name.startswith((".", "results")) and beside != source:
            link = pages.parent / beside.name
            if not link.exists():
                link.symlink_to(beside)


def _name(target: Path, source: Path) -> str:
    """What a page of the site is called: as its file, or as the folder whose README it is."""
    if target.parent == source.resolve():
        return target.stem
    return (target.parent.name if target.stem == "README" else target.stem).lower()


def _from_pages(text: str, folder: Path, source: Path) -> str:
    """The text of a page of another folder, its links to files as they lead from `source`."""
    if folder == source:
        return text

    def relative(match: re.Match) -> str:
        path = folder / match[1]
        if not path.exists():
            return match[0]
        return f"]({os.path.relpath(path, source)}{match[2] or ''})"

    return _LINK.sub(relative, text)
