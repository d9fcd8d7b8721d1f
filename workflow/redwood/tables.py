"""What a table is: its description (columns, kinds, units), and reading and writing it.

Every stage works on a table and its description and on nothing else; the job table of PanDA is one
such table. A description is a JSON file beside the files that share it. A table is one file of a
format of `redwood.table_formats`, or a folder of them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from redwood import table_formats
from redwood.column_values import ARROW_TYPES, from_series, typed
from redwood.errors import InputError
from redwood.inputs import REMEDY, contents_of, read_text
from redwood.outputs import CONTENTS, file_digest, require_ending, write_json, writing

Kind = Literal["numeric", "integer", "timestamp", "categorical"]
Scale = Literal["linear", "log"]
Role = Literal["feature", "auxiliary"]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: the column's name.
        kind: numeric (float64), integer (int64), timestamp (UTC, microseconds) or categorical
            (strings).
        unit: unit of the values, `None` where there is none.
        scale: `log` for heavy-tailed, non-negative quantities, which models and measures see as
            log(1 + x); `linear` otherwise. Only numbers have a logarithmic scale.
        role: a `feature` is learned by surrogates and judged by measures and has no missing value;
            an `auxiliary` column is carried along and may have some.
        meaning: one line for a reader.
    """

    name: str
    kind: Kind
    unit: str | None = None
    scale: Scale = "linear"
    role: Role = "feature"
    meaning: str = ""

    def __post_init__(self) -> None:
        for key, allowed in (("kind", Kind), ("scale", Scale), ("role", Role)):
            value = getattr(self, key)
            if value not in get_args(allowed):
                raise InputError(
                    f"column {self.name!r}: {key} is {value!r}, "
                    f"expected one of {', '.join(get_args(allowed))}"
                )
        if self.scale == "log" and self.kind not in ("numeric", "integer"):
            raise InputError(f"column {self.name!r}: a {self.kind} column has no logarithmic scale")

    @property
    def is_categorical(self) -> bool:
        return self.kind == "categorical"


@dataclass(frozen=True)
class TableDescription:
    """The columns of a table, in order.

    Attributes:
        name: of the table.
        columns: in order.
        assumptions: numbers that its values rest on, by name, where they are not the usual ones.
        units: the categorical columns whose equal values are rows of one unit, such as a user or a
            task, the widest first: what is to be kept secret of a table is that a unit is in it.
    """

    name: str
    columns: tuple[Column, ...]
    assumptions: Mapping[str, float] = field(default_factory=dict, compare=False)
    units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"table {self.name!r}: column {name!r} is described twice")
        for name in self.units:
            if not self[name].is_categorical:
                raise InputError(
                    f"table {self.name!r}: units: column {name!r} is {self[name].kind}, "
                    "expected a categorical one"
                )

    def __contains__(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(column.name for column in self.columns)
        raise InputError(f"table {self.name!r} has no column {name!r}; it has {known}")

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns that surrogates learn and measures judge."""
        return tuple(column for column in self.columns if column.role == "feature")

    @property
    def numeric_features(self) -> tuple[Column, ...]:
        """The features with an order and a distance: numbers and timestamps."""
        return tuple(column for column in self.features if not column.is_categorical)

    @property
    def categorical_features(self) -> tuple[Column, ...]:
        return tuple(column for column in self.features if column.is_categorical)

    def only_features(self) -> "TableDescription":
        """The same table without its auxiliary columns, which is what a surrogate's sample has."""
        return self.only(column.name for column in self.features)

    def with_units(self) -> "TableDescription":
        """The features and the columns that name units, which a surrogate may learn from."""
        return self.only(
            column.name
            for column in self.columns
            if column.role == "feature" or column.name in self.units
        )

    def only(self, names: Iterable[str]) -> "TableDescription":
        """The same table with the columns of these names alone, in this order."""
        columns = tuple(self[name] for name in names)
        kept = {column.name for column in columns}
        units = tuple(name for name in self.units if name in kept)
        return replace(self, columns=columns, units=units)

    def save(self, path: str | Path) -> None:
        """Write the description as JSON."""
        columns = [asdict(column) for column in self.columns]
        content: dict[str, Any] = {"name": self.name, "columns": columns}
        if self.assumptions:
            content["assumptions"] = dict(self.assumptions)
        if self.units:
            content["units"] = list(self.units)
        write_json(path, content)

    @classmethod
    def load(cls, path: str | Path) -> "TableDescription":
        """Read a description that `save` wrote, or one written by hand.

        Raises:
            InputError: the file is missing, is not JSON, or describes no valid table.
        """
        try:
            content = json.loads(read_text(path))
            columns = tuple(Column(**column) for column in content["columns"])
            assumptions = content.get("assumptions", {})
            if not all(type(value) in (int, float) for value in assumptions.values()):
                raise InputError(f"{path}: assumptions is {assumptions!r}, expected name: number")
            units = content.get("units", [])
            if not (isinstance(units, list) and all(type(unit) is str for unit in units)):
                raise InputError(f"{path}: units is {units!r}, expected a list of names of columns")
            return cls(content["name"], columns, assumptions, tuple(units))
        except FileNotFoundError:
            raise InputError(f"{path}: no such table description") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}: not a table description in JSON: {error}; {REMEDY}"
            ) from None
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{path}: a table description has `name` and `columns`, "
                f"each column a `name` and a `kind`: {error}"
            ) from None


