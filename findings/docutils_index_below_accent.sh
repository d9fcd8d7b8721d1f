#!/usr/bin/env bash
# One would guess: docutils, which turns LaTeX into MathML, sets the index of `\hat{y}_i` beside the
# letter, as LaTeX does and as docutils itself does for `y_i`.
# In fact: it sets the index below the letter, as the limit of a sum is, in the line of a text too.
# Braces around the accented letter change nothing. `\hat{y}{}_i`, the index of nothing, is beside it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docutils==0.22.4
"$folder/venv/bin/python" - <<'PYTHON'
import docutils
from docutils.utils.math.latex2mathml import tex2mathml

print(f"docutils {docutils.__version__}")
found = {}
for latex in ("y_i", r"\hat{y}_i", r"{\hat{y}}_i", r"\hat{y}{}_i"):
    mathml = tex2mathml(latex)
    found[latex] = "below" if "<munder" in mathml else "beside" if "<msub" in mathml else "elsewhere"
    print(f"{latex:12}: the index stands {found[latex]} the letter")
assert list(found.values()) == ["beside", "below", "below", "beside"], "docutils behaves in another way now"
PYTHON
