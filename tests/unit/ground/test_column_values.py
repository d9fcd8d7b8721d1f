"""Values of all types and formats: what is taken for a column's kind, and what is refused."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redwood import table_formats
from redwood.column_values import from_series, typed
from redwood.errors import InputError
from redwood.tables import Column, TableDescription, read_table, table_rows, write_table

TIME = Column("when", "timestamp", "s, UTC", role="auxiliary")
SECONDS = Column("wall", "numeric", "s", role="auxiliary")
WHOLE_MINUTES = Column("limit", "integer", "min", role="auxiliary")
SIZE = Column("size", "integer", "bytes", role="auxiliary")
SITE = Column("site", "categorical", role="auxiliary")

NOON = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
NOON_S = 1_706_702_400


@pytest.mark.parametrize(
    ("column", "array", "values"),
    [
        (TIME, pa.array([NOON_S * 1000], pa.timestamp("ms")), [NOON]),
        (TIME, pa.array([NOON_S], pa.timestamp("s", "Australia/Sydney")), [NOON]),
        (TIME, pa.array([dt.date(2024, 1, 31)]), [NOON.replace(hour=0)]),
        (TIME, pa.array([" 2024-01-31 12:00", "2024-01-31T12:00:00Z", ""]), [NOON, NOON, None]),
        (TIME, pa.array(["2024-01-31T13:00:00+01:00", "2024-01-31 07:00-0500"]), [NOON, NOON]),
        (TIME, pa.array(["2024-01-31 12:00:00.000000000", "2024-01-31 12:00 UTC"]), [NOON, NOON]),
        (TIME, pa.array(["2024-01-31"]), [NOON.replace(hour=0)]),
        (SECONDS, pa.array([1, None], pa.uint8()), [1.0, None]),
        (SECONDS, pa.array([Decimal("0.25")]), [0.25]),
        (SECONDS, pa.array([float("nan"), 0.5]), [None, 0.5]),
        (SECONDS, pa.array(["1e3", " 2.5 ", "", "NaN"]), [1000.0, 2.5, None, None]),
        (SECONDS, pa.array([1500], pa.duration("ms")), [1.5]),
        (WHOLE_MINUTES, pa.array([120 * 10**9], pa.duration("ns")), [2]),
        (SIZE, pa.array([5.0, None]), [5, None]),
        (SIZE, pa.array([Decimal("18.00")]), [18]),
        (SIZE, pa.array(["9007199254740993", "7"]), [2**53 + 1, 7]),
        (SIZE, pa.array(["5.0", ""]), [5, None]),
        (SITE, pa.array(["NA", "None", "007", "CERN ", "", None]), None),
        (SITE, pa.array([1, 10]), ["1", "10"]),
        (SITE, pa.array(["CERN", "BNL", "CERN"]).dictionary_encode(), ["CERN", "BNL", "CERN"]),
        (SITE, pa.array([b"CERN"]), ["CERN"]),
        (SITE, pa.array(["CERN"], pa.string_view()), ["CERN"]),
        (SIZE, pa.nulls(2), [None, None]),
        (SITE, pa.array([float("nan")] * 2), [None, None]),
        (TIME, pa.array([], pa.int64()), []),
    ],
)  # fmt: skip
def test_what_is_clear_is_taken(column, array, values):
    assert typed(array, column, "t").to_pylist() == (
        array.to_pylist() if values is None else values
    )


@pytest.mark.parametrize(
    ("column", "array", "words"),
    [
        (TIME, pa.array([NOON_S]), r"'when' holds int64, expected a time .*unit='s', utc=True"),
        (TIME, pa.array([1.5]), "'when' holds double, expected a time"),
        (TIME, pa.array(["2024-01-31", "1706702400"]), "row 2: when is '1706702400', expected a"),
        (TIME, pa.array(["20240131"]), "row 1: when is '20240131'"),
        (TIME, pa.array([1], pa.timestamp("ns")), r"row 1: .*round it, with pandas by .dt.floor"),
        (TIME, pa.array([dt.time(12)]), "'when' holds time64"),
        (TIME, pa.array([True]), "'when' holds bool"),
        (SECONDS, pa.array([True]), r"'wall' holds bool, expected a number: .*astype\('int64'\)"),
        (SECONDS, pa.array([NOON]), "'wall' holds timestamp.*describe the column as timestamp"),
        (SECONDS, pa.array([0, 2**53 + 1]), "row 2: wall is 9007199254740993, .* at most 2.53"),
        (SECONDS, pa.array(["1,5"]), "row 1: wall is '1,5', expected a number"),
        (SIZE, pa.array([1], pa.duration("s")), "'size' holds duration.*its unit, .*it is 'bytes'"),
        (SIZE, pa.array([0.0, 1.5]), "row 2: size is 1.5, expected a whole number"),
        (SIZE, pa.array([3.4e38]), "row 1: size is 3.4e.38, expected a whole number"),
        (SIZE, pa.array([2**64 - 1], pa.uint64()), "row 1: size is 18446744073709551615"),
        (SIZE, pa.array(["9007199254740993", "7.0"]), "row 2: size is '7.0'"),
        (WHOLE_MINUTES, pa.array([90], pa.duration("s")), "row 1: limit is 0:01:30, expected a wh"),
        (SITE, pa.array([1.0]), r"'site' holds double, expected text: .*astype\(str\)"),
        (SITE, pa.array([True]), "'site' holds bool, expected text"),
        (SITE, pa.array([b"\xff"]), "row 1: site is .*, expected text in UTF-8"),
        (SITE, pa.array([["CERN"]]), "'site' holds list.*one plain value in each row"),
        (SIZE, pa.array([{"bytes": 1}]), "'size' holds struct.*one plain value in each row"),
    ],
)  # fmt: skip
def test_what_is_not_clear_is_refused_with_what_was_found_and_how_to_convert_it(
    column, array, words
):
    with pytest.raises(InputError, match=f"^t: (column |data )?{words}"):
        typed(array, column, "t")


def test_the_row_that_is_wrong_is_found_wherever_it_is():
    for wrong in (0, 6, 99):
        texts = ["1"] * 100
        texts[wrong] = "one"
        with pytest.raises(InputError, match=f"row {1001 + wrong}: size is 'one'"):
            typed(pa.array(texts), SIZE, "t", 1000)


def test_a_data_frame_with_values_of_several_types_is_refused():
    with pytest.raises(InputError, match="'size' holds no values of one type"):
        from_series(pd.Series([1, "two"]), "size", "t")


DESCRIPTION = TableDescription("all", (TIME, SECONDS, WHOLE_MINUTES, SIZE, SITE))
_TIMES = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
_TEXTS = st.one_of(
    st.sampled_from(
        ["NA", "None", "nan", "007", "1", "1.0", "true", "CERN ", "a,b", 'a"b', "a\nb"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1),
)
_ROWS = st.lists(
    st.tuples(
        *(
            st.none() | values
            for values in (
                _TIMES, st.floats(allow_nan=False), st.integers(-(2**31), 2**31),
                st.integers(-(2**63), 2**63 - 1), _TEXTS,
            )
        )
    ),
    min_size=1, max_size=6,
)  # fmt: skip


def as_arrow(rows):
    types = [pa.timestamp("us"), pa.float64(), pa.int64(), pa.int64(), pa.string()]
    names = [column.name for column in DESCRIPTION.columns]
    arrays = [pa.array(v, t) for v, t in zip(zip(*rows, strict=True), types, strict=True)]
    return pa.Table.from_arrays(arrays, names)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_ROWS)
def test_the_same_table_is_the_same_whatever_its_format(tmp_path, rows):
    table = as_arrow(rows)
    frame = table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    files = [tmp_path / f"t.{ending}" for ending in ("parquet", "arrow", "csv", "csv.gz")]
    for file in files:
        table_formats.write(table, file, file)
    frame.to_csv(tmp_path / "pandas.csv", index=False)
    frame.to_parquet(tmp_path / "pandas.parquet")
    files += [tmp_path / "pandas.csv", tmp_path / "pandas.parquet"]
    write_table(table, tmp_path / "arrow", DESCRIPTION)
    write_table(frame, tmp_path / "frame", DESCRIPTION)
    assert (tmp_path / "arrow").read_bytes() == (tmp_path / "frame").read_bytes()
    expected = read_table(tmp_path / "arrow", DESCRIPTION)
    for file in files:
        pd.testing.assert_frame_equal(
            read_table(file, DESCRIPTION), expected, check_exact=True, obj=file.name
        )
        assert table_rows(file) == len(rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("site,size\nCERN,1\nBNL\n", "line 3 has 1 cells, expected 2: quote cells"),
        ("site,size\nCERN,1\nann@cern.ch,7,5\n", r"line 3 has 3 cells, expected 2"),
        ("site,size,size\nCERN,1,2\n", "column 'size' is there twice"),
        ("site\nCERN\n", "column 'size' is missing; there are site"),
        ("", "not a CSV file"),
    ],
)
def test_a_csv_that_is_none_is_refused_and_no_row_of_it_is_shown(tmp_path, content, words):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(InputError, match=words) as caught:
        read_table(tmp_path / "t.csv", TableDescription("t", (SITE, SIZE)))
    assert "ann@" not in str(caught.value)


def test_in_a_csv_an_empty_cell_is_missing_and_a_quoted_one_is_empty_text(tmp_path):
    (tmp_path / "t.csv").write_text('\ufeffsize,site\n1,\n2,""\n3,"a\nb"\n', encoding="utf-8")
    table = read_table(tmp_path / "t.csv", TableDescription("t", (SITE, SIZE)))
    assert table["site"].tolist() == [None, "", "a\nb"]
    assert table["size"].tolist() == [1, 2, 3]


def test_an_ending_that_is_no_tables_is_refused_before_anything_is_written(tmp_path):
    for name in ("t.json", "t.xlsx", "t.txt"):
        with pytest.raises(InputError, match=r"ending is that of another format.* \.parquet or"):
            write_table(as_arrow([(None,) * 5]), tmp_path / name, DESCRIPTION)
    assert not list(tmp_path.iterdir())
