"""JSON: its shapes, how keys are spelled, what is broken in it, and the engine that reads it."""

import json
from pathlib import Path

import pytest
from whole_dump import Read

from redwood.errors import InputError
from redwood.job_table import RAW_COLUMNS
from redwood.readers import blocks, json_objects

RECORDS = [
    {"PandaID": 12345678901234567890, "jobstatus": None, "nevents": 3},
    {"pandaid": 8, "jobstatus": "finished", "WORKINGGROUP": "\ud800", "maxwalltime": 0.1},
    {"pandaid": True, "x": [1, {"y": "}]"}], "jobstatus": {"a": ["}"]}},
]
LINE = [json.dumps(record) for record in RECORDS]
SHAPES = {
    "lines": "\n".join(LINE) + "\n",
    "lines without an end": "\n\n".join(LINE),
    "array in a line": f"[{','.join(LINE)}]",
    "array": f"\n[\n{', '.join(LINE)}\n]\n",
    "pretty array": json.dumps(RECORDS, indent=2),
    "objects on a line": "".join(LINE),
    "pretty objects": "\n".join(json.dumps(record, indent=1) for record in RECORDS),
    "envelope": json.dumps({"selectionsummary": [{"jobs": 1}], "jobs": RECORDS, "errsByCount": []}),
    "pretty envelope": json.dumps({"a": {"jobs": [3]}, "jobs": RECORDS, "errs": {}}, indent=4),
    "Elasticsearch": "\n".join(json.dumps({"_id": "1", "_source": record}) for record in RECORDS),
    "array of hits": json.dumps([{"_id": "1", "_source": record} for record in RECORDS]),
    "answer of Elasticsearch": json.dumps(
        {"took": 1, "hits": {"total": 3, "hits": [{"_source": record} for record in RECORDS]}}
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_json(tmp_path: Path, shape: str, block_bytes: int) -> None:
    # A line, and what stands before the list of an envelope, must fit into a block.
    blocks.BLOCK_BYTES = max(block_bytes, 256)
    found = Read(tmp_path / "a.json", SHAPES[shape])
    assert found.unreadable == []
    assert found.cells["pandaid"] == ["12345678901234567890", "8", "true"]
    assert found.cells["jobstatus"][:2] == [None, "finished"]
    assert json.loads(found.cells["jobstatus"][2]) == {"a": ["}"]}
    assert found.cells["workinggroup"] == [None, "?", None]
    assert found.cells["maxwalltime"] == [None, "0.1", None]
    assert set(found.cells) <= RAW_COLUMNS


@pytest.mark.usefixtures("block_bytes")
def test_broken_lines_of_json(tmp_path: Path) -> None:
    found = Read(
        tmp_path / "a.jsonl",
        '{"pandaid": 1}\n{broken\n\n[1, 2]\n{"pandaid": NaN, "jobstatus": "failed"}\n'
        '{"PANDAID": 2, "jobstatus": "a\tb"}\n{"other": 1}\n"text"\n{"pandaid": 3',
    )
    assert found.cells["pandaid"] == ["1", "NaN", "2", None]
    assert found.cells["jobstatus"] == [None, "failed", "a\tb", None]
    assert found.unreadable == [
        (2, "invalid_json"),
        (4, "not_a_json_object"),
        (8, "not_a_json_object"),
        (9, "invalid_json"),
    ]


def test_broken_elements_of_an_array(tmp_path: Path) -> None:
    text = '[{"pandaid": 1},\n7,\n{"pandaid": , "x": {}},\n{"pandaid": 3},\n{"pan'
    found = Read(tmp_path / "a.json", text)
    assert found.cells["pandaid"] == ["1", "3"]
    assert found.lines == [1, 4]
    assert found.unreadable == [(2, "not_a_json_object"), (3, "invalid_json"), (5, "invalid_json")]


NUMBERS = ["1", "12345678901234567890123", "-7", "0.5", "NaN", "Infinity", "-Infinity", "1E400"]


@pytest.mark.parametrize("shape", ["{}\n", "[{}]", "[{},\n{{}}]"])
def test_values_are_text_as_written(tmp_path: Path, shape: str) -> None:
    for number in (*NUMBERS, "9" * 5000):
        text = shape.format(f'{{"pandaid": {number}, "jobstatus": "NULL"}}')
        found = Read(tmp_path / "a.json", text)
        assert found.cells["pandaid"][0] == number
        assert found.cells["jobstatus"][0] == "NULL"


@pytest.mark.parametrize("shape", ["{}\n", "[{}]"])
def test_nested_values_are_their_json(tmp_path: Path, shape: str) -> None:
    value = '{"a":[1,12345678901234567890,"é\\"",true,null]}'
    found = Read(tmp_path / "a.json", shape.format(f'{{"pandaid": {value}}}'))
    assert found.cells["pandaid"] == [value]


@pytest.mark.parametrize("shape", ["{}\n", "[{}]"])
@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_no_depth_is_too_much(tmp_path: Path, shape: str, bracket: str) -> None:
    deep = '{"pandaid": 1, "x": ' + bracket[0] * 100_000 + bracket[1] * 100_000 + "}"
    good = '{"pandaid": 2}'
    between = "\n" if shape.endswith("\n") else ",\n"
    found = Read(tmp_path / "a.json", shape.format(good + between + deep + between + good))
    assert found.cells["pandaid"] in (["2", "2"], ["2", "1", "2"])


def test_answers_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    answers = [
        {"hits": {"total": 2, "hits": [{"_source": record} for record in RECORDS[:2]], "x": [{}]}},
        {"jobs": [], "errsByCount": [{"error": "x"}, {"error": "y"}]},
        {"jobs": RECORDS[2:], "errsByCount": []},
    ]
    found = Read(path, "\n".join(map(json.dumps, answers)))
    assert found.cells["pandaid"] == ["12345678901234567890", "8", "true"]
    assert found.lines == [1, 1, 3]
    assert found.unreadable == []
    text = f"[{json.dumps(RECORDS[:1])}, {json.dumps(RECORDS[1:])}]\n[{LINE[0]}]"
    assert len(Read(path, text).lines) == 4


def test_lists_after_single_records_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.json: has single records first and lists"):
        Read(tmp_path / "a.json", f'{LINE[1]}\n{{"jobs": [{LINE[1]}]}}\n')


def test_nothing_found_is_not_an_error(tmp_path: Path) -> None:
    for text in ("[]", '{"jobs": [], "errsByCount": []}', '{"hits": {"hits": []}}'):
        assert Read(tmp_path / "a.json", text).lines == []


def many(number: int, **others: object) -> list[dict[str, object]]:
    return [{"pandaid": i, "jobstatus": "finished", **others} for i in range(number)]


LAYOUTS = {
    "lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "array": lambda rows: "[" + ",\n".join(map(json.dumps, rows)) + "]",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rare_keys_and_spellings_lose_no_cell(tmp_path: Path, layout: str) -> None:
    """What a sample of a block does not show is found nevertheless."""
    rows = many(5000)
    rows[777]["corecount"] = 8
    rows[1234] = {"PandaID": 1234, "JobStatus": "failed", "actualCoreCount": 4}
    rows[2345] = {"_source": {"pandaid": 2345, "jobstatus": "closed"}}
    rows[3456] = {"_source.pandaid": 3456, "jobstatus": "holding"}
    for i in range(4000, 4500):
        rows[i] = {"PANDAID": i, "JOBSTATUS": "cancelled"}
    rows[4321]["HS06SEC"] = 7
    found = Read(tmp_path / "a.json", LAYOUTS[layout](rows))
    assert found.unreadable == []
    assert found.lines == list(range(1, 5001))
    assert found.cells["pandaid"] == [str(i) for i in range(5000)]
    assert found.cells["jobstatus"][4000:4500] == ["cancelled"] * 500
    states = [found.cells["jobstatus"][i] for i in (777, 1234, 2345, 3456)]
    assert states == ["finished", "failed", "closed", "holding"]
    for name, place, cell in (
        ("corecount", 777, "8"),
        ("actualcorecount", 1234, "4"),
        ("hs06sec", 4321, "7"),
    ):
        assert found.cells[name][place] == cell
        assert found.cells[name].count(None) == 4999


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_broken_object_in_many(tmp_path: Path, layout: str) -> None:
    text = LAYOUTS[layout](many(5000)).replace('{"pandaid": 2500,', '{"pandaid": 2500;')
    found = Read(tmp_path / "a.json", text)
    assert found.unreadable == [(2501, "invalid_json")]
    assert len(found.lines) == 4999
    assert found.lines[2500] == 2502


def test_an_object_of_any_length_takes_no_other_and_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_objects, "_LONGEST_OBJECT", 5000)
    blocks.BLOCK_BYTES = 1000
    long = f'{{"pandaid": "{"x" * 300_000}"}}'
    found = Read(tmp_path / "a.json", f"[{LINE[1]},\n{long},\n{LINE[1]}\n]")
    assert found.cells["pandaid"] == ["8", "8"]
    assert found.unreadable == [(2, "line_too_long")]
    found = Read(tmp_path / "a.json", f"{LINE[1]}\n{long}\n{LINE[1]}\n")
    assert found.lines == [1, 3]
    assert found.unreadable == [(2, "line_too_long")]


@pytest.mark.parametrize("shape", ["{}\n{}\n", "[{},{}]"])
def test_bytes_that_are_no_utf8(tmp_path: Path, shape: str) -> None:
    one = '{"pandaid": 1, "workinggroup": "café"}'
    data = shape.format(one, one.replace("1", "2")).encode().replace(b"\xc3\xa9", b"\xe9", 1)
    found = Read(tmp_path / "a.json", data)
    assert found.cells["workinggroup"] == ["café", "café"]
    assert found.assumptions == {blocks.LATIN_1: 1}


def test_lines_of_blanks_are_no_records(tmp_path: Path) -> None:
    found = Read(tmp_path / "a.json", f"\ufeff  \n{LINE[1]}\n \t \n{LINE[1]}\n   ")
    assert found.lines == [2, 4]
    assert found.unreadable == []


@pytest.mark.parametrize("spelled", ["kerne", "KERNE"])
def test_names_of_the_configuration(tmp_path: Path, spelled: str) -> None:
    rows = [{"PANDAID" if spelled.isupper() else "pandaid": i} for i in range(900)]
    rows[151][spelled] = 3
    found = Read(tmp_path / "a.json", "\n".join(map(json.dumps, rows)), kerne="corecount")
    assert found.cells["corecount"][151] == "3"


def test_a_rare_key_where_case_is_mixed(tmp_path: Path) -> None:
    for wrap in (lambda row: row, lambda row: {"_source": row}):
        rows = [{"PandaID": i, "jobStatus": "x"} for i in range(900)]
        rows[151]["coreCount"] = 3
        found = Read(tmp_path / "a.json", "\n".join(json.dumps(wrap(row)) for row in rows))
        assert found.cells["corecount"][151] == "3"


def test_the_engine_leaves_nothing_behind_and_quotes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "here"))
    text = '{"pandaid": 1}\n{"produsername": jane doe}\n' + "\n".join(LINE)
    assert Read(tmp_path / "a.json", text).unreadable == [(2, "invalid_json")]
    assert list((tmp_path / "here").iterdir()) == []
    assert "doe" not in "".join(capfd.readouterr())
