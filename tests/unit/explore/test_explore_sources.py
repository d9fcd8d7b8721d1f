"""What there is to explore; what is half there, of another version, or nothing at all."""

import json
import shutil

import pytest
from made_up_results import copy_of, make_long_scenario, scenario_of

from redwood.errors import InputError
from redwood.explore.knobs import Knobs
from redwood.explore.sources import Source, default_results


def test_results_offer_their_jobs_and_policies_and_begin_with_what_was_run(source):
    assert list(source.choices.workloads) == ["recorded", "sequoia"]
    assert source.defaults == Knobs(load_factor=2.0)
    assert source.find(source.defaults).folder.name == "seed-1"
    assert len(source.known) == 4
    assert source.remarks == []
    assert source.find(Knobs(load_factor=3.0)) is None


def test_a_scenario_and_a_run_of_ones_own_are_enough(results, tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(scenario_of(results, "random+cache")))
    mine = Source.open(path)
    assert (mine.defaults.brokerage, mine.defaults.placement) == ("random", "cache")
    assert mine.known == []
    run = Source.open(results / "simulation" / "runs" / "recorded" / "round_robin")
    assert [known.knobs.seed for known in run.known] == [1, 2]
    assert run.find(run.defaults) is not None
    assert Source.open(make_long_scenario(tmp_path)).defaults.load_factor == 20.0


def test_runs_of_ones_own_are_shown_together_if_grid_and_settings_are_the_same(results, tmp_path):
    runs = copy_of(results, tmp_path) / "simulation" / "runs"
    assert len(Source.open(runs).known) == 4
    path = runs / "recorded" / "round_robin" / "scenario.json"
    (path.parent / "_contents.sha256").unlink()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"attempts": 5}))
    (runs / "recorded" / "least_loaded" / "seed-2" / "sites.parquet").unlink()
    source = Source.open(runs / "recorded")
    assert source.known == []
    assert "round_robin: not shown: its grid or settings are not those of" in source.remarks[0]
    assert "least_loaded: half there (" in source.remarks[1]


def test_a_policy_of_ones_own_may_be_chosen_where_the_scenario_names_it(results, tmp_path):
    policy = tmp_path / "mine.py"
    policy.write_text("def choose(job, grid):\n    return grid.draw(job)\n")
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(scenario_of(results, {"brokerage": "mine.py"})))
    source = Source.open(path)
    assert source.choices.scenario(source.defaults).policies.brokerage == str(policy)
    other = source.defaults.model_copy(update={"brokerage": str(tmp_path / "other.py")})
    with pytest.raises(InputError, match=r"brokerage is '.*other.py'"):
        source.choices.scenario(other)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (["simulation/platform.json"], r"platform.json: missing.* ./run --until"),
        (["records", "surrogates"], r"neither records/test.parquet nor surrogates"),
        (["records/table.json"], r"neither records/test.parquet nor"),
        (["simulation", "records"], r"holds no results; expected a folder such as"),
    ],
)
def test_without_grid_or_jobs_it_says_what_is_missing_and_how_to_make_it(
    gone, message, results, tmp_path
):
    folder = copy_of(results, tmp_path)
    for name in gone:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(InputError, match=message):
        Source.open(folder)


def test_what_is_half_there_is_left_out_and_said(results, tmp_path):
    folder = copy_of(results, tmp_path)
    runs = folder / "simulation" / "runs" / "recorded"
    (runs / "least_loaded" / "seed-2" / "jobs.parquet").unlink()
    older = json.loads((runs / "round_robin" / "scenario.json").read_text())
    del older["load_factor"]
    (runs / "round_robin" / "_contents.sha256").unlink()
    (runs / "round_robin" / "scenario.json").write_text(json.dumps(older))
    (folder / "records" / "test.parquet").unlink()
    source = Source.open(folder)
    assert list(source.choices.workloads) == ["sequoia"]
    said = "\n".join(source.remarks)
    assert "test.parquet: missing, so recorded jobs cannot be run; make them with ./run" in said
    assert "seed-2/jobs.parquet: missing" in said
    assert "round_robin: half there or of another version (lacks 'load_factor')" in said


def test_without_simulations_it_says_to_press_run(results, tmp_path):
    folder = copy_of(results, tmp_path)
    shutil.rmtree(folder / "simulation" / "runs")
    source = Source.open(folder)
    assert source.known == []
    assert "no simulation yet: press Run, or make all with ./run" in source.remarks[0]


def test_a_wrong_folder_is_answered_with_the_right_one(results, tmp_path, monkeypatch):
    copy_of(results, tmp_path)
    with pytest.raises(InputError, match=r"holds the results of results: name one"):
        Source.open(tmp_path)
    with pytest.raises(InputError, match=r"no such folder or scenario; expected"):
        Source.open(tmp_path / "nothing")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"make them with ./run, or name a scenario"):
        default_results()
    (tmp_path / "results").rename(tmp_path / "embedded")
    (tmp_path / "results").mkdir()
    (tmp_path / "embedded").rename(tmp_path / "results" / "embedded")
    assert default_results().name == "embedded"
