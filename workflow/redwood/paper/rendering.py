"""A table for readers: one content, as Markdown, LaTeX and HTML."""

import string
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from redwood.outputs import write_text
from redwood.pages import render

NONE = "–"

# A value is printed to at most this many digits, however narrow its interval is.
_MOST_DIGITS = 4
_MOST_DECIMALS = 8

_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "–": "--",
    "—": "---",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "±": r"$\pm$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "≈": r"$\approx$",
    "√": r"$\surd$",
    "→": r"$\rightarrow$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "\u00a0": "~",
}

_TEMPLATE = Path(__file__).with_name("table_page.html")


@dataclass(frozen=True)
class Cell:
    """A cell: a value, its interval (shown small, below it) and a footnote.

    The value may be bold; what is appended to it, a mark, never is.
    """

    value: str
    interval: str = ""
    footnote: str = ""
    bold: bool = False
    appended: str = ""


@dataclass(frozen=True)
class Block:
    """Rows that belong together; each is its name and a cell per further column.

    A block whose columns are not those of the page has a header of its own. Remarks are on the
    rows of these names and stand small below them.
    """

    title: str
    rows: list[tuple[str, list[Cell]]]
    header: list[str] | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A table with its caption and notes, in plain text; notes come before footnotes.

    The lead, if any, is a paragraph between caption and table: what the table comes to.
    """

    title: str
    caption: str
    header: list[str]
    blocks: list[Block]
    notes: list[str]
    lead: str = ""

    @property
    def marks(self) -> dict[str, str]:
        """The mark of each footnote, a, b, c …, in the order in which they occur."""
        cells = (cell for block in self.blocks for _, cells in block.rows for cell in cells)
        footnotes = dict.fromkeys(cell.footnote for cell in cells if cell.footnote)
        return {footnote: _letters(number) for number, footnote in enumerate(footnotes)}

    def markdown(self) -> str:
        marks, width = self.marks, len(self.header)

        def text(cell: Cell) -> str:
            mark = f"<sup>{marks[cell.footnote]}</sup>" if cell.footnote else ""
            value = f"**{cell.value}**" if cell.bold else cell.value
            appended = cell.appended.replace("*", r"\*")
            return f"{value}{appended}{mark} {cell.interval}".strip()

        def named(block: Block, name: str) -> str:
            return f"{name} ({block.remarks[name]})" if name in block.remarks else name

        lines = [f"**{self.title}.** {self.caption}", ""]
        lines += [self.lead, ""] if self.lead else []
        lines.append(_markdown_row(self.header))
        lines.append(_markdown_row([":---", *["---:"] * (width - 1)]))
        for block in self.blocks:
            lines.append(_markdown_row([f"*{block.title}*", *[""] * (width - 1)]))
            if block.header is not None:
                lines.append(
                    _markdown_row([f"**{name}**" if name else "" for name in block.header])
                )
            lines += [
                _markdown_row([named(block, name), *map(text, cells)]) for name, cells in block.rows
            ]
        footnotes = [f"<sup>{mark}</sup> {footnote}" for footnote, mark in marks.items()]
        return "\n".join([*lines, "", *(f"- {note}" for note in [*self.notes, *footnotes]), ""])

    def latex(self) -> str:
        """A `table` environment; of packages it needs booktabs only."""
        marks, width = self.marks, len(self.header)

        def value(cell: Cell) -> str:
            mark = f"$^{{{marks[cell.footnote]}}}$" if cell.footnote else ""
            text = _latex(cell.value)
            text = rf"\textbf{{{text}}}" if cell.bold else text
            return text + _latex(cell.appended) + mark

        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_latex(self.caption)}}}",
            r"\footnotesize",
            *(
                [rf"\parbox{{\linewidth}}{{{_latex(self.lead)}}}\par\smallskip"]
                if self.lead
                else []
            ),
            r"\setlength{\tabcolsep}{4pt}",
            rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
            r"\toprule",
            _latex_row(map(_latex, self.header)),
        ]
        for block in self.blocks:
            title = rf"\multicolumn{{{width}}}{{l}}{{\emph{{{_latex(block.title)}}}}} \\"
            lines += [r"\midrule", title]
            if block.header is not None:
                lines += [_latex_row(map(_latex, block.header)), r"\midrule"]
            for name, cells in block.rows:
                lines.append(_latex_row([_latex(name), *map(value, cells)]))
                below = [block.remarks.get(name, ""), *(cell.interval for cell in cells)]
                if any(below):
                    lines.append(_latex_row(map(_latex_small, below)))
        lines += [r"\bottomrule", r"\end{tabular}"]
        footnotes = [f"$^{{{mark}}}$ {_latex(footnote)}" for footnote, mark in marks.items()]
        notes = [*map(_latex, self.notes), *footnotes]
        lines += [rf"\par\smallskip\raggedright {note}" for note in notes]
        return "\n".join([*lines, r"\end{table}", ""])

    def html(self) -> str:
        """A page of its own."""
        return render(_TEMPLATE, page=self)

    def save(self, prefix: Path) -> None:
        """Write `prefix` with the endings .md, .tex and .html."""
        write_text(f"{prefix}.md", self.markdown())
        write_text(f"{prefix}.tex", self.latex())
        write_text(f"{prefix}.html", self.html())


def with_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """A value and its interval, to two digits of the interval's half width.

    Of the value itself no more than four digits are shown.

    Example:
        >>> with_interval(0.4331, 0.308, 0.558)
        ('0.43', '[0.31, 0.56]')
    """
    half = (high - low) / 2
    digits = _decimals(value, _MOST_DIGITS)
    if half > 0:
        digits = min(digits, _decimals(half, 2)) if value else _decimals(half, 2)
    else:
        digits = _decimals(value, 3)
    return _number(value, digits), f"[{_number(low, digits)}, {_number(high, digits)}]"


def plain_number(value: float, significant: int = 3) -> str:
    """A number to some significant digits, never in exponents."""
    return _number(value, _decimals(value, significant))


def _number(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    # No minus sign before what is rounded to nothing.
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def _decimals(value: float, significant: int) -> int:
    if value == 0:
        return 0
    exponent = int(f"{abs(value):.{significant - 1}e}".partition("e")[2])
    return min(_MOST_DECIMALS, max(0, significant - 1 - exponent))


def _letters(number: int) -> str:
    """0, 1, … 25, 26, … → a, b, … z, aa, …"""
    text = ""
    while number >= 0:
        text = string.ascii_lowercase[number % 26] + text
        number = number // 26 - 1
    return text


def _markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _latex(text: str) -> str:
    return "".join(map(_latex_character, text))


def _latex_character(character: str) -> str:
    """A character as LaTeX takes it in text; letters with accents it takes as they are."""
    if character in _LATEX:
        return _LATEX[character]
    name = unicodedata.name(character, "")
    if name.startswith("GREEK SMALL LETTER "):
        return f"$\\{name.split()[-1].lower()}$"
    if name.startswith("GREEK CAPITAL LETTER "):
        return f"$\\{name.split()[-1].capitalize()}$"
    kind, _, plain = unicodedata.decomposition(character).partition(" ")
    if kind in ("<sub>", "<super>"):
        return f"${'_' if kind == '<sub>' else '^'}{{{chr(int(plain, 16))}}}$"
    return character


def _latex_small(text: str) -> str:
    return f"{{\\scriptsize {_latex(text)}}}" if text else ""


def _latex_row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
