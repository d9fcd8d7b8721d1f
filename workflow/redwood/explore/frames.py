"""A simulation as frames: sites and traffic over simulated time, aggregated for the browser."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from redwood.errors import InputError
from redwood.simulation.environment import Environment

# Of a page, and of a page that is one file for a report.
FRAMES, FEW_FRAMES = 240, 96
# Routes that are drawn, those with the most bytes.
_MOST_ROUTES = 250
# What is known of a site in a frame: column of the table of sites, and whether it is a mean.
MEANS = ("busy_cores", "queued_jobs", "staging_jobs", "available")
SUMS = ("failed", "finished", "bytes_in", "bytes_out")
# A column of the jobs if the environment says how much carbon a site's power is made with.
CARBON = "carbon_g"
_OF_JOBS = ("source", "site", "start", "queue_s", "bytes_moved")


@dataclass(frozen=True)
class Frames:
    """A simulation, aggregated.

    Attributes:
        names, cores: of the sites, (s,).
        edges: (f + 1,) of the frames, s after the first submission.
        sites: quantity → (s, f): means over the frame of `MEANS`, sums of `SUMS`,
            and of `carbon_g` where it is known.
        routes: (r, 2) source and destination of the busiest routes, indices of sites.
        moved: (r, f) bytes of inputs that arrived, by the last attempt at each job.
        drawn_share: the share of all moved bytes that `moved` accounts for; `None` if none moved.
    """

    names: list[str]
    cores: np.ndarray
    edges: np.ndarray
    sites: dict[str, np.ndarray]
    routes: np.ndarray
    moved: np.ndarray
    drawn_share: float | None
    totals: dict[str, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        totals = {name: values.sum(axis=0) for name, values in self.sites.items()}
        object.__setattr__(self, "totals", totals)

    @property
    def hours(self) -> np.ndarray:
        """(f,) the duration of each frame, h."""
        return np.diff(self.edges) / 3600.0


def read_frames(folder: Path, most: int = FRAMES) -> Frames:
    """The frames of a run.

    Args:
        folder: of one seed, as `redwood simulate` wrote it.
        most: the most frames; each has as many intervals of the table of sites.

    Raises:
        InputError: a table is missing, or lacks a column.
    """
    path = folder / "sites.parquet"
    table = _read(path, ("site", "time", "cores", *MEANS, *SUMS))
    names = [str(name) for name in table["site"].unique().to_pylist()]
    steps = len(table) // max(len(names), 1)
    if not steps or steps * len(names) != len(table):
        raise InputError(f"{path}: expected as many intervals of each site; simulate again")
    begin = table["time"].to_numpy()[:steps]
    interval = float(begin[1] - begin[0]) if steps > 1 else 3600.0
    starts = np.arange(0, steps, -(-steps // most))
    per_frame = np.diff(np.append(starts, steps))
    sites = {}
    for name in (*MEANS, *SUMS):
        values = table[name].to_numpy().astype(np.float64).reshape(len(names), steps)
        summed = np.add.reduceat(values, starts, axis=1)
        sites[name] = summed / per_frame if name in MEANS else summed
    edges = np.append(begin[starts], begin[-1] + interval)
    jobs = _read(folder / "jobs.parquet", _OF_JOBS, ("end", CARBON))
    if CARBON in jobs.column_names and jobs[CARBON].null_count < len(jobs):
        sites[CARBON] = _carbon(jobs, names, edges)
    every = float(np.sum(_read(folder / "flows.parquet", ("bytes",))["bytes"].to_numpy()))
    cores = table["cores"].to_numpy()[::steps]
    return Frames(names, cores, edges, sites, *_traffic(jobs, names, edges, every))


def idle(environment: Environment) -> Frames:
    """An hour in which nothing happens: what is shown of a grid before any run."""
    sites = environment.sites
    nothing = np.zeros((len(sites), 1))
    carbon = any(getattr(site, "carbon_intensity", None) is not None for site in sites)
    quantities = (*MEANS, *SUMS, *([CARBON] if carbon else []))
    return Frames(
        [site.name for site in sites],
        np.array([site.cores for site in sites]),
        np.array([0.0, 3600.0]),
        {name: nothing + (name == "available") for name in quantities},
        np.zeros((0, 2), np.int64),
        np.zeros((0, 1)),
        None,
    )


def _traffic(
    jobs: pa.Table, names: list[str], edges: np.ndarray, every: float
) -> tuple[np.ndarray, np.ndarray, float | None]:
    """Busiest routes, their bytes by frame, and the share of `every` byte that these are."""
    frames = len(edges) - 1
    source, site = _codes(jobs["source"], names), _codes(jobs["site"], names)
    # The input was complete when the wait for cores began.
    arrived = jobs["start"].to_numpy() - jobs["queue_s"].to_numpy()
    known = (source >= 0) & (site >= 0) & np.isfinite(arrived)
    moved = jobs["bytes_moved"].to_numpy()[known].astype(np.float64)
    used, route = np.unique(source[known] * len(names) + site[known], return_inverse=True)
    by_route = np.bincount(route, moved, len(used))
    busiest = np.sort(np.argsort(-by_route, kind="stable")[:_MOST_ROUTES])
    cells = route * frames + _frame(arrived[known], edges)
    drawn = np.bincount(cells, moved, len(used) * frames).reshape(len(used), frames)[busiest]
    routes = np.column_stack(np.divmod(used[busiest], len(names))).astype(np.int64)
    return routes, drawn, float(drawn.sum()) / every if every else None


def _carbon(jobs: pa.Table, names: list[str], edges: np.ndarray) -> np.ndarray:
    """(s, f) gCO2e of the jobs that ended at each site in each frame."""
    site, end, grams = _codes(jobs["site"], names), jobs["end"].to_numpy(), jobs[CARBON].to_numpy()
    known = (site >= 0) & np.isfinite(end) & np.isfinite(grams)
    frames = len(edges) - 1
    cells = site[known] * frames + _frame(end[known], edges)
    return np.bincount(cells, grams[known], len(names) * frames).reshape(len(names), frames)


def _frame(dates: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The frame that each date lies in; what comes after the last counts as in it."""
    return np.clip(np.searchsorted(edges, dates, side="right") - 1, 0, len(edges) - 2)


def _codes(values: pa.ChunkedArray, names: list[str]) -> np.ndarray:
    """The index of each site, -1 of none."""
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    whole = values.unify_dictionaries().combine_chunks()
    index = {name: number for number, name in enumerate(names)}
    numbers = np.array([*(index.get(name, -1) for name in whole.dictionary.to_pylist()), -1])
    return numbers[whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


def _read(path: Path, columns: tuple[str, ...], also: tuple[str, ...] = ()) -> pa.Table:
    """Columns of a table of a simulation; `also` those that it may have."""
    try:
        # The checksums of what is read, for the page is to appear at once: not those of all files.
        file = pq.ParquetFile(path, page_checksum_verification=True)
        present = file.schema_arrow.names
        wanted = [*columns, *(name for name in also if name in present)]
        lacking = [name for name in columns if name not in present]
        table = None if lacking else file.read(wanted)
    except FileNotFoundError:
        raise InputError(f"{path}: missing; simulate again") from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: not a table in parquet: {error}; simulate again") from None
    if table is None:
        raise InputError(
            f"{path}: lacks the column {lacking[0]!r}, of another version; simulate again"
        )
    return table