# What a surrogate holds of real rows: how likely each is, and whether it had learned from it.
DENSITIES = TableDescription(
    "densities",
    (
        Column("origin", "categorical", meaning="train or holdout"),
        Column("log_density", "numeric", meaning="ln p of the row by the model"),
    ),
)


def arrow_schema(description: TableDescription) -> pa.Schema:
    """The Arrow types of a table's columns; kind, unit and meaning are in the fields' metadata.

    A feature is not nullable, an auxiliary column is.
    """
    fields = [
        pa.field(
            column.name,
            ARROW_TYPES[column.kind],
            nullable=column.role != "feature",
            metadata={"kind": column.kind, "unit": column.unit or "", "meaning": column.meaning},
        )
        for column in description.columns
    ]
    return pa.schema(fields, {"table": description.name})


def write_table(
    frame: pd.DataFrame | pa.Table, path: str | Path, description: TableDescription
) -> None:
    """Write the described columns of `frame` in the format that the ending of `path` says.

    Parquet unless it is another, and then units are in the schema's field metadata. Equal tables
    give equal bytes.

    Raises:
        InputError: a described column is missing or does not hold values of its kind, a feature has
            a missing value, or the ending is no table's.
    """
    require_ending(path, *table_formats.ENDINGS)
    present = frame.column_names if isinstance(frame, pa.Table) else list(map(str, frame.columns))
    names = [column.name for column in description.columns]
    table_formats.require_columns(Path(path), names, present)
    arrays = []
    for column in description.columns:
        values = frame[column.name]
        if isinstance(values, pd.Series):
            values = from_series(values, column.name, str(path))
        arrays.append(typed(_whole(values), column, str(path)))
    table = pa.Table.from_arrays(arrays, schema=arrow_schema(description))
    with writing(path) as partial:
        table_formats.write(table, Path(path), partial)


