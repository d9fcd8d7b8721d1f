"""The verbs from end to end: scenarios, their files, determinism, kills, and wrong use."""

import builtins
import csv
import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from scipy.special import stdtrit
from small_grids import environment
from typer.testing import CliRunner

from redwood.configuration import Simulation
from redwood.errors import InputError
from redwood.intervals import mean_and_interval, seeds_half
from redwood.outputs import CONTENTS
from redwood.simulation.account_tables import EVENT_TABLE, FLOW_TABLE, JOBS, SITES
from redwood.simulation.commands import app as simulation
from redwood.simulation.commands import simulate
from redwood.simulation.contract import Placement, QueueOrder
from redwood.simulation.outcomes import OUTCOMES
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.tables import Column, TableDescription, read_table, write_table

pytest.importorskip("simgrid")

ROOT = Path(__file__).resolve().parents[3]
DESCRIPTION = TableDescription(
    "jobs",
    (
        Column("creationtime", "timestamp"),
        Column("computingsite", "categorical"),
        Column("datatype", "categorical"),
        Column("size", "integer", "bytes", "log"),
        Column("jobstatus", "categorical"),
        Column("workload", "numeric", "HS23·s", "log"),
    ),
)


def redwood(*arguments):
    app = typer.Typer()
    app.command("simulate")(simulate)
    app.add_typer(simulation, name="simulation")
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, (InputError, KeyboardInterrupt)):
        raise result.exception
    assert result.exit_code in (0, 2), result.output
    return result.exit_code, result.output


def job_table(rows, seed=1):
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, 864_000, rows))
    table = pd.DataFrame(
        {
            "creationtime": pd.to_datetime("2024-01-01", utc=True) + pd.to_timedelta(seconds, "s"),
            "computingsite": random.choice(["ANALY_BNL_VP", "AGLT2", "ELSEWHERE"], rows),
            "datatype": random.choice(["PHYS", "SUSY1"], rows),
            "size": random.integers(0, 10**11, rows),
            "jobstatus": random.choice(["finished", "failed", "closed"], rows, p=[0.8, 0.1, 0.1]),
            "workload": np.round(random.lognormal(10, 1.5, rows), -1),
        }
    )
    table.loc[table["jobstatus"] == "closed", "workload"] = 0.0
    return table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulation")
    DESCRIPTION.save(folder / "table.json")
    write_table(job_table(600), folder / "jobs.parquet", DESCRIPTION)
    (folder / "sites.csv").write_text(
        "site,tier,core_power,cores,queues\nBNL,T1,10,200,ANALY_BNL_VP\nAGLT2,T2,11,,\n"
    )
    (folder / "network.csv").write_text(
        "tier,bandwidth_gbps,storage_gbps,latency_ms,transfer_gbps,cores,storage_tb\n"
        "T0,10,10,10,1,100,9\nT1,10,10,10,1,100,9\nT2,10,10,10,1,100,9\nT3,1,1,10,1,100,9\n"
    )
    made = redwood(
        *("simulation", "platform", "--table", folder / "table.json"),
        *("--jobs", folder / "jobs.parquet", "--validation", folder / "jobs.parquet"),
        *("--resources", folder, "--options", '{"load_factor": 10.0}'),
        *("--output", folder / "platform.json", "--calibration", folder / "calibration.csv"),
    )
    assert made[0] == 0
    return folder


def scenario(folder, **more):
    content = {
        "environment": str(folder / "platform.json"),
        "workload": {"jobs": str(folder / "jobs.parquet"), "table": str(folder / "table.json")},
        "load_factor": 10.0,
        "interval_s": 600.0,
    }
    for key, value in more.items():
        old = content.get(key)
        content[key] = {**old, **value} if isinstance(old, dict) else value
    return json.dumps(content)


