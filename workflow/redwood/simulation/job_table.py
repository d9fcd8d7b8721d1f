"""Reading job tables for simulations, with a description or without."""

from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.names import listed, nth_row, suggested
from redwood.tables import Column, TableDescription, read_table, table_columns

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


def describe_jobs(path: str | Path) -> TableDescription:
    """The description of a job table that comes without one, by the names of its columns.

    Raises:
        InputError: as `tables.table_columns`, or a column that a simulation needs is missing.
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
    _require(path, features)
    frame = read_table(path, features)
    check_jobs(path, frame, features)
    return frame


def _require(path: str | Path, features: TableDescription) -> None:
    for name in REQUIRED:
        if name not in features:
            known = ", ".join(column.name for column in features.columns)
            raise InputError(
                f"{path}: a simulation needs the feature {name!r}; the features of table "
                f"{features.name!r} are {known or 'none'}"
            )


def check_jobs(path: str | Path, frame: pd.DataFrame, features: TableDescription) -> None:
    """Raise an `InputError` if there are no jobs or a value is impossible.

    Args:
        path: where they come from, in words.
        frame: the jobs.
        features: what they have.
    """
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
                f"{path}: {nth_row(row)}: jobstatus is {frame['jobstatus'][row]!r}, "
                f"expected one of {', '.join(RECORDED_STATES)}"
            )


def _check_range(path: str | Path, values: pd.Series, least: float, most: float) -> None:
    wrong = ~((values >= least) & (values <= most)).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path}: {nth_row(row)}: {values.name} is {values[row]}, "
            f"expected a number from {least} to {most:.4g}"
        )
