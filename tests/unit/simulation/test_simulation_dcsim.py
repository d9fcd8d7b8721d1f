"""DCSim as an engine: its CSV as our tables, its failures as clear errors; live where it is."""

import json
import shutil
import time
from pathlib import Path

import exported_case
import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.simulation import engines
from redwood.simulation.engine_cases import run_cases
from redwood.simulation.engine_comparison import COMPARED, SAME_SITE, write_comparison
from redwood.simulation.engines import dcsim
from redwood.simulation.exports.dcsim import worker_name
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario, load_scenarios
from redwood.simulation.study import run_study

# Of a run of DCSim on `exported_case`, see `test_dcsim_still_writes_what_was_recorded`.
RECORDED = Path(__file__).with_name("dcsim_jobs.csv")
DEADLOCK = "Exception: The simulation has deadlocked."
HEADER = ", ".join(dcsim.COLUMNS) + "\n"

live = pytest.mark.skipif(
    shutil.which(dcsim.EXECUTABLE) is None,
    reason=f"no {dcsim.EXECUTABLE} on the PATH: DCSim itself was not tried; {dcsim.WHERE}",
)


@pytest.fixture
def fake(tmp_path):
    """Make a program in place of DCSim, of a line of shell; `$out` is the CSV that it writes."""

    def make(shell):
        path = tmp_path / "dc-sim"
        path.write_text(
            '#!/bin/sh\n[ "$1" = --wrench-version ] && { echo "WRENCH version 2.8"; exit; }\n'
            'while [ $# -gt 0 ]; do [ "$1" = --output-file ] && out=$2; shift; done\n' + shell
        )
        path.chmod(0o755)
        return str(path)

    return make


def run(folder, program=None, **more):
    scenario = exported_case.scenario(folder, engine="dcsim", **more)
    summary = run_scenario(scenario, folder / "run", program=program)
    return summary, pd.read_parquet(folder / "run" / "seed-1" / "jobs.parquet").set_index("job")


def test_a_recorded_output_becomes_our_tables(fake, tmp_path):
    summary, jobs = run(tmp_path, fake(f'echo {DEADLOCK}; cp {RECORDED} "$out"'))
    lines = pd.read_csv(RECORDED, sep=", ", engine="python")
    lines.index = lines["job.tag"].str.extract(r"(\d+)")[0].astype(int).to_numpy()
    ran = jobs.loc[sorted(lines.index)]
    lines = lines.loc[ran.index]
    # Of the rows that did not run, 4 never got all cores of its site, and 5 fits none.
    assert list(ran["state"]) == ["finished", "finished", "cancelled", "finished"]
    assert list(jobs["state"][3:6]) == ["closed", "unfinished", "unbrokered"]
    environment = exported_case.scenario(tmp_path).read_environment()
    names = {worker_name(environment, i): site.name for i, site in enumerate(environment.sites)}
    assert (ran["site"].astype(str) == lines["machine.name"].map(names)).all()
    for ours, theirs in (
        ("wall_s", lines["job.computetime"]),
        ("stagein_s", lines["infiles.transfertime"]),
        ("end", lines["job.end"]),
        ("queue_s", lines["job.start"] - ran["submit"]),
    ):
        assert ran[ours].to_numpy() == pytest.approx(theirs.to_numpy(), abs=2e-6), ours
    sources = {0: "CERN", 1: "TAPE", 6: "CERN"}
    for row, source in sources.items():
        elsewhere = ran["site"][row] != source
        assert ran["source"][row] == source if elsewhere else pd.isna(ran["source"][row])
        assert ran["bytes_moved"][row] == (lines["infiles.size"][row] if elsewhere else 0)
    assert summary["outcomes"]["lost_share"]["value"] == pytest.approx(2 / 7)
    assert any("did not run to an end" in remark for remark in summary["remarks"])
    assert summary["engine"]["name"] == "dcsim"
    assert summary["engine"]["version"] == "WRENCH 2.8"
    assert any("policies are not asked" in words for words in summary["engine"]["left_out"])
    assert (tmp_path / "run" / "seed-1" / "engine.log").read_text() == f"{DEADLOCK}\n"


def test_it_asks_no_policies_and_so_runs_once_beside_each_of_ours(fake, tmp_path):
    program = fake(f'echo {DEADLOCK}; cp {RECORDED} "$out"')
    given = exported_case.scenario(tmp_path).model_dump(mode="json", exclude_defaults=True)
    given["policies"] = [
        "random",
        "round_robin",
        {"brokerage": "least_loaded", "queue": "shortest_first"},
    ]
    theirs = run_study(load_scenarios(given, "dcsim"), tmp_path / "theirs", program=program)
    assert theirs == [tmp_path / "theirs/recorded/dcsim"]
    ours = run_study(load_scenarios(given), tmp_path / "ours")
    said = write_comparison([*ours, *theirs], tmp_path / "engines.csv")
    table = pd.read_csv(tmp_path / "engines.csv")
    assert list(table["policy"].unique()) == [
        "least_loaded+shortest_first",
        "random",
        "round_robin",
    ]
    # One run, whatever it is compared with; and no order of policies to be compared.
    alike = table[table["outcome"] != SAME_SITE]
    assert alike.groupby("outcome").size().eq(3).all()
    assert len(alike[["outcome", "value"]].drop_duplicates()) == len(COMPARED)
    assert "tau" in said
    written = json.loads((tmp_path / "engines.json").read_text())
    assert not written["engines"]["dcsim"]["asks_policies"]
    assert written["ranked_alike"] == []
    one = Scenario.load({**given, "policies": "random", "engine": "dcsim"})
    with pytest.raises(InputError, match="'dcsim' asks no policies, expected no brokerage"):
        run_scenario(one, tmp_path / "run", program=program, brokerage=lambda job, grid: None)


