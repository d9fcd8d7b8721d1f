"""The platform from facts and training jobs: what is fitted, and what it comes to."""

import numpy as np
import pandas as pd
import pytest
from small_grids import FEATURES, environment, job, recorded_jobs

from redwood.errors import InputError
from redwood.simulation.calibration import (
    RunTimes,
    calibration_table,
    cores_of,
    fit_run_times,
    read_with_auxiliary,
)
from redwood.simulation.environment import Environment
from redwood.simulation.facts import read_network
from redwood.simulation.failure_rates import fit_failure_rates
from redwood.simulation.platform import Demand, build_platform
from redwood.tables import Column, TableDescription, write_table

DESCRIPTION = TableDescription("jobs", FEATURES)


def power(name):
    return {"A": 10.0, "B": 20.0}.get(name, 10.0)


def planted(rows, seed, noise=0.05):
    """Jobs of overhead 100 s, efficiencies .8 and .5, run times falling with cores^.7."""
    random = np.random.default_rng(seed)
    site = random.choice(["A", "B"], rows)
    cores = random.choice([1, 4, 8], rows)
    work = random.lognormal(10, 1.2, rows)
    speed = np.where(site == "A", 10 * 0.8, 20 * 0.5)
    wall = (100 + work / speed / cores**0.7) * random.lognormal(0, noise, rows)
    return pd.DataFrame(
        {"computingsite": site, "workload": work, "cores": cores, "walltime": wall,
         "jobstatus": "finished"}
    )  # fmt: skip


def test_overhead_scaling_and_efficiencies_are_recovered():
    fitted = fit_run_times(planted(6000, 1), power)
    assert fitted.overhead_s == pytest.approx(100, rel=0.1)
    assert fitted.scaling == pytest.approx(0.7, abs=0.02)
    assert fitted.efficiency["A"] == pytest.approx(0.8, rel=0.03)
    assert fitted.efficiency["B"] == pytest.approx(0.5, rel=0.03)


def test_the_fit_holds_on_jobs_that_were_not_fitted_and_the_table_says_so():
    fitted = fit_run_times(planted(6000, 1), power)
    table = calibration_table(planted(3000, 2), power, fitted).set_index("site")
    assert list(table.index) == ["A", "B", "all"]
    # Noise of 5 % alone leaves a median |ln| of .0337.
    assert table.loc["all", "error"] == pytest.approx(0.0337, abs=0.004)
    assert abs(table.loc["all", "bias"]) < 0.01
    assert table.loc["all", "core_seconds"] == pytest.approx(1, abs=0.02)
    assert table.loc["all", "error_before"] > 0.5
    assert table.loc["all", "jobs"] == 3000


def test_replaying_at_the_recorded_sites_gives_the_recorded_wall_times(simulated):
    """What the engine runs is what was calibrated: the same errors, job by job."""
    pytest.importorskip("simgrid")
    jobs = planted(400, 3)
    fitted = fit_run_times(planted(6000, 1), power)
    each = {
        index: {
            "core_power": power(name), "efficiency": fitted.efficiency[name],
            "overhead_s": fitted.overhead_s, "core_scaling": fitted.scaling,
        }
        for index, name in enumerate("AB")
    }  # fmt: skip
    grid = environment(10**6, 10**6, each=each)
    rows = [
        job(float(at), row.workload / 10 / row.cores, site="AB".index(row.computingsite),
            cores=row.cores)
        for at, row in enumerate(jobs.itertuples())
    ]  # fmt: skip
    done = simulated(grid, rows)
    np.testing.assert_allclose(done.jobs["wall_s"], fitted.predict(jobs, power), rtol=1e-9)
    errors = np.abs(np.log(done.jobs["wall_s"].to_numpy() / jobs["walltime"].to_numpy()))
    table = calibration_table(jobs, power, fitted).set_index("site")
    assert np.median(errors) == pytest.approx(table.loc["all", "error"], rel=1e-9)


