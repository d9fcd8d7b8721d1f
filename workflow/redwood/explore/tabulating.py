"""The outcomes of runs side by side, and messages, as HTML."""

from collections.abc import Sequence
from html import escape

from redwood.explore.comparing import Result, in_words
from redwood.explore.drawing import MOST_LINES, line_style
from redwood.explore.knobs import named
from redwood.simulation.outcomes import OUTCOMES

_STYLE = (
    "<style>table{border-collapse:collapse;font-size:13px}th,td{padding:3px 10px;text-align:right;"
    "border-bottom:1px solid #e4e4e4;vertical-align:bottom}th:first-child{text-align:left;"
    "font-weight:normal}thead th{font-weight:bold}ul{margin:2px 0;padding-left:18px;"
    "line-height:1.4}.shown{background:#eef4f9}svg{vertical-align:middle}</style>"
)


def outcome_table(results: Sequence[Result], shown: int) -> str:
    """A line an outcome, a column a run; of many runs the last ones.

    Args:
        results: the runs.
        shown: the number of the one on the map.
    """
    if not results:
        return _STYLE + "<p>No run yet: turn the knobs, then press Run.</p>"
    drawn = results[-MOST_LINES:]
    head = "".join(
        f"<th scope='col'{_mark(run, shown)}>{_swatch(run.number)} {run.number}: "
        f"{escape(named(run.knobs))}</th>"
        for run in drawn
    )
    lines = []
    for name, outcome in OUTCOMES.items():
        if all(run.value(name) is None for run in drawn):
            continue
        cells = "".join(f"<td{_mark(run, shown)}>{escape(run.shown(name))}</td>" for run in drawn)
        title = f"<span title='{escape(outcome.definition)}'>{escape(outcome.title)}</span>"
        lines.append(f"<tr><th scope='row'>{title}</th>{cells}</tr>")
    left_out = len(results) - len(drawn)
    note = f"<p>{left_out} earlier runs are not in the table.</p>" if left_out else ""
    return (
        f"{_STYLE}<table><thead><tr><th scope='col'>outcome</th>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table>{note}"
    )


def words(one: Result | None, other: Result | None) -> str:
    """What has changed from one run to another."""
    if one is None or other is None or one is other:
        return ""
    first, *rest = in_words(one, other)
    points = "".join(f"<li>{escape(sentence)}</li>" for sentence in rest)
    return f"{_STYLE}<b>{escape(first)}</b><ul>{points}</ul>"


def message(text: str) -> str:
    """Something that is wrong; nothing if the text is empty."""
    if not text:
        return ""
    return (
        "<div role='alert' style='border-left:4px solid #B04A00;background:#fdf3ec;padding:6px 8px;"
        f"font-size:13px;overflow-wrap:anywhere'>{escape(text)}</div>"
    )


def progress(text: str, ended: int = 0, jobs: int = 0) -> str:
    """How far a run is."""
    if not text:
        return ""
    bar = ""
    if jobs:
        bar = (
            f"<progress aria-label='jobs that have ended' style='width:100%' max='{jobs}' "
            f"value='{ended}'></progress>"
        )
    return f"<div role='status' style='font-size:13px'>{escape(text)}{bar}</div>"


def _mark(run: Result, shown: int) -> str:
    return " class='shown'" if run.number == shown else ""


def _swatch(number: int) -> str:
    colour, dashes = line_style(number)
    dash = f" stroke-dasharray='{' '.join(map(str, dashes))}'" if dashes else ""
    return (
        f"<svg width='26' height='8' aria-hidden='true'><line x1='0' y1='4' x2='26' y2='4' "
        f"stroke='{colour}' stroke-width='3'{dash}/></svg>"
    )
