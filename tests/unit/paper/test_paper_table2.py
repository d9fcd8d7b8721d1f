"""Table II: errors, rankings and regrets by hand, and what the page says."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcome_files import COLUMNS, read
from scipy.stats import kendalltau

from redwood.errors import InputError
from redwood.paper.agreement import (
    TOO_FEW,
    Runs,
    contradictions,
    kendall,
    rankings,
    relative_errors,
    too_few,
)
from redwood.paper.commands import table2
from redwood.paper.table2 import write_table2

values = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=9)


@given(values)
def test_tau_is_scipys(pairs):
    one, other = np.array(pairs, float).T
    expected = kendalltau(one, other).statistic
    assert kendall(one, other) == pytest.approx(expected, nan_ok=True)


def test_tau_is_over_what_is_defined():
    assert kendall(np.array([1, 2, np.nan, 4]), np.array([1, 2, 0, 3.0])) == 1


def table(outcome="turnaround_mean", **workloads):
    """workload=((seeds of policy a), (of b), …) → that outcome, mean turnarounds if not told."""
    rows = [
        (workload, policy, seed, outcome, "s", float(value))
        for workload, policies in workloads.items()
        for policy, seeds in zip("abcdef", policies, strict=False)
        for seed, value in enumerate(seeds, start=1)
    ]
    return read(pd.DataFrame(rows, columns=COLUMNS))


def ranked(outcome="turnaround_mean", **workloads):
    """The rankings of `table`, by workload."""
    return rankings(Runs.of(table(outcome, **workloads))).set_index("workload")


def test_relative_errors_are_of_the_means_with_intervals_from_the_seeds():
    runs = Runs.of(table(recorded=((10, 10), (0, 0)), smote=((11, 13), (1, 1))))
    a, b = relative_errors(runs).to_dict("records")
    assert a["error"] == pytest.approx(0.2)
    assert (a["error_low"], a["error_high"]) == pytest.approx((0.1, 0.3))
    assert np.isnan(b["error"])


def test_one_seed_has_values_and_no_intervals():
    runs = Runs.of(table(recorded=((10,), (20,)), smote=((11,), (30,))))
    assert relative_errors(runs)["error"].tolist() == pytest.approx([0.1, 0.5])
    assert relative_errors(runs)["error_low"].isna().all()
    ranked = rankings(runs).set_index("workload")
    assert ranked.loc["smote", "tau"] == 1
    assert np.isnan(ranked.loc["smote", "low"])
    assert contradictions(runs, "smote", "turnaround_mean") == []


def test_an_order_of_few_policies_or_of_none_that_are_told_apart_tells_nothing():
    """Of four that are apart chance gives it in 1 of 24 cases, of three in 1 of 6."""
    apart = ((10, 10.1), (15, 15.1), (20, 20.1), (30, 30.1))
    close = ((10, 30), (30, 10), (10, 31), (31, 10))
    for policies, few in ((apart, False), (apart[:3], True), (close, True)):
        assert too_few(ranked(recorded=policies, smote=policies).loc["smote"]) == few
    one_seed = tuple(of_seeds[:1] for of_seeds in apart)
    assert too_few(ranked(recorded=one_seed, smote=one_seed).loc["smote"])


def test_regret_is_what_choosing_by_synthetic_jobs_costs_on_recorded_ones():
    """SMOTE's best is b, which takes 15 on recorded jobs where a takes 10."""
    found = ranked(recorded=((10, 10), (15, 15), (20, 20)), smote=((9, 9), (8, 8), (30, 30)))
    row, recorded = found.loc["smote"], found.loc["recorded"]
    assert (row["best"], row["best_recorded"]) == ("b", "a")
    assert row["regret"] == pytest.approx(0.5)
    assert row["tau"] == pytest.approx(1 / 3)
    assert recorded["regret"] == 0
    assert recorded["tau"] == pytest.approx(1)


def test_more_is_better_for_throughput():
    found = ranked("throughput", recorded=((10, 10), (15, 15)), smote=((9, 9), (8, 8)))
    row = found.loc["smote"]
    assert (row["best"], row["best_recorded"]) == ("a", "b")
    assert row["regret"] == pytest.approx(1 / 3)


