"""The knobs as controls of the page."""

from collections.abc import Callable
from typing import Any

from bokeh.layouts import column, row
from bokeh.models import Button, NumericInput, Select, TextAreaInput

from redwood.explore.drawing import STRONG
from redwood.explore.knobs import Choices, Knobs

_ACCESS = "all sites"
_NARROW = ".bk-btn { padding: 6px 4px; }"
_ROOM = "textarea.bk-input { height: 48px; padding: 4px 10px; line-height: 1.3; }"
_LINE: dict[str, Any] = {"sizing_mode": "stretch_width"}
_LOW: dict[str, Any] = {**_LINE, "styles": {"align-items": "end"}}


class KnobColumn:
    """A control for each knob, helpers that write lines of the lists, and the buttons of a run.

    Args:
        choices: what there is to choose from.
        knobs: where they begin.
        turned: what is called when one was turned; see Bokeh's `on_change`.

    Attributes:
        start, cancel: the buttons.
    """

    def __init__(
        self, choices: Choices, knobs: Knobs, turned: Callable[[str, Any, Any], None]
    ) -> None:
        self._sites = [site.name for site in choices.environment.sites]
        policies = {kind: list(names) for kind, names in choices.policies.items()}
        self._of_knobs: dict[str, Any] = {
            "workload": Select(title="Jobs", options=list(choices.workloads)),
            "load_factor": NumericInput(title="Load factor", low=0.001, high=1000, mode="float"),
            "seed": NumericInput(title="Seed", low=0, high=2**32 - 1),
            "brokerage": Select(title="Brokerage", options=policies["brokerage"]),
            "placement": Select(title="Placement", options=policies["placement"]),
            "queue": Select(title="Queue order", options=policies["queue"]),
            "outages": TextAreaInput(
                title="Outages: site, from hour, hours",
                rows=2,
                max_length=5000,
                stylesheets=[_ROOM],
            ),
            "bandwidth": TextAreaInput(
                title="Bandwidth: site or site ~ site, Gb/s",
                rows=2,
                max_length=5000,
                stylesheets=[_ROOM],
            ),
        }
        for name, control in self._of_knobs.items():
            control.name, control.value = name, knobs.texts()[name]
            control.on_change("value", turned)
            control.sizing_mode = "stretch_width"
        self.start = Button(label="Run", stylesheets=[STRONG], name="run", **_LINE)
        self.cancel = Button(label="Cancel", name="cancel", disabled=True, **_LINE)

    @property
    def values(self) -> dict[str, Any]:
        """What they say; an empty field is an empty text."""
        given = {name: control.value for name, control in self._of_knobs.items()}
        return {name: "" if value is None else value for name, value in given.items()}

    def column(self, *below: Any) -> Any:
        """All of them, and something below."""
        knobs = self._of_knobs
        return column(
            knobs["workload"],
            row(knobs["load_factor"], knobs["seed"], **_LINE),
            knobs["brokerage"],
            row(knobs["placement"], knobs["queue"], **_LINE),
            *self._helpers(),
            knobs["outages"],
            knobs["bandwidth"],
            row(self.start, self.cancel, **_LINE),
            *below,
            name="knobs",
            **_LINE,
        )

    def _helpers(self) -> list[Any]:
        sites = self._sites
        site = Select(title="Site", options=sites, value=sites[0], name="site", **_LINE)
        other = Select(title="Link to", options=[_ACCESS, *sites], value=_ACCESS, **_LINE)
        begin = NumericInput(title="From hour", low=0, value=0, mode="float", **_LINE)
        hours = NumericInput(title="Hours", low=0.1, value=6, mode="float", **_LINE)
        gbps = NumericInput(title="Gb/s", low=0.001, value=1, mode="float", **_LINE)
        down = Button(label="Take down", stylesheets=[_NARROW], **_LINE)
        change = Button(label="Set bandwidth", stylesheets=[_NARROW], **_LINE)

        def take_down() -> None:
            self._append("outages", f"{site.value} {begin.value} {hours.value}")

        def set_bandwidth() -> None:
            link = "" if other.value == _ACCESS else f" ~ {other.value}"
            self._append("bandwidth", f"{site.value}{link} {gbps.value}")

        down.on_click(take_down)
        change.on_click(set_bandwidth)
        return [
            row(site, other, **_LINE),
            row(begin, hours, down, **_LOW),
            row(gbps, change, **_LOW),
        ]

    def _append(self, name: str, line: str) -> None:
        control = self._of_knobs[name]
        control.value = f"{control.value.strip()}\n{line}".strip()
