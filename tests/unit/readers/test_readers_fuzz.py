"""Whatever a dump holds, every record is kept or rejected, or one clear error refuses the file."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.job_table import RAW_COLUMNS
from redwood.readers.reading import Source, read
from redwood.records.cleaning import clean

FUZZING = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
COLUMNS = ("pandaid", "creationtime", "computingsite", "cpuconsumptiontime", "jobstatus")
OPTIONS = Cleaning(analysis_of_daod=False, features=("creationtime", "computingsite", "workload"))
WORDS = st.sampled_from(
    ["", "1", "-1", "NULL", "CERN", "finished", "2024-01-27 02:51:00", "1e400", "9" * 40, "é", "0"]
)
# Without what the formats give a meaning, and lone surrogates, which no file in UTF-8 has.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=9)
TABLE = st.lists(st.tuples(*[st.one_of(WORDS, TEXT)] * len(COLUMNS)), min_size=1, max_size=12)
CUTS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from(['"', "\0", "\n", ",", "{", "}", "\xe9", "", "[,"])),
    max_size=4,
)


def as_csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    return text.getvalue()


def as_json_lines(rows: list[tuple[str, ...]]) -> str:
    return "".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows)


def as_json_array(rows: list[tuple[str, ...]]) -> str:
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows], indent=1)


WRITERS = {"a.csv": as_csv, "a.jsonl": as_json_lines, "b.json": as_json_array}


def records_in(path: Path) -> int:
    """How many records a file has, readable or not; each has one number."""
    numbers = []
    for chunk in read(Source(path, path.name, {}, RAW_COLUMNS)):
        numbers += [*chunk.records.tolist(), *(entry.record for entry in chunk.unreadable)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    return len(numbers)


@FUZZING
@given(rows=TABLE, name=st.sampled_from(sorted(WRITERS)), cuts=CUTS, end=st.floats(0.3, 1))
def test_a_spoilt_table_is_accounted_for(
    tmp_path: Path, rows: list[tuple[str, ...]], name: str, cuts: list, end: float
) -> None:
    text = WRITERS[name](rows)
    for place, spoiler in cuts:
        at = round(place * len(text))
        text = text[:at] + spoiler + text[at + (not spoiler) :]
    (tmp_path / name).write_bytes(text[: round(end * len(text))].encode("utf-8", "replace"))
    try:
        records = records_in(tmp_path / name)
        clean([tmp_path / name], tmp_path / "out", "test", 1, OPTIONS)
    except InputError:
        return
    account = json.loads((tmp_path / "out" / "cleaning.json").read_text())["rows"]
    assert account["input"] == records == account["kept"] + account["rejected"]
    rejected = pd.read_parquet(tmp_path / "out" / "rejected.parquet")
    assert len(rejected) == account["rejected"]
    assert rejected["record"].is_unique