def test_few_jobs_are_drawn_towards_the_grids_efficiency():
    """Twenty pseudo jobs: with five jobs of its own a site is a fifth on its own way, in logs."""
    many = pd.DataFrame({"computingsite": "A", "workload": np.full(500, 1e4), "walltime": 1e3})
    few = pd.DataFrame({"computingsite": "C", "workload": np.full(5, 1e4), "walltime": 4e3})
    fitted = fit_run_times(pd.concat([many, few], ignore_index=True), power)
    assert fitted.efficiency["A"] == pytest.approx(1.0, abs=1e-3)
    assert np.log(fitted.efficiency["C"]) == pytest.approx(0.2 * np.log(0.25), rel=0.02)


@pytest.mark.parametrize(
    "jobs",
    [
        planted(2000, 1).drop(columns="walltime"),
        planted(2000, 1).assign(walltime=np.nan),
        planted(2000, 1).assign(jobstatus="failed"),
        planted(40, 1),
    ],
)
def test_without_recorded_wall_times_nothing_is_fitted(jobs):
    assert fit_run_times(jobs, power) == RunTimes()
    checked = jobs.head(0) if "walltime" in jobs else jobs
    assert calibration_table(checked, power, RunTimes()).empty


def states(site, failed, rows, kind="k"):
    status = ["failed"] * failed + ["finished"] * (rows - failed)
    return pd.DataFrame({"computingsite": site, "jobstatus": status, "project": kind})


def test_failure_rates_by_hand():
    """Grid: 100 of 1,000. A: (90 + 5) / (500 + 50) = .1727; B: (10 + 5) / 550 = .0273."""
    jobs = pd.concat([states("A", 90, 500), states("B", 10, 500)], ignore_index=True)
    seconds = np.linspace(0, 150 * 86400, len(jobs))
    rates = fit_failure_rates(jobs, seconds, ())
    assert rates.site == pytest.approx({"A": 95 / 550, "B": 15 / 550}, abs=1e-6)
    assert rates.failed_share == pytest.approx(0.1)
    assert rates.kind == {}


def test_kinds_that_fail_more_have_a_rate_on_top_and_as_many_fail_as_did():
    parts = [states("A", 100, 500, "bad"), states("A", 10, 500, "good"),
             states("B", 100, 500, "bad"), states("B", 40, 500, "good")]  # fmt: skip
    jobs = pd.concat(parts, ignore_index=True).sample(frac=1, random_state=1)
    seconds = np.linspace(0, 150 * 86400, len(jobs))
    rates = fit_failure_rates(jobs, seconds, ("project", "datatype"))
    own = (200 + 50 * 0.125) / 1050
    assert rates.kind == pytest.approx({"bad": 1 - (1 - own) / (1 - 0.125)}, abs=1e-5)
    site = jobs["computingsite"].map(rates.site)
    kind = jobs["project"].map(rates.kind).fillna(0.0)
    assert (1 - (1 - site) * (1 - kind)).mean() == pytest.approx(0.125, abs=1e-5)
    assert rates.site["B"] > rates.site["A"]


WINDOW = 6 * 3600


def jobs_of_windows(down, task, windows=200):
    """Ten jobs a window of six hours at each of two sites; `task` numbers them within it."""
    rows = [
        (name, WINDOW * window + 2000 * number, "failed" if (name, window) in down else "finished",
         f"{name}{window}-{task(number)}")
        for name in "AB"
        for window in range(windows)
        for number in range(10)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["computingsite", "seconds", "jobstatus", "task"])


def fitted_to(jobs):
    return fit_failure_rates(jobs, jobs["seconds"].to_numpy(float), ())


