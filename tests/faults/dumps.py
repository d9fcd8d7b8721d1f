"""Damaged and strange dumps: cleaning accounts for every row, or refuses in a line."""

import csv
import gzip
import io
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from tests.faults.journal import Outcome
from tests.forks import Answer, Forks
from tests.unit.records.panda_job import DATASET, JOB

SURVIVED = (
    "`redwood records clean` ends with exit status 0 and each row is kept, or rejected with a "
    "reason; or with exit status 1 and one line that names the file, or the key of the "
    "configuration that the dumps cannot meet, and without results; within 60 s and 2 GB; no name "
    "of a person is in any byte that is written or said; no key, nothing half-written is left"
)
# Marks the names of all persons, in whatever case they come out.
MARK: Final = "zqx"
# A dump of a few rows takes a second or two.
LIMIT_S, PEAK_BYTES = 60, 2e9
_REDWOOD = Forks(
    *("redwood.command_line", "redwood.api", "redwood.card.page", "redwood.records.cleaning"),
    "matplotlib.backends.backend_svg",
)
COMPRESSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".zst": zstandard.ZstdCompressor().compress,
}
# Columns that hold words, into which a name may slip.
WORDS = (
    *("COMPUTINGSITE", "WORKINGGROUP", "PRODDBLOCK", "INPUTFILEPROJECT", "INPUTFILETYPE"),
    *("PROCESSINGTYPE", "PRODSOURCELABEL", "JOBSTATUS", "DESTINATIONDBLOCK"),
)


@dataclass
class Dump:
    """A table, and how it becomes a file.

    Attributes:
        random: source of randomness.
        form: how it is written.
        columns, rows: names, and cells: text, numbers, `None`, or bytes that stand in JSON as such.
        counted: whether the file will have as many records as there are rows.
        written, packed: spoil the bytes, before and after they are compressed.
        types: column → its type in Parquet, where it is not that of the cells.
    """

    random: random.Random
    form: str
    columns: list[str]
    rows: list[list[Any]]
    counted: bool = True
    written: Callable[[bytes], bytes] = bytes
    packed: Callable[[bytes], bytes] = bytes
    types: dict[str, pa.DataType] = field(default_factory=dict)

    def spoil_cells(self, cells: tuple[Any, ...]) -> None:
        """Put some of these into some columns, of all rows or of some."""
        share = self.random.choice((0.1, 0.5, 1))
        for column in self.random.sample(range(len(self.columns)), self.random.randint(1, 5)):
            for row in self.rows:
                if self.random.random() < share:
                    row[column] = self.random.choice(cells)

    def content(self, compress: Callable[[bytes], bytes]) -> bytes:
        return self.packed(compress(self.written(WRITERS[self.form](self))))


def sound(chance: random.Random, form: str) -> Dump:
    """A dump with nothing wrong but names of persons in columns of other words."""
    if form == "swf":
        job = [9, 50, 4, 40, -1, 4, 60, -1, 1, 5, 2, -1, 1, 1, -1, -1]
        rows = [[number, 60 * number, *job] for number in range(1, chance.randint(2, 40))]
        return Dump(chance, form, [str(number) for number in range(18)], rows)
    columns = [*JOB, *(name for name in WORDS if name not in JOB)]
    jobs = [_job(chance, number) for number in range(chance.randint(1, 40))]
    rows = [[job.get(name) for name in columns] for job in jobs]
    if chance.random() < 0.5:
        columns = [name.lower() for name in columns]
    return Dump(chance, form, columns, rows)


def _job(chance: random.Random, number: int) -> dict[str, str]:
    login = f"{MARK}{chance.randint(10, 99)}"
    full = f"{MARK.title()}{login[3:]} Marker"
    job = {
        **JOB,
        "PANDAID": str(100 + number),
        "JEDITASKID": str(chance.randint(1, 9)),
        "CREATIONTIME": f"2024-01-{chance.randint(1, 27)} 02:51:00",
        "COMPUTINGSITE": chance.choice(("CERN", "BNL_PROD", "AGLT2")),
        "JOBSTATUS": chance.choice(("finished", "failed", "closed", "running")),
        "PRODUSERNAME": chance.choice((full, login, f"{login}@mail.example")),
        "PRODUSERID": f"/DC=ch/CN={login}/CN={full}",
        "JOBNAME": f"user.{login}.test/.{number}",
        "WORKINGGROUP": chance.choice(("", "phys-higgs")),
        "INPUTFILEPROJECT": DATASET.split(":")[0],
        "INPUTFILETYPE": "DAOD_PHYS",
    }
    if chance.random() < 0.4:
        names = (
            *(login, full, login.upper(), f"{login}@mail.example", full.replace(" ", "_")),
            *(f"ANALY_{login}", f"CERN-{login}", f"phys-{login}", f"DAOD_{login.upper()}"),
            *(f"user.{login}", f"user.{login}:user.{login}.data.v1/", f"/DC=ch/CN={login}"),
        )
        job[chance.choice(WORDS)] = chance.choice(names)
    return job


