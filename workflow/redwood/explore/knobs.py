"""The knobs of the page: what they may say, as the URL has them, and the scenario they make."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode

from pydantic import Field, field_validator, model_validator

from redwood.configuration import PolicyChoice
from redwood.errors import InputError
from redwood.names import listed, suggested
from redwood.simulation.environment import Environment, Link, Outage
from redwood.simulation.scenario import Scenario, WorkloadPart
from redwood.validation import Section, read_section

# Between entries of a list in the URL, and between two sites of a link.
_NEXT, _BOTH_ENDS = ";", " ~ "
_HOUR, _GBPS = 3600.0, 1.25e8
_MOST_ENTRIES = 50
_WHERE = "the knobs"
Hours = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class SiteDown(Section):
    """A site is down for some hours after the first submission."""

    site: str
    from_h: Hours
    for_h: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]

    def __str__(self) -> str:
        return f"{self.site} {self.from_h:g} {self.for_h:g}"

    @property
    def words(self) -> str:
        return f"{self.site} down from hour {self.from_h:g} for {self.for_h:g} h"

    @classmethod
    def of(cls, text: str) -> Self:
        """Of `SITE FROM FOR`, hours."""
        parts = text.rsplit(maxsplit=2)
        if len(parts) != 3:
            raise InputError(f"outage {text!r}: expected SITE, hour and hours, as in BNL 24 6")
        return read_section(
            cls, dict(zip(cls.model_fields, parts, strict=True)), f"outage {text!r}"
        )


class Bandwidth(Section):
    """The bandwidth of a site's access to the wide area network, or of a link of two sites."""

    site: str
    other: str | None = None
    gbps: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False, description="Gb/s")]

    def __str__(self) -> str:
        return f"{self._ends} {self.gbps:g}"

    @property
    def words(self) -> str:
        return f"{self._ends.replace(_BOTH_ENDS, '–')} with {self.gbps:g} Gb/s"

    @property
    def _ends(self) -> str:
        return self.site if self.other is None else f"{self.site}{_BOTH_ENDS}{self.other}"

    @classmethod
    def of(cls, text: str) -> Self:
        """Of `SITE GBPS` or `SITE ~ SITE GBPS`."""
        ends, _, gbps = text.strip().rpartition(" ")
        if not ends.strip():
            raise InputError(f"bandwidth {text!r}: expected SITE or SITE ~ SITE, and Gb/s")
        site, between, other = ends.partition(_BOTH_ENDS)
        content = {"site": site.strip(), "gbps": gbps}
        if between:
            content["other"] = other.strip()
        return read_section(cls, content, f"bandwidth {text!r}")


class Knobs(Section):
    """What can be chosen on the page."""

    workload: str = Field("recorded", description="recorded jobs, or those of a surrogate")
    load_factor: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    brokerage: str = "least_loaded"
    placement: str = "none"
    queue: str = "fifo"
    outages: tuple[SiteDown, ...] = Field((), max_length=_MOST_ENTRIES)
    bandwidth: tuple[Bandwidth, ...] = Field((), max_length=_MOST_ENTRIES)

    @field_validator("outages", "bandwidth", mode="before")
    @classmethod
    def _of_text(cls, value: Any, info: Any) -> Any:
        """Lists as texts, an entry a line or between semicolons."""
        if not isinstance(value, str):
            return value
        kind = SiteDown if info.field_name == "outages" else Bandwidth
        lines = value.replace("\n", _NEXT).split(_NEXT)
        try:
            return tuple(kind.of(line) for line in map(str.strip, lines) if line)
        except InputError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        ends = [frozenset((entry.site, entry.other)) for entry in self.bandwidth]
        for entry, end in zip(self.bandwidth, ends, strict=True):
            if ends.count(end) > 1:
                raise ValueError(f"bandwidth is given twice: {entry.words}")
        return self

    def query(self, usual: "Knobs") -> str:
        """As the URL has them: all but what is the default and usual here, too.

        Args:
            usual: what `Knobs.of` takes where the URL says nothing.
        """
        values: dict[str, str] = {}
        for name, value in self:
            if not value == type(self).model_fields[name].default == getattr(usual, name):
                texts = value if isinstance(value, tuple) else (value,)
                values[name] = _NEXT.join(map(_text, texts))
        return urlencode(values)

    def texts(self) -> dict[str, Any]:
        """As the page's controls have them: numbers, and lists as lines of text."""
        return {
            name: "\n".join(map(str, value)) if isinstance(value, tuple) else value
            for name, value in self
        }

    @classmethod
    def of(cls, query: str | Mapping[str, Any], defaults: "Knobs | None" = None) -> Self:
        """Of a URL's query, or of the page's controls.

        Args:
            query: what is given; other parts of a URL are no knobs and are left alone.
            defaults: for the knobs that are not given.

        Raises:
            InputError: a value is wrong; each is named with what is allowed.
        """
        if isinstance(query, str):
            try:
                pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="strict",
                                  max_num_fields=100)  # fmt: skip
            except ValueError as error:
                raise InputError(f"{_WHERE}: the URL cannot be read: {error}") from None
            names = [name for name, _ in pairs]
            for name in names:
                if names.count(name) > 1:
                    raise InputError(f"{_WHERE}: {name} is given twice in the URL")
            query = {name: value for name, value in pairs if name in cls.model_fields}
        given = dict(defaults or {})
        return read_section(cls, given | dict(query), _WHERE)


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