def test_hours_in_which_a_site_fails_all_tasks_are_outages_and_not_rates():
    """Four outages of two sites, one of them of two windows; each job is a task of its own."""
    down = {("A", 3), ("A", 4), ("A", 20), ("B", 10), ("B", 100)}
    rates = fitted_to(jobs_of_windows(down, lambda number: number))
    assert (rates.seen, rates.by_chance) == (4, 0)
    assert rates.outages.lasting_s == 5 / 4 * WINDOW
    assert rates.outages.every_s == (2 * 200 - 5) / 4 * WINDOW
    assert rates.failed_share == 0
    assert max(rates.site.values()) == 0


def test_tasks_that_fail_at_different_times_are_no_outages():
    """Each window has one task, so that none in which all jobs fail tells of the site."""
    down = {("A", 10 * number) for number in range(12)}
    rates = fitted_to(jobs_of_windows(down, lambda _number: 0))
    assert (rates.seen, rates.outages) == (0, None)
    assert rates.failed_share == pytest.approx(12 / 400)


def test_windows_that_fail_by_chance_are_no_outages_and_stay_in_the_rates():
    """A third of all tasks fail: the two of a window do so together one time in nine."""
    jobs = jobs_of_windows(set(), lambda number: number % 2)
    failing = np.random.default_rng(4).random(jobs["task"].nunique()) < 1 / 3
    failed = failing[pd.factorize(jobs["task"])[0]]
    jobs["jobstatus"] = np.where(failed, "failed", "finished")
    rates = fitted_to(jobs)
    assert rates.outages is None
    assert rates.seen == pytest.approx(rates.by_chance, rel=0.5)
    assert rates.failed_share == pytest.approx(failed.mean())


def test_failures_at_times_that_chance_explains_in_part_are_shared_out():
    """Outages on top of tasks that fail: a job of a window that looks down counts in part."""
    down = {(name, 16 * number) for name in "AB" for number in range(12)}
    jobs = jobs_of_windows(down, lambda number: number % 5)
    failing = np.random.default_rng(4).random(jobs["task"].nunique()) < 1 / 5
    alone = failing[pd.factorize(jobs["task"])[0]]
    jobs["jobstatus"] = np.where(alone | (jobs["jobstatus"] == "failed"), "failed", "finished")
    rates = fitted_to(jobs)
    assert rates.by_chance > 0
    assert rates.outages.every_s == pytest.approx(376 / 24 * WINDOW, rel=0.3)
    assert rates.failed_share == pytest.approx(alone.mean(), rel=0.2)


def test_without_tasks_no_outages_are_told_from_tasks_that_fail():
    down = {("A", 3), ("A", 20), ("B", 10), ("B", 100)}
    rates = fitted_to(jobs_of_windows(down, lambda number: number).drop(columns="task"))
    assert (rates.outages, rates.by_chance) == (None, None)
    assert rates.failed_share == pytest.approx(4 / 400)


def test_without_final_states_nothing_fails():
    jobs = states("A", 5, 10).drop(columns="jobstatus")
    assert fit_failure_rates(jobs, np.arange(10.0), ()).site == {}


def training():
    """100 jobs in 990 s; 60 at BNL's queue, 40 at a site that no table knows."""
    return recorded_jobs(100, ["ANALY_BNL_VP"] * 60 + ["ELSEWHERE"] * 40)


def test_sites_are_sized_by_hand(resources):
    """BNL: 60 × 165 s / 990 s × 2 = 20 cores, / .5 = 40; elsewhere 40 × 330 / 990 × 2 / .5 = 54."""
    built = build_platform(
        training(), None, DESCRIPTION, resources, Demand(load_factor=2, utilisation=0.5)
    )
    bnl, elsewhere = built.environment.sites
    assert [bnl.name, bnl.tier, bnl.cores, bnl.core_power] == ["ANALY_BNL_VP", 1, 40, 20.0]
    # A fifth of 200 installed cores: of 80 and 160 Gb/s and 2 TB.
    assert bnl.bandwidth == pytest.approx(2e9)
    assert bnl.read_bandwidth == bnl.write_bandwidth == pytest.approx(4e9)
    assert bnl.storage_bytes == pytest.approx(0.4e12)
    assert [elsewhere.tier, elsewhere.cores] == [2, 54]
    assert elsewhere.latency == 0.02
    assert built.environment.summary["sites_without_facts"] == ["ELSEWHERE"]
    assert built.environment.summary["run_times"]["fitted_to"] == 0
    assert built.calibration.empty


