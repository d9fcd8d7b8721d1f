"""Builds the site with Sphinx, every warning an error."""

import io
import re
from pathlib import Path
from tempfile import TemporaryDirectory

from redwood.documentation.gathering import gather
from redwood.errors import InputError
from redwood.outputs import writing_folder

_SETTINGS = Path(__file__).with_name("site")
# What an accessibility checker misses in Sphinx's pages: the level of a caption in the contents,
# and that what can be scrolled can be reached by keyboard.
_ACCESSIBLE = (
    ('class="caption" role="heading"', 'class="caption" role="heading" aria-level="2"'),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
    ("<pre>", '<pre tabindex="0">'),
)
# Colours of a terminal.
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def build(source: Path, output: Path) -> None:
    """Write the site of the pages in `source` to the folder `output`.

    Args:
        source: with `index.md`, further pages (`*.md`), notebooks and pictures. What its pages
            link to outside of it is found from its parent folder.
        output: is replaced.

    Raises:
        InputError: `source` has no `index.md`, or Sphinx warns: of a link to nothing, say.
    """
    if not (source / "index.md").is_file():
        raise InputError(f"{source}: has no index.md; expected the folder of the documentation")
    with TemporaryDirectory(prefix="redwood-docs-") as folder:
        pages = Path(folder) / source.resolve().name
        gather(source, pages)
        with writing_folder(output) as partial:
            _run_sphinx(pages, partial, Path(folder) / "doctrees")
            for page in partial.rglob("*.html"):
                text = page.read_text(encoding="utf-8")
                for old, new in _ACCESSIBLE:
                    text = text.replace(old, new)
                page.write_text(text, encoding="utf-8")


def _run_sphinx(pages: Path, output: Path, doctrees: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            srcdir=pages,
            confdir=_SETTINGS,
            outdir=output,
            doctreedir=doctrees,
            buildername="html",
            status=None,
            warning=warnings,
        )
        app.build(force_all=True)
    if found := _COLOUR.sub("", warnings.getvalue()).replace(f"{pages}/", "").strip():
        raise InputError(f"the documentation has warnings:\n{found}")
