"""Carbon of the cores' electricity: the outcome, where intensities come from, and going by it."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_grids import FEATURES, environment, job, recorded_jobs, simulate

from redwood.configuration import Settings
from redwood.errors import InputError
from redwood.facts import fact_file
from redwood.simulation.carbon import intensities
from redwood.simulation.contract import Grid, Job
from redwood.simulation.environment import Environment
from redwood.simulation.facts import read_intensities
from redwood.simulation.platform import Demand, build_platform
from redwood.simulation.policies.brokerage import shortest_completion
from redwood.simulation.policies.brokerage.carbon_aware import Policy
from redwood.simulation.scenario import Scenario
from redwood.simulation.shortfalls import foreseen
from redwood.simulation.site_state import SiteState
from redwood.tables import TableDescription
from redwood.validation import read_section


def of_each(*intensities):
    return {index: {"carbon_intensity": value} for index, value in enumerate(intensities)}


def test_carbon_by_hand(simulated):
    """An hour of a core at 10 W and 100 g/kWh is 1 g; half an hour of eight at 400 is 16 g."""
    jobs = [job(0, 3600, site=0), job(5, 1800, site=1, cores=8)]
    done = simulated(environment(4, 8, each=of_each(100.0, 400.0)), jobs)
    assert done.jobs["carbon_g"].tolist() == pytest.approx([1.0, 16.0])
    assert done.outcome("carbon") == pytest.approx(0.017)
    assert done.outcome("carbon_per_job") == pytest.approx(8.5)
    twice = simulated(environment(4, 8, each=of_each(100.0, 400.0)), jobs, watts_per_core=20.0)
    assert twice.outcome("carbon") == pytest.approx(0.034)


def test_attempts_that_fail_count(simulated):
    """Three attempts fail of a job of an hour: what they used until then, by no finished job."""
    grid = environment(4, each=of_each(360.0))
    done = simulated(grid, [job(0, 3600, state="failed")], failures="recorded", attempts=3)
    assert done.summary["jobs"]["failed"] == 1
    lost = done.jobs["lost_core_s"][0]
    assert lost > 0
    # At 10 W and 360 g/kWh a core second is a milligram.
    assert done.jobs["carbon_g"][0] == pytest.approx(lost / 1000)
    assert done.outcome("carbon") == pytest.approx(lost / 1e6)
    assert done.outcome("carbon_per_job") is None


def test_without_any_intensity_carbon_is_missing_not_zero(simulated):
    done = simulated(environment(4), [job(0, 100)])
    assert done.outcome("carbon") is done.outcome("carbon_per_job") is None
    assert done.jobs["carbon_g"].isna().all()
    clean = simulated(environment(4, carbon_intensity=0.0), [job(0, 100)])
    assert clean.outcome("carbon") == clean.outcome("carbon_per_job") == 0


def test_a_site_of_unknown_intensity_has_the_mean_by_cores():
    """(10 × 100 + 30 × 300) / 40 = 250. A site without cores does not count."""
    grid = environment(10, 30, 5, 0, each=of_each(100.0, 300.0, None, 900.0))
    assert intensities(grid.sites) == [100.0, 300.0, 250.0, 900.0]
    assert intensities(environment(10, 0, each=of_each(None, 900.0)).sites) is None


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 5000), st.floats(0, 9000), st.integers(0, 2), st.sampled_from([1, 2, 8])
        ),
        min_size=1,
        max_size=30,
    ),
    st.lists(st.none() | st.floats(0, 2000), min_size=3, max_size=3),
    st.floats(0.1, 500),
)
def test_carbon_is_the_sum_over_all_attempts(in_own_process, jobs, values, watts):
    in_own_process(check_sum, jobs, values, watts)


def check_sum(jobs, values, watts):
    grid = environment(8, 9, 10, failure_rate=0.3, each=of_each(*values))
    rows = [job(submit, wall, site=site, cores=cores) for submit, wall, site, cores in jobs]
    done = simulate(grid, rows, watts_per_core=watts)
    rates = intensities(grid.sites)
    if rates is None:
        assert done.outcome("carbon") is None
        return
    attempts, kwh_per_s = done.attempts, watts / 1000 / 3600
    ran = [n for n in range(len(attempts)) if np.isfinite(attempts.start[n])]
    grams = sum(
        attempts.cores[n] * (attempts.stop[n] - attempts.start[n]) * kwh_per_s
        * rates[int(attempts.site[n])]
        for n in ran
    )  # fmt: skip
    assert done.outcome("carbon") * 1000 == pytest.approx(grams, rel=1e-9, abs=1e-12)
    assert done.jobs["carbon_g"].sum() == pytest.approx(grams, rel=1e-9, abs=1e-12)


def test_some_sites_of_unknown_intensity_are_a_remark(tmp_path):
    jobs = recorded_jobs(2, "A")
    jobs.to_csv(tmp_path / "jobs.csv", index=False)

    def told(*values):
        sites = [
            {"name": name, "cores": 10, "carbon_intensity": value}
            for name, value in zip("ABC", values, strict=True)
        ]
        scenario = Scenario.load(
            {"environment": {"sites": sites}, "workload": {"jobs": str(tmp_path / "jobs.csv")}}
        )
        return foreseen(scenario, scenario.read_environment(), list(jobs), jobs)

    assert told(100, None, 300) == [
        "1 of 3 sites have no carbon_intensity and count with the mean of the others by cores, "
        "200 gCO2e/kWh: B"
    ]
    assert told(None, None, None) == told(1, 2, 3) == []


@pytest.mark.parametrize("watts", [0, -1, float("nan"), float("inf")])
def test_impossible_watts_are_an_error(watts):
    with pytest.raises(InputError, match=r"watts_per_core is .*: Input should be"):
        read_section(Settings, {"watts_per_core": watts}, "scenario")


TABLE = "country,g_per_kwh,year,source\nUS,380.5,2024,made up\nFR,44,2024,made up\n"


def test_a_platform_has_the_intensities_of_its_countries(resources):
    """None where the table of sites has no country, the table of intensities not this one, or
    there is no such table."""
    jobs = recorded_jobs(90)
    jobs["computingsite"] = ["ANALY_BNL_VP", "AGLT2_SL6", "ELSEWHERE"] * 30

    def built():
        description = TableDescription("jobs", FEATURES)
        sites = build_platform(jobs, None, description, resources, Demand()).environment.sites
        return {site.name: site.carbon_intensity for site in sites}

    unknown = dict.fromkeys(("AGLT2_SL6", "ANALY_BNL_VP", "ELSEWHERE"))
    assert built() == unknown
    (resources / "carbon.csv").write_text(TABLE)
    assert built() == unknown
    (resources / "sites.csv").write_text(
        "site,tier,country,core_power,queues\nBNL,T1,US,20,ANALY_BNL_VP\nAGLT2,T2,XX,,AGLT2_SL6\n"
    )
    assert built() == unknown | {"ANALY_BNL_VP": 380.5}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("380.5", "-1", "data row 1: g_per_kwh is '-1', expected a positive number"),
        ("380.5", "nan", "data row 1: g_per_kwh is 'nan', expected a positive number"),
        ("FR", "US", "there are two rows for country 'US'"),
        ("g_per_kwh", "g", "column 'g_per_kwh' is missing"),
    ],
)
def test_a_wrong_table_of_intensities_names_file_and_row(tmp_path, old, new, words):
    path = tmp_path / "carbon.csv"
    path.write_text(TABLE.replace(old, new))
    with pytest.raises(InputError, match=rf"carbon\.csv: {words}"):
        read_intensities(path)


def test_the_shipped_table_has_just_the_countries_of_the_sites():
    with open(fact_file("sites.csv"), encoding="utf-8") as stream:
        countries = {row["country"] for row in csv.DictReader(stream)}
    found = read_intensities(fact_file("carbon.csv"))
    assert set(found) == countries
    # Hydropower alone has some 25, lignite alone some 1,100.
    assert all(20 < grams < 1000 for grams in found.values())


def a_job(work=36_000.0):
    return Job(0, 0.0, "S0", work, 1, 0, 0, 1, -1, 0, 0)


def two_sites(wait, clean=50.0, dirty=350.0):
    """A clean one, which has a job that runs for `wait` s, and an idle one; a run takes an hour."""
    states = [SiteState(0, "clean", 1, 10.0, carbon_intensity=clean),
              SiteState(1, "dirty", 1, 10.0, carbon_intensity=dirty)]  # fmt: skip
    states[0].busy_cores = states[0].committed_cores = 1
    states[0].running_until_core_s = wait
    return Grid(states)


@pytest.mark.parametrize(
    ("patience", "wait", "site"),
    [(1.0, 5399, "clean"), (1.0, 5401, "dirty"), (0.5, 2699, "clean"), (0.5, 2701, "dirty"),
     (0.0, 1, "dirty"), (100.0, 539_000, "clean")],
)  # fmt: skip
def test_a_job_waits_for_clean_electricity_as_long_as_it_is_worth(patience, wait, site):
    """300 g/kWh less, 1.5 times the mean of 200, are worth 1.5 × patience × the run of 3,600 s."""
    assert Policy(patience).choose(a_job(), two_sites(wait)).name == site


def test_the_trade_off_is_the_same_for_a_short_job():
    assert Policy(1.0).choose(a_job(36.0), two_sites(5.39)).name == "clean"
    assert Policy(1.0).choose(a_job(36.0), two_sites(5.41)).name == "dirty"


@pytest.mark.parametrize(("cores", "site"), [(1, "dirty"), (2, "clean")])
def test_cores_that_staging_jobs_will_take_are_not_free(cores, site):
    """Two hours of work are on their way to the clean site; with a second core there is room."""
    grid = two_sites(0)
    state = grid.sites[0]._state
    state.cores, state.busy_cores = cores, 0
    state.committed_cores, state.staging_jobs, state.waiting_core_s = 1, 1, 7200.0
    assert Policy(1.0).choose(a_job(), grid).name == site


def test_without_patience_it_is_the_shortest_completion_if_nothing_stages(simulated):
    grid = environment(2, 3, 4, each=of_each(10.0, 20.0, 500.0))
    jobs = [job(60.0 * at, 100.0 + 37 * (at % 11), cores=1 + at % 2) for at in range(120)]
    one, other = (
        simulated(grid, jobs, policy) for policy in (Policy(0.0), shortest_completion.Policy())
    )
    assert one.jobs.equals(other.jobs)
    greener = simulated(grid, jobs, Policy(5.0))
    assert greener.outcome("carbon") < other.outcome("carbon")
    assert greener.outcome("turnaround_mean") > other.outcome("turnaround_mean")


def test_there_must_be_something_to_go_by():
    with pytest.raises(InputError, match="no site with cores has a carbon_intensity"):
        Policy().choose(a_job(), two_sites(1, None, None))
    for patience in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"patience is .*, expected a finite number"):
            Policy(patience)
    # Nobody emits anything: the soonest end decides.
    assert Policy().choose(a_job(), two_sites(1, 0.0, 0.0)).name == "dirty"


def test_an_intensity_is_kept_when_an_environment_is_saved(tmp_path):
    grid = environment(1, 2, each=of_each(None, 44.2))
    grid.save(tmp_path / "environment.json")
    assert Environment.load(tmp_path / "environment.json") == grid