def test_the_rate_of_the_simulated_jobs_counts(resources):
    rate = len(training()) / 990 / 4
    built = build_platform(training(), None, DESCRIPTION, resources, Demand(8, 0.5, rate))
    assert [site.cores for site in built.environment.sites] == [40, 54]


def test_a_site_of_the_simulated_jobs_alone_is_as_small_as_can_be(resources):
    """So that they can be replayed."""
    demand = Demand(8, 0.5, len(training()) / 990 / 4, sites=frozenset({"AGLT2_SL6", "ELSEWHERE"}))
    jobs = training().assign(cores=[4] + [1] * 99)
    built = build_platform(jobs, None, DESCRIPTION, resources, demand)
    new, *others = built.environment.sites
    assert (new.name, new.tier, new.cores) == ("AGLT2_SL6", 2, 4)
    assert [site.name for site in others] == ["ANALY_BNL_VP", "ELSEWHERE"]
    assert built.environment.summary["sites_without_training_jobs"] == ["AGLT2_SL6"]


def test_sites_hold_the_largest_job_where_cores_are_known(resources):
    jobs = training().assign(cores=[16] + [1] * 99)
    for known, least in ((True, 16), (False, 1)):
        built = build_platform(
            jobs, None, DESCRIPTION, resources, Demand(0.001, 0.5, cores_known=known)
        )
        assert [site.cores for site in built.environment.sites] == [least, least]


def test_a_platform_is_saved_and_loaded(resources, tmp_path):
    built = build_platform(training(), None, DESCRIPTION, resources, Demand())
    built.environment.save(tmp_path / "platform.json")
    assert Environment.load(tmp_path / "platform.json") == built.environment


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "T1,80,160",
            "T1,nan,160",
            "data row 2: bandwidth_gbps is 'nan', expected a positive number",
        ),
        ("T1,80,160", "T1,,160", "data row 2: bandwidth_gbps is '', expected a positive number"),
        ("T3,1,1,10,1,100,4\n", "", "there is no row for tier 'T3'"),
        ("T2,8,8,20,1,100,3", "T2,8", "data row 3 has fewer values"),
    ],
)
def test_a_wrong_network_names_file_and_row(resources, old, new, words):
    path = resources / "network.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=rf"network\.csv: {words}"):
        read_network(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{sites: []}", "sites is"),
        ("{sites: [{name: A}]}", r"sites\.0\.cores"),
        ("{sites: [{name: A, cores: -1}]}", r"sites\.0\.cores is -1"),
        ("{sites: [{name: A, cores: 0}]}", "no site has cores"),
        ("{sites: [{name: A, cores: 1}, {name: A, cores: 1}]}", "site 'A' is listed twice"),
        ("{sites: [{name: A, cores: 1, speed: 3}]}", "speed: unknown key .*allowed: name, tier"),
        ("{sites: [{name: A, cores: 1, bandwidth: .nan}]}", r"sites\.0\.bandwidth"),
        *(
            (
                f"{{sites: [{{name: A, cores: 1, carbon_intensity: {value}}}]}}",
                rf"sites\.0\.carbon_intensity is {shown}: Input should be",
            )
            for value, shown in (("-1", "-1"), (".nan", "nan"), (".inf", "inf"), ("low", "'low'"))
        ),
        (
            "{sites: [{name: A, cores: 1}, {name: B, cores: 1, bandwidth: null}]}",
            "no path leads to site 'B'",
        ),
        (
            "{sites: [{name: A, cores: 1}], links: [{between: [A, B], bandwidth: 1}]}",
            r"links\.0\.between: there is no site 'B'; the sites are A",
        ),
        ("{sites: [{name: A, cores: 1}], links: [{between: [A, A], bandwidth: 1}]}", "to itself"),
        (
            "{sites: [{name: A, cores: 1}], outages: [{site: X, start_s: 1, lasting_s: 1}]}",
            r"outages\.0\.site: there is no site 'X'",
        ),
        ("[1, 2]", "expected keys and values"),
        ("{sites: ", "holds no environment in YAML"),
    ],
)
def test_a_wrong_environment_says_what_is_wrong(tmp_path, content, words):
    path = tmp_path / "environment.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        Environment.load(path)
    with pytest.raises(InputError, match="no such environment"):
        Environment.load(tmp_path / "none.yaml")


