"""A table for readers: one content, as Markdown, LaTeX and HTML.

It has two levels. The first is what fits a page: LaTeX has it alone. What is folded, blocks and
notes, stands below it in Markdown and opens on a click in HTML.
"""

import string
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from redwood.outputs import write_text
from redwood.pages import render

NONE = "–"

# A value is printed to at most this many digits, however narrow its interval is.
_MOST_DIGITS = 3
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
    rows of these names and stand small below them. A block that is folded is of the second level.
    One that is brief has no title, and its intervals in HTML where the pointer asks for them.
    """

    title: str
    rows: list[tuple[str, list[Cell]]]
    header: list[str] | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    folded: bool = False
    brief: bool = False


@dataclass(frozen=True)
class Page:
    """A table with its caption and notes, in plain text; notes come before footnotes.

    The lead, if any, is a paragraph between caption and table: what the table comes to. Folded
    notes are lists by their titles, each counted. Definitions are of headings, by their text.
    """

    title: str
    caption: str
    header: list[str]
    blocks: list[Block]
    notes: list[str]
    lead: str = ""
    folded_notes: Mapping[str, list[str]] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=dict)

    @property
    def marks(self) -> dict[str, str]:
        """The mark of each footnote, a, b, c …, in the order in which they occur."""
        return _marks(self.blocks)

    @property
    def open_blocks(self) -> list[Block]:
        """Those of the first level."""
        return [block for block in self.blocks if not block.folded]

    @property
    def open_marks(self) -> dict[str, str]:
        """The footnotes of the first level, each with its mark."""
        return self.marks_of(self.open_blocks)

    @property
    def folded_blocks(self) -> list[Block]:
        """Those of the second level."""
        return [block for block in self.blocks if block.folded]

    @property
    def folded_groups(self) -> list[tuple[str, list[Block]]]:
        """The same, those of one title that follow each other together."""
        return [
            (title, list(blocks))
            for title, blocks in groupby(self.folded_blocks, lambda block: block.title)
        ]

    def marks_of(self, blocks: Iterable[Block]) -> dict[str, str]:
        """The footnotes of some blocks, each with the mark that it has on the page."""
        return {footnote: self.marks[footnote] for footnote in _marks(blocks)}

    @property
    def counted_notes(self) -> list[tuple[str, list[str]]]:
        """The folded notes of which there are any."""
        return [(title, notes) for title, notes in self.folded_notes.items() if notes]

    def header_of(self, block: Block) -> list[str]:
        return self.header if block.header is None else block.header

    def markdown(self) -> str:
        marks = self.marks

        def text(cell: Cell) -> str:
            mark = f"<sup>{marks[cell.footnote]}</sup>" if cell.footnote else ""
            value = f"**{cell.value}**" if cell.bold else cell.value
            appended = cell.appended.replace("*", r"\*")
            return f"{value}{appended}{mark} {cell.interval}".strip()

        def named(block: Block, name: str) -> str:
            return f"{name} ({block.remarks[name]})" if name in block.remarks else name

        def table(header: list[str], blocks: list[Block], titled: bool = True) -> list[str]:
            lines = [_markdown_row(header), _markdown_row([":---", *["---:"] * (len(header) - 1)])]
            for block in blocks:
                if titled and not block.brief:
                    lines.append(_markdown_row([f"*{block.title}*", *[""] * (len(header) - 1)]))
                lines += [
                    _markdown_row([named(block, name), *map(text, cells)])
                    for name, cells in block.rows
                ]
            return lines

        lines = [f"**{self.title}.** {self.caption}", ""]
        lines += [self.lead, ""] if self.lead else []
        lines += [*table(self.header, self.open_blocks), ""]
        for block in self.folded_blocks:
            lines += [f"**{block.title}**", "", *table(self.header_of(block), [block], False), ""]
        footnotes = [f"<sup>{mark}</sup> {footnote}" for footnote, mark in marks.items()]
        lines += [*(f"- {note}" for note in [*self.notes, *footnotes]), ""]
        for title, notes in self.counted_notes:
            lines += [f"**{title}** ({len(notes)})", "", *(f"- {note}" for note in notes), ""]
        return "\n".join(lines)

    def latex(self) -> str:
        """A `table` environment with the first level; of packages it needs booktabs only."""
        blocks = self.open_blocks
        marks, width = _marks(blocks), len(self.header)

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
        for block in blocks:
            lines.append(r"\midrule")
            if not block.brief:
                title = rf"\multicolumn{{{width}}}{{l}}{{\emph{{{_latex(block.title)}}}}} \\"
                lines.append(title)
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

    def content(self) -> dict[str, Any]:
        """All that is on it, for programs that set it otherwise, such as the one PDF of a run."""
        marks = self.marks

        def cell(cell: Cell) -> dict[str, Any]:
            shown = {**asdict(cell), "mark": marks.get(cell.footnote, "")}
            del shown["footnote"]
            return {key: value for key, value in shown.items() if value}

        blocks = [
            {
                "title": block.title,
                "header": self.header_of(block),
                "folded": block.folded,
                "rows": [
                    {
                        "name": name,
                        "remark": block.remarks.get(name, ""),
                        "cells": [cell(one) for one in cells],
                    }
                    for name, cells in block.rows
                ],
                "footnotes": {mark: text for text, mark in self.marks_of([block]).items()},
            }
            for block in self.blocks
        ]
        return {
            **{"title": self.title, "caption": self.caption, "lead": self.lead},
            **{"header": self.header, "blocks": blocks, "notes": self.notes},
            "folded_notes": dict(self.counted_notes),
        }

    def save(self, prefix: Path) -> None:
        """Write `prefix` with the endings .md, .tex and .html."""
        write_text(f"{prefix}.md", self.markdown())
        write_text(f"{prefix}.tex", self.latex())
        write_text(f"{prefix}.html", self.html())


def with_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """A value and its interval, to two digits of the interval's half width.

    Of the value itself no more than three digits are shown.

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


def _marks(blocks: Iterable[Block]) -> dict[str, str]:
    cells = (cell for block in blocks for _, cells in block.rows for cell in cells)
    footnotes = dict.fromkeys(cell.footnote for cell in cells if cell.footnote)
    return {footnote: _letters(number) for number, footnote in enumerate(footnotes)}


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
