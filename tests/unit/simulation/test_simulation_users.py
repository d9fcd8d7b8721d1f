"""Users in a closed loop: who waits for what, by hand and for any jobs."""

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from small_grids import POWER, environment, job, policies, workload

from redwood.configuration import Settings
from redwood.errors import InputError
from redwood.simulation.accounts import Attempts, Run, job_table, summarise
from redwood.simulation.engine import Engine
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.simulation.users import ClosedUsers, response_times

pytest.importorskip("simgrid")


def submissions(jobs, users, grid, load_factor=1.0, gap=3600.0, **more):
    """The jobs' table under closed users, and the recorded responses, both by row."""
    load = workload(jobs)
    response = response_times(pd.DataFrame({"user": users, **more}), load, grid)
    closed = ClosedUsers(load, pd.Series(users), response, load_factor, gap)
    chosen = Settings(network="fluid", users="closed")
    engine = Engine(grid, load, [], policies("least_loaded"), 1, chosen, None, closed)
    run = Run({}, grid, load, 600.0, engine.run(), submitted=closed.submitted)
    table = job_table(run, Attempts(run.log.attempts()))
    summarise(run, table, Attempts(run.log.attempts()))
    by_row = np.empty(len(jobs))
    by_row[load.row] = response
    return table, by_row


def dates(jobs, users, grid, **more):
    return submissions(jobs, users, grid, **more)[0]["submit"].tolist()


# S0 is where jobs were recorded, and too small for two; S1 is ten times as fast.
SLOW = environment(1, 0)
FAST = environment(0, 9, each={1: {"core_power": 10 * POWER}})


def test_the_next_batch_waits_for_the_last_and_thinks_as_long_as_recorded():
    """Two at once, 100 s each; 50 s later the third. Alone on one core they end at 200."""
    jobs = [job(0, 100), job(0, 100), job(150, 10)]
    assert dates(jobs, ["u"] * 3, SLOW) == [0, 0, 250]
    assert dates(jobs, ["u"] * 3, FAST) == [0, 0, 60]


def test_jobs_of_a_batch_keep_their_distances_and_users_do_not_wait_for_each_other():
    jobs = [job(0, 100), job(130, 100), job(140, 1), job(150, 1)]
    assert dates(jobs, ["u", "u", "v", "u"], FAST) == [0, 40, 140, 60]
    assert dates(jobs, [None] * 4, FAST) == [0, 130, 140, 150]


def test_a_session_begins_when_recorded_or_once_what_had_ended_before_it_has():
    """More than an hour later another session begins: as recorded, on a grid fast enough."""
    jobs = [job(0, 100), job(0, 4000), job(5000, 10), job(9000, 10)]
    assert dates(jobs, ["u"] * 4, FAST) == [0, 0, 5000, 9000]
    late = environment(1, 0, overhead_s=0.0)
    ends = [job(0, 3000), job(0, 3000), job(5000, 10)]
    assert dates(ends, ["u"] * 3, late) == [0, 0, 6000]
    # Shorter pauses make it one session, in which the recorded 2,000 s of thinking are kept.
    assert dates(ends, ["u"] * 3, late, gap=6000.0) == [0, 0, 8000]


def test_what_still_ran_when_a_session_began_is_not_waited_for():
    jobs = [job(0, 9000), job(5000, 10), job(20_000, 10)]
    assert dates(jobs, ["u"] * 3, environment(2)) == [0, 5000, 20_000]


def test_thinking_is_as_many_times_as_fast_as_arrivals():
    jobs = [job(0, 100), job(30, 1)]
    # Recorded at a tenth of the pace: submitted at 300, 200 s after the end.
    assert dates(jobs, ["u"] * 2, environment(1), load_factor=10.0) == [0, 120]


