"""The maps, the series and the controls of time, as models of Bokeh that a page or a file shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.models import (
    Button,
    ColorBar,
    ColumnDataSource,
    CustomJS,
    Div,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Select,
    Slider,
    Span,
)
from bokeh.palettes import Cividis256
from bokeh.plotting import figure

from redwood.explore.frames import CARBON, Frames
from redwood.explore.places import outline, places_of
from redwood.paper.style import line_styles

# Pixels: the diameter of the largest site, and of the least.
_LARGEST, _LEAST = 30.0, 7.0
# Points of the bow that stands for a route, and how far it bends, as a share of its length.
_POINTS, _BEND = 13, 0.18
_LAND, _SEA, _COAST = "#e8e6df", "#f7fafc", "#b9b5a8"
_ROUTE, _RING, _DOWN, _INK = "#0072B2", "#595959", "#B04A00", "#2b2b2b"
# Longitudes and latitudes, degrees.
_WORLD = ((-170.0, 190.0), (-58.0, 80.0))
_EUROPE = ((-22.0, 50.0), (34.0, 62.0))
# Sites that are named on a map, and how far apart at least, as a share of its width and height.
_MOST_NAMED, _APART = 12, (0.14, 0.07)
# A button that is to be found first; Bokeh's own colours have too little contrast.
STRONG = (
    ".bk-btn:not([disabled]) { background: #005f96; color: #ffffff; border-color: #005f96; }"
    ".bk-btn:not([disabled]):hover { background: #004a75; }"
)
# Runs whose series are drawn, the last ones.
MOST_LINES = 6
_QUANTITIES = {"queued": "waiting jobs", "staging": "jobs that wait for input",
               "failed": "failed attempts", "moved": "traffic of the site"}  # fmt: skip


@cache
def _script(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@cache
def _land() -> dict[str, list[np.ndarray]]:
    return {
        name: [np.array(ring, np.float32) for ring in rings]
        for name, rings in zip(("xs", "ys"), outline(), strict=True)
    }


def line_style(number: int) -> tuple[str, list[int]]:
    """Colour and dashes of the n-th run, from 1."""
    names = [str(index) for index in range(1, MOST_LINES + 1)]
    style = line_styles(names)[names[(number - 1) % MOST_LINES]]
    dash = style["linestyle"]
    return style["color"], [] if isinstance(dash, str) else [round(2 * part) for part in dash[1]]


@dataclass
class Stage:
    """What is drawn of a run, and what moves it through time in the browser.

    Attributes:
        world, europe: the maps.
        series: figures of the whole grid over time.
        slider, play, quantity, caption: the controls, and what the frame is.
        data: name → what a run is drawn from, so that another run can take its place.
        lines: the series of the last runs, a row each.
        first: what is done once the page is there.
    """

    world: Any = None
    europe: Any = None
    series: list[Any] = field(default_factory=list)
    slider: Slider = field(
        default_factory=lambda: Slider(
            start=0, end=1, value=0, step=1, title="Time", show_value=False
        )
    )
    play: Button = field(default_factory=lambda: Button(label="▶ Play", stylesheets=[STRONG]))
    quantity: Select = field(
        default_factory=lambda: Select(
            title="Colour shows", value="queued", options=list(_QUANTITIES.items())
        )
    )
    caption: Div = field(default_factory=lambda: Div(text=""))
    data: dict[str, ColumnDataSource] = field(default_factory=dict)
    lines: ColumnDataSource = field(default_factory=ColumnDataSource)
    first: list[CustomJS] = field(default_factory=list)  # fmt: skip


def stage(frames: Frames) -> Stage:
    """The drawing of a run."""
    drawn = Stage()
    arrays = data_of(frames)
    drawn.data = {name: ColumnDataSource(dict(columns), name=name) for name, columns in
                  arrays.items()}  # fmt: skip
    mapper = LinearColorMapper(palette=tuple(reversed(Cividis256)), low=0, high=1)
    bar = ColorBar(color_mapper=mapper, ticker=FixedTicker(ticks=[0, 1]), width=10, padding=4,
                   label_standoff=5, background_fill_alpha=0.0, major_label_text_color=_INK,
                   major_label_text_font_size="11px")  # fmt: skip
    land = ColumnDataSource(_land(), name="land")
    drawn.world = _map(
        {**drawn.data, "land": land}, *_WORLD, 262, mapper, "Map of the world with the grid's sites"
    )
    drawn.world.add_layout(bar, "right")
    drawn.europe = _map(
        {**drawn.data, "land": land}, *_EUROPE, 262, mapper, "Map of Europe with the grid's sites"
    )
    now = Span(location=0, dimension="height", line_color=_DOWN, line_width=2)
    drawn.lines = ColumnDataSource(lines_of({1: series_of(frames)}))
    drawn.series = _series(drawn.lines, now, CARBON in frames.sites)
    show = CustomJS(
        args={"slider": drawn.slider, "quantity": drawn.quantity, "caption": drawn.caption,
              "now": now, "bar": bar, **drawn.data},
        code=_script("frames.js"),
    )  # fmt: skip
    drawn.slider.js_on_change("value", show)
    drawn.slider.js_on_change("tags", show)
    drawn.first = [show, CustomJS(args={"slider": drawn.slider}, code=_script("names.js"))]
    drawn.quantity.js_on_change("value", show)
    drawn.play.js_on_click(
        CustomJS(args={"slider": drawn.slider, "button": drawn.play}, code=_script("play.js"))
    )
    fit(drawn, frames)
    return drawn


def fit(drawn: Stage, frames: Frames) -> None:
    """Let the slider go over the frames of a run, and show one of them."""
    last = len(frames.edges) - 2
    drawn.slider.end = max(last, 1)
    if drawn.slider.value > last:
        drawn.slider.value = 0
    # Whatever the value is, the frame is drawn anew.
    drawn.slider.tags = [sum(drawn.slider.tags) + 1]


def replace(drawn: Stage, frames: Frames) -> None:
    """Draw another run."""
    for name, columns in data_of(frames).items():
        drawn.data[name].data = columns
    fit(drawn, frames)


_SITE_COLUMNS = ("x", "y", "cores", "ring", "fill", "level", "cross", "busy", "queued", "staging",
                 "failed", "moved")  # fmt: skip


def data_of(frames: Frames) -> dict[str, dict[str, Any]]:
    """What a run is drawn from: column → values, of each source of data."""
    places, _ = places_of(frames.names)
    size = np.sqrt(frames.cores / max(frames.cores.max(), 1))
    ring = np.where(frames.cores > 0, np.maximum(_LARGEST * size, _LEAST), _LEAST)
    hours = frames.hours
    sites = {name: np.zeros(len(places), np.float32) for name in _SITE_COLUMNS}
    sites |= {"x": places[:, 0], "y": places[:, 1], "ring": ring, "cores": frames.cores}
    of_site = {
        "busy": frames.sites["busy_cores"],
        "queued": frames.sites["queued_jobs"],
        "staging": frames.sites["staging_jobs"],
        "failed": frames.sites["failed"],
        "available": frames.sites["available"],
        "moved": (frames.sites["bytes_in"] + frames.sites["bytes_out"]) / hours / 1e9,
    }
    xs, ys = _bows(places[frames.routes[:, 0]], places[frames.routes[:, 1]])
    return {
        "sites": {
            **sites,
            "name": list(frames.names),
            "state": ["up"] * len(places),
            "offset": ring / 2 + 2,
            "world": _named(frames, places, *_WORLD),
            "europe": _named(frames, places, *_EUROPE),
        },
        "site_frames": {name: values.astype(np.float32).ravel() for name, values in
                        of_site.items()},
        "routes": {"xs": xs, "ys": ys, "width": np.zeros(len(xs), np.float32),
                   "alpha": np.zeros(len(xs), np.float32)},
        "route_frames": {"rate": (frames.moved / hours).astype(np.float32).ravel()},
        "edges": {"hour": frames.edges / 3600.0},
    }  # fmt: skip


def series_of(frames: Frames) -> dict[str, Any]:
    """The whole grid over time: column → (f,), at the middle of each frame."""
    total, hours = frames.totals, frames.hours
    carbon = total.get(CARBON, np.full(len(hours), np.nan))
    return {
        "hour": (frames.edges[:-1] + frames.edges[1:]) / 7200.0,
        "busy": total["busy_cores"],
        "queued": total["queued_jobs"],
        "moved": total["bytes_in"] / hours / 1e12,
        "failed": total["failed"] / hours,
        "carbon": carbon / hours / 1000.0,
    }


_SERIES = ("hour", "busy", "queued", "moved", "failed", "carbon")


def lines_of(runs: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The series of runs, number → `series_of`, as lines: column → a value, or values, a run."""
    styles = [line_style(number) for number in runs]
    return {
        **{name: [series[name] for series in runs.values()] for name in _SERIES},
        "colour": [colour for colour, _ in styles],
        "dash": [" ".join(map(str, dash)) or "solid" for _, dash in styles],
    }