def run(folder, name, **more):
    assert redwood("simulate", scenario(folder, **more), "--output", folder / name)[0] == 0
    return folder / name


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_equal_seeds_give_equal_bytes_and_others_do_not(folder):
    first = contents(run(folder, "first"))
    tables = ("flows.parquet", "jobs.parquet", "sites.parquet", "summary.json")
    assert list(first) == [
        *("_contents.sha256", "scenario.json"),
        *(f"seed-1/{name}" for name in tables),
        "summary.json",
    ]
    assert contents(run(folder, "second")) == first
    other = contents(run(folder, "other", seed=2))
    assert other["seed-2/jobs.parquet"] != first["seed-1/jobs.parquet"]


def test_a_scenario_runs_again_with_equal_bytes(folder):
    first = run(folder, "original", repetitions=2, policies={"placement": "cache"})
    assert redwood("simulate", first / "scenario.json", "--output", folder / "again")[0] == 0
    assert contents(folder / "again") == contents(first)


def test_scenarios_of_earlier_versions_mean_the_same(folder):
    """Their settings stood in parts, and jobs wrote nothing unless they said so."""
    former = json.loads(scenario(folder))
    for key in ("load_factor", "interval_s"):
        del former[key]
    former["workload"] |= {"load_factor": 10.0, "output_share": 0.0, "catalogue": None}
    former |= {
        "data": {"replicas": 3, "outputs": "tier1"},
        "policies": {"brokerage": "random", "patience_s": 5.0},
        "rules": {"failures": "none", "attempts": 2},
        "monitoring": {"interval_s": 600.0},
        "tcp_gamma": 0.0,
    }
    today = scenario(
        folder, output_share=0.0, replicas=3, outputs="tier1", patience_s=5.0, failures="none",
        attempts=2, policies={"brokerage": "random"},
    )  # fmt: skip
    assert Scenario.load(json.dumps(former)) == Scenario.load(today)


def test_configurations_and_scenarios_share_their_settings_and_defaults():
    content = {"environment": "e.json", "workload": {"jobs": "j.csv"}}
    for settings in ({}, {"failures": "none", "replicas": 3, "output_share": 0.2}):
        ours = Scenario.model_validate({**content, **Simulation(**settings).settings})
        assert ours == Scenario.model_validate({**content, **settings})
        assert Simulation(**settings).settings == settings


def test_a_run_in_the_place_of_another_leaves_nothing_of_it(folder):
    run(folder, "place", repetitions=3)
    made = run(folder, "place", repetitions=1, seed=3)
    assert sorted(path.name for path in made.iterdir()) == [
        "_contents.sha256", "scenario.json", "seed-3", "summary.json",
    ]  # fmt: skip


