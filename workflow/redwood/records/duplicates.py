"""Jobs that stand in the dumps more than once: the latest modification stays, the others go.

Exact at any size: identifiers are looked at bucket by bucket, and only repeated ones are compared.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from redwood.records.cleaned_file import CleanedFile

# Identifiers that are sorted at once, 8 bytes each.
_BUCKET_ROWS = 50_000_000


class _Copies(NamedTuple):
    """Rows whose identifier stands in the dumps more than once; arrays of one length."""

    identifier: np.ndarray
    modified: np.ndarray
    file: np.ndarray
    record: np.ndarray
    candidate: np.ndarray  # position in candidates.parquet, -1 for a row that is rejected anyway


def superseded(files: Sequence[CleanedFile], bucket_rows: int = _BUCKET_ROWS) -> list[np.ndarray]:
    """For each file the positions of candidates of which there is a later copy, ascending.

    Rows that a step rejected count as copies, too: if the latest word on a job is that it cannot
    be used, no earlier word is taken instead. Of equally late copies the one further on stays.

    Args:
        files: cleaned files, in the order of the dumps.
        bucket_rows: how many identifiers may be held at once.
    """
    total = sum(file.account["rows"] for file in files)
    buckets = -(-total // bucket_rows) or 1
    losers: list[list[np.ndarray]] = [[] for _ in files]
    for bucket in range(buckets):
        identifiers = np.concatenate(
            [
                np.empty(0, dtype=np.int64),
                *(
                    column[column % buckets == bucket]
                    for file in files
                    for part in (file.candidates, file.rejected)
                    for column in _identifiers(part)
                ),
            ]
        )
        identifiers.sort()
        repeated = np.unique(identifiers[1:][identifiers[1:] == identifiers[:-1]])
        if len(repeated):
            for number, positions in _losers(files, repeated):
                losers[number].append(positions)
    return [
        np.sort(np.concatenate([np.empty(0, dtype=np.int64), *positions])) for positions in losers
    ]


def _identifiers(part: pq.ParquetFile) -> Iterator[np.ndarray]:
    with part:
        for batch in part.iter_batches(1 << 20, columns=["pandaid"]):
            yield batch.column(0).drop_null().to_numpy(zero_copy_only=False)


def _losers(files: Sequence[CleanedFile], repeated: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """(number of a file, positions of its candidates that a later copy supersedes)."""
    parts = [
        copies
        for number, file in enumerate(files)
        for part, is_candidate in ((file.candidates, True), (file.rejected, False))
        for copies in _copies(part, number, repeated, is_candidate=is_candidate)
    ]
    copies = _Copies(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.lexsort((copies.record, copies.file, copies.modified, copies.identifier))
    ordered = copies.identifier[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    lost = order[~is_last]
    lost = lost[copies.candidate[lost] >= 0]
    for number in np.unique(copies.file[lost]).tolist():
        yield number, copies.candidate[lost[copies.file[lost] == number]]


def _copies(
    part: pq.ParquetFile, number: int, repeated: np.ndarray, *, is_candidate: bool
) -> Iterator[_Copies]:
    first = 0
    with part:
        for batch in part.iter_batches(1 << 20, columns=["pandaid", "modificationtime", "record"]):
            identifier = _whole(batch.column("pandaid"))
            place = np.minimum(np.searchsorted(repeated, identifier), len(repeated) - 1)
            rows = np.flatnonzero(repeated[place] == identifier)
            modified = _whole(batch.column("modificationtime").cast(pa.int64()))
            yield _Copies(
                identifier[rows],
                modified[rows],
                np.full(len(rows), number),
                _whole(batch.column("record"))[rows],
                rows + first if is_candidate else np.full(len(rows), -1),
            )
            first += batch.num_rows


def _whole(column: pa.Array) -> np.ndarray:
    """Whole numbers, [n]; a missing one is smaller than all others."""
    return column.fill_null(np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