def _text(cell: Any) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell)


def _csv(dump: Dump) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dump.random.choice(",,;\t|"), lineterminator="\n")
    writer.writerows([dump.columns, *(map(_text, row) for row in dump.rows)])
    return text.getvalue().encode()


def _objects(dump: Dump) -> Iterator[str]:
    """By hand: names may stand twice."""
    for row in dump.rows:
        cells = (cell.decode() if isinstance(cell, bytes) else json.dumps(cell) for cell in row)
        pairs = zip(map(json.dumps, dump.columns), cells, strict=True)
        yield "{" + ", ".join(f"{name}: {cell}" for name, cell in pairs) + "}"


def _parquet(dump: Dump) -> bytes:
    arrays = []
    for number, name in enumerate(dump.columns):
        cells = [row[number] for row in dump.rows]
        if name in dump.types:
            arrays.append(pa.nulls(len(cells), dump.types[name]))
            continue
        try:
            arrays.append(pa.array(cells))
        except (pa.ArrowException, OverflowError):
            arrays.append(pa.array([None if cell is None else _text(cell) for cell in cells]))
    stream = io.BytesIO()
    pq.write_table(pa.table(arrays, dump.columns), stream, row_group_size=16)
    return stream.getvalue()


def _swf(dump: Dump) -> bytes:
    # A machine is no person: shared by enough owners its name is that of the site.
    header = f"; Computer: Iota cluster\n; Note: {MARK}2 Marker\n; UnixStartTime: 1000000000\n"
    return "".join([header, *(" ".join(map(_text, row)) + "\n" for row in dump.rows)]).encode()


def _joined(begin: str, between: str, end: str) -> Callable[[Dump], bytes]:
    return lambda dump: (begin + between.join(_objects(dump)) + end).encode()


JSON: Final = {
    "jsonl": _joined("", "\n", "\n"),
    "array": _joined("[", ",\n", "]"),
    "answer": _joined('{"jobs": [', ", ", '], "errors": []}'),
    "hits": _joined('{"hits": {"hits": [{"_source": ', '}, {"_source": ', "}]}}"),
}
WRITERS: Final = {"csv": _csv, **JSON, "parquet": _parquet, "swf": _swf}


def _ending(form: str) -> str:
    return "json" if form in JSON and form != "jsonl" else form


def _anywhere(spoil: Callable[[random.Random, bytearray], None]) -> Callable[[Dump], None]:
    """Spoils bytes before or after they are compressed."""

    def apply(dump: Dump) -> None:
        def spoilt(content: bytes) -> bytes:
            changed = bytearray(content)
            spoil(dump.random, changed)
            return bytes(changed)

        dump.counted = False
        setattr(dump, dump.random.choice(("written", "packed")), spoilt)

    return apply


def _flip(chance: random.Random, content: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 3, 20))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _cut_off(chance: random.Random, content: bytearray) -> None:
    del content[chance.randrange(len(content)) :]


def _other_bytes(chance: random.Random, content: bytearray) -> None:
    for _ in range(chance.randint(1, 4)):
        begin = chance.randrange(len(content) + 1)
        old = bytes(content[begin : begin + chance.choice((1, 7, 500))])
        signs = bytes(chance.choices(b"\"',;:{}[]\\\n\r\t\x00\xff\xc3 0-eEn", k=5))
        new = (signs, signs + old, b"", old * 2, bytes(len(old)), chance.randbytes(len(old)))
        content[begin : begin + len(old)] = chance.choice(new)


