"""The page of one person: knobs, map, series and outcomes. Two people's pages share nothing."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.layouts import column, row
from bokeh.models import (
    Button,
    ColumnDataSource,
    CustomJS,
    Div,
    Select,
)
from jinja2 import Template

from redwood.errors import InputError
from redwood.explore.background import Background, Run
from redwood.explore.comparing import Result
from redwood.explore.controls import KnobColumn
from redwood.explore.drawing import MOST_LINES, fit, lines_of, replace, series_of, stage
from redwood.explore.frames import Frames, idle, read_frames
from redwood.explore.knobs import Knobs, differences, named
from redwood.explore.sources import Source, as_text
from redwood.explore.tabulating import message, outcome_table, progress, words

_LOOK_EVERY_MS = 250
TEMPLATE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
_TO_URL = (
    "const text = here.tags[0]\n"
    "history.replaceState(null, '', location.pathname + (text ? '?' + text : ''))"
)
_DOWNLOAD = (
    "const link = document.createElement('a')\n"
    "link.href = URL.createObjectURL(new Blob([file.data.text[0]], {type: 'application/json'}))\n"
    "link.download = file.data.name[0]\n"
    "link.click()\n"
    "URL.revokeObjectURL(link.href)"
)


@lru_cache(maxsize=8)
def frames_of(folder: Path) -> Frames:
    """The frames of a run, kept while it may be shown again."""
    return read_frames(folder)


class Page:
    """What one person sees and does.

    Args:
        document: of the session.
        source: what the page is about.
        background: runs simulations.
        owner: the session.
        arguments: of the URL: name → values.
    """

    def __init__(
        self,
        document: Document,
        source: Source,
        background: Background,
        owner: str,
        arguments: dict[str, list[bytes]],
    ) -> None:
        self._source, self._background, self._owner = source, background, owner
        self._results: list[Result] = []
        self._series: dict[int, dict[str, Any]] = {}
        self._lacking = list(source.remarks)
        self._run: Run | None = None
        self._asked: Knobs | None = None
        self._quiet = False
        self._message, self._progress = Div(text=""), Div(text="")
        self._file = ColumnDataSource({"text": [""], "name": ["scenario.json"]})
        self._knobs, error = self._begin(arguments)
        self._controls = KnobColumn(source.choices, self._knobs, self._turned)
        self._start, self._cancel = self._controls.start, self._controls.cancel
        self._start.on_click(self._ask)
        self._cancel.on_click(self._stop)
        # Its tags hold the URL's query.
        self._turned_text = Div(text="")
        self._turned_text.js_on_change(
            "tags", CustomJS(args={"here": self._turned_text}, code=_TO_URL)
        )
        self._first_run()
        document.title = f"REDWOOD explore: {source.name}"
        document.template = Template(TEMPLATE)
        document.template_variables.update(
            heading="The grid, to be tried",
            has_knobs=True,
            about=f"{source.name}: {len(source.choices.environment.sites)} sites",
        )
        below = (self._progress, self._message, self._turned_text)
        for root in (self._controls.column(*below), self._map_column(), self._series_column(),
                     self._outcome_column()):  # fmt: skip
            document.add_root(root)
        document.js_on_event(DocumentReady, *self._stage.first)
        self._show_all()
        if error:
            self._message.text = message(error)
        document.add_periodic_callback(self._look, _LOOK_EVERY_MS)

    def _begin(self, arguments: dict[str, list[bytes]]) -> tuple[Knobs, str]:
        """The knobs of the URL, or the usual ones and what is wrong with the URL."""
        try:
            pairs = [(name, value.decode()) for name, values in arguments.items()
                     for value in values]  # fmt: skip
            knobs = Knobs.of(urlencode(pairs), self._source.defaults)
            self._source.choices.scenario(knobs)
            return knobs, ""
        except (InputError, UnicodeDecodeError) as error:
            return self._source.defaults, f"The URL is not as expected: {error}"

    def _first_run(self) -> None:
        """Show what was simulated before, if anything was, as near to the knobs as there is."""
        known = self._source.find(self._knobs) or next(iter(self._source.known), None)
        self._stage = stage(idle(self._source.choices.environment))
        if known is not None:
            try:
                self._add(known.knobs, known.folder, frames_of(known.folder))
            except InputError as error:
                self._lacking.append(str(error))

    def _map_column(self) -> Any:
        drawn = self._stage
        drawn.play.width, drawn.quantity.width = 100, 190
        drawn.slider.sizing_mode = drawn.caption.sizing_mode = "stretch_width"
        return column(
            drawn.world,
            drawn.europe,
            row(drawn.play, drawn.slider, drawn.quantity, sizing_mode="stretch_width",
                styles={"align-items": "end", "gap": "8px"}),
            drawn.caption,
            name="maps",
            sizing_mode="stretch_width",
        )  # fmt: skip

    def _series_column(self) -> Any:
        self._words = Div(text="", sizing_mode="stretch_width", name="words")
        return column(*self._stage.series, self._words, name="series", sizing_mode="stretch_width")

    def _outcome_column(self) -> Any:
        self._shown = Select(title="On the map", width=330, name="shown")
        self._against = Select(title="Compared with", width=330, name="against")
        for control in (self._shown, self._against):
            control.on_change("value", self._chosen)
        self._download = Button(label="Download scenario", width=170, name="download")
        self._download.js_on_click(CustomJS(args={"file": self._file}, code=_DOWNLOAD))
        self._table = Div(text="", sizing_mode="stretch_width", name="table")
        self._remarks = Div(text="", sizing_mode="stretch_width", name="remarks")
        return column(
            row(
                self._shown,
                self._against,
                self._download,
                styles={"align-items": "end", "gap": "8px"},
            ),
            self._table,
            self._remarks,
            name="outcomes",
            sizing_mode="stretch_width",
        )

    # What is turned.

    def _turned(self, attr: str, old: Any, new: Any) -> None:
        """A knob was turned: it is checked, and stands in the URL if it may."""
        if self._quiet:
            return
        try:
            knobs = Knobs.of(self._controls.values)
            self._source.choices.scenario(knobs)
        except InputError as error:
            self._message.text = message(str(error))
            self._start.disabled = True
            return
        self._knobs = knobs
        self._message.text = ""
        self._start.disabled = self._run is not None
        self._show_knobs()

    def _show_knobs(self) -> None:
        self._turned_text.tags = [self._knobs.query(self._source.defaults)]
        known = self._source.find(self._knobs) or self._made()
        self._start.label = "Show" if known else "Run"
        text = ""
        shown = self._on_map()
        if shown and (turned := differences(shown.knobs, self._knobs)):
            text = f"Turned since run {shown.number}: {'; '.join(turned)}."
            text += " That was simulated before." if known else ""
        self._turned_text.text = progress(text)

    # Runs.

    def _ask(self) -> None:
        self._message.text = ""
        known = self._source.find(self._knobs)
        shown = self._made()
        if shown is not None:
            # The same knobs give the same bytes.
            self._shown.value = str(shown.number)
            return
        try:
            if known is not None:
                self._add(known.knobs, known.folder, frames_of(known.folder))
                self._show_all()
                return
            scenario = self._source.choices.scenario(self._knobs)
            self._run = self._background.ask(self._owner, as_text(scenario), self._knobs.seed)
        except InputError as error:
            self._message.text = message(str(error))
            return
        self._asked = self._knobs
        self._start.disabled, self._cancel.disabled = True, False
        self._progress.text = progress("The simulation begins.")

    def _stop(self) -> None:
        if self._run is not None:
            self._run.cancel()

    async def _look(self) -> None:
        """How far the run is, and what came of it."""
        run = self._run
        if run is None:
            return
        self._background.look()
        if run.state == "waiting":
            ahead = self._background.ahead(run)
            self._progress.text = progress(f"Waits for {ahead} other run(s) to end.")
        if run.state == "running" and (found := run.progress()):
            ended, jobs = found
            text = f"{ended:,} of {jobs:,} jobs have ended ({100 * ended // max(jobs, 1)} %)."
            self._progress.text = progress(text, ended, jobs)
        if not run.over:
            return
        self._run = None
        self._start.disabled, self._cancel.disabled = False, True
        said = {"cancelled": "Cancelled: nothing of that run is left."}.get(run.state, "")
        self._progress.text = progress(said)
        if run.state == "failed":
            self._message.text = message(f"The simulation failed: {run.error}")
        if run.state != "done" or self._asked is None:
            return
        try:
            # In a thread, as other people's pages are served meanwhile.
            frames = await asyncio.to_thread(frames_of, run.results)
            self._add(self._asked, run.results, frames)
        except InputError as error:
            self._message.text = message(str(error))
            return
        self._show_all()

    def _add(self, knobs: Knobs, folder: Path, frames: Frames) -> None:
        result = Result.read(len(self._results) + 1, knobs, folder)
        self._results.append(result)
        self._series[result.number] = series_of(frames)
        for number in list(self._series)[:-MOST_LINES]:
            del self._series[number]
        self._stage.lines.data = lines_of(self._series)
        replace(self._stage, frames)

    # What is shown.

    def _made(self) -> Result | None:
        """The run that the knobs would make, if it is among those that are shown."""
        return next((run for run in self._results if run.knobs == self._knobs), None)

    def _on_map(self) -> Result | None:
        return self._of(self._shown.value)

    def _of(self, number: str) -> Result | None:
        return next((run for run in self._results if str(run.number) == number), None)

    def _show_all(self) -> None:
        """The last run on the map, beside the one before."""
        before = self._on_map()
        options = [(str(run.number), f"{run.number}: {named(run.knobs)}") for run in self._results]
        self._quiet = True
        self._shown.options = self._against.options = options or [("", "nothing yet")]
        self._shown.value = options[-1][0] if options else ""
        self._against.value = str(before.number) if before else self._shown.value
        self._quiet = False
        self._show_result()

    def _chosen(self, attr: str, old: str, new: str) -> None:
        if self._quiet:
            return
        shown = self._on_map()
        if shown is None or self._of(self._against.value) is None:
            self._message.text = message(f"run {new!r}: there is no such run here")
            return
        try:
            replace(self._stage, frames_of(shown.folder))
        except InputError as error:
            self._message.text = message(str(error))
            return
        self._show_result()

    def _show_result(self) -> None:
        shown = self._on_map()
        self._table.text = outcome_table(self._results, shown.number if shown else 0)
        self._words.text = words(self._of(self._against.value), shown)
        self._download.disabled = shown is None
        remarks = list(self._lacking)
        if shown is not None:
            frames = frames_of(shown.folder)
            fit(self._stage, frames)
            scenario = self._source.choices.scenario(shown.knobs)
            written = shown.folder.parent / "scenario.json"
            # A run that was made here says, too, which bytes its jobs had.
            made_here = self._source.find(shown.knobs) is None
            self._file.data = {
                "text": [written.read_text("utf-8") if made_here else as_text(scenario)],
                "name": [f"redwood-{shown.knobs.workload}-{shown.number}.json"],
            }
            if frames.drawn_share is not None:
                remarks.append(
                    f"Lines on the map are inputs by their arrival, on the {len(frames.routes)} "
                    f"busiest routes: {100 * frames.drawn_share:.0f} % of all bytes moved. Area "
                    "within a ring: busy share of the cores. ✕: down."
                )
        self._remarks.text = "".join(progress(remark) for remark in remarks)
        self._show_knobs()


def page_of(source: Source, background: Background) -> Callable[[Document], None]:
    """What Bokeh calls for each new session."""

    def make(document: Document) -> None:
        context = document.session_context
        assert context is not None
        arguments = dict(context.request.arguments) if context.request else {}
        owner = context.id
        Page(document, source, background, owner, arguments)
        document.on_session_destroyed(lambda _: background.leave(owner))

    return make
