"""What does not happen as a scenario asks is said: before, in the last line and the summary."""

import json

import pandas as pd
import pytest
from small_grids import recorded_jobs

from redwood.errors import InputError
from redwood.simulation.commands import simulate
from redwood.simulation.job_table import table_columns
from redwood.simulation.running import Given, run_scenario
from redwood.simulation.scenario import Scenario
from redwood.simulation.shortfalls import foreseen

pytest.importorskip("simgrid")

# One core each, 330 s a job.
SITES = [{"name": "ALPHA", "cores": 1}, {"name": "BETA", "cores": 2}]
UNKNOWN = (
    "8 of 10 jobs were recorded at 2 sites that the environment lacks: "
    "'alpha' (6 jobs; the nearest is 'ALPHA'), 'BETA ' (2 jobs; the nearest is 'BETA')"
)


@pytest.fixture
def scenario(tmp_path):
    """Make a scenario of ten jobs, with columns of their own; its environment has `SITES`."""

    def make(columns=None, rows=10, environment=None, workload=None, **more):
        jobs = recorded_jobs(rows, "ALPHA").assign(**(columns or {}))
        jobs["creationtime"] = jobs["creationtime"].dt.tz_localize(None)
        jobs.to_csv(tmp_path / "jobs.csv", index=False)
        content = {
            "environment": {"sites": SITES, **(environment or {})},
            "workload": {"jobs": str(tmp_path / "jobs.csv"), **(workload or {})},
            **more,
        }
        return Scenario.load(content)

    return make


def told(scenario):
    given = Given.of(scenario)
    return foreseen(scenario, given.environment, given.columns, given.jobs)


SPELLED = ["BETA", "BETA"] + ["alpha"] * 6 + ["BETA "] * 2


def test_a_replay_at_sites_that_are_not_there_is_an_error_before_any_job_runs(
    scenario, tmp_path, capfd
):
    chosen = scenario({"computingsite": SPELLED}, policies="as_recorded")
    with pytest.raises(InputError, match=r"^policy 'as_recorded' sends jobs to where") as raised:
        run_scenario(chosen, tmp_path / "run")
    assert UNKNOWN in str(raised.value)
    assert not (tmp_path / "run").exists()
    said = capfd.readouterr().err
    assert f"jobs.csv: {UNKNOWN}" in said
    assert "simulating" not in said


def test_other_policies_run_and_say_so_before_and_in_the_summary(scenario, tmp_path, capfd):
    chosen = scenario({"computingsite": SPELLED}, repetitions=2)
    summary = run_scenario(chosen, tmp_path / "run")
    assert summary["remarks"] == [UNKNOWN]
    assert summary["jobs"]["finished"] == 10
    before, _ = capfd.readouterr().err.split("simulating", 1)
    assert before == f"{tmp_path / 'jobs.csv'}: {UNKNOWN}\n"


def test_jobs_that_did_not_run_are_counted_wherever_a_summary_stands(scenario, tmp_path, capfd):
    chosen = scenario({"cores": [3] * 4 + [1] * 6})
    chosen.save(tmp_path / "scenario.json")
    simulate(str(tmp_path / "scenario.json"), tmp_path / "run")
    lines = capfd.readouterr().err.splitlines()
    too_large = (
        "4 of 10 jobs need more cores than any site has and cannot run: data row 1 needs 3, the "
        "largest site, 'BETA', has 2"
    )
    assert lines[0] == f"{tmp_path / 'jobs.csv'}: {too_large}"
    assert "  6 finished, 4 unbrokered" in lines
    lost = "4 of 10 jobs did not run to an end and count in no mean: 4 unbrokered"
    assert lines[-2:] == [f"not as asked: {too_large}", f"not as asked: {lost}"]
    for file in ("summary.json", "seed-1/summary.json"):
        summary = json.loads((tmp_path / "run" / file).read_text())
        assert summary["outcomes"]["lost_share"]["value"] == 0.4
        assert summary["outcomes"]["failed_share"]["value"] == 0
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["remarks"] == [too_large, lost]


def test_unfinished_jobs_are_counted_too(scenario, tmp_path):
    """Ten jobs of 330 s on one core until 600 s after the last submission, at 90 s: two end."""
    chosen = scenario(policies="as_recorded", drain_s=600.0)
    summary = run_scenario(chosen, tmp_path / "run")
    assert summary["jobs"]["finished"] == 2
    assert summary["outcomes"]["lost_share"]["value"] == 0.8
    assert summary["remarks"] == [
        "8 of 10 jobs did not run to an end and count in no mean: 8 unfinished"
    ]


