"""The formats of a table's files, told by the endings of their names; Arrow reads and writes them.

Parquet; Arrow's own (`.arrow`, `.feather`); CSV with a header (`.csv`, `.csv.gz`, `.csv.zst`). A
name that ends otherwise is read as parquet. The cells of a CSV stay the text that they are: an
empty one is missing, and `""` is the empty text.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from redwood.errors import InputError
from redwood.inputs import REMEDY, require_intact

_CSV: Final = (".csv", ".csv.gz", ".csv.zst")
_ARROW: Final = (".arrow", ".feather")
ENDINGS: Final = (".parquet", *_CSV, *_ARROW)

_CSV_BLOCK = 1 << 24


def columns_of(path: Path) -> list[str]:
    """The names of a file's columns, in order.

    Raises:
        InputError: the file is missing, or is not what its ending says.
    """
    if path.name.endswith(_CSV):
        with _readable(path, "CSV"):
            # Lines that are no rows are told, without what they say, when the rows are read.
            skipping = pa.csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=lambda row: "skip"
            )
            return pa.csv.open_csv(path, parse_options=skipping).schema.names
    if path.name.endswith(_ARROW):
        with _readable(path, "Arrow"), pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).schema.names
    with opened_parquet(path) as file:
        return file.schema_arrow.names


def rows_of(path: Path) -> int:
    """The number of a file's rows; of parquet and Arrow without reading them.

    Raises:
        InputError: as `columns_of`.
    """
    if path.name.endswith(ENDINGS[1:]):
        return sum(piece.num_rows for piece in pieces(path, columns_of(path)[:1]))
    with opened_parquet(path) as file:
        return file.metadata.num_rows


def pieces(path: Path, names: Sequence[str]) -> Iterator[pa.Table]:
    """The named columns of a file piece by piece, in their order, as the file holds them.

    Raises:
        InputError: the file is missing, damaged or not what its ending says, or lacks a column or
            has it twice.
    """
    require_columns(path, names, columns_of(path))
    if path.name.endswith(_CSV):
        yield from _csv_pieces(path, names)
    elif path.name.endswith(_ARROW):
        with _readable(path, "Arrow"), pa.memory_map(str(path)) as source:
            file = pa.ipc.open_file(source)
            for number in range(file.num_record_batches):
                yield pa.Table.from_batches([file.get_batch(number)]).select(names)
    else:
        with opened_parquet(path) as parquet:
            for number in range(parquet.num_row_groups):
                try:
                    group = parquet.read_row_group(number, columns=names)
                except (pa.ArrowException, OSError) as error:
                    raise InputError(
                        f"{path}: cannot be read: {_one_line(error)}; {REMEDY}"
                    ) from None
                yield group.select(names)


def require_columns(where: Path, names: Sequence[str], present: Sequence[str]) -> None:
    """Raise an InputError unless each of `names` is once among the columns that are present."""
    for name in names:
        if present.count(name) != 1:
            words = "is there twice" if name in present else "is missing"
            raise InputError(f"{where}: column {name!r} {words}; there are {', '.join(present)}")


def write(table: pa.Table, path: Path, partial: Path) -> None:
    """Write a table to `partial` in the format that the ending of `path` says."""
    if path.name.endswith(_CSV):
        with pa.output_stream(partial, compression=_compression(path)) as stream:
            pa.csv.write_csv(table, stream)
    elif path.name.endswith(_ARROW):
        with pa.ipc.new_file(str(partial), table.schema) as file:
            file.write_table(table)
    else:
        pq.write_table(table, partial, compression="zstd", write_page_checksum=True)


def opened_parquet(path: Path) -> pq.ParquetFile:
    """An open parquet file.

    Raises:
        InputError: the file is missing, is damaged or is not parquet.
    """
    with _readable(path, "parquet"):
        return pq.ParquetFile(path, page_checksum_verification=True)


def _csv_pieces(path: Path, names: Sequence[str]) -> Iterator[pa.Table]:
    uneven: list[str] = []

    def note(row: pa.csv.InvalidRow) -> str:
        # Not the text of the row: it may name somebody.
        uneven.append(
            f"line {row.number} has {row.actual_columns} cells, expected {row.expected_columns}"
        )
        return "skip"

    with _readable(path, "CSV"):
        reader = pa.csv.open_csv(
            path,
            # Threads do not tell which line it is that is wrong.
            read_options=pa.csv.ReadOptions(block_size=_CSV_BLOCK, use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
            convert_options=pa.csv.ConvertOptions(
                include_columns=list(names),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if uneven:
                break
            yield pa.Table.from_batches([batch])
    if uneven:
        raise InputError(f"{path}: {uneven[0]}: quote cells that hold commas or line breaks")


def _compression(path: Path) -> str | None:
    return {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)


@contextmanager
def _readable(path: Path, name: str) -> Iterator[None]:
    """Turn what Arrow says of a file that cannot be read into an InputError."""
    require_intact(path)
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such table") from None
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a {name} file: {_one_line(error)}; {REMEDY}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