def test_a_scenario_whose_files_have_changed_is_an_error(folder, tmp_path):
    kept = json.loads((run(folder, "kept") / "scenario.json").read_text())
    kept["digests"][str(folder / "jobs.parquet")] = "0" * 64
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(kept))
    with pytest.raises(InputError, match=r"jobs\.parquet has changed since"):
        redwood("simulate", path, "--output", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("policy", ["as_recorded", "data_locality"])
def test_the_tables_agree_with_each_other(folder, policy):
    made = run(folder, policy, policies={"brokerage": policy}, failures="recorded") / "seed-1"
    jobs = read_table(made / "jobs.parquet", JOBS)
    sites = read_table(made / "sites.parquet", SITES)
    flows = read_table(made / "flows.parquet", FLOW_TABLE)
    summary = json.loads((made / "summary.json").read_text())
    table = read_table(folder / "jobs.parquet", DESCRIPTION)
    assert jobs["job"].tolist() == list(range(600))
    assert jobs["state"].tolist() == table["jobstatus"].tolist()
    assert sum(count for state, count in summary["jobs"].items() if state != "submitted") == 600
    assert sites["busy_cores"].sum() * 600 == pytest.approx(jobs["wall_s"].sum(), rel=1e-9)
    assert sites["queued_jobs"].sum() * 600 == pytest.approx(jobs["queue_s"].sum(), rel=1e-6)
    assert sites["staging_jobs"].sum() * 600 == pytest.approx(jobs["stagein_s"].sum(), rel=1e-6)
    assert (sites["busy_cores"] <= sites["cores"] + 1e-6).all()
    moved = summary["outcomes"]["wan_bytes"]["value"]
    assert sites["bytes_in"].sum() == sites["bytes_out"].sum() == moved == flows["bytes"].sum()
    assert jobs["bytes_moved"].sum() == moved
    assert (moved == 0) == (policy == "data_locality")
    for state in ("finished", "failed"):
        assert sites[state].sum() == summary["jobs"][state]
    if policy == "as_recorded":
        ran = jobs["site"].notna()
        assert (jobs["site"][ran] == table["computingsite"][ran]).all()


def test_the_summary_by_hand(folder):
    made = run(folder, "by_hand", failures="recorded") / "seed-1"
    jobs = read_table(made / "jobs.parquet", JOBS)
    summary = json.loads((made / "summary.json").read_text())
    values = {name: outcome["value"] for name, outcome in summary["outcomes"].items()}
    finished, failed = (jobs["state"] == state for state in ("finished", "failed"))
    makespan = jobs["end"][jobs["start"].notna()].max()
    assert values["makespan"] == pytest.approx(makespan)
    assert values["queue_time_mean"] == pytest.approx(jobs["queue_s"].mean())
    assert values["queue_time_p95"] == pytest.approx(jobs["queue_s"].quantile(0.95))
    assert values["stagein_mean"] == pytest.approx(jobs["stagein_s"].mean())
    assert values["throughput"] == pytest.approx(finished.sum() / makespan * 3600)
    assert values["failed_share"] == pytest.approx(failed.sum() / (finished | failed).sum())
    used = jobs["wall_s"] * jobs["cores"]
    assert values["goodput"] == pytest.approx(used[finished].sum() / used.sum())
    assert jobs["lost_core_s"].sum() == pytest.approx(used[failed].sum())
    without = {name: outcome["without_group"] for name, outcome in summary["outcomes"].items()}
    assert without["recovery_time"] is None
    group_of = jobs["submit"].rank(method="first").sub(1).floordiv(120)
    kept = [jobs[group_of != group] for group in range(5)]
    turnarounds = [(rest["end"] - rest["submit"])[rest["start"].notna()].mean() for rest in kept]
    assert without["turnaround_mean"] == pytest.approx(turnarounds)
    done = [(rest["state"] == "finished").sum() * 5 / 4 for rest in kept]
    last = jobs["submit"].max()
    makespans = [rest["end"][rest["start"].notna()].max() + last - rest["submit"].max()
                 for rest in kept]  # fmt: skip
    assert without["makespan"] == pytest.approx(makespans)
    assert without["throughput"] == pytest.approx(np.array(done) / makespans * 3600)
    goodput = [used[finished & (group_of != g)].sum() / used[group_of != g].sum() for g in range(5)]
    assert without["goodput"] == pytest.approx(goodput)
    # Amounts are as if all jobs were like those kept, and so as much on average.
    for name in ("wan_bytes", "utilisation"):
        assert np.mean(without[name]) == pytest.approx(values[name])
    stop = (jobs["start"] + jobs["wall_s"]).clip(upper=last)
    busy = (stop - jobs["start"].clip(upper=last)).sum()
    assert values["utilisation"] == pytest.approx(busy / summary["cores"] / last)


def test_repetitions_have_a_mean_and_an_interval(folder):
    made = run(folder, "repeated", repetitions=5, policies={"brokerage": "random"})
    summary = json.loads((made / "summary.json").read_text())
    assert summary["seeds"] == [1, 2, 3, 4, 5]
    runs = [json.loads((made / f"seed-{seed}/summary.json").read_text()) for seed in range(1, 6)]
    values = [run["outcomes"]["wan_bytes"]["value"] for run in runs]
    found = summary["outcomes"]["wan_bytes"]
    # Student's t of four degrees of freedom, from a table.
    half = pytest.approx(2.7764 * np.std(values, ddof=1) / np.sqrt(5), rel=1e-4)
    assert found["value"] == pytest.approx(np.mean(values))
    assert found["high"] - found["value"] == half
    assert mean_and_interval([]) == {"value": None, "low": None, "high": None, "seeds": 0}
    assert mean_and_interval([3.0])["low"] is None


@pytest.mark.parametrize("seeds", range(2, 15))
def test_half_of_an_interval_is_students(seeds):
    """Also where the quantile is not asked of SciPy."""
    values = np.arange(seeds, dtype=float)
    error = np.std(values, ddof=1) / seeds**0.5
    assert seeds_half(values) == pytest.approx(float(stdtrit(seeds - 1, 0.975)) * error, rel=1e-9)


def test_events_are_written_when_asked_for(folder):
    made = run(folder, "events", events=True) / "seed-1"
    events = read_table(made / "events.parquet", EVENT_TABLE)
    assert events["time"].is_monotonic_increasing
    jobs = read_table(made / "jobs.parquet", JOBS)
    counts = events["event"].value_counts()
    assert counts["submitted"] == 600
    assert counts["finished"] == (jobs["state"] == "finished").sum()
    starts = events[events["event"] == "started"].groupby("job")["time"].last()
    ran = jobs.dropna(subset="start").set_index("job")["start"]
    np.testing.assert_allclose(starts.loc[ran.index], ran)


def test_outcomes_are_tidy(folder, tmp_path):
    runs = [
        run(folder, "tidy_1", policies={"brokerage": "as_recorded"}, repetitions=2),
        run(folder, "tidy_2", policies={"brokerage": "data_locality"}, workload={"name": "tvae"}),
    ]
    assert redwood("simulation", "outcomes", *runs, "--output", tmp_path / "o.csv")[0] == 0
    with open(tmp_path / "o.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["workload", "policy", "seed", "outcome", "unit", "value"]
    assert len(rows) == 3 * len(OUTCOMES)
    summary = json.loads((runs[1] / "seed-1/summary.json").read_text())
    (row,) = (row for row in rows if (row["workload"], row["outcome"]) == ("tvae", "makespan"))
    assert float(row["value"]) == summary["outcomes"]["makespan"]["value"]
    about = json.loads((tmp_path / "o.json").read_text())
    assert about["workloads"] == {"recorded": "recorded", "tvae": "model"}
    assert about["outcomes"].keys() == OUTCOMES.keys()
    assert about["outcomes"]["makespan"]["better"] == "less"
    both = [tmp_path / "o.csv", tmp_path / "o.json"]
    first = [path.read_bytes() for path in both]
    redwood("simulation", "outcomes", *reversed(runs), "--output", tmp_path / "o.csv")
    assert [path.read_bytes() for path in both] == first
    with pytest.raises(InputError, match=r"o\.parquet: .* expected a name that ends with \.csv"):
        redwood("simulation", "outcomes", *runs, "--output", tmp_path / "o.parquet")
    assert not (tmp_path / "o.parquet").exists()
    floor = run(folder, "tidy_3", seed=9, workload={"name": "tvae", "role": "floor"})
    with pytest.raises(InputError, match=r"role of workload 'tvae' is 'floor', but .*'model'"):
        redwood("simulation", "outcomes", *runs, floor, "--output", tmp_path / "o.csv")
    with pytest.raises(InputError, match="is the run that"):
        redwood("simulation", "outcomes", runs[0], runs[0], "--output", tmp_path / "o.csv")
    earlier = json.loads((runs[1] / "seed-1/summary.json").read_text())
    del earlier["outcomes"]["lost_share"]
    shutil.copytree(runs[1], tmp_path / "earlier", ignore=lambda *_: {CONTENTS})
    (tmp_path / "earlier/seed-1/summary.json").write_text(json.dumps(earlier))
    with pytest.raises(InputError, match=r"lacks the outcome 'lost_share': simulate again"):
        redwood("simulation", "outcomes", tmp_path / "earlier", "--output", tmp_path / "o.csv")
    with pytest.raises(InputError, match="no such summary of a simulation"):
        redwood("simulation", "outcomes", tmp_path, "--output", tmp_path / "o.csv")


POLICY = """
def choose(job, grid):
    return max(grid.able(job), key=lambda site: site.free_cores, default=None)


def wrong(job, grid):
    return "here"
"""


def test_a_policy_of_ones_own_is_a_function_in_a_file(folder, tmp_path):
    path = tmp_path / "most_free.py"
    path.write_text(POLICY)
    made = run(folder, "own", policies={"brokerage": str(path)})
    summary = json.loads((made / "summary.json").read_text())
    assert summary["policy"] == "most_free"
    assert str(path) in json.loads((made / "scenario.json").read_text())["digests"]
    with pytest.raises(InputError, match=r"policy '.*most_free\.py:wrong': job \d+: it answered"):
        run(folder, "wrong", policies={"brokerage": f"{path}:wrong"})


def most_free(job, grid):
    return max(grid.able(job), key=lambda site: site.free_cores, default=None)


class Latest(QueueOrder):
    """The last to come is the first to start."""

    def key(self, job, site):
        return -job.submit


def test_policies_may_be_python_objects(folder, tmp_path):
    """A function, a class and an instance; two seeds, each with policies of its own."""
    chosen = Scenario.load(scenario(folder, repetitions=2))
    summary = run_scenario(
        chosen, tmp_path / "objects", brokerage=most_free, placement=Placement(), queue=Latest
    )
    assert summary["policy"] == "most_free+Placement+Latest"
    path = tmp_path / "most_free.py"
    path.write_text(POLICY)
    (tmp_path / "latest.py").write_text(inspect.getsource(Latest).replace(
        "class", "from redwood.simulation.contract import QueueOrder\nclass", 1
    ))  # fmt: skip
    files = {"brokerage": str(path), "queue": str(tmp_path / "latest.py")}
    made = run(folder, "files", policies=files, repetitions=2)
    for seed in (1, 2):
        ours, theirs = (f / f"seed-{seed}/jobs.parquet" for f in (tmp_path / "objects", made))
        assert ours.read_bytes() == theirs.read_bytes()
    with pytest.raises(InputError, match="'python:most_free' was a Python object"):
        Scenario.load(tmp_path / "objects/scenario.json")
    with pytest.raises(InputError, match=r"placement .*expected a class derived from Placement"):
        run_scenario(chosen, tmp_path / "wrong", placement=most_free)
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("x = 1", "", "expected a class derived from Brokerage or a function choose"),
        ("x = 1", ":x", "expected a class derived from Brokerage"),
        ("x = 1", ":y", "there is no 'y' in it"),
        (
            "1 / 0",
            "",
            r"imported: it raised ZeroDivisionError: division by zero \(mine\.py, line 1\)",
        ),
        (
            "from redwood.simulation.contract import Brokerage\n"
            "class A(Brokerage): pass\nclass B(Brokerage): pass\n",
            "",
            "it has several policies, say which: .*:NAME of A, B",
        ),
        (
            "from redwood.simulation.contract import Brokerage\nclass A(Brokerage): pass\n",
            "",
            "while it was made: it raised TypeError",
        ),
    ],
)
def test_a_file_without_a_policy_says_so(folder, tmp_path, text, name, words):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        run(folder, "none", policies={"brokerage": f"{path}{name}"})


