"""A table for readers: one content, as Markdown, LaTeX and HTML."""

import html
from dataclasses import dataclass
from pathlib import Path

from redwood.outputs import write_text

_LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "−": "$-$",
        "–": "--",
        "—": "---",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "±": r"$\pm$",
        "↓": r"$\downarrow$",
        "↑": r"$\uparrow$",
        "≈": r"$\approx$",
        "√": r"$\surd$",
        "₁": r"$_1$",
        "η": r"$\eta$",
        "σ": r"$\sigma$",
        "|": r"\textbar{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
    }
)

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; color: #1b1b1b; max-width: 75rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .35rem .8rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-top: 2px solid #1b1b1b; border-bottom: 1px solid #1b1b1b; }
tbody tr:last-child td { border-bottom: 2px solid #1b1b1b; }
tr.block td { font-style: italic; color: #444; border-top: 1px solid #bbb; padding-top: .6rem; }
.scroll { overflow-x: auto; }
.notes { color: #444; font-size: .92em; }
"""


@dataclass(frozen=True)
class Block:
    """Rows that belong together; each row is its name and a cell per column."""

    title: str
    rows: list[list[str]]


@dataclass(frozen=True)
class Page:
    """A table with its caption and notes, in plain text."""

    title: str
    caption: str
    header: list[str]
    blocks: list[Block]
    notes: list[str]

    def markdown(self) -> str:
        lines = [f"**{self.title}.** {self.caption}", "", _markdown_row(self.header)]
        lines.append(_markdown_row([":---", *["---:"] * (len(self.header) - 1)]))
        for block in self.blocks:
            lines.append(_markdown_row([f"*{block.title}*", *[""] * (len(self.header) - 1)]))
            lines += [_markdown_row(row) for row in block.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])

    def latex(self) -> str:
        """A `table` environment; it needs the package booktabs."""
        width = len(self.header)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(f'{self.title}. {self.caption}')}}}",
            r"\footnotesize",
            rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
            r"\toprule",
            _latex_row(self.header),
        ]
        for block in self.blocks:
            lines += [
                r"\midrule",
                rf"\multicolumn{{{width}}}{{l}}{{\emph{{{_latex(block.title)}}}}} \\",
            ]
            lines += [_latex_row(row) for row in block.rows]
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\par\smallskip\raggedright {_latex(note)}" for note in self.notes]
        return "\n".join([*lines, r"\end{table}", ""])

    def html(self) -> str:
        """A page of its own."""
        cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in self.header)
        body = []
        for block in self.blocks:
            title = html.escape(block.title)
            body.append(f'<tr class="block"><td colspan="{len(self.header)}">{title}</td></tr>')
            for row in block.rows:
                body.append("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>")
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f"<title>{html.escape(self.title)}</title><style>{_STYLE}</style></head><body>\n"
            f"<p><strong>{html.escape(self.title)}.</strong> {html.escape(self.caption)}</p>\n"
            f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>\n'
            + "\n".join(body)
            + f'\n</tbody></table></div>\n<ul class="notes">{notes}</ul></body></html>\n'
        )

    def save(self, prefix: Path) -> None:
        """Write `prefix` with the endings .md, .tex and .html."""
        write_text(f"{prefix}.md", self.markdown())
        write_text(f"{prefix}.tex", self.latex())
        write_text(f"{prefix}.html", self.html())


def with_uncertainty(value: float, low: float, high: float) -> str:
    """A value with its interval, to two digits of the interval's half width."""
    digits = _decimals((high - low) / 2 or abs(value))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def plain_number(value: float, significant: int = 3) -> str:
    """A number to some significant digits, never in exponents."""
    if value == 0:
        return "0"
    return f"{value:.{_decimals(value, significant)}f}"


def _decimals(value: float, significant: int = 2) -> int:
    if value == 0:
        return 1
    exponent = int(f"{abs(value):e}".partition("e")[2])
    return min(8, max(0, significant - 1 - exponent))


def _markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _latex(text: str) -> str:
    return text.translate(_LATEX)


def _latex_row(cells: list[str]) -> str:
    return " & ".join(_latex(cell) for cell in cells) + r" \\"
