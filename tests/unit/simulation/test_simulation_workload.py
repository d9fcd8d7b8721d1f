"""Jobs from job tables, and where their inputs lie."""

import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.simulation.placement import place_replicas
from redwood.simulation.platform import Platform, PlatformSite
from redwood.simulation.workload import arrival_rate, assign_datasets, build_workload, read_jobs
from redwood.tables import Column, TableDescription, write_table

COLUMNS = {
    "creationtime": Column("creationtime", "timestamp"),
    "computingsite": Column("computingsite", "categorical"),
    "datatype": Column("datatype", "categorical"),
    "size": Column("size", "integer", "bytes", "log"),
    "jobstatus": Column("jobstatus", "categorical"),
    "workload": Column("workload", "numeric", "HS23·s", "log"),
    "cores": Column("cores", "integer", role="auxiliary"),
}


def describe(*left_out, **changed):
    columns = COLUMNS | changed
    return TableDescription(
        "jobs", tuple(column for name, column in columns.items() if name not in left_out)
    )


def frame(rows=3, **changed):
    seconds = pd.to_datetime("2024-01-01", utc=True) + pd.to_timedelta(np.arange(rows) * 10, "s")
    return pd.DataFrame(
        {
            "creationtime": seconds,
            "computingsite": "CERN",
            "datatype": "PHYS",
            "size": 1000,
            "jobstatus": "finished",
            "workload": 600.0,
            "cores": 8,
        }
        | changed
    )


def written(tmp_path, table, description):
    path = tmp_path / "jobs.parquet"
    write_table(table, path, description)
    return path


def test_only_features_are_read(tmp_path):
    description = describe()
    table = read_jobs(written(tmp_path, frame(), description), description)
    assert "cores" not in table
    assert [job.cores for job in build_workload(table, description, 1.0, 1).jobs] == [1, 1, 1]
    described = describe(cores=Column("cores", "integer"))
    table = read_jobs(written(tmp_path, frame(), described), described)
    assert [job.cores for job in build_workload(table, described, 1.0, 1).jobs] == [8, 8, 8]


def test_jobs_are_submitted_in_order_of_time_and_keep_their_rows():
    table = frame().iloc[[2, 0, 1]].reset_index(drop=True)
    workload = build_workload(table, describe(), 4.0, 1)
    assert [job.row for job in workload.jobs] == [1, 2, 0]
    assert [job.submit for job in workload.jobs] == [0.0, 2.5, 5.0]


def test_the_arrival_rate_is_rows_over_the_time_they_span():
    assert arrival_rate(frame(11), describe()) == pytest.approx(11 / 100)
    assert arrival_rate(frame(1), describe()) == 1.0


def test_a_narrow_table_holds_one_core_jobs_without_input_that_finish():
    narrow = ("datatype", "size", "jobstatus", "cores")
    workload = build_workload(frame().drop(columns=[*narrow]), describe(*narrow), 1.0, 1)
    assert workload.datasets == 0
    assert {(job.cores, job.input_bytes, job.dataset) for job in workload.jobs} == {(1, 0, -1)}
    assert set(workload.recorded_state) == {"finished"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"workload": [1.0, -3.0, 2.0]}, r"row 1: workload is -3\.0, expected .* at least 0"),
        ({"workload": [1.0, 2.0, np.inf]}, "row 2: workload is inf"),
        ({"size": [-1, 2, 3]}, "row 0: size is -1"),
        ({"jobstatus": ["finished", "done", "failed"]}, "row 1: jobstatus is 'done', expected one"),
    ],
)
def test_impossible_values_are_named_with_their_row(tmp_path, changed, message):
    description = describe()
    with pytest.raises(InputError, match=message):
        read_jobs(written(tmp_path, frame(**changed), description), description)


def test_an_empty_table_and_a_missing_feature_are_errors(tmp_path):
    description = describe()
    with pytest.raises(InputError, match="the job table has no rows"):
        read_jobs(written(tmp_path, frame(0), description), description)
    lacking = describe("workload")
    with pytest.raises(InputError, match="a simulation needs the feature 'workload'"):
        read_jobs(written(tmp_path, frame(), lacking), lacking)


def test_datasets_belong_to_one_data_type_and_serve_twenty_jobs_on_average():
    rows = 400
    table = frame(rows, datatype=["PHYS", "SUSY"] * (rows // 2))
    size = np.full(rows, 1000.0)
    size[:100] = 0
    dataset = assign_datasets(table, size, seed=1)
    assert (dataset[:100] == -1).all()
    assert (dataset[100:] >= 0).all()
    assert dataset.max() < 2 * -(-150 // 20)
    types = pd.Series(table["datatype"][100:]).groupby(dataset[100:]).nunique()
    assert (types == 1).all()
    assert (assign_datasets(table, size, seed=1) == dataset).all()
    assert (assign_datasets(table, size, seed=2) != dataset).any()


def test_the_popularity_of_datasets_is_zipfs():
    """20,000 jobs draw from 1,000 datasets: the first gets 1 / H(1000) = 13.4 % of them."""
    dataset = assign_datasets(frame(20_000), np.full(20_000, 1.0), seed=1)
    shares = np.bincount(dataset) / len(dataset)
    harmonic = (1 / np.arange(1, 1001)).sum()
    assert shares[:3] == pytest.approx(1 / np.arange(1, 4) / harmonic, rel=0.1)


def sites(*tiers_and_cores):
    return Platform(
        tuple(
            PlatformSite(f"S{index}", tier, cores, 10.0, 1e9, 0.01, 1e9)
            for index, (tier, cores) in enumerate(tiers_and_cores)
        ),
        {},
    )


def test_replicas_lie_at_a_tier_1_and_elsewhere_by_cores():
    replicas = np.array(place_replicas(sites((1, 30), (2, 50), (1, 10), (2, 10)), 40_000, seed=1))
    first = np.bincount(replicas[:, 0], minlength=4) / len(replicas)
    assert first == pytest.approx([0.75, 0, 0.25, 0], abs=0.01)
    assert (replicas[:, 0] != replicas[:, 1]).all()
    second = np.bincount(replicas[replicas[:, 0] == 0, 1], minlength=4)
    assert second / second.sum() == pytest.approx([0, 5 / 7, 1 / 7, 1 / 7], abs=0.01)
    again = place_replicas(sites((1, 30), (2, 50), (1, 10), (2, 10)), 40_000, seed=1)
    assert (np.array(again) == replicas).all()


def test_replicas_without_a_tier_1_and_at_a_single_site():
    assert {index for pair in place_replicas(sites((2, 1), (2, 1)), 50, 1) for index in pair} == {
        0,
        1,
    }
    assert place_replicas(sites((2, 5)), 2, seed=1) == [(0,), (0,)]
    assert place_replicas(sites((2, 5)), 0, seed=1) == []
