"""Pieces of HTML that the sections of the data card are made of."""

from collections.abc import Iterable, Sequence
from html import escape


def small(text: str | None) -> str:
    """Text below a cell's own, nothing where there is none."""
    return f"<small>{escape(text)}</small>" if text else ""


def section(title: str, body: str, note: str = "") -> str:
    """A section of the page: a title, its body in HTML and a note in plain text."""
    noted = f"<p class='note'>{escape(note)}</p>" if note else ""
    return f"<section><h2>{escape(title)}</h2>{body}{noted}</section>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table of cells in HTML; the columns `right` are aligned to the right."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag} class='r'>{cell}</{tag}>" if index in right else f"<{tag}>{cell}</{tag}>"
            for index, cell in enumerate(cells)
        )

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    head = line([escape(text) for text in heads], "th")
    return (
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def block(title: str, rows: Iterable[Sequence[str]]) -> str:
    """A small table of a text and its numbers, in plain text, under a title."""
    body = "".join(
        f"<tr><td>{escape(text)}</td>"
        f"{''.join(f'<td class=r>{escape(number)}</td>' for number in numbers)}</tr>"
        for text, *numbers in rows
    )
    body = body or "<tr><td>none</td></tr>"
    return f"<div><h3>{escape(title)}</h3><table class='words'>{body}</table></div>"


def meter(part: float, whole: float, style: str = "") -> str:
    """A bar as long as `part` of `whole`."""
    width = 100 * part / whole if whole else 0
    return f"<div class='meter'><i class='{style}' style='width:{width:.1f}%'></i></div>"
