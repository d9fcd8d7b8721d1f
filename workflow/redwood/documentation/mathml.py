"""Equations as MathML, which browsers show by themselves: no script, no font, no network.

Docutils translates LaTeX; Sphinx lets an extension use that.
"""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

# Docutils sets the index of a letter with an accent below it, not beside it
# (findings/docutils_index_below_accent.sh). That of nothing, after the letter, stands where LaTeX
# has it.
_ACCENTED = re.compile(r"(\\(?:hat|tilde)\{[^{}]*\})_")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx, as its extensions do."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}


def to_mathml(latex: str, *, as_block: bool) -> str:
    """An equation as MathML, with indices where LaTeX has them."""
    return tex2mathml(_ACCENTED.sub(r"\1{}_", latex), as_block=as_block)


def _inline(translator: Any, node: nodes.Node) -> None:
    translator.body.append(to_mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.Node) -> None:
    # What is wider than the page is scrolled, by keyboard too.
    translator.body.append('<div class="equation" tabindex="0" role="group" aria-label="equation">')
    lines = node.astext().split("\\\\")
    translator.body += [to_mathml(line.strip(), as_block=True) for line in lines]
    translator.body.append("</div>")
    raise nodes.SkipNode