def test_recorded_times_are_taken_where_the_table_has_them():
    jobs = [job(0, 100), job(400, 1)]
    told = {"queuetime": [50.0, np.nan], "walltime": [250.0, np.nan]}
    assert dates(jobs, ["u"] * 2, environment(1), **told) == [0, 200]


@pytest.mark.parametrize(
    ("state", "expected"), [("closed", 400), ("cancelled", 400), ("failed", 400)]
)
def test_however_a_job_ends_what_waits_goes_on(state, expected):
    jobs = [job(0, 100, state=state), job(400, 1)]
    assert dates(jobs, ["u"] * 2, environment(1)) == [0, expected]


def test_what_waits_for_a_job_that_gets_no_site_goes_on():
    too_large = [job(0, 100, cores=5), job(400, 1)]
    table, _ = submissions(too_large, ["u"] * 2, environment(2))
    assert table["state"].tolist() == ["unbrokered", "finished"]
    assert table["submit"].tolist() == [0, 300]


def test_what_waits_for_a_job_that_never_ends_is_held_until_the_simulation_does():
    """On a grid a thousand times as slow a day lasts for years; 90 days after the last it ends."""
    day = 86_400.0
    slow = environment(0, 1, each={1: {"core_power": POWER / 1000}})
    table, _ = submissions([job(0, day), job(day + 60, 1)], ["u"] * 2, slow)
    assert table["state"].tolist() == ["unfinished", "unfinished"]
    assert table["submit"].tolist() == [0, 91 * day + 60]


def test_on_a_grid_as_recorded_jobs_are_submitted_as_recorded(in_own_process):
    """The identity: as many cores as jobs, nothing fails, and so every answer comes as it did."""
    random = np.random.default_rng(4)
    jobs = [job(float(at), float(lasts)) for at, lasts in
            zip(np.sort(random.integers(0, 90_000, 300)), random.integers(1, 9_000, 300),
                strict=True)]  # fmt: skip
    users = random.integers(0, 9, 300)
    table, _ = submissions(jobs, users, environment(300))
    recorded = np.sort([one["submit"] for one in jobs])
    np.testing.assert_allclose(table["submit"], recorded, atol=1e-6)


LOADS = st.lists(
    st.tuples(st.integers(0, 20_000), st.integers(1, 5_000), st.integers(0, 2), st.booleans()),
    min_size=1, max_size=25,
)  # fmt: skip


# Of a batch that went on, one job was over.
@example([(0, 1200, 1, False), (300, 3604, 1, False), (1201, 1, 1, False)], 1, 0.2, 4.0)
@settings(max_examples=150, deadline=None)
@given(LOADS, st.integers(1, 3), st.sampled_from([0.2, 1.0, 50.0]), st.sampled_from([1.0, 4.0]))
def test_nobody_submits_before_what_they_wait_for_has_ended(loads, cores, speed, load_factor):
    """The rule in plain words, user by user, against what came of any jobs on any grid."""
    jobs = [
        job(float(at), float(lasts), state="closed" if closed else "finished")
        for at, lasts, _, closed in loads
    ]
    users = np.array([user for _, _, user, _ in loads])
    grid = environment(0, cores, each={1: {"core_power": speed * POWER}})
    table, response = submissions(jobs, users, grid, load_factor)
    begin, end = table["submit"].to_numpy(), table["end"].to_numpy()
    recorded = np.array([one["submit"] for one in jobs]) * load_factor
    order = np.argsort(recorded, kind="stable")
    for user in set(users.tolist()):
        mine = [row for row in order.tolist() if users[row] == user]
        sessions = [[mine[0]]]
        for before, row in pairwise(mine):
            if recorded[row] - recorded[before] > 3600:
                sessions.append([])
            sessions[-1].append(row)
        # In recorded order, whatever the grid does.
        assert (np.diff(begin[mine]) >= -1e-6).all()
        for number, session in enumerate(sessions):
            first = session[0]
            over = [row for earlier in sessions[:number] for row in earlier
                    if recorded[row] + response[row] < recorded[first]]  # fmt: skip
            earlier = [row for rows in sessions[:number] for row in rows]
            floor = max([recorded[first] / load_factor, *end[over], *begin[earlier]])
            assert begin[first] >= floor - 1e-6
            for place, row in enumerate(session[1:], 1):
                rest = session[:place]
                last_end = max(recorded[one] + response[one] for one in rest)
                if recorded[row] > last_end:
                    think = (recorded[row] - last_end) / load_factor
                    assert begin[row] >= max(end[one] for one in rest) + think - 1e-6
                else:
                    gap = (recorded[row] - recorded[rest[-1]]) / load_factor
                    assert begin[row] - begin[rest[-1]] == pytest.approx(gap, abs=1e-6)