def test_recorded_jobs_against_other_seeds_are_what_a_perfect_surrogate_reaches():
    """Policies that seeds do not tell apart have a τ well below 1 against themselves."""
    random = np.random.default_rng(2)
    apart = tuple(tuple(100 * policy + random.normal(0, 1, 5)) for policy in range(5))
    alike = tuple(tuple(100 + random.normal(0, 1, 5)) for _ in range(5))
    clear, vague = (ranked(recorded=policies, copy=policies) for policies in (apart, alike))
    assert clear.loc["recorded", "tau"] == 1
    assert 0 < vague.loc["recorded", "tau"] < 0.8


def test_places_change_where_both_sides_are_sure():
    recorded = ((10, 11, 12), (20, 21, 22))
    for smote, expected in (
        (((30, 31, 32), (20, 21, 22)), [("a", "b")]),
        (((10, 30, 20), (21, 20, 22)), []),
        (((10, 11, 12), (20, 21, 22)), []),
    ):
        runs = Runs.of(table(recorded=recorded, smote=smote))
        assert contradictions(runs, "smote", "turnaround_mean") == expected


def test_intervals_of_five_seeds_hold_the_truth_in_95_of_100_cases():
    """The plain percentiles do in 89."""
    random = np.random.default_rng(3)
    held = []
    for _ in range(400):
        keys = (("recorded", "makespan"), ("smote", "makespan"))
        runs = Runs(("a",), {key: random.normal(100, 10, (1, 5)) for key in keys}, {})
        (row,) = relative_errors(runs).to_dict("records")
        held.append(row["error_low"] <= 0 <= row["error_high"])
    assert 0.92 < np.mean(held) <= 1


def close_policies(spread, noise, random, policies=6, seeds=5):
    """Means that are `spread` apart, the same on both sides, and runs of them."""
    means = 100 + spread * np.arange(policies)
    keys = [(workload, "makespan") for workload in ("recorded", "smote")]
    by_key = {key: random.normal(means[:, None], noise, (policies, seeds)) for key in keys}
    return Runs(tuple("abcdef"[:policies]), by_key, {"makespan": 1})


@pytest.mark.parametrize("spread", [0.1, 1.0, 3.0, 30.0])
def test_the_interval_of_tau_holds_the_truth_however_close_the_policies(spread):
    """The truth is 1. Of percentiles of the bootstrap about a third did where they are close."""
    random = np.random.default_rng(5)
    held, lows, apart = [], [], []
    for _ in range(40):
        found = rankings(close_policies(spread, 1.0, random)).set_index("workload").loc["smote"]
        held.append(found["low"] <= found["tau"] <= found["high"] == 1)
        lows.append(found["low"])
        apart.append(found["pairs_apart"])
    # Of 40, fewer than 34 come in 1 of 300 runs if it is 95 %.
    assert np.count_nonzero(held) >= 34
    if spread < 1:
        assert np.mean(lows) < -0.9
        assert np.mean(apart) < 1
    if spread > 10:
        assert min(lows) == 1
        assert min(apart) == 15


def test_tau_by_hand():
    """b and c are not told apart on recorded jobs: two of three pairs are, both in order."""
    recorded = ((10, 11, 12), (120, 130, 125), (127, 126, 120))
    found = ranked(recorded=recorded, smote=((1, 2, 3), (20, 21, 22), (30, 31, 32))).loc["smote"]
    assert (found["pairs_apart"], found["low"], found["high"]) == (2, pytest.approx(1 / 3), 1)
    found = ranked(recorded=recorded, smote=((90, 91, 92), (20, 21, 22), (30, 31, 32))).loc["smote"]
    assert (found["low"], found["high"]) == (-1, pytest.approx(-1 / 3))


def of_groups(random, policies=1, seeds=5, groups=5, of_jobs=20.0, of_seeds=1.0):
    """Runs that differ by a seed's and by a group's noise: means, and those without each group."""
    by_group = random.normal(100, of_jobs, (groups, policies))
    sums = by_group.sum(axis=0)
    runs = sums[:, None] / groups + random.normal(0, of_seeds, (policies, seeds))
    return runs, (sums - by_group) / (groups - 1)


