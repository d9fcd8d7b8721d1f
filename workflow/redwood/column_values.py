"""From what a file or a data frame holds to the values of a column's kind, or an error.

Nothing is guessed: numbers are no times, and what has a fraction is no integer. Text is read as the
cells of a CSV are, whatever the format: so a table is the same rows as CSV, parquet, Arrow or data
frame.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redwood.errors import InputError
from redwood.names import nth_row

if TYPE_CHECKING:
    from redwood.tables import Column

ARROW_TYPES: Final = {
    "numeric": pa.float64(),
    "integer": pa.int64(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "categorical": pa.string(),
}

_IN_WORDS: Final = {
    "numeric": "a number",
    "integer": "a whole number",
    "timestamp": "a time such as 2024-01-31 12:00:00, in UTC or with its zone",
    "categorical": "text",
}

# Units of columns in which lengths of time can be told, and of Arrow's own, in nanoseconds.
_NANOSECONDS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}

# Times in text that lack something.
_DATE = r"^(\d{4}-\d\d-\d\d)$"
_WITHOUT_ZONE = r"^(\d{4}-\d\d-\d\d[T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)( ?UTC)?$"
_LARGEST_EXACT = 2**53


def typed(array: pa.Array, column: "Column", where: str, first: int = 0) -> pa.Array:
    """`array` in the type of its column's kind.

    Taken are: for numbers integers, floats and decimals, and lengths of time if the column's unit
    is one; for integers those of them that are whole; for times timestamps (without a zone in UTC)
    and dates (their midnight); for categories text, integers and bytes of UTF-8; and for all kinds
    text that reads so. An empty text is a missing number or time, and a category of its own.

    Args:
        array: (n,) of any Arrow type.
        column: whose values they are.
        where: the file, for the message.
        first: number of the first row, for the message.

    Returns:
        (n,) of `ARROW_TYPES`; NaN counts as missing.

    Raises:
        InputError: the type is another, a value is none of the kind, or a feature's is missing.
    """
    array = _plain(array)
    if array.null_count == len(array):
        # What type has nothing? Of pandas it is a float.
        array = pa.nulls(len(array))
    convert = _conversion(array.type, column)
    if convert is None:
        raise InputError(
            f"{where}: column {column.name!r} holds {array.type}, expected "
            f"{_IN_WORDS[column.kind]}: {_advice(array.type, column)}"
        )
    try:
        found = convert(array)
    except (pa.ArrowException, ValueError):
        row = _first_failing(array, convert)
        value = array[row].as_py()
        shown = repr(value) if isinstance(value, str | bytes) else str(value)
        raise InputError(
            f"{where}: {nth_row(first + row)}: {column.name} is {shown}, expected "
            f"{_IN_WORDS[column.kind]}{_exactly(array.type, column)}"
        ) from None
    if column.role == "feature" and found.null_count:
        row = found.is_null().index(pa.scalar(True)).as_py()
        raise InputError(f"{where}: {nth_row(first + row)}: feature {column.name!r} has no value")
    return found


def from_series(values: pd.Series, name: str, where: str) -> pa.Array:
    """The values of a column of a data frame as Arrow understands them: (n,).

    Raises:
        InputError: they are of several types, or of one that Arrow does not know.
    """
    try:
        array = pa.Array.from_pandas(values)
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{where}: column {name!r} holds no values of one type: {reason}"
        ) from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _plain(array: pa.Array) -> pa.Array:
    """Without what only saves space: dictionaries, runs, views; NaN as missing."""
    if pa.types.is_dictionary(array.type):
        return _plain(array.dictionary_decode())
    if pa.types.is_run_end_encoded(array.type):
        return _plain(pc.run_end_decode(array))
    if pa.types.is_string_view(array.type) or pa.types.is_large_string(array.type):
        return array.cast(pa.string())
    return _without_nan(array) if pa.types.is_floating(array.type) else array


def _without_nan(array: pa.Array) -> pa.Array:
    missing = pc.is_nan(array)
    return pc.if_else(missing, None, array) if pc.any(missing).as_py() else array


def _conversion(kind: pa.DataType, column: "Column") -> Callable[[pa.Array], pa.Array] | None:
    """How values of an Arrow type become values of a column; `None` if it is none of its types."""
    wanted = ARROW_TYPES[column.kind]
    types = pa.types
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if types.is_null(kind) or kind == wanted:
        return lambda array: array.cast(wanted)
    if column.kind in ("numeric", "integer"):
        if number:
            return lambda array: array.cast(wanted)
        if types.is_duration(kind) and (unit := _time_unit(column)):
            per_unit = _NANOSECONDS[unit] / _NANOSECONDS[kind.unit]
            return lambda array: pc.divide(
                # float64 tells apart all lengths that anybody measures, though not all of int64.
                array.cast(pa.int64()).cast(pa.float64(), safe=False),
                per_unit,
            ).cast(wanted)
        if types.is_string(kind):
            return _number_from_text if column.kind == "numeric" else _integer_from_text
    elif column.kind == "timestamp":
        if types.is_timestamp(kind) or types.is_date(kind):
            return lambda array: array.cast(wanted)
        if types.is_string(kind):
            return _time_from_text
    elif types.is_integer(kind) or _is_binary(kind):
        return lambda array: array.cast(wanted)
    return None


def _number_from_text(array: pa.Array) -> pa.Array:
    return _without_nan(_trimmed(array).cast(pa.float64()))


def _integer_from_text(array: pa.Array) -> pa.Array:
    trimmed = _trimmed(array)
    try:
        return trimmed.cast(pa.int64())
    except pa.ArrowException:
        # A column with missing values has often been made one of floats on its way: 5.0.
        numbers = trimmed.cast(pa.float64())
        if pc.any(pc.greater_equal(pc.abs(numbers), _LARGEST_EXACT)).as_py():
            raise ValueError("float64 may not hold the integers that were meant") from None
        return numbers.cast(pa.int64())


def _time_from_text(array: pa.Array) -> pa.Array:
    timed = pc.replace_substring_regex(_trimmed(array), _DATE, r"\1 00:00")
    in_utc = pc.replace_substring_regex(timed, _WITHOUT_ZONE, r"\1Z")
    # Arrow takes no more digits than the unit has, though the rest be zeros.
    whole = pc.replace_substring_regex(in_utc, r"(\.\d{6})0+", r"\1")
    return whole.cast(ARROW_TYPES["timestamp"])


def _trimmed(array: pa.Array) -> pa.Array:
    """Text without blanks around it; missing where there is nothing else."""
    trimmed = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _first_failing(array: pa.Array, convert: Callable[[pa.Array], pa.Array]) -> int:
    """The first row that cannot be converted, of an array that cannot: by halves."""
    first, end = 0, len(array)
    while end - first > 1:
        middle = (first + end) // 2
        try:
            convert(array[first:middle])
        except (pa.ArrowException, ValueError):
            end = middle
        else:
            first = middle
    return first


def _time_unit(column: "Column") -> str | None:
    """The unit of time that a column's values are told in; `None` if it is another."""
    unit = (column.unit or "").partition(",")[0].strip()
    return unit if unit in _NANOSECONDS else None


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _exactly(kind: pa.DataType, column: "Column") -> str:
    """What a number or time lacks that looks like one of the kind."""
    if column.kind == "timestamp" and pa.types.is_timestamp(kind):
        return "; no finer than a microsecond: round it, with pandas by .dt.floor('us')"
    if column.kind == "numeric" and pa.types.is_integer(kind):
        return " that float64 holds exactly, of at most 2^53 in size"
    if column.kind == "integer" and pa.types.is_integer(kind):
        return " below 2^63 in size"
    if column.kind == "categorical":
        return " in UTF-8"
    return ""


def _advice(kind: pa.DataType, column: "Column") -> str:
    """How to convert a column of another type."""
    types = pa.types
    if column.kind == "timestamp" and (types.is_integer(kind) or types.is_floating(kind)):
        return (
            "convert seconds since 1970, with pandas by pandas.to_datetime(values, unit='s', "
            "utc=True), or describe the column as integer"
        )
    if column.kind in ("numeric", "integer"):
        if types.is_duration(kind):
            units = ", ".join(sorted(_NANOSECONDS, key=_NANOSECONDS.__getitem__))
            return f"describe its unit, one of {units}; it is {column.unit!r}"
        if types.is_timestamp(kind) or types.is_date(kind):
            return "describe the column as timestamp, or convert it to a number"
        if types.is_boolean(kind):
            return "convert it to 0 and 1, with pandas by .astype('int64')"
    if column.kind == "categorical" and not types.is_nested(kind):
        return "write it as the text that you mean, with pandas by .astype(str)"
    return "write one plain value in each row, or leave the column out of the description"
