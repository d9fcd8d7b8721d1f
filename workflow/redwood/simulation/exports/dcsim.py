"""DCSim's input: a platform in SimGrid's XML, and jobs and their inputs as JSON.

As DCSim of July 2025 reads them. Of each site there is a host with all its cores, one with its
storage, and the access link; between two sites the links of the path that REDWOOD takes. Each job
is a workload of its own, since DCSim submits a workload at one moment, and crashes if it cannot
start all of its jobs at once. It computes on one core however many it holds (but for jobs without
input), so its operations are those of its run time:

    operations = speed of a core × run time = 10⁹ × work / cores^scaling + overhead × mean speed,

where 1 HS23 is 10⁹ operations/s. So the run time is REDWOOD's on every site if all have the same
scaling, and no overhead or the same speed; else on average over the cores.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from redwood.configuration import Settings
from redwood.outputs import write_text
from redwood.simulation.case import Case
from redwood.simulation.environment import Environment
from redwood.simulation.routes import Hop, find_routes
from redwood.simulation.scenario import Scenario
from redwood.simulation.workload import CLOSED

TITLE = "DCSim"
SOURCES = (
    "https://github.com/HEPCompSim/DCSim (LGPL-3.0), July 2025: README.md, data/ and src/, which "
    "asks for `cores` and `infile_datasets` where the README has `infile_dataset`",
    "the platform: https://simgrid.org/doc/latest/XML_reference.html",
)
PLATFORM, JOBS, INPUTS = "platform.xml", "workload.json", "datasets.json"
# Operations/s of 1 HS23; only ratios matter.
_OPERATIONS = 1e9
# What is no limit, bytes/s and bytes: SimGrid and the file system need a number.
_UNLIMITED, _ROOM = 1e15, 1e18
# DCSim crashes when two jobs come at once: one adds itself to a list that the other goes through.
_APART_S = 1e-5


def left_out(scenario: Scenario, environment: Environment) -> list[str]:
    """What DCSim has no words for."""
    usual = Settings()
    sites = environment.sites
    said = [
        "policies are not asked: DCSim gives a job the first worker with enough free cores, in an "
        "order of its own, and none where there are none; it places no replicas and has no caches",
        f"jobs that come at once come {_APART_S * 1e6:g} µs apart",
        "a job that found no free cores is looked at again only when another one is submitted, and "
        "jobs that need fewer cores pass it",
        "a job holds its cores while it reads its input and writes its output",
        "each input lies at one site: of those that hold it the one with the least to send",
        "outputs all go to one storage, which DCSim chooses; they share its links",
    ]
    for there, words in (
        (scenario.failures != "none", "failures of jobs and transfers, and new attempts"),
        (bool(environment.outages) or any(site.outages for site in sites), "outages"),
        (any(site.background for site in sites), "local jobs (background)"),
        (any(site.queue_limit for site in sites), "queue_limit"),
        (any(site.storage_bytes for site in sites), "storage_bytes: there is room for all"),
        (scenario.users == "closed", "users who wait: jobs come as recorded"),
        (scenario.outputs != usual.outputs, f"outputs: {scenario.outputs}"),
        (len(set(_rates(environment))) > 1 and any(site.overhead_s for site in sites),
         "overhead_s counts as work, at the mean speed of the cores"),
        (len({site.core_scaling for site in sites}) > 1, "core_scaling: the mean of the sites"),
        (len({site.latency for site in sites}) > 1,
         "fair shares: SimGrid gives transfers of low latency more of a link"),
        (scenario.network == "fluid" and bool(scenario.transfers_per_link),
         "transfers_per_link and transfers_per_site"),
    ):  # fmt: skip
        if there:
            said.append(words)
    return said


def write(case: Case, folder: Path) -> None:
    """Write `platform.xml`, `workload.json` and `datasets.json`."""
    environment = case.run.environment
    write_text(folder / PLATFORM, platform(environment))
    sources = source_sites(case)
    inputs = case.run.workload.input_bytes
    names = [storage_name(environment, index) for index in range(len(environment.sites))]
    _write_entries(
        folder / INPUTS,
        {
            _tag(row): {
                "location": [names[sources[at]]],
                "num_files": 1,
                "filesize": _always(float(inputs[at])),
            }
            for at, row in submitted(case)
            if sources[at] >= 0
        },
    )
    operations, workload = _work(case), case.run.workload
    jobs, date = {}, -1.0
    for at, row in submitted(case):
        cores, reads = int(workload.cores[at]), sources[at] >= 0
        date = max(float(workload.submit[at]), date + _APART_S)
        jobs[_tag(row)] = {
            "num_jobs": 1,
            "cores": {"type": "histogram", "counts": [0] * cores + [1]},
            # What only computes does so on all of its cores, what reads on one.
            "flops": _always(operations[at] * (1 if reads else cores)),
            "memory": _always(0.0),
            "outfilesize": _always(float(workload.output_bytes[at])),
            "workload_type": "copy" if reads else "calculation",
            "submission_time": date,
        } | ({"infile_datasets": [_tag(row)]} if reads else {})
    _write_entries(folder / JOBS, jobs)


def submitted(case: Case) -> Iterator[tuple[int, int]]:
    """Place and row of each job that DCSim is given: those that fit a site and were not closed."""
    workload = case.run.workload
    largest = max(site.cores for site in case.run.environment.sites)
    runs = (workload.state != CLOSED) & (workload.cores <= largest)
    for at in np.flatnonzero(runs).tolist():
        yield at, int(workload.row[at])


def source_sites(case: Case) -> np.ndarray:
    """(n,) the site that each job's input is read from, as an index; -1 where it has none.

    Of the sites that hold it the one that would be the first to have sent all that it has to send,
    job by job as they come: REDWOOD takes the one with the most bandwidth for each transfer that it
    serves at that moment, which nobody knows beforehand.
    """
    sites, workload = case.run.environment.sites, case.run.workload
    slowness = [
        1 / min((b for b in (s.bandwidth, s.read_bandwidth) if b is not None), default=_UNLIMITED)
        for s in sites
    ]
    sent = [0.0] * len(sites)
    chosen = np.full(len(workload), -1)
    columns = zip(workload.dataset.tolist(), workload.input_bytes.tolist(), strict=True)
    for at, (dataset, size) in enumerate(columns):
        if dataset >= 0 and size > 0:
            best = min(sorted(case.replicas[dataset]), key=lambda i: (sent[i] + size) * slowness[i])
            sent[best] += size
            chosen[at] = best
    return chosen


def row_of(tag: str) -> int:
    """The row of the job table of a job that DCSim calls `tag`."""
    found = re.fullmatch(r"job_(\d+)_0", tag)
    if found is None:
        raise ValueError(tag)
    return int(found[1])


def worker_name(environment: Environment, index: int) -> str:
    """What DCSim calls the cores of a site."""
    # DCSim and SimGrid give some signs a meaning, and names are told apart by their number.
    return f"{index:04d}-{re.sub(r'[^A-Za-z0-9_.-]', '_', environment.sites[index].name)}"


def storage_name(environment: Environment, index: int) -> str:
    """What DCSim calls the storage of a site."""
    return f"{worker_name(environment, index)}-storage"


def platform(environment: Environment) -> str:
    """An environment in SimGrid's XML, with the types of hosts that DCSim looks for."""
    lines = [
        "<?xml version='1.0'?>",
        '<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">',
        '<platform version="4.1">',
        ' <zone id="grid" routing="Full">',
    ]
    for index, site in enumerate(environment.sites):
        lines += _zone(environment, index)
        if site.bandwidth is not None:
            lines.append(_link(f"access-{index}", site.bandwidth, site.latency, "SPLITDUPLEX"))
    # The one who submits is no part of the grid: what it says takes no time.
    lines += [
        '  <zone id="zone-submit" routing="Full">',
        '   <host id="submit" speed="1Gf"><prop id="type" value="executor,scheduler"/></host>',
        "  </zone>",
        _link("asks", _UNLIMITED, 0.0, "FATPIPE"),
    ]
    for number, link in enumerate(environment.links):
        lines.append(_link(f"link-{number}", link.bandwidth, link.latency, "SPLITDUPLEX"))
    for i, row in enumerate(find_routes(environment)):
        lines += [_route(i, j, path) for j, path in enumerate(row) if i != j]
        lines.append(
            f'  <zoneRoute src="zone-submit" dst="zone-{i}" gw_src="submit" gw_dst="router-{i}">'
            '<link_ctn id="asks"/></zoneRoute>'
        )
    return "\n".join([*lines, " </zone>", "</platform>", ""])


