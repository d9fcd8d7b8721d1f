import json

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.errors import InputError
from redwood.outputs import write_contents, writing_folder
from redwood.tables import (
    Column,
    TableDescription,
    arrow_schema,
    from_numbers,
    from_scale,
    read_table,
    scan_table,
    table_files,
    table_rows,
    to_numbers,
    to_scale,
    write_table,
)

DESCRIPTION = TableDescription(
    "toy",
    (
        Column("when", "timestamp", unit="UTC"),
        Column("size", "integer", unit="bytes", scale="log"),
        Column("work", "numeric", unit="HS23·s", scale="log"),
        Column("site", "categorical"),
        Column("attempt", "integer", role="auxiliary"),
    ),
)


def toy() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "when": pd.to_datetime(["2024-03-24 21:09:26", "2024-03-25 00:00:00"], utc=True),
            "size": [18_600_000_000, 0],
            "work": [620760.0, 0.5],
            "site": ["CERN", "AGLT2"],
            "attempt": pd.array([1, None], dtype="Int64"),
        }
    )


def test_a_table_comes_back_as_it_was(tmp_path):
    write_table(toy(), tmp_path / "t.parquet", DESCRIPTION)
    back = read_table(tmp_path / "t.parquet", DESCRIPTION)
    assert back["when"].dtype == "datetime64[us, UTC]"
    assert back["when"].tolist() == toy()["when"].tolist()
    assert back["size"].tolist() == [18_600_000_000, 0]
    assert back["work"].tolist() == [620760.0, 0.5]
    assert back["site"].tolist() == ["CERN", "AGLT2"]
    assert back["attempt"].isna().tolist() == [False, True]


def test_units_are_in_the_schema(tmp_path):
    write_table(toy(), tmp_path / "t.parquet", DESCRIPTION)
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.field("size").metadata[b"unit"] == b"bytes"
    assert schema.equals(arrow_schema(DESCRIPTION), check_metadata=True)
    assert not schema.field("size").nullable
    assert schema.field("attempt").nullable


def test_equal_tables_are_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_table(toy(), tmp_path / name, DESCRIPTION)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(("column", "nothing"), [("site", None), ("work", np.nan), ("when", None)])
def test_a_feature_without_a_value_is_refused_and_nothing_is_written(tmp_path, column, nothing):
    frame = toy()
    frame.loc[1, column] = nothing
    with pytest.raises(InputError, match=f"row 2: feature '{column}' has no value"):
        write_table(frame, tmp_path / "t.parquet", DESCRIPTION)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (toy().drop(columns="site"), "column 'site' is missing"),
        (pd.concat([toy(), toy()], axis=1), "column 'when' is there twice"),
        (toy().assign(size=["many", "few"]), "row 1: size is 'many', expected a whole number"),
    ],
)
def test_a_table_that_does_not_fit_its_description_is_named(tmp_path, frame, message):
    with pytest.raises(InputError, match=message):
        write_table(frame, tmp_path / "t.parquet", DESCRIPTION)


def test_reading_what_is_no_table_or_damaged_says_so(tmp_path):
    with pytest.raises(InputError, match="no such table"):
        read_table(tmp_path / "none.parquet", DESCRIPTION)
    (tmp_path / "text.parquet").write_text("PANDAID,SITE\n")
    with pytest.raises(InputError, match="not a parquet file"):
        read_table(tmp_path / "text.parquet", DESCRIPTION)
    write_table(toy(), tmp_path / "t.parquet", DESCRIPTION)
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[4:60] = bytes(56)
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"t.parquet: cannot be read"):
        read_table(tmp_path / "t.parquet", DESCRIPTION)