def _map(
    data: Mapping[str, ColumnDataSource],
    longitudes: tuple[float, float],
    latitudes: tuple[float, float],
    height: int,
    mapper: LinearColorMapper,
    name: str,
) -> Any:
    drawn = figure(height=height, sizing_mode="stretch_width", x_range=Range1d(*longitudes),
                   y_range=Range1d(*latitudes), tools="pan,wheel_zoom,reset", toolbar_location=None,
                   background_fill_color=_SEA, outline_line_color=_COAST, name=name,
                   min_border=4, active_drag="pan")  # fmt: skip
    drawn.axis.visible = False
    drawn.grid.visible = False
    drawn.patches("xs", "ys", source=data["land"], fill_color=_LAND, line_color=_COAST,
                  line_width=0.6)  # fmt: skip
    drawn.multi_line("xs", "ys", source=data["routes"], line_color=_ROUTE, line_width="width",
                     line_alpha="alpha", line_cap="round")  # fmt: skip
    rings = drawn.scatter("x", "y", size="ring", source=data["sites"], fill_color="white",
                          fill_alpha=0.55, line_color=_RING, line_width=1)  # fmt: skip
    drawn.scatter("x", "y", size="fill", source=data["sites"], line_color=None,
                  fill_color={"field": "level", "transform": mapper})  # fmt: skip
    drawn.scatter("x", "y", size="cross", source=data["sites"], marker="x", line_color=_DOWN,
                  line_width=3)  # fmt: skip
    column = "world" if longitudes == _WORLD[0] else "europe"
    drawn.text("x", "y", text=column, source=data["sites"], text_font_size="11px",
               text_color=_INK, x_offset="offset", y_offset=5, background_fill_color="white",
               background_fill_alpha=0.6)  # fmt: skip
    hover = HoverTool(renderers=[rings], tooltips=[
        ("site", "@name, @state"), ("busy cores", "@busy{0.0} of @cores"),
        ("waiting jobs", "@queued{0.0}"), ("wait for input", "@staging{0.0}"),
        ("failed attempts", "@failed{0}"), ("moved", "@moved{0.0} GB/h")])  # fmt: skip
    drawn.add_tools(hover)
    return drawn


