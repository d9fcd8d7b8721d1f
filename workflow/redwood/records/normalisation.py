"""Chunks of text → typed records without names of persons.

This is the last place that sees a name: users and tasks leave it as keyed hashes, dataset names as
their project, step and type.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from redwood.records import dataset_names
from redwood.records.privacy import HashKey, hashed
from redwood.records.readers import Chunk
from redwood.records.values import shown, text, to_numbers, to_times

# Typed column → raw column, for those that are read one to one.
_TIMES = {
    "creationtime": "creationtime",
    "modificationtime": "modificationtime",
    "starttime": "starttime",
    "endtime": "endtime",
}
_QUANTITIES = {
    "nfiles": "ninputdatafiles",
    "size": "inputfilebytes",
    "cputime": "cpuconsumptiontime",
    "hs06sec": "hs06sec",
    "requestedtime": "maxwalltime",
    "attempt": "attemptnr",
    "actualcores": "actualcorecount",
    "askedcores": "corecount",
}
_WHOLE = frozenset({"nfiles", "size", "attempt", "actualcores", "askedcores"})
_LARGEST_WHOLE = float(1 << 53)
_ROBOT_TYPES = ("gangarobot", "hc_")


@dataclass
class Records:
    """Typed records, one row each.

    Attributes:
        frame: columns `file`, `line`, `pandaid`, the times, quantities and categories below, and
            the flags `is_daod` and `is_robot`; a raw column that a file lacks is all missing.
        unusable: cells that hold something other than what their column is for: `row` (position in
            `frame`), `column` (typed), `raw` (the dump's column), `value` (safe to show).
        present: raw columns, lower case, in which some row has a value.
    """

    frame: pd.DataFrame
    unusable: pd.DataFrame
    present: set[str] = field(default_factory=set)


def normalise(chunk: Chunk, key: HashKey, utc_offset_hours: float) -> Records:
    """Type the cells of a chunk.

    Args:
        chunk: text under PanDA's lower-case names.
        key: what users and tasks are hashed with.
        utc_offset_hours: how far the dump's clock is ahead of UTC.
    """
    cells = _Cells(chunk.rows)
    size = len(chunk.rows)
    columns: dict[str, object] = {
        "file": pd.Categorical.from_codes(np.zeros(size, dtype=np.int8), [chunk.source.name]),
        "line": chunk.rows.index.to_numpy(),
        "pandaid": cells.quantity("pandaid", "pandaid", whole=True),
    }
    for name, raw in _TIMES.items():
        columns[name] = cells.times(name, raw, utc_offset_hours)
    for name, raw in _QUANTITIES.items():
        columns[name] = cells.quantity(name, raw, whole=name in _WHOLE)
    columns["cores"] = _cores(columns.pop("actualcores"), columns.pop("askedcores"))
    for name in ("jobstatus", "prodsourcelabel", "processingtype"):
        columns[name] = cells.category(name, str.lower)
    for name in ("computingsite", "workinggroup"):
        columns[name] = cells.category(name)
    columns |= _dataset_columns(cells)
    for name, preferred, other in (
        ("user", "produsername", "produserid"),
        ("task", "jeditaskid", "taskid"),
    ):
        values = pc.coalesce(cells.text(preferred), cells.text(other))
        columns[name] = pd.Categorical(hashed(values.to_pandas(), key, name))
    present = {name for name in chunk.rows if cells.text(name).null_count < size}
    return Records(pd.DataFrame(columns), cells.unusable(), present)


def joined(parts: list[Records]) -> Records:
    """The records of all chunks, in order. The parts are emptied, so as not to hold all twice."""
    offsets = np.cumsum([0, *(len(part.frame) for part in parts[:-1])])
    unusable = [
        part.unusable.assign(row=part.unusable["row"] + offset)
        for part, offset in zip(parts, offsets, strict=True)
    ]
    columns = {}
    for name in list(parts[0].frame):
        pieces = [part.frame.pop(name) for part in parts]
        if isinstance(pieces[0].dtype, pd.CategoricalDtype):
            columns[name] = pd.api.types.union_categoricals(pieces)
        else:
            columns[name] = np.concatenate([piece.to_numpy() for piece in pieces])
    return Records(
        pd.DataFrame(columns),
        pd.concat(unusable, ignore_index=True),
        set().union(*(part.present for part in parts)),
    )


class _Cells:
    """The cells of a chunk, and a note of those that are not what their column is for."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self._rows = rows
        self._texts: dict[str, pa.Array] = {}
        self._notes: list[pd.DataFrame] = []

    def text(self, raw: str) -> pa.Array:
        """The stripped text of a raw column, null where the column or the value is absent."""
        if raw not in self._texts:
            absent = raw not in self._rows
            self._texts[raw] = (
                pa.nulls(len(self._rows), pa.string()) if absent else text(self._rows[raw])
            )
        return self._texts[raw]

    def distinct(self, raw: str) -> tuple[np.ndarray, list[str]]:
        """Codes [n], -1 for a missing text, and the texts they stand for."""
        encoded = self.text(raw).dictionary_encode()
        return pc.fill_null(encoded.indices, -1).to_numpy(), encoded.dictionary.to_pylist()

    def per_value(
        self, raw: str, function: Callable[[str], object], otherwise: object = None
    ) -> np.ndarray:
        """`function` of each text of a raw column, `otherwise` where there is none, [n] object."""
        codes, texts = self.distinct(raw)
        results = np.array([*map(function, texts), otherwise], dtype=object)
        return results[codes]

    def category(self, raw: str, function: Callable[[str], str] = str) -> pd.Categorical:
        return pd.Categorical(self.per_value(raw, function))

    def times(self, name: str, raw: str, utc_offset_hours: float) -> np.ndarray:
        times, unreadable = to_times(self.text(raw), utc_offset_hours)
        self._note(name, raw, unreadable)
        return times

    def quantity(self, name: str, raw: str, *, whole: bool) -> np.ndarray:
        """A number ≥ 0, whole where it counts something."""
        values, unreadable = to_numbers(self.text(raw))
        wrong = unreadable | (values < 0)
        if whole:
            wrong |= (values != np.floor(values)) & ~np.isnan(values)
            wrong |= values >= _LARGEST_WHOLE
        self._note(name, raw, wrong)
        return np.where(wrong, np.nan, values)

    def _note(self, name: str, raw: str, wrong: np.ndarray) -> None:
        rows = np.flatnonzero(wrong)
        values = [shown(value) for value in self.text(raw).take(pa.array(rows)).to_pylist()]
        note = pd.DataFrame({"row": rows, "column": name, "raw": raw, "value": values})
        self._notes.append(note.astype({"value": object}))

    def unusable(self) -> pd.DataFrame:
        return pd.concat(self._notes, ignore_index=True)


def _cores(actual: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Cores used where a job reported them, else those asked for; 0 says nothing."""
    actual, asked = (np.where(values > 0, values, np.nan) for values in (actual, asked))
    return np.where(np.isnan(actual), asked, actual)


def _dataset_columns(cells: _Cells) -> dict[str, object]:
    """Project, step and type of the input, from the dataset's name, else from the file columns."""
    codes, names = cells.distinct("proddblock")
    parsed = [*map(dataset_names.parse, names), dataset_names.DatasetName()]
    project, prodstep, datatype, is_daod = (
        np.array(values, dtype=object)[codes] for values in zip(*parsed, strict=True)
    )
    unnamed = codes < 0
    file_project = cells.per_value("inputfileproject", dataset_names.parse_project)
    type_name = cells.per_value("inputfiletype", lambda raw: dataset_names.short_data_type(raw)[0])
    type_is_daod = cells.per_value(
        "inputfiletype", lambda raw: dataset_names.short_data_type(raw)[1], otherwise=False
    )
    is_robot = cells.per_value("processingtype", lambda name: name.startswith(_ROBOT_TYPES), False)
    for raw in ("proddblock", "inputfileproject"):
        is_robot = is_robot | cells.per_value(raw, dataset_names.is_robot, False)
    return {
        "project": pd.Categorical(np.where(pd.isna(project), file_project, project)),
        "prodstep": pd.Categorical(prodstep),
        "datatype": pd.Categorical(np.where(unnamed, type_name, datatype)),
        "is_daod": np.where(unnamed, type_is_daod, is_daod).astype(bool),
        "is_robot": is_robot.astype(bool),
    }
