"""Reading numbers and times."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.readers.values import are_sentinels, shown, to_numbers, to_times

MOMENT = np.datetime64("2025-01-27T02:51:00", "us")


def column(*cells: str | None) -> pa.Array:
    return pa.array(cells, pa.string())


@pytest.mark.parametrize(
    "cell",
    [
        "2025-01-27 02:51:00",
        "2025-01-27T02:51:00",
        "2025-01-27T02:51:00Z",
        "2025-01-27T03:51:00+01:00",
        "2025-01-27T02:51:00.000Z",
        " 2025-01-27 02:51 ",
        "1/27/2025 2:51",
        "01/27/2025 02:51:00",
        "1/27/2025 2:51:00 AM",
        "27.1.2025 2:51",
        "27.01.2025 02:51:00.000",
        "27-JAN-25 02.51.00.000000 AM",
        "27-JAN-25 02.51.00 AM",
        "27-Jan-2025 02:51:00",
        "Jan 27, 2025 @ 02:51:00.000",
        "1737946260",
        "1737946260000",
        "1737946260.0",
    ],
)
def test_formats_of_one_moment(cell: str) -> None:
    times = to_times(column(cell))
    assert times.times[0] == MOMENT
    assert not times.unreadable[0]


def test_a_day_is_its_midnight() -> None:
    days = to_times(column("2025-01-27", "27-JAN-25", "1/27/2025", "27-JAN-2025")).times
    assert (days == np.datetime64("2025-01-27", "us")).all()


def test_formats_may_be_mixed_in_a_column() -> None:
    cells = ["2025-01-27 02:51:00", None, "1737946260000", "yesterday", "1/27/2025 2:51", "NULL"]
    times = to_times(column(*cells))
    assert [time == MOMENT for time in times.times] == [True, False, True, False, True, False]
    assert times.unreadable.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    "cell",
    [
        "1970-01-01 00:00:00",
        "1970-01-01T01:00:00",
        "0",
        "1/1/1970 0:00",
        "1969-12-31",
        "01-JAN-70",
        "",
    ],
)
def test_default_times_are_absent_and_not_wrong(cell: str) -> None:
    times = to_times(column(cell))
    assert np.isnat(times.times[0])
    assert not times.unreadable[0]


@pytest.mark.parametrize(
    ("cell", "day_first", "expected"),
    [
        ("3/4/2025", None, "2025-03-04"),
        ("3/4/2025", False, "2025-03-04"),
        ("3/4/2025", True, "2025-04-03"),
        ("03/04/2025 02:51:00", True, "2025-04-03T02:51"),
        ("27/1/2025 2:51", True, "2025-01-27T02:51"),
        ("27/1/2025", False, None),
        ("27/1/2025", None, None),
        ("1/27/2025", True, None),
        ("3.4.2025", None, "2025-04-03"),
    ],
)
def test_what_comes_first_in_a_date(
    cell: str, day_first: bool | None, expected: str | None
) -> None:
    times = to_times(column(cell), day_first=day_first)
    assert times.times.tolist() == [np.datetime64(expected, "us").item() if expected else None]
    assert times.unreadable.tolist() == [expected is None]
    assert times.ambiguous.tolist() == [day_first is None and cell == "3/4/2025"]


def test_one_date_shows_what_comes_first_in_all() -> None:
    cells = ["3/4/2025", "2025-01-27", "11/12/2025 1:00", "27/1/2025", None]
    times = to_times(column(*cells))
    assert times.ambiguous.tolist() == [True, False, True, False, False]
    assert not times.month_first
    assert to_times(column(*cells, "1/27/2025")).month_first
    assert not to_times(column(*cells), day_first=False).ambiguous.any()


@pytest.mark.parametrize(
    "cell",
    [
        *("-999", "-9999", "2147483647", "4294967295", "9223372036854775807", "1e20", "3.4e38"),
        *("9999-12-31", "9999-12-31 23:59:59", "9999-12-31T00:00:00Z", "2038-01-19 03:14:07"),
    ],
)
def test_times_that_stand_for_nothing(cell: str) -> None:
    times = to_times(column(cell))
    assert np.isnat(times.times[0])
    assert times.unreadable[0]
    assert times.sentinel[0]


def test_no_other_time_stands_for_nothing() -> None:
    cells = [
        "2147483646",
        "2038-01-19 03:14:08",
        "1970-01-01",
        "0",
        "later",
        "2199-01-01",
        "",
        None,
    ]
    assert not to_times(column(*cells)).sentinel.any()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        *((cell, True) for cell in ("-999", "-9999.0", "-99999", "1e20", "1E+20", "-1e30")),
        *((cell, True) for cell in ("3.4e38", "3.4028235e38", "-3.40282e+38", "1.797e308")),
        *((cell, True) for cell in ("2147483647", "-2147483648", "4294967295")),
        *((cell, True) for cell in ("9223372036854775807", "-9223372036854775808", "1.8446744e19")),
        *((cell, False) for cell in ("-1", "0", "999", "2147483646", "1e308", "1e19", "99999")),
        *((cell, False) for cell in ("NULL", "text", "3.4e37", "-998")),
    ],
)
def test_numbers_that_stand_for_nothing(cell: str, expected: bool) -> None:
    numbers = to_numbers(column("17", cell)).numbers
    assert are_sentinels(numbers).tolist() == [False, expected]


@pytest.mark.parametrize(
    "cell", ["2025-02-30 00:00:00", "13/13/2025 1:00", "2025", "2199-01-01", "1e400", "9" * 30]
)
def test_impossible_times_are_unreadable_or_absent(cell: str) -> None:
    assert np.isnat(to_times(column(cell)).times[0])


def test_local_clocks_are_set_right_and_zoned_times_left() -> None:
    cells = ["2025-01-27 03:51:00", "2025-01-27T02:51:00Z", "1737946260", "1/27/2025 3:51"]
    assert (to_times(column(*cells), utc_offset_hours=1.0).times == MOMENT).all()


@given(st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 31)), st.integers(0, 3))
def test_a_time_survives_being_written(moment: datetime, style: int) -> None:
    moment = moment.replace(microsecond=0)
    written = (
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{moment.month}/{moment.day}/{moment.year} {moment.hour}:{moment:%M:%S}",
        str(int((moment - datetime(1970, 1, 1)) / timedelta(seconds=1))),
    )[style]
    assert to_times(column(written)).times[0] == np.datetime64(moment, "us")


@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"])))))
def test_any_text_can_be_read_as_times_and_numbers(cells: list[str | None]) -> None:
    times, numbers = to_times(column(*cells)), to_numbers(column(*cells))
    assert not (times.unreadable & ~np.isnat(times.times)).any()
    assert not (numbers.unreadable & ~np.isnan(numbers.numbers)).any()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_being_written(number: float) -> None:
    assert to_numbers(column(repr(number))).numbers[0] == number


@pytest.mark.parametrize("cell", ["abc", "1_000", "0x10", "inf", "1,5", "1e999", "١٢"])
def test_what_is_no_number_is_unreadable(cell: str) -> None:
    numbers = to_numbers(column(cell))
    assert np.isnan(numbers.numbers[0])
    assert numbers.unreadable[0]


@pytest.mark.parametrize("cell", [None, "", "  ", "NULL", "None", "nan", "\\N"])
def test_what_stands_for_nothing_is_absent(cell: str | None) -> None:
    numbers = to_numbers(column(cell))
    assert np.isnan(numbers.numbers[0])
    assert not numbers.unreadable[0]


def test_only_numbers_and_times_are_shown() -> None:
    assert shown("-12.5e3") == "-12.5e3"
    assert shown("2025-01-27T02:51:00Z") == "2025-01-27T02:51:00Z"
    assert shown("Jane Doe") == "<text of 8 characters>"
    assert shown("Zee T") == "<text of 5 characters>"