def partitioned(folder, days=3):
    """A table of two rows a day, `size` 0, 1, 2, … along time; its files are made last to first."""
    for day in reversed(range(days)):
        frame = toy().assign(size=[2 * day, 2 * day + 1])
        if day == 0:
            frame["attempt"] = [7, 8]
        write_table(frame, folder / f"day=2024-01-0{day + 1}" / "jobs.parquet", DESCRIPTION)
    return folder


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path):
    folder = partitioned(tmp_path / "jobs")
    (folder / ".jobs.parquet.1.partial").write_text("half-written")
    assert [file.parent.name for file in table_files(folder)] == [
        f"day=2024-01-0{day}" for day in (1, 2, 3)
    ]
    assert table_rows(folder) == 6
    table = read_table(folder, DESCRIPTION)
    assert table["size"].tolist() == list(range(6))
    assert table["attempt"].dtype == "Int64"
    assert table["attempt"].isna().tolist() == [False, False, False, True, False, True]
    assert table.dtypes["when"] == "datetime64[us, UTC]"


@pytest.mark.parametrize(
    "read",
    [
        pd.read_parquet,
        lambda folder: pq.read_table(folder).to_pandas(),
        lambda folder: duckdb.read_parquet(f"{folder}/**/*.parquet").df(),
        lambda folder: read_table(folder, DESCRIPTION),
    ],
    ids=["pandas", "pyarrow", "DuckDB", "redwood"],
)
def test_a_folder_that_a_stage_wrote_opens_with_the_usual_readers(tmp_path, read):
    with writing_folder(tmp_path / "jobs") as folder:
        partitioned(folder)
    (tmp_path / "jobs" / ".snakemake_timestamp").touch()
    assert sorted(read(tmp_path / "jobs")["size"]) == list(range(6))


def test_a_folder_may_hold_parts_of_any_format_and_what_others_put_beside_them(tmp_path):
    for number, ending in enumerate(("csv", "parquet", "arrow", "csv.gz")):
        rows = toy().assign(size=number, attempt=number)
        write_table(rows, tmp_path / f"part-{number}.{ending}", DESCRIPTION)
    for name in ("_SUCCESS", ".part-0.csv.crc", "_old.parquet", ".hidden.parquet"):
        (tmp_path / name).touch()
    assert read_table(tmp_path, DESCRIPTION)["size"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert table_rows(tmp_path) == 8


def test_a_scan_yields_the_columns_asked_for_row_group_by_row_group(tmp_path):
    write_table(toy(), tmp_path / "whole.parquet", DESCRIPTION)
    pq.write_table(
        pq.read_table(tmp_path / "whole.parquet"), tmp_path / "t.parquet", row_group_size=1
    )
    pieces = list(scan_table(tmp_path / "t.parquet", DESCRIPTION, ["site", "size"]))
    assert [piece.to_pylist() for piece in pieces] == [
        [{"site": "CERN", "size": 18_600_000_000}],
        [{"site": "AGLT2", "size": 0}],
    ]
    assert pieces[0].schema.field("size").metadata[b"unit"] == b"bytes"


def test_a_scan_casts_to_the_described_kinds(tmp_path):
    loose = pa.table(
        {
            "when": pa.array([1_711_314_566_000], pa.timestamp("ms", "UTC")),
            "size": pa.array([5.0]),
            "work": pa.array([3], pa.int8()),
            "site": pa.array(["CERN"]).dictionary_encode(),
            "attempt": pa.array([None], pa.int32()),
            "more": pa.array([1]),
        }
    )
    pq.write_table(loose, tmp_path / "t.parquet")
    (piece,) = scan_table(tmp_path / "t.parquet", DESCRIPTION)
    assert piece.schema.equals(arrow_schema(DESCRIPTION), check_metadata=True)
    assert piece.column("size").to_pylist() == [5]
    assert piece.column("when")[0].as_py().isoformat() == "2024-03-24T21:09:26+00:00"


def test_a_missing_feature_is_named_with_its_file_and_row(tmp_path):
    rows = pa.table(toy().assign(site=["CERN", None]))
    file = tmp_path / "jobs" / "day=2" / "jobs.parquet"
    partitioned(tmp_path / "jobs", days=1)
    file.parent.mkdir()
    pq.write_table(rows, file, row_group_size=1)
    with pytest.raises(InputError, match=r"day=2/jobs.parquet: data row 2: feature 'site' has"):
        read_table(tmp_path / "jobs", DESCRIPTION)
    assert len(list(scan_table(tmp_path / "jobs", DESCRIPTION, ["size"]))) == 3


def test_a_file_of_a_folder_that_lacks_a_column_is_named(tmp_path):
    folder = partitioned(tmp_path / "jobs", days=1)
    (folder / "day=2").mkdir()
    pq.write_table(pa.table({"size": [1]}), folder / "day=2" / "jobs.parquet")
    with pytest.raises(InputError, match=r"day=2/jobs.parquet: column 'when' is missing"):
        read_table(folder, DESCRIPTION)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: next(folder.rglob("*.parquet")).unlink(), "is missing"),
        (lambda folder: (folder / "more.parquet").touch(), "is there, too: move it elsewhere"),
    ],
)
def test_a_folder_that_has_not_the_files_that_its_stage_wrote_is_refused(tmp_path, harm, words):
    folder = partitioned(tmp_path)
    write_contents(folder)
    assert len(table_files(folder)) == 3
    harm(folder)
    with pytest.raises(InputError, match=rf"\.parquet: {words}; expected what "):
        table_files(folder)


