"""Jobs from job tables, and where their inputs lie."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_grids import environment

from redwood.errors import InputError
from redwood.simulation.datasets import assign_datasets, place_replicas, read_catalogue
from redwood.simulation.job_table import describe_jobs, read_jobs
from redwood.simulation.workload import RECORDED_STATES, arrival_rate, build_workload
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
    assert build_workload(table, description, 1).cores.tolist() == [1, 1, 1]
    described = describe(cores=Column("cores", "integer"))
    table = read_jobs(written(tmp_path, frame(), described), described)
    assert build_workload(table, described, 1).cores.tolist() == [8, 8, 8]


def test_submissions_are_in_order_scaled_and_from_zero():
    times = pd.to_datetime(["2024-01-01 00:01", "2024-01-01 00:00", "2024-01-01 00:01"], utc=True)
    load = build_workload(
        frame(creationtime=times, workload=[1.0, 2.0, 3.0]), describe(), 1, load_factor=4
    )
    assert load.row.tolist() == [1, 0, 2]
    assert load.submit.tolist() == [0, 15, 15]
    jobs = list(load.jobs())
    assert [job.work for job in jobs] == [2, 1, 3]
    assert [job.row for job in jobs] == [1, 0, 2]
    assert jobs[0].site == "CERN"
    assert arrival_rate(frame(creationtime=times), describe()) == pytest.approx(3 / 60)


def test_outputs_are_a_share_of_the_inputs():
    load = build_workload(frame(size=[0, 1000, 2005]), describe(), 1, output_share=0.1)
    assert load.output_bytes.tolist() == [0, 100, 200]


def test_what_a_table_lacks_has_a_default():
    table = frame().drop(columns=["size", "jobstatus", "datatype", "cores"])
    description = describe("size", "jobstatus", "datatype", "cores")
    load = build_workload(table, description, 1)
    assert load.dataset.tolist() == [-1, -1, -1]
    assert load.input_bytes.tolist() == [0, 0, 0]
    assert [RECORDED_STATES[state] for state in load.state] == ["finished"] * 3


def test_owners_are_users_where_there_are_any():
    description = describe(user=Column("user", "categorical"))
    load = build_workload(frame(user=["b", "a", "b"]), description, 1)
    assert load.owner.tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"workload": [1.0, -5.0, 1.0]}, "data row 2: workload is -5.0"),
        ({"workload": [1.0, 1.0, float("inf")]}, "data row 3: workload is inf"),
        ({"size": [-1, 0, 0]}, "data row 1: size is -1"),
        ({"cores": [1, 1, 0]}, "data row 3: cores is 0, expected a number from 1 to 2.147e"),
        ({"jobstatus": ["finished", "running", "failed"]}, "data row 2: jobstatus is 'running'"),
    ],
)
def test_impossible_values_name_file_row_and_value(tmp_path, changed, words):
    description = describe(cores=Column("cores", "integer"))
    path = written(tmp_path, frame(**changed), description)
    with pytest.raises(InputError, match=rf"jobs\.parquet: {words}"):
        read_jobs(path, description)


@pytest.mark.parametrize(
    ("column", "value"),
    [("workload", ""), ("cores", "1.5"), ("cores", ""), ("size", "-1"), ("workload", "-0.5")],
)
def test_what_no_job_can_have_is_refused_in_a_csv_too(tmp_path, column, value):
    table = frame().astype(str)
    table.loc[1, column] = value
    table.to_csv(tmp_path / "jobs.csv", index=False)
    with pytest.raises(InputError, match=rf"jobs\.csv: data row 2: .*{column}"):
        read_jobs(tmp_path / "jobs.csv", describe_jobs(tmp_path / "jobs.csv"))


def test_a_table_without_what_a_simulation_needs_is_an_error(tmp_path):
    description = describe("workload")
    with pytest.raises(InputError, match="needs the feature 'workload'"):
        read_jobs(written(tmp_path, frame(), description), description)
    (tmp_path / "jobs.csv").write_text("creationtime,computing_site,workload\n2024-01-01,A,1\n")
    with pytest.raises(
        InputError,
        match=r"jobs\.csv: a simulation needs the column 'computingsite'; the nearest is "
        r"'computing_site'; its columns are creationtime, computing_site, workload",
    ):
        describe_jobs(tmp_path / "jobs.csv")
    with pytest.raises(InputError, match="has no rows"):
        read_jobs(written(tmp_path, frame(0), describe()), describe())


def test_a_csv_is_read_by_the_names_of_its_columns(tmp_path):
    path = tmp_path / "jobs.csv"
    table = frame().drop(columns="jobstatus")
    table.assign(colour="red", creationtime=table["creationtime"].dt.tz_localize(None)).to_csv(
        path, index=False
    )
    description = describe_jobs(path)
    assert "colour" not in description
    read = read_jobs(path, description)
    assert read["creationtime"].tolist() == table["creationtime"].tolist()
    assert read["cores"].tolist() == [8, 8, 8]
    parquet = written(tmp_path, frame(), describe())
    assert [column.name for column in describe_jobs(parquet).columns] == [
        "creationtime", "computingsite", "datatype", "size", "cores", "jobstatus", "workload",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (
            "creationtime",
            "yesterday",
            "data row 2: creationtime is 'yesterday', expected a time such as 2024",
        ),
        ("size", "1.5", r"data row 2: size is '1\.5', expected a whole number"),
        ("workload", "much", "data row 2: workload is 'much', expected a number"),
        ("computingsite", "", "data row 2: feature 'computingsite' has no value"),
    ],
)
def test_a_wrong_value_in_a_csv_names_row_and_column(tmp_path, column, value, words):
    path = tmp_path / "jobs.csv"
    table = frame().astype(str)
    table.loc[1, column] = value
    table.to_csv(path, index=False)
    with pytest.raises(InputError, match=rf"jobs\.csv: {words}"):
        read_jobs(path, describe_jobs(path))


def test_text_of_a_csv_stands_as_it_is_and_an_empty_cell_alone_is_missing(tmp_path):
    path = tmp_path / "jobs.csv"
    sites, users = ["NA", "01", "1", "None "], ["None", "nan", "007", "7"]
    times = [f"2024-01-01T00:00:0{second}" for second in range(4)]
    pd.DataFrame(
        {"creationtime": times, "computingsite": sites, "workload": "36000", "user": users}
    ).to_csv(path, index=False)
    description = describe_jobs(path)
    read = read_jobs(path, description)
    assert (read["computingsite"].tolist(), read["user"].tolist()) == (sites, users)
    assert build_workload(read, description, 1).site_names == ("01", "1", "NA", "None ")


def test_a_folder_of_parts_is_a_job_table(tmp_path):
    whole = frame()
    for part in (0, 1):
        written(tmp_path / f"day={part}", whole.iloc[part::2], describe())
    (tmp_path / "_SUCCESS").touch()
    description = describe_jobs(tmp_path)
    assert sorted(read_jobs(tmp_path, description)["size"]) == sorted(whole["size"])


@pytest.mark.parametrize("times", [[1_711_314_566] * 3, [1.7e9, 1.7e9 + 1, 1.7e9 + 2]])
def test_numbers_are_no_times_of_jobs(tmp_path, times):
    path = tmp_path / "jobs.parquet"
    frame().assign(creationtime=times).to_parquet(path)
    with pytest.raises(InputError, match=r"'creationtime' holds \w+, expected a time .*unit='s'"):
        read_jobs(path, describe_jobs(path))


def test_files_that_are_no_job_tables(tmp_path):
    with pytest.raises(InputError, match="no such table"):
        describe_jobs(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("not parquet")
    with pytest.raises(InputError, match="not a parquet file"):
        describe_jobs(tmp_path / "text.parquet")


def test_datasets_are_shared_within_kinds_among_jobs_of_like_size():
    random = np.random.default_rng(1)
    kind = random.integers(3, size=2000)
    size = random.integers(0, 10**6, 2000)
    size[:100] = 0
    dataset, names = assign_datasets(pd.DataFrame(index=range(2000)), kind, size, 7)
    assert names is None
    assert (dataset[:100] == -1).all()
    assert (dataset[size > 0] >= 0).all()
    found = pd.DataFrame({"kind": kind, "size": size, "dataset": dataset})[size > 0]
    assert len(found[["dataset", "kind"]].drop_duplicates()) == found["dataset"].nunique()
    # Zipf: the most popular dataset of some 33 has about a quarter of its kind's jobs.
    of_kind = found[found["kind"] == 0]
    counts = of_kind["dataset"].value_counts()
    most = 1 / sum(1 / rank for rank in range(1, 34))
    assert counts.iloc[0] / len(of_kind) == pytest.approx(most, abs=0.06)
    # Sizes of the datasets of a kind do not overlap.
    spans = of_kind.groupby("dataset")["size"].agg(["min", "max"]).sort_values("min")
    assert (spans["min"].to_numpy()[1:] >= spans["max"].to_numpy()[:-1]).all()
    again, _ = assign_datasets(pd.DataFrame(index=range(2000)), kind, size, 7)
    assert (again == dataset).all()


@pytest.mark.parametrize("sizes", [[10, 20, 0], [0, 0, 0]])
def test_a_dataset_that_only_jobs_without_input_name_has_no_bytes(tmp_path, sizes):
    """The last ones by name, or all."""
    description = describe(dataset=Column("dataset", "categorical"))
    load = build_workload(frame(dataset=["a", "b", "c"], size=sizes), description, 1)
    assert load.dataset_bytes.tolist() == sizes
    path = tmp_path / "catalogue.csv"
    path.write_text("dataset,sites,bytes\na,S0,\nb,S0,\nc,S0,70\n")
    replicas, bytes_ = read_catalogue(path, environment(1), load.dataset_names, load.dataset_bytes)
    assert replicas == [{0}] * 3
    assert bytes_.tolist() == [*sizes[:2], 70]


def test_a_table_that_names_its_datasets_is_believed():
    description = describe(dataset=Column("dataset", "categorical"))
    load = build_workload(frame(dataset=["b", "a", "b"], size=[10, 20, 30]), description, 1)
    assert load.dataset.tolist() == [1, 0, 1]
    assert load.dataset_names == ("a", "b")
    assert load.dataset_bytes.tolist() == [20, 30]


def test_replicas_lie_at_tier_1_and_elsewhere_by_cores():
    grid = environment(100, 300, 200, 400, each={0: {"tier": 1}, 1: {"tier": 0}})
    replicas = place_replicas(grid, np.full(20_000, 1.0), 2, 3)
    assert all(len(sites) == 2 for sites in replicas)
    assert all(sites & {0, 1} for sites in replicas)
    # First CERN with 3/4, then T2s with 200 and 400 of 700 + whichever of the large ones is left.
    with_3 = np.mean([3 in sites for sites in replicas])
    assert with_3 == pytest.approx(0.75 * 400 / 700 + 0.25 * 400 / 900, abs=0.02)
    one = place_replicas(environment(5), np.full(3, 1.0), 2, 3)
    assert one == [{0}, {0}, {0}]


def test_replicas_go_where_there_is_room():
    grid = environment(100, 1, storage_bytes=10.0)
    replicas = place_replicas(grid, np.array([6.0, 4.0, 6.0, 4.0]), 1, 1)
    load = [sum(size for size, sites in zip([6, 4, 6, 4], replicas, strict=True) if site in sites)
            for site in (0, 1)]  # fmt: skip
    assert max(load) <= 10
    with pytest.raises(InputError, match="dataset 2 has 11 bytes, but no site has more room"):
        place_replicas(grid, np.array([1.0, 1.0, 11.0]), 1, 1)


@settings(deadline=None)
@given(st.lists(st.floats(1, 50), min_size=1, max_size=30), st.integers(1, 4))
def test_no_site_holds_more_than_it_has_room_for(sizes, copies):
    grid = environment(5, 3, 2, storage_bytes=200.0)
    try:
        replicas = place_replicas(grid, np.array(sizes), copies, 2)
    except InputError:
        assert sum(sizes) * copies > 400
        return
    for site in range(3):
        assert sum(s for s, sites in zip(sizes, replicas, strict=True) if site in sites) <= 200
    assert all(1 <= len(sites) <= copies for sites in replicas)


def test_a_catalogue_says_where_datasets_lie(tmp_path):
    path = tmp_path / "catalogue.csv"
    path.write_text("dataset,sites,bytes\na,S0 S1,500\nb,S1,\nelsewhere,S0,\n")
    grid = environment(1, 1)
    replicas, sizes = read_catalogue(path, grid, ("a", "b"), np.array([100.0, 200.0]))
    assert replicas == [{0, 1}, {1}]
    assert sizes.tolist() == [500, 200]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dataset,bytes\n", "column 'sites' is missing; its columns: dataset, bytes"),
        ("dataset,sites\na,\n", "line 2: dataset 'a' has no replica"),
        (
            "dataset,sites\na,S0\nb,s0x\n",
            "line 3: dataset 'b': there is no site 's0x'; the nearest is 'S0'; the sites are S0",
        ),
        ("dataset,sites\na,S0\na,S0\nb,S0\n", "line 3: dataset 'a' is there twice"),
        ("dataset,sites\na,S0\xff\n", "not a CSV in UTF-8"),
        ("dataset,sites\na,S0\n", "dataset 'b' of the job table has no replica"),
        ("dataset,sites,bytes\na,S0,much\nb,S0,\n", "bytes is 'much', expected a positive"),
    ],
)
def test_a_wrong_catalogue_names_the_line(tmp_path, text, words):
    path = tmp_path / "catalogue.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=words):
        read_catalogue(path, environment(1), ("a", "b"), np.array([1.0, 1.0]))