def test_intervals_hold_the_truth_where_jobs_differ_and_those_of_seeds_do_not():
    random = np.random.default_rng(6)
    held: dict[bool, list[bool]] = {True: [], False: []}
    keys = (("recorded", "makespan"), ("smote", "makespan"))
    for _ in range(120):
        drawn = {key: of_groups(random) for key in keys}
        by_key = {key: runs for key, (runs, _) in drawn.items()}
        without = {key: means for key, (_, means) in drawn.items()}
        for known in held:
            runs = Runs(("a",), by_key, {}, without if known else {})
            (row,) = relative_errors(runs).to_dict("records")
            held[known].append(row["error_low"] <= 0 <= row["error_high"])
    assert 0.9 < np.mean(held[True]) <= 1
    assert np.mean(held[False]) < 0.5


def test_policies_are_told_apart_beyond_what_jobs_account_for():
    random = np.random.default_rng(7)
    runs, without = of_groups(random, policies=2, of_seeds=0.01)
    runs[1] += 5
    key = ("recorded", "makespan")
    assert Runs(("a", "b"), {key: runs}, {}).told_apart(*key)[1, 0] != 0
    assert Runs(("a", "b"), {key: runs}, {}, {key: without}).told_apart(*key)[1, 0] == 0
    # What the same jobs do to both policies alike is no difference between them.
    alike = np.repeat(without[:, :1], 2, axis=1)
    assert Runs(("a", "b"), {key: runs}, {}, {key: alike}).told_apart(*key)[1, 0] != 0


def test_an_error_is_never_below_nothing_and_of_nothing_has_an_interval():
    key, real = ("smote", "makespan"), ("recorded", "makespan")
    by_key = {real: np.array([[10.0, 10.0]]), key: np.array([[0.5, 0.5]])}
    for made in ([[2.0], [0.1], [0.1], [0.1], [0.2]], [[2.5], [0.0], [0.0], [0.0], [0.0]]):
        without = {real: np.full((5, 1), 10.0), key: np.array(made)}
        (row,) = relative_errors(Runs(("a",), by_key, {}, without)).to_dict("records")
        assert -1 <= row["error_low"] < row["error"] < row["error_high"] < np.inf


def test_real_jobs_stand_beside_recorded_ones_as_the_floor(outcomes, tmp_path):
    write_table2(
        outcomes(recorded=(10, 20, 40), aaa=(11, 22, 30), copy=(10, 21, 41)), tmp_path / "table2"
    )
    markdown = (tmp_path / "table2.md").read_text()
    assert "|  | recorded | copy (floor) | aaa |" in markdown
    assert f"with a τ of: aaa 1.00 ({TOO_FEW}); recorded jobs with other seeds 1.00; " in markdown
    assert "; other real jobs (copy) 1.00." in markdown
    assert "Floor (copy): other real jobs in place of the synthetic ones" in markdown
    assert "Intervals are from the seeds alone, as the outcomes do not say" in markdown


def test_what_is_undefined_on_one_side_is_not_chosen():
    """On synthetic jobs a is best, which never ended on recorded ones."""
    nothing = (np.nan, np.nan)
    found = ranked(recorded=(nothing, (10, 10), (20, 20)), smote=((1, 1), (9, 9), (8, 8)))
    row = found.loc["smote"]
    assert (row["policies"], row["best"], row["best_recorded"]) == (2, "c", "b")
    assert row["regret"] == pytest.approx(1)


def test_a_regret_against_nothing_is_undefined():
    found = ranked(recorded=((0, 0), (10, 10)), smote=((9, 9), (8, 8)))
    assert found.loc["smote"][["regret", "regret_low"]].isna().all()


@pytest.mark.filterwarnings("error")
def test_seeds_without_an_outage_leave_the_mean_of_the_others():
    runs = Runs.of(
        table(recorded=((10, np.nan, 20), (30, np.nan, 40)), smote=((15,) * 3, (7,) * 3))
    )
    assert runs.means("recorded", "turnaround_mean") == pytest.approx([15, 35])
    assert relative_errors(runs)["error"].tolist() == pytest.approx([0, -0.8])
    assert relative_errors(runs)["error_low"].isna().all()
    assert rankings(runs)["policies"].tolist() == [2, 2]