def _columns(dump: Dump) -> None:
    chance = dump.random
    for _ in range(chance.randint(1, 4)):
        order = list(range(len(dump.columns)))
        change = chance.randrange(5)
        if change == 0:
            del order[chance.randrange(len(order))]
        elif change == 1:
            order.append(chance.choice(order))
        elif change == 2:
            chance.shuffle(order)
        elif change == 3:
            names = ("", " ", "PandaID", "_source.pandaid", f"{MARK}9", "é", "a,b", '"', "x" * 5000)
            dump.columns[chance.choice(order)] = chance.choice(names)
        else:
            order.append(len(order))
            dump.columns.append(f"column {len(order)}")
            for row in dump.rows:
                row.append(chance.choice((1, None, f"user.{MARK}7", "x")))
        dump.columns = [dump.columns[place] for place in order]
        dump.rows = [[row[place] for place in order] for row in dump.rows]
    dump.counted = dump.form != "swf"


def _wrong_types(dump: Dump) -> None:
    dump.spoil_cells(
        (
            *("text", f"{MARK}5", True, False, 1.5, 7, "2024-13-45 99:99:99", "1/27/2025 2:51"),
            *("0x1f", "١٢", "1,5", "--", "1e3", "\u200b", "=1+1", "a\nb", 'a"b', "None", "NaN"),
        )
    )
    types = (
        *(pa.bool_(), pa.binary(), pa.date32(), pa.time64("us"), pa.duration("s"), pa.null()),
        *(pa.decimal128(38, 9), pa.float16(), pa.timestamp("ns", "Asia/Tokyo"), pa.uint64()),
        *(pa.dictionary(pa.int8(), pa.string()), pa.list_(pa.string()), pa.large_string()),
    )
    for column in dump.random.sample(dump.columns, dump.random.randint(0, 3)):
        dump.types[column] = dump.random.choice(types)
    dump.counted = dump.form != "swf"


def _huge_numbers(dump: Dump) -> None:
    dump.spoil_cells(
        (
            *(2**31, 2**63, -(2**63), 2**64 + 1, 10**18, 10**30, -1, 1e20, 1e308, -1e-300),
            *("1e999", "-1e999", "1e-999", "9" * 400, f"0.{'0' * 400}1", "inf", "-Infinity"),
            *("nan", 253402300800),
        )
    )


def _empty_cells(dump: Dump) -> None:
    dump.spoil_cells((None, "", "NULL", "null", "\\N", "None", "-", "N/A", " "))
    dump.counted = dump.form != "swf"


def _nested(dump: Dump) -> None:
    if dump.form not in JSON:
        other = sound(dump.random, dump.random.choice([*JSON]))
        dump.form, dump.columns, dump.rows = other.form, other.columns, other.rows
    for row in dump.rows[: dump.random.randint(1, 3)]:
        depth = dump.random.choice((1, 3, 60, 1000, 100_000))
        begin, end = dump.random.choice((("[", "]"), ('{"a":', "}"), ('[{"jobs":', "}]")))
        cell = begin * depth + f'"{MARK}6"' + end * depth
        row[dump.random.randrange(len(row))] = cell.encode()


def _encodings(dump: Dump) -> None:
    name = dump.random.choice(("utf-16", "utf-16-le", "utf-32", "latin-1", "utf-8-sig", "cp500"))
    word = dump.random.choice(("Müller", "Дж", "名", "\U0001f600", "e\u0301", "\ufeff"))
    dump.spoil_cells((f"{word}{MARK}8",))
    inside = "latin-1" if dump.form == "parquet" else "utf-8"
    dump.written = lambda content: content.decode(inside).encode(name, errors="replace")
    dump.counted = False


def _empty(dump: Dump) -> None:
    dump.rows = []
    little = dump.random.choice(
        (None, b"", b"\n", b"\xef\xbb\xbf", b"[]", b"{}", b"null", b" \n \n", bytes(64), b"{", b'"')
    )
    dump.written = lambda content: content if little is None else little
    dump.counted = False


def _another_format(dump: Dump) -> None:
    forms = [form for form in WRITERS if _ending(form) != _ending(dump.form)]
    other = sound(dump.random, dump.random.choice(forms))
    other = replace(other, packed=dump.random.choice((bytes, gzip.compress)))
    compress = dump.random.choice([*COMPRESSIONS.values()])
    dump.written = lambda content: other.content(compress)
    dump.counted = False


# Their lines in the table, and how a dump is spoilt.
KINDS: Final[dict[str, Callable[[Dump], None]]] = {
    "bits flipped": _anywhere(_flip),
    "cut off": _anywhere(_cut_off),
    "bytes inserted, lost, doubled or overwritten": _anywhere(_other_bytes),
    "columns missing, added, doubled, renamed or in another order": _columns,
    "cells of the wrong type": _wrong_types,
    "huge, tiny and impossible numbers": _huge_numbers,
    "cells empty or null": _empty_cells,
    "values nested up to 100,000 deep": _nested,
    "other encodings": _encodings,
    "empty, or nearly": _empty,
    "another format than the name says": _another_format,
}
# The paper's jobs, and all jobs that have the least that is needed.
OPTIONS: Final = ((), ("--all-jobs", "--features", "creationtime,computingsite,workload"))


