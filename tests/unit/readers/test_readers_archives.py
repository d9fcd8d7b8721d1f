"""Logs of the Parallel and the Grid Workloads Archive, as they are found."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole_dump import Read

from redwood.configuration import Cleaning
from redwood.readers import blocks
from redwood.readers.archives import CPU_ASSUMPTION, IN_1970, NEGATIVE, UNIX_TIMES
from redwood.readers.foreign import FILE_IS_SITE
from redwood.readers.log_lines import FEWER_FIELDS, MORE_FIELDS
from redwood.records.cleaning import clean
from redwood.tables import TableDescription, read_table


@pytest.fixture(params=[128, 1 << 24])
def _blocks(request: pytest.FixtureRequest) -> None:
    """Files are read in blocks of so many bytes: a line, and more than a file."""
    blocks.BLOCK_BYTES = request.param


SMALL_BLOCKS = pytest.mark.usefixtures("_blocks")
SWF = """\
; Version: 2.2
; Computer: Test cluster
; UnixStartTime: 1000000000
; Queue:  1 [fque:1]
; Partition:  1 DEFAULT
;
1 0 100 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
2 10 -1 50 4 -1 -1 4 60 -1 5 5 2 -1 -1 -1 -1 -1
3 20 0 50 -1 -1 -1 -1 60 -1 -1 -1 -1 -1 1 -1 -1 -1
too short
x y z 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
4 nan 0 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
5 0 1e999 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
6 0 0 1e200 1e200 1e200 -1 4 60 -1 1 5 2 -1 1 1 -1 -1
"""
JOB = "{} {} 10 50 4 40 -1 4 60 -1 1 5 2 -1 1 1 -1 -1"


@SMALL_BLOCKS
def test_standard_workload_format(tmp_path: Path) -> None:
    found = Read(tmp_path / "a.swf.gz", gzip.compress(SWF.encode()))
    cells = found.cells
    assert cells["creationtime"] == ["1000000000", "1000000010", "1000000020"]
    assert cells["starttime"] == ["1000000100", None, "1000000020"]
    assert cells["endtime"] == ["1000000150", None, "1000000070"]
    # 40 s per processor × 4 processors; then 50 s of run time for want of a CPU time; then unknown.
    assert cells["cpuconsumptiontime"] == ["160", "200", None]
    assert cells["computingsite"] == ["DEFAULT", "Test cluster", "[fque:1]"]
    assert cells["jobstatus"] == ["finished", "cancelled", None]
    assert cells["produsername"] == ["uid 5", "uid 5", None]
    assert cells["workinggroup"] == ["group 2", "group 2", None]
    assert cells["maxwalltime"] == ["60", "60", "60"]
    assert found.unreadable == [
        (10, "wrong_number_of_fields"),
        *((line, "unreadable_row") for line in (11, 12, 13, 14)),
    ]
    assert found.assumptions == {CPU_ASSUMPTION: 1}


@pytest.mark.parametrize(
    ("header", "submits", "created", "assumption"),
    [
        ("; UnixStartTime: 1000000000", (5, 7.5), ["1000000005", "1000000007.5"], None),
        ("; UnixStartTime: 0", (5, 40_000_000), ["5", "40000000"], IN_1970),
        ("; UnixStartTime: -1", (5, 7), ["5", "7"], IN_1970),
        ("; Computer: x", (5, 7), ["5", "7"], IN_1970),
        ("", (5, 7), ["5", "7"], IN_1970),
        ("", (1_700_000_000, 1_700_000_009), ["1700000000", "1700000009"], UNIX_TIMES),
        # Both said and meant: the start must not be counted twice.
        ("; UnixStartTime: 1700000000", (1_700_000_005,), ["1700000005"], UNIX_TIMES),
        ("; UnixStartTime: 0", (1_700_000_005,), ["1700000005"], UNIX_TIMES),
    ],
)
@SMALL_BLOCKS
def test_clocks(
    tmp_path: Path, header: str, submits: tuple, created: list[str], assumption: str | None
) -> None:
    jobs = [JOB.format(number, submit) for number, submit in enumerate(submits, start=1)]
    found = Read(tmp_path / "a.swf", "\n".join([header, *jobs]))
    assert found.cells["creationtime"] == created
    assert found.assumptions == ({} if assumption is None else {assumption: len(submits)})


def test_more_fields_than_the_format_has_are_not_read(tmp_path: Path) -> None:
    names = "id submit wait runtime cpus cpu mem cpusreq walltime memreq status user group app"
    lines = [f"{names} queue partition prec think workflow task"]
    lines += [f"{JOB.format(number, number)} W-{number} {number}" for number in (1, 2)]
    found = Read(tmp_path / "a.swf", "\n".join(lines).replace(" ", "\t"))
    assert found.cells["creationtime"] == ["1", "2"]
    assert found.unreadable == []
    assert found.assumptions == {IN_1970: 2, MORE_FIELDS: 2}


def test_a_log_may_leave_out_the_last_fields_but_a_line_may_not(tmp_path: Path) -> None:
    lines = [" ".join(JOB.format(number, number).split()[:11]) for number in (1, 2)]
    found = Read(tmp_path / "a.swf", "\n".join([*lines, "3 3 10 50", JOB.format(4, 4)]))
    assert found.cells["jobstatus"] == ["finished", "finished"]
    assert found.cells["computingsite"] == ["a", "a"]
    assert "produsername" not in found.cells
    assert found.unreadable == [(3, "wrong_number_of_fields"), (4, "wrong_number_of_fields")]
    assert found.assumptions == {IN_1970: 2, FEWER_FIELDS: 2, FILE_IS_SITE: 2}


@pytest.mark.parametrize(
    ("name", "site"),
    [("nameless.swf.gz", "nameless"), ("my log (2).swf", "my_log_2_"), ("a.b.SWF", "a.b")],
)
def test_a_nameless_machine_is_called_as_the_file(tmp_path: Path, name: str, site: str) -> None:
    text = JOB.format(1, 1).replace(" 1 1 -1 -1", " -1 -1 -1 -1") + "\n"
    content = gzip.compress(text.encode()) if name.endswith("gz") else text
    found = Read(tmp_path / name, content)
    assert found.cells["computingsite"] == [site]
    assert found.assumptions == {IN_1970: 1, FILE_IS_SITE: 1}


def test_negative_numbers_are_unknown(tmp_path: Path) -> None:
    lines = [JOB.format(1, 1).replace(" 10 50 ", " -7 -50 "), JOB.format(2, 2)]
    found = Read(tmp_path / "a.swf", "\n".join(lines))
    assert found.cells["starttime"] == [None, "12"]
    assert found.cells["endtime"] == [None, "62"]
    assert found.assumptions == {IN_1970: 2, NEGATIVE: 1}


def cleaned(tmp_path: Path, name: str, text: str, *features: str) -> list[dict]:
    (tmp_path / name).write_text(text)
    features = ("creationtime", "computingsite", "workload", *features)
    options = Cleaning(analysis_of_daod=False, features=features)
    clean([tmp_path / name], tmp_path / "out", "log", 1, options, workers=1)
    description = TableDescription.load(tmp_path / "out" / "table.json")
    return read_table(tmp_path / "out" / "jobs", description).to_dict("records")


def test_a_job_cancelled_before_it_ran_did_no_work(tmp_path: Path) -> None:
    """Whatever the log has for its wait and run time: 0, -1, or the time until it was cancelled."""
    wait_and_run = ("12 300 8", "900 -1 -1", "900 0 -1", "-1 -1 -1", "5 40 2")
    status = (1, 5, 5, 5, 5)
    lines = [
        f"{number} {number} {times} -1 -1 8 600 -1 {state} 3 1 -1 1 -1 -1 -1"
        for number, (times, state) in enumerate(zip(wait_and_run, status, strict=True), start=1)
    ]
    jobs = cleaned(tmp_path, "a.swf", "; UnixStartTime: 956703600\n" + "\n".join(lines))
    # Core power 10: 300 s × 8 processors, 40 s × 2.
    assert [job["workload"] for job in jobs] == [24_000, 0, 0, 0, 800]
    assert [job["walltime"] == job["walltime"] for job in jobs] == [True, *[False] * 3, True]


def test_the_first_year_of_a_clock_that_starts_at_0_counts(tmp_path: Path) -> None:
    lines = [JOB.format(day + 1, day * 86_400) for day in range(0, 700, 100)]
    jobs = cleaned(tmp_path, "a.swf", "; UnixStartTime: 0\n" + "\n".join(lines))
    assert [str(job["creationtime"])[:10] for job in jobs] == [
        *("1970-01-01", "1970-04-11", "1970-07-20", "1970-10-28", "1971-02-05"),
        *("1971-05-16", "1971-08-24"),
    ]


def test_equal_job_numbers_of_two_logs_are_two_jobs(tmp_path: Path) -> None:
    for name in ("a.swf", "b.swf"):
        lines = [JOB.format(number, number) for number in (1, 2, 2)]
        (tmp_path / name).write_text("\n".join(lines))
    options = Cleaning(analysis_of_daod=False, features=("creationtime", "workload"))
    clean([tmp_path / "a.swf", tmp_path / "b.swf"], tmp_path / "out", "log", 1, options, workers=1)
    description = TableDescription.load(tmp_path / "out" / "table.json")
    assert len(read_table(tmp_path / "out" / "jobs", description)) == 4


GWF = """\
# Grid Workload Format: JobID SubmitTime WaitTime ...
#JobID\tSubmitTime
0 1136070024 10 3600 2 1700 -1 2 7200 -1 1 U12 G1 X3 Q0 -1 G1/site4 G1/site4/c3 UNITARY -1 -1 -1 -1 -1 -1 -1 -1 VO1 -1
1 1136070030 -1 0 -1 -1 -1 4 7200 -1 5 U7 G2 X3 Q0 -1 G1/site4 -1 UNITARY -1 -1 -1 -1 -1 -1 -1 -1 -1 -1
2 1136070040 5 100 3 -1 -1 3 -1 -1 0 U12 G1 X3 -1 -1 -1 -1 BoT 1 -1 -1 -1 -1 -1 -1 -1 -1 -1
3 11360x0040 5 100 3 -1 -1 3 -1 -1 0 U12 G1 X3 -1 -1 -1 -1 BoT 1 -1 -1 -1 -1 -1 -1 -1 -1 -1
4 1136070040 5
"""  # noqa: E501


@SMALL_BLOCKS
def test_grid_workload_format(tmp_path: Path) -> None:
    found = Read(tmp_path / "auver.gwf", GWF)
    assert found.cells["creationtime"] == ["1136070024", "1136070030", "1136070040"]
    assert found.cells["starttime"] == ["1136070034", None, "1136070045"]
    assert found.cells["endtime"] == ["1136073634", None, "1136070145"]
    assert found.cells["cpuconsumptiontime"] == ["3400", None, "300"]
    assert found.cells["computingsite"] == ["G1/site4/c3", "G1/site4", "auver"]
    assert found.cells["jobstatus"] == ["finished", "cancelled", "failed"]
    assert found.cells["produsername"] == ["U12", "U7", "U12"]
    assert found.cells["workinggroup"] == ["VO1", "G2", "G1"]
    assert found.cells["corecount"] == ["2", "4", "3"]
    assert found.unreadable == [(6, "unreadable_row"), (7, "wrong_number_of_fields")]
    assert found.assumptions == {UNIX_TIMES: 3, CPU_ASSUMPTION: 1, FILE_IS_SITE: 1}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.lists(
            st.one_of(
                st.integers(-2, 10).map(str),
                st.sampled_from(["1e999", "nan", "-", ";", "#", "x", "1.5", "9" * 30, "٣"]),
            ),
            min_size=1,
            max_size=30,
        ),
        max_size=8,
    ),
    st.sampled_from(["a.swf", "a.gwf"]),
)
def test_any_line_is_a_job_or_has_a_reason(
    tmp_path: Path, lines: list[list[str]], name: str
) -> None:
    found = Read(tmp_path / name, JOB.format(1, 1) + "\n" + "\n".join(map(" ".join, lines)))
    comments = sum(line[0] in (";", "#") for line in lines)
    blank = sum(not " ".join(line).strip() for line in lines)
    assert len(found.lines) + len(found.unreadable) == 1 + len(lines) - comments - blank