def test_the_tidy_tables(outcomes, tmp_path):
    write_table2(outcomes(), tmp_path / "table2")
    tidy = pd.read_csv(tmp_path / "table2.csv", keep_default_na=False)
    assert list(tidy.columns) == [
        "workload", "policy", "outcome", "unit", "value", "low", "high", "seeds",
        "error", "error_low", "error_high",
    ]  # fmt: skip
    first = tidy[tidy["outcome"] == "turnaround_mean"].iloc[0]
    assert (first["value"], first["low"], first["high"], first["seeds"]) == (600, 588, 612, 5)
    ranking = pd.read_csv(tmp_path / "table2_ranking.csv")
    assert ranking["workload"].tolist() == ["recorded", "smote"]
    assert ranking["tau"].tolist() == [1, 1]
    parquet = pd.read_parquet(tmp_path / "table2.parquet")
    assert len(parquet) == len(tidy)


def test_the_page_says_what_the_table_comes_to(outcomes, tmp_path):
    write_table2(outcomes(recorded=(10, 20, 40), smote=(11, 22, 30)), tmp_path / "table2")
    markdown = (tmp_path / "table2.md").read_text()
    assert "By mean turnaround a is the best of 3 policies on recorded jobs" in markdown
    assert f"smote 1.00 ({TOO_FEW}); recorded jobs with other seeds 1.00" in markdown
    assert "best on the jobs of smote." in markdown
    assert "|  | recorded | smote |" in markdown
    assert "| Turnaround, mean | 1.00 [1.00, 1.00] | 1.00 [1.00, 1.00] |" in markdown
    assert "| b | 20.0 [19.8, 20.2] | +10 % [" in markdown
    assert "| c | 40.0 [39.8, 40.2] | −25 % [" in markdown
    assert "Pairs of policies, of 3, whose order" in markdown
    assert "certain on both sides: smote 3; and opposite: smote 0." in markdown
    assert "of outcomes on recorded jobs the least and the greatest of a seed" in markdown
    # No inputs, no traffic, no rows for it.
    assert "Moved between sites [TB]" not in markdown
    write_table2(outcomes(recorded=(10, 20, 40), smote=(22, 11, 400)), tmp_path / "table2")
    markdown = (tmp_path / "table2.md").read_text()
    assert "certain on both sides: smote 3; and opposite: smote 1." in markdown
    assert "| 10.0× [" in markdown or "| +900 % [" in markdown
    assert "| Turnaround, mean | – | 100 [" in markdown


def test_what_is_undefined_is_a_dash(outcomes, tmp_path):
    rows = (
        ("recorded", "p", 1, "queue_time_mean", "s", 60.0),
        ("smote", "p", 1, "queue_time_mean", "s", 45.0),
        ("tvae", "p", 1, "queue_time_mean", "s", 6000.0),
        ("copy", "p", 1, "queue_time_mean", "s", None),
    )
    write_table2(outcomes((1,), rows, recorded=(), smote=()), tmp_path / "table2")
    markdown = (tmp_path / "table2.md").read_text()
    assert "|  | recorded | copy (floor) | smote | tvae |" in markdown
    assert "| p | 1.00 | – | −25 % | 100× |" in markdown
    assert json.loads((tmp_path / "table2.json").read_text())["undefined"] == 1


@pytest.mark.parametrize("grams", [None, 3.0])
def test_carbon_has_rows_where_it_is_known_and_no_note_where_it_is_not(outcomes, tmp_path, grams):
    rows = [
        (workload, policy, seed, "carbon_per_job", "g", grams)
        for workload in ("recorded", "smote")
        for policy in "abc"
        for seed in (1, 2)
    ]
    write_table2(outcomes((1, 2), rows), tmp_path / "table2")
    markdown = (tmp_path / "table2.md").read_text()
    assert ("Carbon per finished job [g]; error of synthetic jobs" in markdown) == (
        grams is not None
    )
    assert ("carbon_per_job" in markdown) == (grams is not None)


