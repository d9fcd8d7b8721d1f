"""Pages of the results: one base page, one style sheet, and the parts that all of them share.

A page is a Jinja template beside the module that fills it, and extends `base.html`. It is one file
that needs nothing else: no script, no font, no picture from elsewhere.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    ChoiceLoader,
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
)

_SHARED: Final = ("base.html", "parts.html", "style.css")
_FOLDER: Final = Path(__file__).resolve().parent


def render(template: Path, **values: Any) -> str:
    """The page that a template makes of `values`, HTML.

    Text is escaped; a name that the template uses and nobody gives is an error.

    Args:
        template: the template's file; the shared templates are found by name alone.
        values: what the template may use.
    """
    return _template(template).render(**values)


@cache
def _template(path: Path) -> Template:
    shared = {name: (_FOLDER / name).read_text(encoding="utf-8") for name in _SHARED}
    environment = Environment(
        loader=ChoiceLoader([DictLoader(shared), FileSystemLoader(path.parent)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(path.name)