def test_auxiliary_columns_are_read_where_they_are_and_others_left(tmp_path):
    auxiliary = (
        Column("walltime", "numeric", "s", role="auxiliary"),
        Column("cores", "integer", role="auxiliary"),
        Column("user", "categorical", role="auxiliary"),
    )
    whole = recorded_jobs(3).assign(
        walltime=[100.0, None, 300.0],
        cores=pd.array([1, None, 8], dtype="Int64"),
        user=["a", "b", "c"],
    )
    description = TableDescription("jobs", FEATURES + auxiliary)
    write_table(whole, tmp_path / "jobs.parquet", description)
    read = read_with_auxiliary(tmp_path / "jobs.parquet", description)
    assert list(read) == ["creationtime", "computingsite", "workload", "walltime", "cores"]
    assert cores_of(read).tolist() == [1, 1, 8]
    assert cores_of(read.drop(columns="cores")).tolist() == [1, 1, 1]


def test_a_table_without_states_and_wall_times_gives_a_platform_of_facts_alone(resources):
    """100 jobs in 990 s, each 165 s long at 20 HS23 per core, ask for 16.7 cores."""
    table = recorded_jobs(100).assign(user="u", requestedtime=7200.0)
    built = build_platform(table, table, DESCRIPTION, resources, Demand(utilisation=1.0))
    (site,) = built.environment.sites
    assert (site.cores, site.core_power) == (17, 20.0)
    assert (site.efficiency, site.overhead_s, site.core_scaling) == (1.0, 0.0, 1.0)
    assert (site.failure_rate, site.outages) == (0.0, None)
    assert built.environment.kind_failure_rates == {}
    assert built.environment.summary["run_times"]["fitted_to"] == 0
    assert "wall time" in built.environment.summary["run_times"]["why"]
    assert built.environment.summary["failures"]["failed_share_of_training"] is None
    assert built.calibration.empty


def test_overhead_and_efficiency_count_when_sites_are_sized(resources):
    """Jobs of several lengths that run for 60 s + twice their work over 20 HS23."""
    table = recorded_jobs(2000)
    table["workload"] = np.random.default_rng(1).lognormal(8, 1, len(table))
    table["walltime"] = 60 + table["workload"] / 20 * 2
    table["jobstatus"] = "finished"
    built = build_platform(table, table, DESCRIPTION, resources, Demand(utilisation=0.5))
    (site,) = built.environment.sites
    assert (site.efficiency, site.overhead_s) == pytest.approx((0.5, 60), rel=0.02)
    expected = table["walltime"].sum() / (10 * 1999) / 0.5
    assert site.cores == pytest.approx(expected, abs=1.5)
    whole = built.calibration.iloc[-1]
    assert whole["error"] < 0.01 < whole["error_before"]
    assert built.environment.summary["run_times"]["on_validation"]["jobs"] == 2000


def test_jobs_that_were_closed_take_no_cores(resources):
    """They never ran: half of 100 jobs of 165 s in 990 s ask for 8.3 cores."""
    table = recorded_jobs(100).assign(jobstatus=["closed", "finished"] * 50)
    built = build_platform(table, None, DESCRIPTION, resources, Demand(utilisation=1.0))
    assert [site.cores for site in built.environment.sites] == [9]