def test_without_recorded_jobs_the_outcomes_themselves_stand_there(outcomes, tmp_path):
    write_table2(outcomes(mine=(10, 20), theirs=(11, 5)), tmp_path / "table2")
    markdown = (tmp_path / "table2.md").read_text()
    assert "|  | mine | theirs |" in markdown
    assert "| a | 10.0 [9.8, 10.2] | 11.0 [10.8, 11.2] |" in markdown
    assert "error of synthetic jobs" not in markdown
    assert "no runs of recorded jobs, and so nothing to compare with" in markdown


def runs_of(lost, left_out=(), seeds=(1, 2), workloads=("recorded", "smote")):
    """Rows of two policies: (workload, policy) → share of jobs lost; some runs are left out."""
    return [
        (workload, policy, seed, outcome, "s", value)
        for workload in workloads
        for policy in ("p", "q")
        for seed in seeds
        for outcome, value in (
            ("turnaround_mean", 60.0 * seed),
            ("lost_share", lost.get((workload, policy), 0.0)),
        )
        if (workload, policy, seed) not in left_out
    ]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (runs_of({}), None),
        (
            runs_of({("smote", "q"): 0.95, ("recorded", "p"): 0.001}),
            "Jobs that got no site, or had not ended when the simulation did, count in no mean. "
            "How many of all jobs: recorded under p (0.1 %), smote under q (95 %).",
        ),
        (
            runs_of({}, left_out={("smote", "q", 1), ("smote", "q", 2)}),
            "There is no run of: smote under q.",
        ),
        (
            runs_of({}, left_out={("recorded", "q", 2)}),
            "There are fewer seeds of: recorded under q (1 of 2).",
        ),
        (
            runs_of({}, workloads=("smote",)),
            "There are no runs of recorded jobs, and so nothing to compare with.",
        ),
    ],
)
def test_what_runs_lack_or_leave_out_is_a_note_and_the_last_line(
    outcomes, tmp_path, capsys, rows, sentence
):
    path = outcomes((), rows)
    table2(path, tmp_path / "table2")
    said = capsys.readouterr().err
    remarks = json.loads((tmp_path / "table2.json").read_text())["remarks"]
    notes = [line[2:] for line in (tmp_path / "table2.md").read_text().splitlines()]
    if sentence is None:
        assert (said, remarks) == ("", [])
    else:
        assert said == f"not as asked: {sentence}\n"
        assert remarks == [sentence]
        assert sentence in notes


def test_equal_outcomes_give_equal_bytes(outcomes, tmp_path):
    for name in ("one", "other"):
        write_table2(outcomes(), tmp_path / name)
    for suffix in (".csv", ".md", ".tex", ".html", ".parquet", "_ranking.csv"):
        one, other = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "other"))
        assert one == other


def test_what_is_no_table_of_outcomes_is_named(outcomes, tmp_path):
    (tmp_path / "outcomes.csv").write_text("workload,policy\n")
    with pytest.raises(InputError, match="column 'seed' is missing; it has workload, policy"):
        write_table2(tmp_path / "outcomes.csv", tmp_path / "table2")
    path = outcomes((), (), recorded=())
    with pytest.raises(InputError, match=r"outcomes.csv: the table has no rows"):
        write_table2(path, tmp_path / "table2")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content["workloads"].pop("smote"), "does not say what workload 'smote'"),
        (lambda content: content["outcomes"].pop("wan_bytes"), "say what outcome 'wan_bytes' is"),
        (lambda content: content["outcomes"]["wan_bytes"].pop("scale"), "outcome 'wan_bytes' is"),
        (lambda content: content.clear(), r"outcomes\.csv: damaged or edited"),
    ],
)
def test_outcomes_that_are_not_described_are_named(outcomes, tmp_path, change, words):
    path = outcomes()
    content = json.loads(path.with_suffix(".json").read_text())
    change(content)
    path.with_suffix(".json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=words):
        write_table2(path, tmp_path / "table2")
    path.with_suffix(".json").unlink()
    with pytest.raises(InputError, match="no such description of outcomes"):
        write_table2(path, tmp_path / "table2")