FIRST = "job_00000000_0, 0001-CERN, 0, 0.0, 10.0, 5.0, 1.0, 5.0, 4000000000, 0, 0\n"


@pytest.mark.parametrize(
    ("shell", "said"),
    [
        ("echo cannot do it >&2; exit 3", r"(?s)ended with status 3.*cannot do it"),
        ("echo so far; kill -SEGV $$", r"(?s)ended by signal 11.*so far"),
        ("echo Exception: no", r"(?s)ended without having written jobs\.csv.*Exception: no"),
        (f'echo no ports; cp {RECORDED} "$out"', r"(?s)told nothing of 1 jobs.*no ports"),
        ('echo something else > "$out"', "line 1: not the CSV of DCSim: 'something else'"),
        (
            f'printf "{HEADER}{FIRST}job_1_0, 0000-A" > "$out"',
            r"line 3: 'job_1_0, 0000-A' is no job of DCSim's, .* ended while it wrote",
        ),
        (f'printf "{HEADER}{FIRST}{FIRST}" > "$out"', "line 3: job 0 on machine '0001-CERN' was"),
        (f'echo {DEADLOCK}; printf "{HEADER}" > "$out"', "none of the 7 jobs ran"),
    ],
)  # fmt: skip
def test_whatever_becomes_of_the_program_is_said(fake, tmp_path, shell, said):
    with pytest.raises(InputError, match=said):
        run(tmp_path, fake(shell))
    assert not (tmp_path / "run").exists()


def test_a_program_that_hangs_is_ended_with_all_that_it_started(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(dcsim, "_LEAST_LIMIT_S", 1.0)
    monkeypatch.setattr(dcsim, "_LIMIT_S_PER_JOB", 0.0)
    (tmp_path / "beats").write_text("")
    program = fake(f"(while true; do echo . >> {tmp_path}/beats; sleep 0.1; done) & sleep 60")
    begin = time.monotonic()
    with pytest.raises(InputError, match="had not ended after 1 s"):
        run(tmp_path, program)
    assert time.monotonic() - begin < 30
    beats = (tmp_path / "beats").stat().st_size
    time.sleep(0.5)
    assert (tmp_path / "beats").stat().st_size == beats


def test_without_the_program_it_is_said_where_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"no dc-sim on the PATH.*HEPCompSim/DCSim.*LGPL-3\.0"):
        run(tmp_path)


@live
def test_dcsim_still_writes_what_was_recorded(tmp_path):
    _, jobs = run(tmp_path)
    assert list(jobs["state"]) == [
        "finished", "finished", "cancelled", "closed", "unfinished", "unbrokered", "finished",
    ]  # fmt: skip
    # Which site a job gets is DCSim's own choice, which may change from run to run.
    lines = pd.read_csv(RECORDED, sep=", ", engine="python")
    assert len(lines) == jobs["start"].notna().sum()
    assert lines["infiles.transfertime"].max() == pytest.approx(jobs["stagein_s"].max())
    found = engines.find("dcsim")
    assert found.known, f"{found}: add its version to VERSIONS if all else passes"


@live
def test_where_nothing_waits_dcsim_meets_the_formulas():
    """Within 1 %; what waits is looked at again only when another job is submitted."""
    table = run_cases(["dcsim"])
    waits = table["case"].isin(["a saturated site", "a wide job before a narrow one"])
    assert (~waits).sum() > 8
    assert table["difference"][~waits].abs().max() < 0.01


@live
def test_a_freed_core_waits_for_the_next_submission(tmp_path):
    """The rule that explains DCSim's queue times; to a microsecond."""
    random, cores, mean_s = np.random.default_rng(3), 4, 100.0
    submit = np.cumsum(random.exponential(mean_s / cores / 0.8, 400)).round(3)
    seconds = random.exponential(mean_s, 400).round(3)
    pd.DataFrame(
        {
            "creationtime": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(submit, "s"),
            "computingsite": "A",
            "workload": seconds * 10,
        }
    ).to_parquet(tmp_path / "jobs.parquet")
    scenario = Scenario.load(
        {
            "environment": {"sites": [{"name": "A", "cores": cores}]},
            "workload": {"jobs": str(tmp_path / "jobs.parquet")},
            "engine": "dcsim",
        }
    )
    run_scenario(scenario, tmp_path / "run")
    jobs = pd.read_parquet(tmp_path / "run" / "seed-1" / "jobs.parquet")
    dates, busy, waiting, start = submit - submit[0], [], [], np.full(400, np.nan)
    for row, now in enumerate(dates):
        busy = [end for end in busy if end > now]
        waiting.append(row)
        while waiting and len(busy) < cores:
            start[waiting[0]] = now
            busy.append(now + seconds[waiting.pop(0)])
    assert jobs["start"].to_numpy() == pytest.approx(start, abs=1e-5, nan_ok=True)
    assert np.nanmax(start - dates) > 10