@pytest.mark.parametrize(
    ("replicas", "room", "short"), [(2, None, 0), (3, None, 1), (2, 5e3, 0), (2, 1e3, 1)]
)
def test_replicas_for_which_there_is_no_site_or_no_room_are_said(
    scenario, tmp_path, replicas, room, short
):
    """One dataset of 2 kB, and a site besides with room for it or not."""
    sites = [SITES[0], {**SITES[1], "storage_bytes": room}]
    chosen = scenario({"size": 2000}, environment={"sites": sites}, replicas=replicas)
    remarks = run_scenario(chosen, tmp_path / "run")["remarks"]
    expected = "1 of 1 datasets began with fewer replicas than asked for: "
    assert [remark.startswith(expected) for remark in remarks] == [True] * short


def nowhere(job, grid):
    return None


@pytest.mark.parametrize(
    ("columns", "brokerage", "words"),
    [
        ({"cores": 3}, None, "10 unbrokered"),
        ({"jobstatus": "closed"}, None, "10 closed"),
        ({"workload": 1e300}, None, "10 unfinished"),
        ({}, nowhere, "10 unbrokered"),
    ],
)
def test_a_simulation_in_which_nothing_ran_is_an_error(
    scenario, tmp_path, columns, brokerage, words
):
    with pytest.raises(InputError, match=f"seed 1: none of the 10 jobs ran, .*: {words}$"):
        run_scenario(scenario(columns), tmp_path / "run", brokerage=brokerage)
    assert not (tmp_path / "run").exists()


CATALOGUE = "dataset,sites\nd,ALPHA\n"


@pytest.mark.parametrize(
    ("columns", "more", "words"),
    [
        ({}, {}, []),
        ({"size": 5, "jobstatus": "failed"}, {"failures": "recorded", "replicas": 1}, []),
        (
            {"creationtime": pd.to_datetime(["1970-01-01"] + ["2024-01-01"] * 9, utc=True)},
            {},
            ["between 1970-01-01 and 2024-01-01, .* 1 of 10 jobs come before"],
        ),
        ({"colour": "red", "speed": 1}, {}, ["makes no use of colour, speed"]),
        ({}, {"failures": "recorded"}, ["failures: recorded has no effect: .* jobstatus"]),
        (
            {"size": 0},
            {"policies": "random+cache", "replicas": 1},
            ["replicas has no effect: no job has input", "placement 'cache' has no effect"],
        ),
        (
            {"size": 5, "dataset": "d"},
            {"jobs_per_dataset": 3.0},
            ["jobs_per_dataset has no effect: the job table names its datasets"],
        ),
        (
            {"size": 5, "dataset": "d"},
            {"catalogue": True, "replicas": 1},
            ["replicas has no effect: the catalogue says what lies where"],
        ),
        (
            {"datatype": "PHYS"},
            {"environment": {"kind_failure_rates": {"mc23/PHYS": 0.1}}},
            ["kind_failure_rates have no effect: .* 'mc23/PHYS'"],
        ),
        (
            {"datatype": "PHYS"},
            {"environment": {"kind_failure_rates": {"PHYS": 0.1, "SUSY": 0.1}}},
            [],
        ),
    ],
)
def test_what_is_ignored_is_said_and_nothing_else(scenario, tmp_path, columns, more, words):
    if more.pop("catalogue", False):
        (tmp_path / "catalogue.csv").write_text(CATALOGUE)
        more["workload"] = {"catalogue": str(tmp_path / "catalogue.csv")}
    found = told(scenario(columns, **more))
    assert len(found) == len(words), found
    for line, expected in zip(found, words, strict=True):
        assert pd.Series(line).str.contains(expected).all(), line


def test_an_outage_after_the_end_is_said(scenario, tmp_path):
    outages = [
        {"site": "BETA", "start_s": 50, "lasting_s": 10},
        {"site": "ALPHA", "start_s": 1e9, "lasting_s": 10},
    ]
    summary = run_scenario(scenario(environment={"outages": outages}), tmp_path / "run")
    assert summary["remarks"] == [
        "the outage of 'ALPHA' at 1e+09 s never came: the simulation was over before"
    ]


