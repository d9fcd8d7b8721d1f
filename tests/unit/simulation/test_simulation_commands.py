"""The verbs from end to end: outcomes, determinism, scenarios that are run again."""

import builtins
import csv
import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from redwood.errors import InputError
from redwood.simulation.accounts import JOBS, SITES, time_average
from redwood.simulation.commands import app as simulation
from redwood.simulation.commands import simulate
from redwood.simulation.outcomes import OUTCOMES
from redwood.tables import Column, TableDescription, read_table, write_table

pytest.importorskip("simgrid")

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
OPTIONS = json.dumps({"load_factor": 10.0, "interval_s": 600.0})


def redwood(*arguments):
    app = typer.Typer()
    app.command("simulate")(simulate)
    app.add_typer(simulation, name="simulation")
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(result.exception, InputError):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulation")
    random = np.random.default_rng(1)
    rows = 600
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
    DESCRIPTION.save(folder / "table.json")
    write_table(table, folder / "jobs.parquet", DESCRIPTION)
    (folder / "sites.csv").write_text(
        "site,tier,core_power,cores,queues\nBNL,T1,10,200,ANALY_BNL_VP\nAGLT2,T2,11,,\n"
    )
    (folder / "network.csv").write_text(
        "tier,bandwidth_gbps,storage_gbps,latency_ms,transfer_gbps,cores\n"
        "T0,10,10,10,1,100\nT1,10,10,10,1,100\nT2,10,10,10,1,100\nT3,1,1,10,1,100\n"
    )
    made = redwood(
        *("simulation", "platform", "--table", folder / "table.json"),
        *("--jobs", folder / "jobs.parquet", "--resources", folder),
        *("--options", OPTIONS, "--output", folder / "platform.json"),
    )
    assert made[0] == 0
    return folder


def run(folder, in_own_process, name, policy="least_loaded", seed=1, **more):
    arguments = {
        "platform": folder / "platform.json",
        "table": folder / "table.json",
        "jobs": folder / "jobs.parquet",
        "policy": policy,
        "seed": seed,
        "options": OPTIONS,
        "output": folder / name,
    } | more
    flags = [part for key, value in arguments.items() for part in (f"--{key}", value)]
    code, output = in_own_process(redwood, "simulate", *flags)
    assert code == 0, output
    return folder / name


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_equal_seeds_give_equal_bytes_and_others_do_not(folder, in_own_process):
    first = contents(run(folder, in_own_process, "first"))
    assert list(first) == ["jobs.parquet", "scenario.json", "sites.parquet", "summary.json"]
    assert contents(run(folder, in_own_process, "second")) == first
    other = contents(run(folder, in_own_process, "other", seed=2))
    assert other["jobs.parquet"] != first["jobs.parquet"]


def test_a_scenario_runs_again_with_equal_bytes(folder, in_own_process):
    first = run(folder, in_own_process, "original")
    code, _ = in_own_process(
        redwood, "simulate", "--scenario", first / "scenario.json", "--output", folder / "again"
    )
    assert code == 0
    assert contents(folder / "again") == contents(first)


def test_a_scenario_whose_files_have_changed_is_an_error(folder, in_own_process, tmp_path):
    scenario = json.loads((run(folder, in_own_process, "kept") / "scenario.json").read_text())
    scenario["jobs"]["sha256"] = "0" * 64
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(scenario))
    with pytest.raises(InputError, match=r"jobs\.parquet has changed since"):
        redwood("simulate", "--scenario", path, "--output", tmp_path / "run")
    path.write_text(json.dumps(scenario | {"colour": "red"}))
    with pytest.raises(InputError, match=r"not a scenario: .*colour"):
        redwood("simulate", "--scenario", path, "--output", tmp_path / "run")


@pytest.mark.parametrize("policy", ["as_recorded", "least_loaded", "data_locality"])
def test_the_tables_agree_with_each_other(folder, in_own_process, policy):
    made = run(folder, in_own_process, policy, policy)
    jobs = read_table(made / "jobs.parquet", JOBS)
    sites = read_table(made / "sites.parquet", SITES)
    summary = json.loads((made / "summary.json").read_text())
    table = read_table(folder / "jobs.parquet", DESCRIPTION)
    assert jobs["job"].tolist() == list(range(600))
    assert jobs["state"].tolist() == table["jobstatus"].tolist()
    assert sum(count for state, count in summary["jobs"].items() if state != "submitted") == 600
    busy = sites["busy_cores"].sum() * 600
    assert busy == pytest.approx((jobs["end"] - jobs["start"]).sum(), rel=1e-9)
    assert sites["queued_jobs"].sum() * 600 == pytest.approx(jobs["queue_s"].sum(), rel=1e-6)
    assert (sites["busy_cores"] <= sites["cores"] + 1e-6).all()
    moved = summary["outcomes"]["wan_bytes"]["value"]
    assert sites["bytes_in"].sum() == sites["bytes_out"].sum() == moved
    assert (moved == 0) == (policy == "data_locality")
    assert (jobs["bytes_moved"] == table["size"].where(jobs["source"].notna(), 0)).all()
    for state in ("finished", "failed"):
        assert sites[state].sum() == summary["jobs"][state]
    if policy == "as_recorded":
        ran = jobs["site"].notna()
        assert (jobs["site"][ran] == table["computingsite"][ran]).all()