def _series(lines: ColumnDataSource, now: Span, carbon: bool) -> list[Any]:
    titles = {"busy": "busy cores", "queued": "waiting jobs", "moved": "moved [TB/h]",
              "failed": "failed attempts per hour"}  # fmt: skip
    if carbon:
        titles["carbon"] = "carbon [kg CO2e/h], by end of job"
    figures: list[Any] = []
    for column, title in titles.items():
        shared = {"x_range": figures[0].x_range} if figures else {}
        drawn = figure(height=112 if not carbon else 100, sizing_mode="stretch_width", title=title,
                       tools="xpan,xwheel_zoom,reset", toolbar_location=None, min_border=2,
                       name=f"{title} over time", **shared)  # fmt: skip
        drawn.title.text_font_size, drawn.title.text_font_style = "12px", "normal"
        drawn.title.text_color = _INK
        drawn.axis.major_label_text_font_size = "11px"
        drawn.axis.major_label_text_color = _INK
        drawn.yaxis.ticker.desired_num_ticks = 3
        drawn.axis.minor_tick_line_color = None
        drawn.y_range.start = 0
        drawn.outline_line_color = None
        drawn.xgrid.grid_line_color = None
        drawn.multi_line("hour", column, source=lines, line_color="colour", line_dash="dash",
                         line_width=1.6)  # fmt: skip
        drawn.add_layout(now)
        figures.append(drawn)
    for drawn in figures[:-1]:
        drawn.xaxis.major_label_text_font_size = "0px"
        drawn.xaxis.major_tick_line_color = None
    figures[-1].height += 32
    figures[-1].xaxis.axis_label = "simulated time [h]"
    figures[-1].xaxis.axis_label_text_font_style = "normal"
    return figures


def _bows(begin: np.ndarray, end: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Each route as a bow that bends to the right of its way, so that both ways are seen."""
    along = end - begin
    across = np.column_stack([along[:, 1], -along[:, 0]])
    part = np.linspace(0, 1, _POINTS)[:, None, None]
    points = begin + part * along + 4 * _BEND * part * (1 - part) * across
    points = points.astype(np.float32)
    return list(points[:, :, 0].T), list(points[:, :, 1].T)


def _named(
    frames: Frames,
    places: np.ndarray,
    longitudes: tuple[float, float],
    latitudes: tuple[float, float],
) -> list[str]:
    """The names of the largest sites as far as there is room for them on a map."""
    low = np.array([longitudes[0], latitudes[0]])
    extent = np.array([longitudes[1], latitudes[1]]) - low
    at = (places - low) / extent
    named: list[int] = []
    for site in np.argsort(-frames.cores, kind="stable"):
        near = any((np.abs(at[site] - at[other]) < _APART).all() for other in named)
        # A name stands to the right of its site.
        if len(named) < _MOST_NAMED and not near and (at[site] > 0).all() and (
            at[site] < (0.86, 1.0)
        ).all():  # fmt: skip
            named.append(int(site))
    return [name if site in named else "" for site, name in enumerate(frames.names)]
