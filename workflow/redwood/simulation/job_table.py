"""Reading job tables for simulations: parquet or CSV, with a description or without."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from redwood.errors import InputError
from redwood.names import listed, suggested
from redwood.tables import Column, TableDescription, read_table, table_files

REQUIRED = ("creationtime", "computingsite", "workload")
RECORDED_STATES = ("finished", "failed", "cancelled", "closed")
# What a simulation can use, for files that come without a description.
KNOWN = (
    Column("creationtime", "timestamp"),
    Column("computingsite", "categorical"),
    Column("project", "categorical"),
    Column("prodstep", "categorical"),
    Column("datatype", "categorical"),
    Column("dataset", "categorical"),
    Column("user", "categorical"),
    Column("workinggroup", "categorical"),
    Column("nfiles", "integer"),
    Column("size", "integer", "bytes"),
    Column("cores", "integer"),
    Column("jobstatus", "categorical"),
    Column("workload", "numeric", "HS23·s"),
)


def table_columns(path: str | Path) -> list[str]:
    """The names of the columns in the file of a job table, or in the first of its parts.

    Raises:
        InputError: there is no such file, or it is neither parquet nor CSV.
    """
    try:
        if _is_csv(path):
            return list(pd.read_csv(path, nrows=0).columns)
        return pq.read_schema(table_files(path)[0]).names
    except FileNotFoundError:
        raise InputError(f"{path}: no such job table") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path}: neither parquet nor CSV: {error}") from None


def describe_jobs(path: str | Path) -> TableDescription:
    """The description of a job table that comes without one, by the names of its columns.

    Raises:
        InputError: as `table_columns`, or a column that a simulation needs is missing.
    """
    names = table_columns(path)
    for name in REQUIRED:
        if name not in names:
            raise InputError(
                f"{path}: a simulation needs the column {name!r}{suggested(name, names)}; its "
                f"columns are {listed(names)}"
            )
    return TableDescription("jobs", tuple(column for column in KNOWN if column.name in names))


def read_jobs(path: str | Path, description: TableDescription) -> pd.DataFrame:
    """Read the features of a job table and check them.

    Only features are read, since samples of surrogates have nothing else: so recorded and synthetic
    jobs differ in their values alone.

    Raises:
        InputError: a required column is no feature, the table is empty, or a value is impossible.
    """
    features = description.only_features()
    for name in REQUIRED:
        if name not in features:
            known = ", ".join(column.name for column in features.columns)
            raise InputError(
                f"{path}: a simulation needs the feature {name!r}; the features of table "
                f"{description.name!r} are {known or 'none'}"
            )
    frame = _read_csv(path, features) if _is_csv(path) else read_table(path, features)
    if frame.empty:
        raise InputError(f"{path}: the job table has no rows")
    for name, least, most in (
        ("workload", 0, np.finfo(float).max),
        ("size", 0, 2**53),
        ("nfiles", 0, 2**31 - 1),
        ("cores", 1, 2**31 - 1),
    ):
        if name in features:
            _check_range(path, frame[name], least, most)
    if "jobstatus" in features:
        unknown = ~frame["jobstatus"].isin(RECORDED_STATES)
        if unknown.any():
            row = int(np.flatnonzero(unknown)[0])
            raise InputError(
                f"{path}: row {row}: jobstatus is {frame['jobstatus'][row]!r}, "
                f"expected one of {', '.join(RECORDED_STATES)}"
            )
    return frame


def _check_range(path: str | Path, values: pd.Series, least: float, most: float) -> None:
    wrong = ~((values >= least) & (values <= most)).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: row {row}: {values.name} is {values[row]}, "
            f"expected a number from {least} to {most:.4g}"
        )


def _is_csv(path: str | Path) -> bool:
    return str(path).endswith((".csv", ".csv.gz"))


def _read_csv(path: str | Path, description: TableDescription) -> pd.DataFrame:
    try:
        raw = pd.read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such job table") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: not a CSV: {error}") from None
    frame = {}
    for column in description.columns:
        if column.name not in raw:
            raise InputError(
                f"{path}: column {column.name!r} is missing; the file has {', '.join(raw.columns)}"
            )
        values = raw[column.name]
        if column.kind == "timestamp":
            read = pd.to_datetime(values, utc=True, errors="coerce", format="ISO8601")
        elif column.kind == "categorical":
            read = values.astype(object).where(values.isna(), values.astype(str))
        else:
            read = pd.to_numeric(values, errors="coerce")
        wrong = read.isna().to_numpy()
        if column.kind == "integer":
            wrong = wrong | (read % 1 != 0).to_numpy()
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{path}: row {row}: {column.name} is {values[row]!r}, expected a {column.kind}"
                " value" + (" such as 2024-01-31 12:00:00" if column.kind == "timestamp" else "")
            )
        frame[column.name] = read.astype("int64") if column.kind == "integer" else read
    return pd.DataFrame(frame)
