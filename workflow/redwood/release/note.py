"""The release note: the one page that goes with a published sample, or says why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from redwood.tables import TableDescription

# Of how faithful the sample is: measures that say most, where they were taken.
_FAITHFULNESS = ("wd", "jsd", "diff_corr", "diff_mlef", "c2st", "c2st_sequence", "impossible")

_PROMISE = (
    "Passing says that these attacks, at these levels, found no more than stated. It is no "
    "guarantee such as differential privacy: another attack may find more. The criteria are about "
    "this sample; the model's folder, its training rows and further samples are not released."
)
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem; max-width: 60rem; color: #1b1b1b;
       background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top;
         border-bottom: 1px solid #ddd; }
"""


@dataclass(frozen=True)
class ReleaseNote:
    """What the page says.

    Attributes:
        model: name of the model.
        table: description of the sample's columns.
        rows: of the sample.
        digest: SHA-256 of the sample.
        passes: whether it may be published.
        checks: title, whether the sample passed, and what was found, each.
        measures: the measures of the evaluation by name.
    """

    model: str
    table: TableDescription
    rows: int
    digest: str
    passes: bool
    checks: Sequence[tuple[str, bool, str]]
    measures: Mapping[str, Mapping[str, Any]]

    @property
    def title(self) -> str:
        state = "released" if self.passes else "withheld"
        return f"Synthetic table {self.table.name!r} by {self.model}: {state}"

    @property
    def lead(self) -> str:
        rows = f"{self.rows:,} rows drawn from the model {self.model}."
        if self.passes:
            return f"{rows} Every criterion below holds: the sample may be published."
        failed = ", ".join(name for name, holds, _ in self.checks if not holds)
        return (
            f"The sample of {self.rows:,} rows drawn from the model {self.model} is **not** "
            f"released. What failed: {failed}."
        )

    @property
    def check_rows(self) -> list[tuple[str, str, str]]:
        return [
            (name, "holds" if holds else "does not hold", words)
            for name, holds, words in self.checks
        ]

    @property
    def measure_rows(self) -> list[tuple[str, str, str]]:
        """Title, value beside that of real rows, and definition of each measure that is known."""
        known = (self.measures.get(name) for name in _FAITHFULNESS)
        return [
            (
                measure["title"],
                f"{measure['value']:.3g} [{measure['low']:.3g}, {measure['high']:.3g}]; real rows "
                f"{measure['floor']:.3g}",
                measure["definition"],
            )
            for measure in known
            if measure is not None and measure["value"] is not None
        ]

    @property
    def column_rows(self) -> list[tuple[str, str, str]]:
        return [
            (
                column.name,
                f"{column.kind}{f', {column.unit}' if column.unit else ''}",
                column.meaning,
            )
            for column in self.table.columns
        ]

    @property
    def sections(self) -> list[tuple[str, tuple[str, str, str], list[tuple[str, str, str]]]]:
        """Heading, header and rows of each table."""
        return [
            ("Criteria", ("criterion", "", "what was found"), self.check_rows),
            ("How faithful it is", ("measure", "value", "definition"), self.measure_rows),
            ("Columns", ("column", "kind", "meaning"), self.column_rows),
        ]


def as_markdown(note: ReleaseNote) -> str:
    """The page in Markdown."""
    lines = [f"# {note.title}", "", note.lead, ""]
    for heading, header, rows in note.sections:
        lines += [f"## {heading}", ""]
        lines += ["| " + " | ".join(header) + " |", "|---|---|---|"]
        lines += [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows
        ]
        lines.append("")
    return "\n".join([*lines, _PROMISE, "", f"SHA-256 of the sample: `{note.digest}`", ""])


def as_html(note: ReleaseNote) -> str:
    """The page in HTML, by itself."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    lead = escape(note.lead).replace("**not**", "<strong>not</strong>")
    parts = [f"<h1>{escape(note.title)}</h1>", f"<p>{lead}</p>"]
    for heading, header, rows in note.sections:
        body = "".join(row(cells, "td") for cells in rows)
        parts += [f"<h2>{heading}</h2>", f"<table>{row(header, 'th')}{body}</table>"]
    parts += [
        f"<p>{escape(_PROMISE)}</p>",
        f"<p>SHA-256 of the sample: <code>{note.digest}</code></p>",
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(note.title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )
