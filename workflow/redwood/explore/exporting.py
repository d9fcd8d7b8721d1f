"""The page as one file, without knobs: what was simulated, to be played in any browser."""

import re
import uuid
from pathlib import Path
from typing import Any

from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.events import DocumentReady
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource, CustomJS, Div, Select
from bokeh.resources import INLINE
from jinja2 import Template

from redwood.errors import InputError
from redwood.explore.comparing import Result
from redwood.explore.drawing import MOST_LINES, data_of, lines_of, series_of, stage
from redwood.explore.frames import FEW_FRAMES, read_frames
from redwood.explore.knobs import named
from redwood.explore.page import TEMPLATE
from redwood.explore.sources import Known, Source
from redwood.explore.tabulating import outcome_table, words
from redwood.outputs import require_ending, write_text

_CHOOSE = (
    "const index = Number(choice.value)\n"
    "for (const [name, of_run] of Object.entries(runs)) { shown[name].data = of_run[index].data }\n"
    "words.text = texts[index]\n"
    "table.text = tables[index]\n"
    "slider.end = Math.max(1, shown.edges.data.hour.length - 2)\n"
    "if (slider.value > slider.end) { slider.value = 0 }\n"
    "slider.tags = [Math.random()]"
)
_MODEL = re.compile(r'"id":"(p\d+)"')
_NAMES = re.compile(
    r"(?P<random>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
    r'|"(?P<model>p\d+)"'
)


def export(source: Source, path: Path) -> list[Known]:
    """Write the page of what was simulated before, one HTML file that needs no server.

    Of each policy the least seed of one workload is in it, at most six; equal runs give equal
    bytes.

    Args:
        source: what the page is about.
        path: the file, `.html`.

    Returns:
        The runs that are in it.

    Raises:
        InputError: nothing was simulated yet, or a run is incomplete.
    """
    require_ending(path, ".html")
    chosen = _chosen(source)
    if not chosen:
        raise InputError(
            f"{source.name}: nothing to export, for nothing was simulated yet; "
            + ("; ".join(source.remarks) or "make it with redwood simulate")
        )
    frames = [read_frames(run.folder, FEW_FRAMES) for run in chosen]
    results = [Result.read(n, run.knobs, run.folder) for n, run in enumerate(chosen, 1)]
    drawn = stage(frames[0])
    drawn.lines.data = lines_of({n: series_of(of_run) for n, of_run in enumerate(frames, 1)})
    arrays = [data_of(of_run) for of_run in frames]
    runs: dict[str, Any] = {
        name: [ColumnDataSource(dict(array[name])) for array in arrays] for name in drawn.data
    }
    texts = [words(results[0], result) for result in results]
    tables = [outcome_table(results, result.number) for result in results]
    table = Div(text=tables[0], sizing_mode="stretch_width")
    said = Div(text=texts[0], sizing_mode="stretch_width")
    options = [(str(index), f"{run.number}: {named(run.knobs)}") for index, run in
               enumerate(results)]  # fmt: skip
    choice = Select(title="On the map", options=options, value="0", width=330)
    choice.js_on_change(
        "value",
        CustomJS(
            args={"choice": choice, "runs": runs, "shown": drawn.data, "words": said,
                  "texts": texts,
                  "table": table, "tables": tables, "slider": drawn.slider},
            code=_CHOOSE,
        ),
    )  # fmt: skip
    drawn.slider.sizing_mode = "stretch_width"
    maps = column(choice, drawn.world, drawn.europe, row(drawn.play, drawn.slider, drawn.quantity,
                  sizing_mode="stretch_width", styles={"align-items": "end", "gap": "8px"}),
                  drawn.caption, name="maps", sizing_mode="stretch_width")  # fmt: skip
    document = Document()
    document.js_on_event(DocumentReady, *drawn.first)
    for root in (maps, column(*drawn.series, said, name="series", sizing_mode="stretch_width"),
                 column(table, name="outcomes", sizing_mode="stretch_width")):  # fmt: skip
        document.add_root(root)
    about = f"{source.name}: {len(frames[0].names)} sites, {len(results)} simulations"
    page = file_html(
        document,
        INLINE,
        title="REDWOOD: the simulated grid",
        template=Template(TEMPLATE),
        template_variables={"heading": "The simulated grid", "about": about, "has_knobs": False},
    )
    write_text(path, _same_again(page))
    return chosen


def _chosen(source: Source) -> list[Known]:
    """The runs of the workload that the page begins with, a policy once."""
    of_policy: dict[tuple[str, ...], Known] = {}
    for run in sorted(source.known, key=lambda run: run.knobs.seed):
        knobs = run.knobs
        if knobs.workload == source.defaults.workload:
            of_policy.setdefault((knobs.brokerage, knobs.placement, knobs.queue), run)
    first = (source.defaults.brokerage, source.defaults.placement, source.defaults.queue)
    ordered = sorted(of_policy, key=lambda policy: (policy != first, policy))
    return [of_policy[policy] for policy in ordered[:MOST_LINES]]


def _same_again(page: str) -> str:
    """The page with names that count from 1, wherever they are random or those of a later page."""
    names: dict[str, str] = {}
    models = frozenset(_MODEL.findall(page))

    def counted(found: re.Match[str]) -> str:
        name = found["random"] or found["model"]
        if found["model"] and name not in models:
            return found.group()
        new = names.setdefault(name, str(uuid.UUID(int=len(names) + 1)))
        return f'"{new}"' if found["model"] else new

    return _NAMES.sub(counted, page)
