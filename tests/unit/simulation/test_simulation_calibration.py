"""What a platform takes from job tables that hold more, or less, than the paper's columns."""

import numpy as np
import pandas as pd
import pytest

from redwood.simulation.calibration import cores_of, read_with_auxiliary
from redwood.simulation.platform import Demand, build_platform
from redwood.tables import Column, TableDescription, write_table

FEATURES = (
    Column("creationtime", "timestamp"),
    Column("computingsite", "categorical"),
    Column("workload", "numeric", "HS23·s", "log"),
)
SITES = "site,tier,core_power,cores,queues\nBNL,T1,20,200,ANALY_BNL_VP\n"
NETWORK = """tier,bandwidth_gbps,storage_gbps,latency_ms,transfer_gbps,cores,storage_tb
T0,80,80,10,1,100,1
T1,80,160,10,1,100,2
T2,8,8,20,1,100,3
T3,1,1,10,1,100,4
"""


@pytest.fixture
def resources(tmp_path):
    (tmp_path / "sites.csv").write_text(SITES)
    (tmp_path / "network.csv").write_text(NETWORK)
    return tmp_path


def jobs(rows, site="ANALY_BNL_VP"):
    """One job every ten seconds, each of 3,300 HS23·s."""
    return pd.DataFrame(
        {
            "creationtime": pd.to_datetime("2024-01-01", utc=True)
            + pd.to_timedelta(np.arange(rows) * 10, "s"),
            "computingsite": site,
            "workload": 3300.0,
        }
    )


def test_auxiliary_columns_are_read_where_they_are_and_others_left(tmp_path):
    auxiliary = (
        Column("walltime", "numeric", "s", role="auxiliary"),
        Column("cores", "integer", role="auxiliary"),
        Column("user", "categorical", role="auxiliary"),
    )
    whole = jobs(3).assign(
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
    table = jobs(100).assign(user="u", requestedtime=7200.0)
    description = TableDescription("lcg", FEATURES)
    built = build_platform(table, table, description, resources, Demand(utilisation=1.0))
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
    table = jobs(2000)
    table["workload"] = np.random.default_rng(1).lognormal(8, 1, len(table))
    table["walltime"] = 60 + table["workload"] / 20 * 2
    table["jobstatus"] = "finished"
    description = TableDescription("jobs", FEATURES)
    built = build_platform(table, table, description, resources, Demand(utilisation=0.5))
    (site,) = built.environment.sites
    assert (site.efficiency, site.overhead_s) == pytest.approx((0.5, 60), rel=0.02)
    expected = table["walltime"].sum() / (10 * 1999) / 0.5
    assert site.cores == pytest.approx(expected, abs=1.5)
    whole = built.calibration.iloc[-1]
    assert whole["error"] < 0.01 < whole["error_before"]
    assert built.environment.summary["run_times"]["on_validation"]["jobs"] == 2000


def test_jobs_that_were_closed_take_no_cores(resources):
    """They never ran: half of 100 jobs of 165 s in 990 s ask for 8.3 cores."""
    table = jobs(100).assign(jobstatus=["closed", "finished"] * 50)
    description = TableDescription("jobs", FEATURES)
    built = build_platform(table, None, description, resources, Demand(utilisation=1.0))
    assert [site.cores for site in built.environment.sites] == [9]
