"""How many rows a dataset has, counted once its stages have run, estimated before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redwood.configuration import Configuration
from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.readers.files import format_of
from redwood.records.raw_dumps import files_there, raw_dumps

# Of a dump whose rows are lines, this much is read to count them. For JSON: bytes of a row as
# generated, by how the file is compressed (benchmarks/records.py for plain text).
_LOOKED_AT_BYTES = 1 << 22
_BYTES_PER_JSON_ROW = {".gz": 80, ".zst": 60, ".json": 600}
# Rows of a dump for each job that is kept, as generated. A dump of all activities has more, but
# cleaning is a small part of a run.
_RAW_PER_KEPT = 1.6


@dataclass(frozen=True)
class RowCounts:
    """Rows of a dataset.

    Attributes:
        raw: rows of raw records.
        dump: rows of the largest dump.
        rows: jobs that are kept and divided into `train`, `validation` and `test`.
        sampled: synthetic rows of each model.
        basis: in words, where the numbers come from.
    """

    raw: int
    dump: int
    rows: int
    train: int
    validation: int
    test: int
    sampled: int
    basis: str

    @property
    def compared(self) -> int:
        """Rows that the evaluation of a model compares with each other."""
        return self.train + self.sampled


def row_counts(configuration: Configuration, results: Path, rows: int | None = None) -> RowCounts:
    """The rows of a dataset: counted if they can be, else as they are to be expected.

    Args:
        configuration: the run's.
        results: the folder of the dataset.
        rows: jobs to be kept, whatever the dumps or the results hold.

    Raises:
        InputError: there is nothing to tell the number of rows by, or a dump cannot be read.
    """
    source = configuration.records.source
    counted = counted_rows(results, configuration.surrogates.rows) if rows is None else None
    if counted is not None:
        return counted
    missing = source.files and not files_there(source) and source.retrieve is None
    dumps = [] if missing else list(raw_dumps(source, f"{results}/records/raw").values())
    return expected_rows(configuration, dumps, rows)


def counted_rows(results: Path, sampled: int | None) -> RowCounts | None:
    """The rows by what cleaning and splitting have written; `None` before they have.

    A damaged file counts as not yet written: the stages that read it say so.

    Args:
        results: the folder of a dataset.
        sampled: rows of each sample; as many as test rows if `None`.
    """
    try:
        cleaning = read_json(results / "records/cleaning.json", "account of the cleaning")
        split = read_json(results / "records/split.json", "account of the split")
        parts = {name: int(part["rows"]) for name, part in split["parts"].items()}
        return RowCounts(
            raw=int(cleaning["rows"]["input"]),
            dump=max(int(file["rows"]) for file in cleaning["files"]),
            rows=int(split["used"]),
            sampled=sampled or parts["test"],
            basis=f"counted in {results / 'records'}",
            **parts,
        )
    except (InputError, KeyError, TypeError, ValueError):
        return None


def expected_rows(
    configuration: Configuration, dumps: Sequence[str | Path], rows: int | None = None
) -> RowCounts:
    """The rows to expect before anything has run.

    Args:
        configuration: the run's.
        dumps: the raw dumps, made or not.
        rows: jobs to be kept, if known.

    Raises:
        InputError: there is nothing to tell the number of rows by.
    """
    source, split = configuration.records.source, configuration.records.split
    if rows is not None:
        raw, basis = round(_RAW_PER_KEPT * rows), "as told"
    elif source.generate is not None:
        rows = source.generate.jobs
        raw, basis = round(_RAW_PER_KEPT * rows), "as generated"
    elif split.rows is not None and not any(Path(dump).is_file() for dump in dumps):
        rows = split.rows
        raw, basis = round(_RAW_PER_KEPT * rows), "as records.split.rows says"
    else:
        rows = raw = _estimated_rows(dumps)
        basis = "estimated by the dumps"
    used = min(rows, split.rows or rows)
    train, validation = round(split.train * used), round(split.validation * used)
    test = used - train - validation
    return RowCounts(
        raw=raw,
        dump=round(_largest_share(dumps) * raw),
        rows=used,
        train=train,
        validation=validation,
        test=test,
        sampled=configuration.surrogates.rows or test,
        basis=basis,
    )


def _largest_share(dumps: Sequence[str | Path]) -> float:
    """The share of all raw rows that the largest dump has."""
    sizes = [Path(dump).stat().st_size for dump in dumps if Path(dump).is_file()]
    return max(sizes) / sum(sizes) if any(sizes) else 1 / max(1, len(dumps))


def _estimated_rows(dumps: Sequence[str | Path]) -> int:
    there = [Path(dump) for dump in dumps if Path(dump).is_file()]
    if not there:
        raise InputError(
            "the number of rows is not known before there are dumps: give it with --rows, or as "
            "records.split.rows"
        )
    return round(sum(_rows_of(path) for path in there))


def _rows_of(dump: Path) -> float:
    """The rows of a dump: Parquet says them, lines are counted at its start, JSON goes by bytes.

    Raises:
        InputError: it cannot be read.
    """
    # Imported here, as Snakemake's own environment may lack what reading dumps takes.
    from redwood.readers.compression import DAMAGES, contents, opened

    size = dump.stat().st_size
    if format_of(dump) == "parquet":
        from pyarrow import ArrowInvalid, parquet

        try:
            return parquet.read_metadata(dump).num_rows
        except ArrowInvalid as error:
            raise InputError(f"{dump}: not a Parquet file: {error}") from None
    if ".json" in dump.suffixes:
        return size / _BYTES_PER_JSON_ROW[dump.suffix]
    lines = seen = 0
    with opened(dump, str(dump)) as raw:
        try:
            for piece in contents(raw, str(dump), _LOOKED_AT_BYTES):
                lines, seen = lines + piece.count(b"\n"), seen + len(piece)
                if seen >= _LOOKED_AT_BYTES:
                    break
        except (*DAMAGES, EOFError):
            # The rows before the damage count; cleaning says where it is.
            pass
        return lines * size / max(1, raw.tell())