def test_wrong_use_and_wrong_values(folder, tmp_path):
    assert redwood("simulate", "--output", tmp_path / "run")[0] == 2
    for more, words in (
        ({"policies": {"brokerage": "best"}}, "'best' is unknown; there are as_recorded"),
        ({"policies": {"placement": "best"}}, "'best' is unknown; there are cache"),
        ({"policies": "random+best"}, "'best' is unknown; there are brokerage: as_recorded"),
        ({"load_factor": 0}, "scenario: load_factor is 0"),
        ({"workload": {"role": "real"}}, r"workload\.role is 'real'"),
        ({"workload": {"load_factor": 2}}, "load_factor is given twice, .* and in its workload"),
        ({"speed": 1}, r"speed: unknown key .*allowed: load_factor, .*environment, workload"),
        ({"environment": {"sites": [{"name": "A"}]}}, r"environment: sites\.0\.cores"),
        ({"environment": [1]}, r"environment is \[1\], expected the path of a file"),
        ({"environment": "none.json"}, "none.json: no such file"),
        ({"policies": {"brokerage": "none.py"}}, "none.py: no such file"),
        ({"repetitions": 0}, "repetitions is 0"),
        ({"interval_s": 1e-3}, r"interval_s is 0\.001: the time series"),
    ):
        with pytest.raises(InputError, match=words):
            redwood("simulate", scenario(folder, **more), "--output", tmp_path / "run")
    with pytest.raises(InputError, match="not JSON"):
        redwood("simulate", "{", "--output", tmp_path / "run")
    with pytest.raises(InputError, match="no such scenario"):
        redwood("simulate", tmp_path / "none.yaml", "--output", tmp_path / "run")
    catalogue = tmp_path / "catalogue.csv"
    catalogue.write_text("dataset,sites\n")
    with pytest.raises(InputError, match="no feature `dataset`"):
        run(folder, "uncatalogued", workload={"catalogue": str(catalogue)})