def test_a_folder_without_a_table_and_an_undescribed_column_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no table in this folder: no \*.parquet, "):
        table_files(tmp_path)
    write_table(toy(), tmp_path / "t.parquet", DESCRIPTION)
    with pytest.raises(InputError, match="'toy' has no column 'sites'"):
        list(scan_table(tmp_path, DESCRIPTION, ["sites"]))


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    write_table(toy().iloc[:0], tmp_path / "t.parquet", DESCRIPTION)
    back = read_table(tmp_path / "t.parquet", DESCRIPTION)
    assert len(back) == 0
    assert list(back.columns) == ["when", "size", "work", "site", "attempt"]


def test_a_description_comes_back_as_it_was(tmp_path):
    DESCRIPTION.save(tmp_path / "table.json")
    assert TableDescription.load(tmp_path / "table.json") == DESCRIPTION
    assert [c.name for c in DESCRIPTION.only_features().columns] == ["when", "size", "work", "site"]


def described(*columns: dict) -> str:
    return json.dumps({"name": "t", "columns": [{"kind": "numeric", **one} for one in columns]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a table description in JSON"),
        (json.dumps({"name": "t"}), "has `name` and `columns`"),
        (described({"name": "a", "kind": "text"}), "kind is 'text'"),
        (described({"name": "a"}, {"name": "a"}), "'a' is described twice"),
        (described({"name": "a", "kind": "timestamp", "scale": "log"}), "has no logarithmic scale"),
    ],
)
def test_a_wrong_description_is_named(tmp_path, content, message):
    (tmp_path / "table.json").write_text(content)
    with pytest.raises(InputError, match=message):
        TableDescription.load(tmp_path / "table.json")


@given(st.lists(st.integers(0, 2**52), min_size=1))
def test_integers_survive_the_way_to_numbers_and_back(values):
    column = Column("n", "integer", scale="log")
    numbers = to_numbers(pd.Series(values, dtype="int64"), column)
    assert from_numbers(numbers, column).tolist() == values


@given(st.lists(st.integers(-(2**32), 2**33), min_size=1))
def test_whole_seconds_survive_the_way_to_numbers_and_back(seconds):
    column = Column("t", "timestamp")
    series = pd.Series(np.array(seconds, dtype="datetime64[s]").astype("datetime64[us]"))
    numbers = to_numbers(series.dt.tz_localize("UTC"), column)
    assert numbers.tolist() == seconds
    assert to_numbers(from_numbers(numbers, column), column).tolist() == seconds


@given(st.lists(st.floats(0, 1e15), min_size=1))
def test_the_scale_is_invertible(values):
    for scale in ("linear", "log"):
        column = Column("x", "numeric", scale=scale)
        back = from_scale(to_scale(np.array(values), column), column)
        np.testing.assert_allclose(back, values, rtol=1e-12, atol=1e-15)
