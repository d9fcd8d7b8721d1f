"""How fast the page of `redwood explore` is there, how much it sends, and how fast it answers.

Two million simulated jobs of 100 sites in a fortnight: tables that are made up, with as many rows
as `redwood simulate` writes of such a run. Beside it, in the same browser, an empty page of the
same library: one figure without data, and a knob whose callback writes a line. Medians of several
visits, wall-clock time as a person sees it, in headless Chromium (on PATH) by Playwright.

With `--results`, a folder such as results/embedded, also how long a run takes from the button to
the outcome in words, against `redwood simulate` with the same scenario.

    python benchmarks/explore.py [--quick] [--results results/embedded]
"""

import argparse
import json
import os
import platform as machine
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from playwright.sync_api import Page, sync_playwright

from redwood.simulation.account_tables import FLOW_TABLE, JOBS, SITES
from redwood.simulation.log import FINAL_STATES, FLOWS
from redwood.tables import write_table

_SITES, _HOURS, _DAYS = 100, 24, 14
_VISITS = 5
_EMPTY = """
import sys
from bokeh.layouts import column
from bokeh.models import Div, Select
from bokeh.plotting import figure
from bokeh.server.server import Server

def make(document):
    line, knob = Div(text="Simulated day"), Select(title="Brokerage", options=["random", "other"])
    def turned(attr, old, new):
        line.text = "turned"
    knob.on_change("value", turned)
    document.add_root(column(figure(height=200), knob, line))

server = Server({"/": make}, port=0, address="127.0.0.1")
server.start()
print(f"http://127.0.0.1:{server.port}/", flush=True)
server.io_loop.start()
"""


def made_up_run(folder: Path, jobs: int) -> int:
    """A folder as `redwood simulate` leaves it; the bytes of its tables."""
    rng = np.random.default_rng(1)
    names = [f"S{index:03d}" for index in range(_SITES)]
    end = _DAYS * 86400.0
    submit = np.sort(rng.uniform(0, end - 43_200, jobs))
    stage, queue, wall = (rng.exponential(mean, jobs) for mean in (300.0, 1800.0, 7200.0))
    codes = [pd.Categorical.from_codes(rng.integers(0, _SITES, jobs), names) for _ in range(2)]
    unknown = pd.Categorical.from_codes(np.full(jobs, -1), ["site"])
    start = submit + stage + queue
    run = folder / "seed-1"
    columns = {
        "job": np.arange(jobs), "state": pd.Categorical.from_codes(np.zeros(jobs, int),
                                                                   FINAL_STATES),
        "site": codes[0], "attempts": np.ones(jobs, int), "cores": np.ones(jobs, int),
        "submit": submit, "stagein_s": stage, "queue_s": queue, "start": start, "wall_s": wall,
        "end": start + wall, "lost_core_s": np.zeros(jobs), "cause": unknown, "source": codes[1],
        "bytes_moved": rng.integers(10**8, 10**10, jobs), "carbon_g": np.full(jobs, np.nan),
    }  # fmt: skip
    write_table(pd.DataFrame({c.name: columns[c.name] for c in JOBS.columns}),
                run / "jobs.parquet", JOBS)  # fmt: skip
    steps = _DAYS * _HOURS
    cells = _SITES * steps
    of_sites: dict[str, Any] = {
        column.name: rng.integers(0, 100, cells).astype(
            np.int64 if column.kind == "integer" else np.float64
        )
        for column in SITES.columns
    }
    of_sites["site"] = pd.Categorical.from_codes(np.repeat(np.arange(_SITES), steps), names)
    of_sites["time"] = np.tile(np.arange(steps) * 3600.0, _SITES)
    of_sites["cores"] = np.full(cells, 200)
    write_table(pd.DataFrame(of_sites), run / "sites.parquet", SITES)
    source, destination = (ends.ravel() for ends in np.indices((_SITES, _SITES)))
    flows = {
        "source": pd.Categorical.from_codes(source, names),
        "destination": pd.Categorical.from_codes(destination, names),
        "kind": pd.Categorical.from_codes(np.zeros(len(source), int), FLOWS),
        "transfers": np.full(len(source), jobs // len(source)),
        "failed": np.zeros(len(source), int), "bytes": np.full(len(source), 10**12),
    }  # fmt: skip
    write_table(pd.DataFrame(flows), run / "flows.parquet", FLOW_TABLE)
    outcomes = {"turnaround_mean": {"value": 9300.0, "without_group": None}}
    (run / "summary.json").write_text(json.dumps({"outcomes": outcomes}))
    (folder / "jobs.csv").write_text("creationtime,computingsite,workload\n2024-01-01,S000,1\n")
    scenario = {
        "environment": {"sites": [{"name": name, "cores": 200} for name in names]},
        "workload": {"jobs": "jobs.csv", "name": "recorded"},
        "policies": {"brokerage": "least_loaded", "placement": "none", "queue": "fifo"},
        "load_factor": 1.0, "seed": 1, "repetitions": 1,
    }  # fmt: skip
    (folder / "scenario.json").write_text(json.dumps(scenario))
    return sum(path.stat().st_size for path in run.glob("*.parquet"))


@contextmanager
def serving(*command: str) -> Iterator[tuple[str, int]]:
    """The URL that a program prints, and its process, which ends with the block."""
    library = str(Path(__file__).resolve().parents[1] / "workflow")
    paths = os.pathsep.join([library, *filter(None, [os.environ.get("PYTHONPATH")])])
    server = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True,
                              env=os.environ | {"PYTHONPATH": paths})  # fmt: skip
    try:
        yield server.stdout.readline().strip(), server.pid  # type: ignore[union-attr]
    finally:
        server.terminate()
        server.wait()