def fault(folder: Path, chance: random.Random, kind: str) -> Outcome:
    """Clean a damaged dump, by itself or beside a sound one.

    Args:
        folder: what it reads and writes; emptied first.
        chance: source of randomness.
        kind: how it is damaged.
    """
    dump = sound(chance, chance.choice([*WRITERS]))
    KINDS[kind](dump)
    compression = chance.choice([*COMPRESSIONS])
    shutil.rmtree(folder, ignore_errors=True)
    raw, output = folder / "raw", folder / "out"
    raw.mkdir(parents=True)
    path = raw / f"damaged.{_ending(dump.form)}{compression}"
    path.write_bytes(dump.content(COMPRESSIONS[compression]))
    if chance.random() < 0.3:
        (raw / "sound.csv").write_bytes(sound(chance, "csv").content(bytes))
    options = chance.choice(OPTIONS)
    arguments = ("--output", output, "--workers", "1", *options)
    answer = _REDWOOD.run("records", "clean", raw, *arguments, limit_s=LIMIT_S)
    rows = len(dump.rows) if dump.counted else None
    return Outcome(kind, path.name, "; ".join(_wrong(answer, output, path.name, rows)))


def _wrong(answer: Answer, output: Path, name: str, rows: int | None) -> Iterator[str]:
    """What is wrong with an answer and what it left, if the dump `name` has so many rows."""
    refusals = [line for line in answer.said.splitlines() if line.startswith("redwood: ")]
    files = [path for path in output.rglob("*") if path.is_file()]
    left = {path.relative_to(output).parts[0] for path in files}
    if answer.status == 1:
        if len(refusals) != 1 or not (name in refusals[0] or "records.cleaning." in refusals[0]):
            yield f"not one line that names the file: {answer.said[-500:]}"
        # If no row is left these say why.
        if left and left != {"cleaning.json", "rejected.parquet"}:
            yield f"refused, and left {', '.join(sorted(left))}"
    elif answer.status or refusals:
        yield f"exit status {answer.status}: {answer.said[-500:]}"
    if "Traceback" in answer.said or "Warning" in answer.said:
        yield f"a traceback or warning: {answer.said[-500:]}"
    if answer.peak_bytes > PEAK_BYTES:
        yield f"took {answer.peak_bytes / 1e9:.1f} GB"
    if "cleaning.json" in left:
        yield from _wrong_account(output, name, rows)
    for path in files:
        if path.name.endswith(".partial") or path.name == ".hash_key":
            yield f"left {path.name}"
        yield from _names(str(path.relative_to(output)), _texts(path))
    yield from _names("what is said", [answer.said])


def _wrong_account(output: Path, name: str, rows: int | None) -> Iterator[str]:
    account = json.loads((output / "cleaning.json").read_text())
    kept = sum(pq.read_metadata(file).num_rows for file in output.glob("jobs/*/*.parquet"))
    rejected = pq.read_table(output / "rejected.parquet", columns=["file", "record"])
    distinct = len(rejected.group_by(["file", "record"]).aggregate([]))
    by_reason = sum(step["rejected"] for step in account["steps"])
    by_reason += sum(account["unreadable"].values())
    counted = {"input": kept + distinct, "kept": kept, "rejected": distinct}
    if account["rows"] != counted or not by_reason == distinct == len(rejected):
        yield f"the account has {account['rows']}, the files have {counted}"
    [entry] = [one for one in account["files"] if one["file"] == name]
    if rows is not None and entry["rows"] != rows:
        yield f"the account has {entry['rows']} rows of {name}, which has {rows}"


def _texts(path: Path) -> Iterator[str]:
    """The bytes of a file, and the cells if it is a table."""
    yield path.read_bytes().decode("latin-1")
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        yield table.schema.to_string(show_schema_metadata=True)
        yield from ("\n".join(map(str, column.to_pylist())) for column in table.columns)


def _names(where: str, texts: Iterator[str] | list[str]) -> Iterator[str]:
    for text in texts:
        if (at := text.lower().find(MARK)) >= 0:
            yield f"a name in {where}: {text[max(0, at - 40) : at + 40]!r}"
            return
