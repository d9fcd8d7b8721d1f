"""The release note: the one page that goes with a published sample, or says why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.pages import render
from redwood.release.note_found import FoundPicture
from redwood.tables import TableDescription

_PROMISE = (
    "Passing says that these attacks, at these levels, found no more than stated. It is no "
    "guarantee such as differential privacy: another attack may find more. The criteria are about "
    "this sample and about units of the sizes that are named. The model's folder, its training "
    "rows and further samples are not released."
)
_TEMPLATE = Path(__file__).with_name("note_page.html")


def _value_and_floor(measure: Mapping[str, Any]) -> str:
    told = f"{measure['value']:.3g}"
    if measure["low"] is not None:
        told += f" [{measure['low']:.3g}, {measure['high']:.3g}]"
    if measure["floor"] is not None:
        told += f"; real rows {measure['floor']:.3g}"
    return told


@dataclass(frozen=True)
class ReleaseNote:
    """What the page says.

    Attributes:
        model: name of the model.
        table: description of the sample's columns.
        rows: of the sample.
        digest: SHA-256 of the sample.
        passes: whether it may be published.
        up_to_rows: units of up to so many rows were judged; of any size if `None`.
        protections: what is protected at each level and what is not, a sentence each, with `**`
            about what is bold.
        checks: title, whether the sample passed, and what was found, each.
        picture: of what attackers find, for the page in HTML; `None` where nothing was judged.
        found: units of a size or kind, how many were planted, how many of them are found, each.
        measures: the measures of the evaluation by name.
    """

    model: str
    table: TableDescription
    rows: int
    digest: str
    passes: bool
    up_to_rows: int | None
    protections: Sequence[str]
    checks: Sequence[tuple[str, bool, str]]
    picture: FoundPicture | None
    found: Sequence[tuple[str, str, str]]
    measures: Mapping[str, Mapping[str, Any]]

    @property
    def title(self) -> str:
        state = "released" if self.passes else "withheld"
        return f"Synthetic table {self.table.name!r} by {self.model}: {state}"

    @property
    def lead(self) -> str:
        judged = ""
        if self.up_to_rows:
            judged = f"Judged for units of up to {self.up_to_rows} rows only. "
        rows = f"{judged}{self.rows:,} rows drawn from the model {self.model}."
        if self.passes:
            return f"{rows} Every criterion below holds: the sample may be published."
        failed = ", ".join(name for name, holds, _ in self.checks if not holds)
        return (
            f"{judged}The sample of {self.rows:,} rows drawn from the model {self.model} is "
            f"**not** released. What failed: {failed}."
        )

    @property
    def check_rows(self) -> list[tuple[str, str, str]]:
        return [
            (name, "holds" if holds else "does not hold", words)
            for name, holds, words in self.checks
        ]

    @property
    def measure_rows(self) -> list[tuple[str, str, str]]:
        """Title, value beside that of real rows, and definition of each measure that has a value.

        Those of privacy are among the checks.
        """
        return [
            (measure["title"], _value_and_floor(measure), measure["definition"])
            for measure in self.measures.values()
            if measure["aspect"] != "privacy" and measure["value"] is not None
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
            ("What attackers find", ("units", "planted", "found"), list(self.found)),
            ("How faithful it is", ("measure", "value", "definition"), self.measure_rows),
            ("Columns", ("column", "kind", "meaning"), self.column_rows),
        ]


def as_markdown(note: ReleaseNote) -> str:
    """The page in Markdown."""
    lines = [f"# {note.title}", "", note.lead, "", "## What is protected", ""]
    lines += [*(f"* {words}" for words in note.protections), ""]
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
    return render(_TEMPLATE, note=note, promise=_PROMISE)
