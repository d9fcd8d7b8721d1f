"""Several workloads under several policies, what is kept of them, and what can be compared."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import redwood
from redwood import outputs
from redwood.comparing_command import compare, write_compared
from redwood.errors import InputError
from redwood.intervals import mean_and_interval
from redwood.outputs import CONTENTS
from redwood.simulation import study
from redwood.simulation.commands import simulate

pytest.importorskip("simgrid")


def jobs(path, rows, seed):
    random = np.random.default_rng(seed)
    seconds = np.sort(random.integers(0, 200_000, rows))
    pd.DataFrame(
        {
            "creationtime": pd.to_datetime("2024-01-01") + pd.to_timedelta(seconds, "s"),
            "computingsite": random.choice(["A", "B"], rows),
            "workload": random.lognormal(10, 1, rows).round(),
            "size": random.integers(1, 10**10, rows),
        }
    ).to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jobs")
    site = {"core_power": 10, "bandwidth": 1e9, "latency": 0.01, "failure_rate": 0.1}
    return {
        "environment": {"sites": [{"name": "A", "cores": 4, **site},
                                  {"name": "B", "cores": 2, **site, "core_power": 20}]},
        "workload": [
            {"name": "mine", "jobs": jobs(folder / "mine.csv", 150, 1)},
            {"name": "theirs", "jobs": jobs(folder / "theirs.csv", 120, 2)},
        ],
        "policies": ["random", "least_loaded", {"name": "near", "brokerage": "data_locality"}],
        "network": "fluid",
        "repetitions": 3,
    }  # fmt: skip


@pytest.fixture(scope="module")
def runs(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "runs"
    assert run(content, folder)[0] == 0
    return folder


def run(content, folder):
    app = typer.Typer()
    app.command()(simulate)
    result = CliRunner().invoke(app, [json.dumps(content), "--output", str(folder)])
    if isinstance(result.exception, InputError):
        raise result.exception
    return result.exit_code, result.stderr


def files(folder):
    return {f.relative_to(folder): f.read_bytes() for f in folder.rglob("*.*") if f.is_file()}


def test_each_workload_runs_under_each_policy_as_a_run_of_its_own(content, runs, tmp_path):
    places = [f"{w}/{p}" for w in ("mine", "theirs") for p in ("random", "least_loaded", "near")]
    made = json.loads((runs / "study.json").read_text())["code"]
    assert list(made) == places
    alone = {**content, "workload": content["workload"][1], "policies": content["policies"][2]}
    run(alone, tmp_path / "alone")
    assert files(tmp_path / "alone") == files(runs / "theirs/near")


def test_runs_that_are_there_are_kept_and_others_made_again(content, runs, tmp_path, monkeypatch):
    """A run that was killed, a damaged one, one of other code and one of other files."""
    folder = tmp_path / "runs"
    shutil.copytree(runs, folder)
    before = files(folder)
    assert run(content, folder)[1].count("is there, of the same scenario and code") == 6
    shutil.rmtree(folder / "mine/near")
    (folder / "theirs/near/summary.json").write_text("{}")
    said = run(content, folder)[1]
    assert said.count("is there") == 4
    assert said.count("jobs simulated") == 2
    assert files(folder) == before
    other = {**content, "seed": 2}
    assert run(other, folder)[1].count("jobs simulated") == 6
    assert files(folder) != before
    genuine = study.code_digest
    monkeypatch.setattr(study, "code_digest", lambda *modules: f"{genuine(*modules)} newer")
    assert run(other, folder)[1].count("jobs simulated") == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"policies": []}, r"policies is \[\], expected at least one"),
        (
            {"policies": ["random", "best"]},
            r"scenario, workload 1, policies 2: .*'best' is unknown",
        ),
        ({"policies": ["random", "random"]}, "policy 'random' is listed twice: give each a `name`"),
        ({"policies": [{"name": "a b"}]}, "policies: 'a b' cannot name a folder, expected"),
        ({"workload": [{"jobs": "none.csv"}]}, r"workload 1, policies 1: .*none\.csv: no such"),
        ({"environment": "none.json"}, r"none\.json: no such file"),
    ],
)
def test_lists_that_cannot_be_run_are_said(content, tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        run({**content, **change}, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_several_runs_and_one_do_not_take_each_others_place(content, runs, tmp_path):
    with pytest.raises(InputError, match="policies is a list, which makes several scenarios"):
        redwood.simulate({**content, "workload": content["workload"][0]}, tmp_path / "x")
    with pytest.raises(InputError, match="neither workload nor policies is a list"):
        redwood.simulate_all({"environment": "e", "workload": {"jobs": "j"}} and {
            **content, "workload": content["workload"][0], "policies": "random"}, tmp_path / "x",
        )  # fmt: skip
    with pytest.raises(InputError, match="holds a single run, and several are to be written"):
        run(content, runs / "mine/near")


def test_the_comparison_is_paired_by_hand(runs):
    table = redwood.compare(runs)
    assert table.attrs["reference"] == "random"
    row = table.loc["mine", "least_loaded", "turnaround_mean"]
    found = {
        policy: [
            json.loads((runs / f"mine/{policy}/seed-{seed}/summary.json").read_text())["outcomes"][
                "turnaround_mean"
            ]
            for seed in (1, 2, 3)
        ]
        for policy in ("random", "least_loaded")
    }
    mine, theirs = (
        np.array([one["value"] for one in found[policy]]) for policy in ("least_loaded", "random")
    )
    groups = [
        np.mean([one["without_group"] for one in found[policy]], axis=0)
        for policy in ("least_loaded", "random")
    ]
    left = groups[0] - groups[1]
    of_jobs = 2.7764 * np.sqrt(4 / 5 * np.sum((left - left.mean()) ** 2))
    of_seeds = 4.3027 * np.std(mine - theirs, ddof=1) / np.sqrt(3)
    assert row["value"] == pytest.approx(mine.mean())
    assert row["difference"] == pytest.approx(mine.mean() - theirs.mean())
    half = np.hypot(of_jobs, of_seeds)
    assert row["difference_high"] - row["difference"] == pytest.approx(half, rel=1e-4)
    assert row["relative"] == pytest.approx(mine.mean() / theirs.mean() - 1)
    assert row["relative_low"] > -1
    reference = table.sort_index().loc["mine", "random"]
    assert (reference[["difference", "difference_low", "difference_high"]].abs().max() == 0).all()
    other = redwood.compare(runs, "least_loaded").loc["mine", "random", "turnaround_mean"]
    assert other["difference_low"] == pytest.approx(-row["difference_high"])


def test_no_interval_leaves_the_range_of_its_outcome(runs):
    """Nothing is negative that is a time, a share, a number or bytes, nor a share above 1."""
    table = redwood.compare(runs).reset_index()
    assert (table["low"].dropna() >= 0).all()
    assert (table.loc[table["unit"] == "", "high"].dropna() <= 1).all()
    for file in runs.rglob("summary.json"):
        for name, found in json.loads(file.read_text())["outcomes"].items():
            if found.get("low") is not None:
                assert 0 <= found["low"] <= found["high"], (file, name)
    wide = mean_and_interval([0.1, 0.0, 5.0], least=0.0)
    assert (wide["low"], wide["value"]) == (0.0, pytest.approx(1.7))
    assert wide["high"] == mean_and_interval([0.1, 0.0, 5.0])["high"]
    assert mean_and_interval([0.1, 0.0, 5.0])["low"] < 0
    assert mean_and_interval([0.9, 1.0], 0.0, 1.0)["high"] == 1.0


def test_what_is_cut_to_the_range_holds_the_truth_as_often():
    random = np.random.default_rng(5)
    held = [
        cut["low"] <= 1.0 <= cut["high"]
        for cut in (mean_and_interval(random.exponential(1.0, 5), least=0.0) for _ in range(2000))
    ]
    uncut = [
        whole["low"] <= 1.0 <= whole["high"]
        for whole in map(mean_and_interval, np.random.default_rng(5).exponential(1.0, (2000, 5)))
    ]
    assert held == uncut


def test_the_verb_prints_policies_by_outcomes_and_writes_table_and_figure(runs, tmp_path):
    app = typer.Typer()
    app.command()(compare)
    out, figure = tmp_path / "c.csv", tmp_path / "ranks.png"
    options = ["--against", "near", "--output", str(out), "--figure", str(figure)]
    result = CliRunner().invoke(app, [str(runs), *options])
    assert result.exit_code == 0, result.output
    assert "| *mine* |" in result.stdout
    assert "| *theirs* |" in result.stdout
    assert "Policies against near, 3 seeds" in result.stdout
    assert "Kendall's τ between the orders" in result.stdout
    assert "| mine, theirs |" in result.stdout
    about = json.loads(out.with_suffix(".json").read_text())
    assert (about["reference"], about["seeds"]) == ("near", 3)
    of_turnaround = [one for one in about["agreement"] if one["outcome"] == "turnaround_mean"]
    assert [one["policies"] for one in of_turnaround] == [3]
    first = out.read_bytes(), figure.read_bytes()
    CliRunner().invoke(app, [str(runs), *options])
    assert (out.read_bytes(), figure.read_bytes()) == first
    table = pd.read_csv(out)
    assert set(table["policy"]) == {"random", "least_loaded", "near"}
    ranked = table[table["rank"].notna()]
    assert (ranked["rank_best"] <= ranked["rank"]).all()
    assert (ranked["rank"] <= ranked["rank_worst"]).all()
    with pytest.raises(InputError, match=r"ranks\.jpg: expected a name that ends with \.png or"):
        write_compared([runs], figure=tmp_path / "ranks.jpg")


def test_one_seed_has_differences_and_no_intervals(content, tmp_path):
    run({**content, "workload": content["workload"][0], "repetitions": 1}, tmp_path / "runs")
    table = redwood.compare(tmp_path / "runs")
    assert table["difference"].notna().any()
    assert table.drop(index="random", level=1)["difference_low"].isna().all()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("environment", {"sites": [{"name": "A", "cores": 9}]}, "environment is"),
        ("seed", 7, "seed is 7, there 1"),
        ("repetitions", 2, "repetitions is 2, there 3"),
        ("load_factor", 2.0, r"load_factor of workload 'mine' is 2\.0, there 1\.0"),
        ("users", "closed", r"users of workload 'mine' is \"closed\", there \"open\""),
    ],
)
def test_runs_that_differ_in_more_than_policies_are_not_compared(
    content, runs, tmp_path, key, value, words
):
    """What differs is named; here only the kept scenarios do, which is what is looked at."""
    made = changed(runs / "mine/near", tmp_path / "near", lambda kept: kept | {key: value})
    with pytest.raises(InputError, match=f"near: cannot be compared with .*random: {words}"):
        redwood.compare([runs / "mine/random", made])


def changed(run, to, change):
    shutil.copytree(run, to, ignore=lambda *_: {CONTENTS})
    kept = json.loads((to / "scenario.json").read_text())
    (to / "scenario.json").write_text(json.dumps(change(kept)))
    return to


def test_runs_that_are_none_or_not_whole_are_said(content, runs, tmp_path):
    mine = runs / "mine"

    def other_jobs(kept):
        file = kept["workload"]["jobs"]
        return kept | {"digests": {**kept["digests"], file: "0" * 64}}

    made = changed(mine / "near", tmp_path / "jobs", other_jobs)
    with pytest.raises(InputError, match=r"jobs: cannot be compared .* workload\.jobs of workload"):
        redwood.compare([mine / "random", made])
    older = changed(mine / "near", tmp_path / "older",
                    lambda kept: {k: v for k, v in kept.items() if k != "users"})  # fmt: skip
    with pytest.raises(InputError, match=r"another version of REDWOOD: it lacks 'users'; simulate"):
        redwood.compare([mine / "random", older])
    for given, words in (
        ([mine / "random"], "random: one run only, expected two or more"),
        ([mine / "none"], "none: no such folder, expected one that `redwood simulate` wrote"),
        ([tmp_path / "older/seed-1"], r"seed-1: holds no run: no scenario\.json there or below"),
    ):
        with pytest.raises(InputError, match=words):
            redwood.compare(given)
    with pytest.raises(InputError, match=r"--against is 'least', expected one of .*least_loaded"):
        redwood.compare(runs, "least")
    twice = tmp_path / "twice"
    shutil.copytree(mine / "near", twice)
    with pytest.raises(InputError, match=r"policy 'near' on workload 'mine' is what .* holds, too"):
        redwood.compare([mine, twice])
    half = tmp_path / "half"
    shutil.copytree(mine, half)
    shutil.rmtree(half / "near/seed-3")
    with pytest.raises(InputError, match="seed-3"):
        redwood.compare(half)
    (half / ".other.partial/seed-1").mkdir(parents=True)
    with pytest.raises(
        InputError, match=r"\.other\.partial: a simulation that is under way or was"
    ):
        redwood.compare(half)


def test_what_a_killed_run_left_is_no_hindrance_once_it_was_made_again(runs, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(runs / "mine", again)
    # As `writing_folder` names it, by a process of this machine before its present start.
    left = f".near.{outputs._here()[0]}00000000{outputs._here()[2]}-1-1.partial"
    (again / left).mkdir()
    assert len(redwood.compare(again).index.unique("policy")) == 3
    shutil.rmtree(again / "near")
    with pytest.raises(InputError, match="under way or was killed"):
        redwood.compare(again)