def table_files(path: str | Path) -> tuple[Path, ...]:
    """The files of a table: the file itself, or all below a folder, by relative path.

    What begins with `.` or `_` is no part of a table, as to pandas, pyarrow and Spark.

    Raises:
        InputError: there is no such file or folder, no file of a table in the folder, or others
            than the stage wrote that made it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such table")
    if not path.is_dir():
        return (path,)
    endings = table_formats.ENDINGS
    found = (file.relative_to(path) for file in path.rglob("*") if file.name.endswith(endings))
    parts = sorted(
        (file for file in found if not any(part[0] in "._" for part in file.parts)),
        key=Path.as_posix,
    )
    if not parts:
        raise InputError(f"{path}: no table in this folder: no *{', *'.join(endings)}")
    listed = {Path(name) for name in contents_of(path) if name.endswith(endings)}
    if listed and (others := sorted(listed.symmetric_difference(parts))):
        words = "is missing" if others[0] in listed else "is there, too: move it elsewhere"
        raise InputError(f"{path / others[0]}: {words}; expected what {path / CONTENTS} lists")
    return tuple(path / part for part in parts)


def table_columns(path: str | Path) -> list[str]:
    """The names of a table's columns, in the order of its first file.

    Raises:
        InputError: there is no such table, or a file is not what its ending says.
    """
    return table_formats.columns_of(table_files(path)[0])


def table_rows(path: str | Path) -> int:
    """Number of rows of a table.

    Raises:
        InputError: a file is missing or is not what its ending says.
    """
    return sum(table_formats.rows_of(file) for file in table_files(path))


def table_digest(path: str | Path) -> str:
    """The SHA-256 of a table's files, one after the other, as hexadecimal digits.

    Raises:
        InputError: there is no such table.
    """
    return file_digest(*table_files(path))


def scan_table(
    path: str | Path, description: TableDescription, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """Read a table piece by piece (row group by row group), so that it need not fit into memory.

    Args:
        path: a file, or a folder of them, which are read in the order of `table_files`.
        description: the table's description.
        columns: names of the columns to read; all described ones if `None`.

    Yields:
        the rows in order, columns as asked for, typed as in `arrow_schema`.

    Raises:
        InputError: a file is missing, is not what its ending says, lacks a column or holds another
            type (`column_values.typed`), a feature has a missing value, or a column is asked for
            that is not described.
    """
    if columns is not None:
        description = description.only(columns)
    schema = arrow_schema(description)
    for file in table_files(path):
        first = 0
        for piece in table_formats.pieces(file, schema.names):
            arrays = [
                typed(_whole(values), column, str(file), first)
                for column, values in zip(description.columns, piece.columns, strict=True)
            ]
            yield pa.Table.from_arrays(arrays, schema=schema)
            first += piece.num_rows


def read_table(path: str | Path, description: TableDescription) -> pd.DataFrame:
    """Read the described columns of a table, each with its kind's one pandas type.

    numeric float64, integer int64 (`Int64` where an auxiliary column has missing values), timestamp
    `datetime64[us, UTC]`, categorical `object` holding `str`. The rows are those of `scan_table`.

    Raises:
        InputError: as `scan_table`.
    """
    pieces = list(scan_table(path, description))
    table = pa.concat_tables([arrow_schema(description).empty_table(), *pieces])
    return pd.DataFrame(
        {
            column.name: _to_pandas(table.column(column.name), column)
            for column in description.columns
        }
    )


def read_parquet(path: Path) -> pd.DataFrame:
    """All columns of a parquet file that a stage wrote, without a description of them.

    Not pandas.read_parquet: its threads now and then abort a process that has done its work.

    Raises:
        InputError: the file is missing, is damaged or is not parquet.
    """
    with table_formats.opened_parquet(path) as file:
        return file.read().to_pandas()


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array, of the chunks if there are several."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _to_pandas(array: pa.ChunkedArray, column: Column) -> pd.Series:
    if column.kind == "integer" and array.null_count:
        return array.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return array.to_pandas()


def to_numbers(values: pd.Series, column: Column) -> np.ndarray:
    """The values of a numeric, integer or timestamp column as float64 of the same length.

    Timestamps become seconds since 1970-01-01 UTC; a missing value becomes NaN.
    """
    if column.is_categorical:
        raise TypeError(f"column {column.name!r} is categorical")
    if column.kind == "timestamp":
        microseconds = values.to_numpy(dtype="datetime64[us]")
        seconds = microseconds.astype(np.int64) / 1e6
        return np.where(np.isnat(microseconds), np.nan, seconds)
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def from_numbers(numbers: np.ndarray, column: Column) -> pd.Series:
    """The inverse of `to_numbers`: back to the column's own type, rounded where it is whole.

    Timestamps are rounded to the second, which is what a PanDA record resolves.
    """
    if column.kind == "timestamp":
        seconds = np.rint(numbers).astype("datetime64[s]").astype("datetime64[us]")
        return pd.Series(seconds, name=column.name).dt.tz_localize("UTC")
    if column.kind == "integer":
        return pd.Series(np.rint(numbers).astype(np.int64), name=column.name)
    return pd.Series(np.asarray(numbers, dtype=np.float64), name=column.name)


def to_scale(numbers: np.ndarray, column: Column) -> np.ndarray:
    """Numbers of a column on its own scale: log(1 + x) if that is logarithmic, else unchanged."""
    return np.log1p(numbers) if column.scale == "log" else np.asarray(numbers, dtype=np.float64)


def from_scale(scaled: np.ndarray, column: Column) -> np.ndarray:
    """The inverse of `to_scale`."""
    return np.expm1(scaled) if column.scale == "log" else np.asarray(scaled, dtype=np.float64)


def scaled(frame: pd.DataFrame, column: Column) -> np.ndarray:
    """A numeric feature of `frame` on the column's own scale: (rows,) float64."""
    return to_scale(to_numbers(frame[column.name], column), column)


def category_codes(column: Column, *frames: pd.DataFrame) -> tuple[list[np.ndarray], int]:
    """A categorical feature as codes into the union of the frames' categories, and their number."""
    values = pd.concat([frame[column.name] for frame in frames], ignore_index=True)
    codes, categories = pd.factorize(values, sort=True)
    ends = np.cumsum([len(frame) for frame in frames])[:-1]
    return np.split(codes, ends), len(categories)