def _write_entries(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    """Write a JSON object with a line an entry: many times as fast as indented."""
    lines = (f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _zone(environment: Environment, index: int) -> list[str]:
    site, worker = environment.sites[index], worker_name(environment, index)
    storage = storage_name(environment, index)
    read, write = (_number(limit or _UNLIMITED) for limit in (
        site.read_bandwidth, site.write_bandwidth,
    ))  # fmt: skip
    lines = [
        f'  <zone id="zone-{index}" routing="Full">',
        f"   <host id={quoteattr(storage)} "
        'speed="1Gf"><prop id="type" value="storage"/>'
        f'<disk id="disk-{index}" read_bw="{read}Bps" write_bw="{write}Bps">'
        f'<prop id="size" value="{_ROOM:.0f}B"/><prop id="mount" value="/"/></disk></host>',
        f'   <router id="router-{index}"/>',
        _link(f"inside-{index}", _UNLIMITED, 0.0, "FATPIPE"),
    ]
    inside = [(storage, f"router-{index}")]
    if site.cores:
        speed = _number(site.core_power * site.efficiency * _OPERATIONS)
        lines.insert(
            1,
            f'   <host id={quoteattr(worker)} speed="{speed}f" core="{site.cores}">'
            '<prop id="type" value="worker"/></host>',
        )
        inside += [(worker, f"router-{index}"), (worker, storage)]
    lines += [
        f'   <route src={quoteattr(a)} dst={quoteattr(b)}><link_ctn id="inside-{index}"/></route>'
        for a, b in inside
    ]
    return [*lines, "  </zone>"]


def _link(name: str, bandwidth: float, latency: float, sharing: str) -> str:
    return (
        f'  <link id="{name}" bandwidth="{_number(bandwidth)}Bps" latency="{_number(latency)}s" '
        f'sharing_policy="{sharing}"/>'
    )


def _route(i: int, j: int, path: tuple[Hop, ...]) -> str:
    links = "".join(
        f'<link_ctn id="{hop.link}" direction="{"UP" if hop.up else "DOWN"}"/>' for hop in path
    )
    return (
        f'  <zoneRoute src="zone-{i}" dst="zone-{j}" gw_src="router-{i}" gw_dst="router-{j}" '
        f'symmetrical="NO">{links}</zoneRoute>'
    )


def _work(case: Case) -> np.ndarray:
    """(n,) operations of each job, on one core."""
    sites, workload = case.run.environment.sites, case.run.workload
    cores = np.array([site.cores for site in sites], float)
    speed = float(np.average(_rates(case.run.environment), weights=cores))
    overhead = float(np.average([site.overhead_s for site in sites], weights=cores))
    scaling = float(np.average([site.core_scaling for site in sites], weights=cores))
    return _OPERATIONS * (workload.work / workload.cores**scaling + overhead * speed)


def _rates(environment: Environment) -> list[float]:
    return [site.core_power * site.efficiency for site in environment.sites]


def _always(value: float) -> dict[str, str | float]:
    """The distribution of a value that is always the same."""
    return {"type": "gaussian", "average": value, "sigma": 0.0}


def _tag(row: int) -> str:
    # DCSim takes workloads in the order of their names.
    return f"{row:08d}"


def _number(value: float) -> str:
    return f"{value:.15g}"