def test_the_summary_by_hand(folder, in_own_process):
    made = run(folder, in_own_process, "by_hand")
    jobs = read_table(made / "jobs.parquet", JOBS)
    summary = json.loads((made / "summary.json").read_text())
    values = {name: outcome["value"] for name, outcome in summary["outcomes"].items()}
    work = read_table(folder / "jobs.parquet", DESCRIPTION)["workload"]
    finished = jobs["state"] == "finished"
    makespan = jobs["end"].max()
    assert values["makespan"] == pytest.approx(makespan)
    assert values["queue_time_p95"] == pytest.approx(jobs["queue_s"].quantile(0.95))
    assert values["stagein_mean"] == pytest.approx(jobs["stagein_s"].mean())
    assert values["throughput"] == pytest.approx(finished.sum() / makespan * 3600)
    assert values["goodput"] == pytest.approx(work[finished].sum() / work.sum())
    busy = (jobs["end"] - jobs["start"]).sum()
    assert values["utilisation"] == pytest.approx(busy / summary["cores"] / makespan)


def test_units_stand_in_the_metadata(folder, in_own_process):
    schema = pq.read_schema(run(folder, in_own_process, "units") / "jobs.parquet")
    assert schema.field("queue_s").metadata[b"unit"] == b"s"
    assert schema.field("bytes_moved").metadata[b"unit"] == b"bytes"


def test_outcomes_are_tidy(folder, in_own_process, tmp_path):
    runs = [
        run(folder, in_own_process, "tidy_1", "as_recorded"),
        run(folder, in_own_process, "tidy_2", "as_recorded", seed=2),
        run(folder, in_own_process, "tidy_3", "data_locality", workload="tvae"),
    ]
    code, _ = redwood("simulation", "outcomes", *runs, "--output", tmp_path / "outcomes.csv")
    assert code == 0
    with open(tmp_path / "outcomes.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["workload", "policy", "seed", "outcome", "unit", "value"]
    assert len(rows) == 3 * len(OUTCOMES)
    summary = json.loads((runs[2] / "summary.json").read_text())
    (row,) = (row for row in rows if (row["workload"], row["outcome"]) == ("tvae", "makespan"))
    assert float(row["value"]) == summary["outcomes"]["makespan"]["value"]
    with pytest.raises(InputError, match="is the run that"):
        redwood("simulation", "outcomes", runs[0], runs[0], "--output", tmp_path / "o.csv")
    with pytest.raises(InputError, match="no such summary of a simulation"):
        redwood("simulation", "outcomes", tmp_path, "--output", tmp_path / "o.csv")


def test_wrong_use_and_wrong_values(folder, tmp_path):
    base = ("simulate", "--output", tmp_path / "run")
    assert redwood(*base)[0] == 2
    assert redwood(*base, "--scenario", "s.json", "--policy", "as_recorded")[0] == 2
    inputs = ("--platform", folder / "platform.json", "--table", folder / "table.json")
    inputs += ("--jobs", folder / "jobs.parquet", "--seed", "1")
    with pytest.raises(InputError, match=r"there is no 'best'; there are as_recorded"):
        redwood(*base, *inputs, "--policy", "best")
    for options, message in (
        ('{"load_factor": 0}', "--options: load_factor"),
        ('{"speed": 1}', "--options: speed"),
        ("{", "--options: not JSON"),
    ):
        with pytest.raises(InputError, match=message):
            redwood(*base, *inputs, "--policy", "as_recorded", "--options", options)
    assert not (tmp_path / "run").exists()


def test_an_interval_that_is_too_short_is_an_error(folder, in_own_process, tmp_path):
    options = json.dumps({"load_factor": 10.0, "interval_s": 1e-3})
    with pytest.raises(InputError, match=r"interval_s is 0\.001: the time series"):
        run(folder, in_own_process, "fine", options=options)
    assert not (folder / "fine").exists()


def test_without_simgrid_the_error_says_how_to_get_it(folder, in_own_process, monkeypatch):
    genuine = builtins.__import__

    def refuse(name, *arguments, **keywords):
        if name == "simgrid":
            raise ImportError("no module named simgrid")
        return genuine(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match=r"SimGrid cannot be imported .*simgrid==4\.1"):
        run(folder, in_own_process, "without")


def test_time_averages_against_a_fine_grid():
    random = np.random.default_rng(2)
    begin = np.round(random.uniform(0, 50, 30), 2)
    end = begin + np.round(random.uniform(0, 20, 30), 2)
    weight = random.integers(1, 9, 30).astype(float)
    edges = np.arange(0, 80, 10.0)
    found = time_average(begin, end, weight, edges)
    moments = np.arange(0.005, 70, 0.01)
    under_way = (begin[:, None] < moments) & (moments < end[:, None])
    expected = (weight[:, None] * under_way).sum(0).reshape(7, -1).mean(1)
    assert found == pytest.approx(expected, rel=1e-9)