def test_a_simgrid_that_cannot_be_loaded_is_an_error_that_says_how_to_put_it_right(
    folder, monkeypatch
):
    genuine = builtins.__import__

    def refuse(name, *arguments, **keywords):
        if name == "simgrid":
            raise ImportError("libsimgrid.so.4.1: cannot open shared object file")
        return genuine(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        InputError, match=r"installed but cannot be imported .*redwood\.setup_simgrid"
    ):
        run(folder, "without")


def test_the_smallest_scenario_is_written_by_hand_in_yaml(folder, tmp_path):
    table = job_table(50)[["creationtime", "computingsite", "workload"]]
    table.assign(creationtime=table["creationtime"].dt.tz_localize(None)).to_csv(
        tmp_path / "jobs.csv", index=False
    )
    (tmp_path / "scenario.yaml").write_text(
        "environment: {sites: [{name: A, cores: 100}, {name: B, cores: 50}]}\n"
        f"workload: {{jobs: {tmp_path / 'jobs.csv'}}}\n"
    )
    redwood("simulate", tmp_path / "scenario.yaml", "--output", tmp_path / "run")
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["policy"] == "least_loaded"
    assert summary["jobs"]["finished"] == 50


def test_a_killed_run_leaves_valid_partial_files_that_say_so(folder, tmp_path):
    table = job_table(60_000)
    write_table(table, tmp_path / "jobs.parquet", DESCRIPTION)
    environment(500, 500).save(tmp_path / "environment.json")
    text = scenario(
        folder,
        environment=str(tmp_path / "environment.json"),
        workload={"jobs": str(tmp_path / "jobs.parquet")},
        checkpoint_s=0.2,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "redwood", "simulate", text, "--output", tmp_path / "run"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow")},
        start_new_session=True,
    )
    partial = tmp_path / ".run.partial/seed-1"
    limit = time.monotonic() + 60
    while not (partial / "jobs-00002.parquet").exists() and time.monotonic() < limit:
        assert process.poll() is None, "the simulation ended before it was killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    progress = json.loads((partial / "progress.json").read_text())
    assert progress["complete"] is False
    assert progress["jobs"] == 60_000
    assert not (tmp_path / "run/summary.json").exists()
    files = sorted(partial.glob("jobs-*.parquet"))
    ended = pd.concat([read_table(file, JOBS) for file in files])
    assert ended["job"].is_unique
    assert 0 < len(ended) < 60_000
    assert (ended["state"] != "unfinished").all()
    # What ended so far has ended the same in the whole run, which takes the partial files away.
    redwood("simulate", text, "--output", tmp_path / "run")
    assert not partial.exists()
    whole = read_table(tmp_path / "run/seed-1/jobs.parquet", JOBS).set_index("job")
    pd.testing.assert_frame_equal(whole.loc[ended["job"]], ended.set_index("job"))