class Choices:
    """What the knobs may choose from; the browser's choices are checked against it.

    Args:
        base: what a scenario says besides the knobs.
        workloads: name → its part of a scenario.
        policies: kind → names, see `PolicyChoice`. No others are run: a name that a browser sends
            could else be that of any file.
    """

    def __init__(
        self,
        base: Mapping[str, Any],
        environment: Environment,
        workloads: Mapping[str, WorkloadPart],
        policies: Mapping[str, Sequence[str]],
    ) -> None:
        self.base, self.environment = dict(base), environment
        self.workloads, self.policies = dict(workloads), {k: tuple(v) for k, v in policies.items()}

    def check(self, knobs: Knobs) -> None:
        """Make sure that everything that is chosen is there.

        Raises:
            InputError: something is not; the message says what is.
        """
        sites = tuple(site.name for site in self.environment.sites)
        asked = [("workload", knobs.workload, tuple(self.workloads))]
        asked += [(kind, getattr(knobs, kind), names) for kind, names in self.policies.items()]
        asked += [("outages: site", outage.site, sites) for outage in knobs.outages]
        for entry in knobs.bandwidth:
            asked += [
                ("bandwidth: site", name, sites) for name in (entry.site, entry.other) if name
            ]
        for what, name, there in asked:
            if name not in there:
                raise InputError(
                    f"{what} is {name!r}{suggested(name, there)}; there are {listed(there)}"
                )

    def scenario(self, knobs: Knobs) -> Scenario:
        """The scenario that the knobs make; its environment is written out if they change it.

        Raises:
            InputError: something that is chosen is not there, or makes no scenario.
        """
        self.check(knobs)
        content = self.base | {
            "workload": self.workloads[knobs.workload].model_dump(exclude_none=True),
            "policies": {kind: getattr(knobs, kind) for kind in self.policies},
            "load_factor": knobs.load_factor,
            "seed": knobs.seed,
            "repetitions": 1,
        }
        if knobs.outages or knobs.bandwidth:
            changed = self._changed(knobs).model_dump(mode="json", exclude_defaults=True)
            content["environment"] = read_section(Environment, changed, _WHERE)
        return read_section(Scenario, content, _WHERE)

    def _changed(self, knobs: Knobs) -> Environment:
        own = {entry.site: entry.gbps * _GBPS for entry in knobs.bandwidth if entry.other is None}
        links = {
            frozenset((entry.site, entry.other)): entry.gbps * _GBPS
            for entry in knobs.bandwidth
            if entry.other is not None
        }
        kept = [link for link in self.environment.links if frozenset(link.between) not in links]
        # A link that is there keeps its latency.
        changed = [
            link.model_copy(update={"bandwidth": links.pop(frozenset(link.between))})
            for link in self.environment.links
            if frozenset(link.between) in links
        ]
        new = [
            Link(between=(entry.site, entry.other), bandwidth=entry.gbps * _GBPS)
            for entry in knobs.bandwidth
            if entry.other is not None and frozenset((entry.site, entry.other)) in links
        ]
        return self.environment.model_copy(
            update={
                "sites": tuple(
                    site.model_copy(update={"bandwidth": own.get(site.name, site.bandwidth)})
                    for site in self.environment.sites
                ),
                "links": (*kept, *changed, *new),
                "outages": (
                    *self.environment.outages,
                    *(
                        Outage(site=down.site, start_s=down.from_h * _HOUR,
                               lasting_s=down.for_h * _HOUR)
                        for down in knobs.outages
                    ),
                ),
            }
        )  # fmt: skip


def named(knobs: Knobs) -> str:
    """A short name for people: workload and policies, and how much else is turned."""
    policy = PolicyChoice(
        brokerage=knobs.brokerage, placement=knobs.placement, queue=knobs.queue
    ).label
    return f"{knobs.workload}, {policy}"


_TITLES = {
    "workload": "jobs",
    "load_factor": "load factor",
    "queue": "queue order",
}


def differences(one: Knobs, other: Knobs) -> list[str]:
    """What `other` has turned otherwise than `one`, a phrase each."""
    found = []
    for name in Knobs.model_fields:
        before, after = getattr(one, name), getattr(other, name)
        if before == after:
            continue
        if isinstance(before, tuple):
            found += [entry.words for entry in after if entry not in before]
            found += [f"no longer: {entry.words}" for entry in before if entry not in after]
        else:
            found.append(f"{_TITLES.get(name, name)} {_said(after)} instead of {_said(before)}")
    return found


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