def scenario_of(folder, table, **more):
    table.to_csv(folder / "jobs.csv", index=False)
    content = {
        "environment": {"sites": [{"name": "A", "cores": 3}, {"name": "B", "cores": 2}]},
        "workload": {"jobs": str(folder / "jobs.csv")},
        "network": "fluid",
        **more,
    }
    return Scenario.load(json.dumps(content))


def table_of(rows, **columns):
    random = np.random.default_rng(2)
    seconds = np.sort(random.integers(0, 86_400, rows))
    return pd.DataFrame(
        {
            "creationtime": pd.to_datetime("2024-01-01") + pd.to_timedelta(seconds, "s"),
            "computingsite": random.choice(["A", "B"], rows),
            "workload": random.integers(100, 90_000, rows),
            "user": random.choice(["u", "v", "w"], rows),
            **columns,
        }
    )


def files(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*.*")}


def test_equal_seeds_give_equal_bytes_and_the_groups_are_of_the_same_jobs(tmp_path):
    closed = scenario_of(tmp_path, table_of(200), users="closed", load_factor=2.0)
    for name in ("one", "other"):
        run_scenario(closed, tmp_path / name)
    assert files(tmp_path / "one") == files(tmp_path / "other")
    jobs = pd.read_parquet(tmp_path / "one/seed-1/jobs.parquet")
    recorded = pd.read_csv(tmp_path / "jobs.csv")["creationtime"].pipe(pd.to_datetime)
    later = jobs["submit"] - (recorded - recorded.min()).dt.total_seconds() / 2
    assert (later.abs() > 1).any()
    summary = json.loads((tmp_path / "one/seed-1/summary.json").read_text())
    turnaround = jobs["end"] - jobs["submit"]
    kept = [turnaround[np.arange(200) // 40 != group].mean() for group in range(5)]
    found = summary["outcomes"]["turnaround_mean"]["without_group"]
    assert found == pytest.approx(kept)


def test_what_is_missing_is_said(tmp_path):
    table = table_of(20)
    without = scenario_of(tmp_path, table.drop(columns="user"), users="closed")
    with pytest.raises(InputError, match=r"jobs\.csv: users: closed needs the column 'user'"):
        run_scenario(without, tmp_path / "run")
    elsewhere = scenario_of(tmp_path, table.assign(computingsite="C"), users="closed")
    with pytest.raises(InputError, match="was recorded at 'C', which the environment lacks"):
        run_scenario(elsewhere, tmp_path / "run")
    known = scenario_of(tmp_path, table.assign(computingsite="C", walltime=60), users="closed")
    run_scenario(known, tmp_path / "run")
    negative = scenario_of(tmp_path, table.assign(walltime=-1.0), users="closed")
    with pytest.raises(InputError, match=r"row 1: walltime is -1\.0, expected 0 or more"):
        run_scenario(negative, tmp_path / "run")
    with pytest.raises(InputError, match="users is 'half'"):
        scenario_of(tmp_path, table, users="half")
    remarks = run_scenario(scenario_of(tmp_path, table, session_gap_s=60), tmp_path / "run")
    assert "session_gap_s has no effect: users are open" in remarks["remarks"]