def visited(
    new_page: Callable[[], Page], served: tuple[str, int], answered: str
) -> tuple[float, float, int, float]:
    """Seconds to the first paint of what is there, to the answer of a knob, bytes received, and
    CPU seconds of server and page until the first paint."""
    url, process = served
    page = new_page()
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")
    before = processor_s(process)
    received = [0]

    def count(amount: int) -> None:
        received[0] += amount

    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: count(len(data))))
    begin = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.get_by_text("Simulated day").wait_for()
    painted = time.perf_counter() - begin
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    of_page = next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
    worked = of_page + processor_s(process) - before
    sizes = "performance.getEntries().reduce((all, e) => all + (e.decodedBodySize || 0), 0)"
    count(page.evaluate(sizes))
    knob = page.get_by_label("Brokerage")
    begin = time.perf_counter()
    knob.select_option("random")
    page.wait_for_function(answered)
    knobbed = time.perf_counter() - begin
    page.context.close()
    return painted, knobbed, received[0], worked


def processor_s(process: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def a_run(new_page: Callable[[], Page], results: Path, folder: Path) -> dict[str, Any]:
    """From the button to the outcome, and `redwood simulate` alone."""
    with serving("-m", "redwood", "explore", str(results)) as (url, _):
        page = new_page()
        page.goto(f"{url}?seed=77")
        page.get_by_text("Simulated day").wait_for()
        begin = time.perf_counter()
        page.get_by_role("button", name="Run").click()
        page.get_by_text("Run 2 against run 1").wait_for(timeout=600_000)
        seconds = time.perf_counter() - begin
        with page.expect_download() as download:
            page.get_by_role("button", name="Download scenario").click()
        download.value.save_as(folder / "scenario.json")
        page.context.close()
    begin = time.perf_counter()
    # In a session of its own, too: the kernel shares processors among sessions.
    command = ["-m", "redwood", "simulate", str(folder / "scenario.json")]
    subprocess.run([sys.executable, *command, "--output", str(folder / "again")], check=True,
                   capture_output=True, start_new_session=True)  # fmt: skip
    alone = time.perf_counter() - begin
    return _line("explore, a run", seconds, "s from Run to the outcome in words",
                 "redwood simulate of the same scenario", alone)  # fmt: skip


def _line(name: str, value: float, unit: str, reference: str, of_it: float) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "reference": {"name": reference, "value": round(of_it, 3)},
        "ratio": round(value / of_it, 3),
        "ratio_is": "ours over the reference",
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs")
    parser.add_argument("--results", type=Path, help="of a dataset, to make a run")
    options = parser.parse_args()
    jobs = 200_000 if options.quick else 2_000_000
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = Path(temporary)
        stored = made_up_run(folder / "run", jobs)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))

        def new_page() -> Page:
            return browser.new_context(viewport={"width": 1280, "height": 800}).new_page()

        with serving("-c", _EMPTY) as served:
            answered = (
                "() => [...Bokeh.documents[0]._all_models.values()].some(m => m.text == 'turned')"
            )
            empty = [visited(new_page, served, answered) for _ in range(_VISITS)]
        with serving("-m", "redwood", "explore", str(folder / "run")) as served:
            answered = "() => location.search.includes('random')"
            ours = [visited(new_page, served, answered) for _ in range(_VISITS)]
        mine, theirs = (list(map(statistics.median, zip(*all_, strict=True))) for all_ in
                        (ours, empty))  # fmt: skip
        what, bare = f"{jobs:,} jobs", "an empty page of Bokeh"
        lines = [
            _line(f"explore, first paint at {what}", mine[0], "s", bare, theirs[0]),
            _line(f"explore, CPU until the first paint at {what}", mine[3],
                  "CPU s of server and page", bare, theirs[3]),
            _line(f"explore, a knob at {what}", mine[1], "s", f"a knob of {bare}", theirs[1]),
            _line(f"explore, sent at {what}", mine[2] / 1e6, "MB to the browser",
                  "MB of the tables", stored / 1e6),
            _line(f"explore, sent at {what}", mine[2] / 1e6, "MB to the browser",
                  f"MB of {bare}", theirs[2] / 1e6),
        ]  # fmt: skip
        if options.results:
            lines.append(a_run(new_page, options.results, folder))
        for line in lines:
            print(json.dumps(line))


if __name__ == "__main__":
    main()