@pytest.fixture
def study(tmp_path):
    """A folder of a scenario whose paths are all relative, below another one."""
    folder = tmp_path / "work/study"
    (folder / "inputs").mkdir(parents=True)
    jobs = recorded_jobs(10, "ALPHA").assign(size=10, dataset="d")
    jobs["creationtime"] = jobs["creationtime"].dt.tz_localize(None)
    jobs.to_csv(folder / "inputs/jobs.csv", index=False)
    (folder / "inputs/catalogue.csv").write_text(CATALOGUE)
    (folder / "grid.json").write_text(json.dumps({"sites": SITES}))
    (folder / "mine.py").write_text("def first(job, grid):\n    return grid.able(job)[0]\n")
    (folder / "scenario.yaml").write_text(
        "environment: grid.json\n"
        "workload: {jobs: inputs/jobs.csv, catalogue: inputs/catalogue.csv}\n"
        "policies: {brokerage: 'mine.py:first'}\n"
    )
    return folder


def test_relative_paths_count_from_the_scenarios_own_folder(study, tmp_path, monkeypatch):
    """Wherever one stands; and a results folder moves together with what it was made of."""
    monkeypatch.chdir(study)
    run_scenario(Scenario.load("scenario.yaml"), "../runs/one")
    monkeypatch.chdir(study.parent)
    run_scenario(Scenario.load("study/scenario.yaml"), "runs/two")
    one, two = (study.parent / "runs" / name for name in ("one", "two"))
    for file in ("scenario.json", "summary.json", "seed-1/jobs.parquet"):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    kept = json.loads((one / "scenario.json").read_text())
    assert kept["workload"]["jobs"] == "../../study/inputs/jobs.csv"
    assert kept["policies"]["brokerage"] == "../../study/mine.py:first"
    assert set(kept["digests"]) == {
        f"../../study/{name}"
        for name in ("grid.json", "inputs/jobs.csv", "inputs/catalogue.csv", "mine.py")
    }
    monkeypatch.chdir(tmp_path)
    study.parent.rename("moved")
    run_scenario(Scenario.load("moved/runs/one/scenario.json"), "moved/runs/again")
    for file in ("scenario.json", "summary.json"):
        ours, theirs = (tmp_path / f"moved/runs/{name}/{file}" for name in ("one", "again"))
        assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    ("old", "key"),
    [
        ("grid.json", "environment"),
        ("inputs/jobs.csv", "workload.jobs"),
        ("inputs/catalogue.csv", "workload.catalogue"),
        ("mine.py", "policies.brokerage"),
    ],
)
def test_a_missing_file_is_named_with_its_key_and_where_it_was_sought(study, old, key):
    path = study / "scenario.yaml"
    path.write_text(path.read_text().replace(old, "none.py" if old == "mine.py" else "none.csv"))
    name = "none.py" if old == "mine.py" else "none.csv"
    with pytest.raises(InputError) as raised:
        Scenario.load(path)
    assert str(raised.value) == (
        f"{path}: {key}: {study / name}: no such file; relative paths count from the scenario's "
        f"own folder, {study}"
    )


def test_paths_of_a_scenario_that_is_no_file_count_from_where_one_stands(study, monkeypatch):
    content = {"environment": "grid.json", "workload": {"jobs": "inputs/jobs.csv"}}
    monkeypatch.chdir(study)
    assert Scenario.load(json.dumps(content)) == Scenario.load(content)
    monkeypatch.chdir(study.parent)
    with pytest.raises(
        InputError, match=rf"grid\.json: no such file; .* it is started, {study.parent}$"
    ):
        Scenario.load(content)


def test_a_link_on_the_way_to_the_output_does_not_lead_astray(study, tmp_path, monkeypatch):
    """`..` of a folder behind a link is another one."""
    (tmp_path / "disk/deep").mkdir(parents=True)
    (study / "runs").symlink_to(tmp_path / "disk/deep")
    monkeypatch.chdir(study)
    run_scenario(Scenario.load("scenario.yaml"), "runs/one")
    assert Scenario.load("runs/one/scenario.json").read_environment().sites[0].name == "ALPHA"


def test_a_folder_of_parts_is_a_job_table(scenario, tmp_path):
    whole = recorded_jobs(10, "ALPHA")
    (tmp_path / "parts").mkdir()
    for number, part in enumerate((whole[:4], whole[4:])):
        part.to_parquet(tmp_path / f"parts/{number}.parquet", index=False)
    assert table_columns(tmp_path / "parts") == ["creationtime", "computingsite", "workload"]
    chosen = scenario(workload={"jobs": str(tmp_path / "parts")})
    assert run_scenario(chosen, tmp_path / "run")["jobs"]["finished"] == 10
    assert json.loads((tmp_path / "run/scenario.json").read_text())["digests"]
