"""The downloader: what it asks a BigPanDA monitor for, and what it writes."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bigpanda_monitor import (
    DAY,
    NOON,
    NOTES,
    TOKEN,
    USER,
    Monitor,
    answering,
    hourly_jobs,
    ids_in,
    jobs_in,
    make_job,
    make_options,
    running,
)

from redwood import job_table
from redwood.errors import InputError
from redwood.readers.reading import Source, find_files, read
from redwood.records import bigpanda
from redwood.records.bigpanda import ENVIRONMENT_VARIABLE, Window, download, file_names, windows


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for; none is waited for."""
    waits: list[float] = []
    monkeypatch.setattr(bigpanda, "sleep", waits.append)
    return waits


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Monitor]:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running() as monitor:
        yield monitor


def test_windows_cover_the_time_once_and_in_order() -> None:
    options = make_options(sites=("B", "A"), end=DAY + timedelta(hours=25), window_hours=12)
    second, last, end = NOON, DAY + timedelta(hours=24), DAY + timedelta(hours=25)
    assert windows(options) == (
        Window("B", DAY, second),
        Window("A", DAY, second),
        Window("B", second, last),
        Window("A", second, last),
        Window("B", last, end),
        Window("A", last, end),
    )


def test_file_names_tell_site_and_window() -> None:
    options = make_options(sites=("CERN-PROD_MCORE.2",), end=DAY + timedelta(hours=13, minutes=30))
    assert file_names(options) == (
        "CERN-PROD_MCORE.2_20240101T0000_20240101T1200.json.gz",
        "CERN-PROD_MCORE.2_20240101T1200_20240101T1330.json.gz",
    )


@pytest.mark.parametrize(
    "site", ["AGLT2,CERN", "*", "../AGLT2", "_A", ".A", "", "A B", "!CERN", "A|B"]
)
def test_sites_are_names_of_queues(site: str) -> None:
    with pytest.raises(InputError, match=r"sites: .* is no name of a queue"):
        windows(make_options(sites=("AGLT2", site)))


def test_a_site_is_listed_once() -> None:
    with pytest.raises(InputError, match="'AGLT2' is listed twice"):
        windows(make_options(sites=("AGLT2", "CERN", "AGLT2")))


@pytest.mark.parametrize("name", ["start", "end"])
def test_times_are_on_whole_minutes(name: str) -> None:
    time = {"start": DAY, "end": NOON}[name] + timedelta(seconds=30)
    with pytest.raises(InputError, match=r"2024-01-01T.*:30.* is not on a whole minute"):
        windows(make_options(**{name: time}))


def test_bulk_pulls_are_refused_before_any_request(monitor: Monitor, tmp_path: Path) -> None:
    most = bigpanda.MOST_WINDOWS
    assert len(windows(make_options(end=DAY + most * timedelta(hours=12)))) == most
    too_long = make_options(monitor, end=DAY + most * timedelta(hours=12) + timedelta(minutes=1))
    with pytest.raises(
        InputError, match=r"201 requests, expected at most 200: bulk pulls are forb"
    ):
        download(too_long, tmp_path)
    # Four hundred years are 146,097 days.
    with pytest.raises(InputError, match="are 1753164 requests"):
        windows(make_options(start="1600-01-01", end="2000-01-01", window_hours=2))
    assert monitor.requests == []


def test_a_window_must_be_over(monitor: Monitor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"2224-01-01T12:00:00\+00:00 is not over yet"):
        download(make_options(monitor, start="2224-01-01", end="2224-01-01T12:00"), tmp_path)
    assert monitor.requests == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://bigpanda.cern.ch", "would send the token unencrypted; expected https"),
        ("https://me:secret@bigpanda.cern.ch", "no user or password"),
        ("https://", "a host"),
        ("https://host:port", "a host"),
        ("https://[host", "a host"),
    ],
)
def test_addresses_that_would_give_the_token_away(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        download(make_options(url=url), tmp_path)
    assert "secret" not in str(caught.value)


# What comes


def test_each_window_comes_into_its_file(
    monitor: Monitor, tmp_path: Path, waits: list[float]
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 30)
    monitor.tables[1] = hourly_jobs("CERN", 30, first=100)
    options = make_options(monitor, sites=("AGLT2", "CERN"), end=DAY + timedelta(hours=15))
    download(options, tmp_path)
    ids = [[job["pandaid"] for job in jobs_in(tmp_path / name)] for name in file_names(options)]
    assert [sorted(found) for found in ids] == [
        [*range(12)],
        [*range(100, 112)],
        [12, 13, 14],
        [112, 113, 114],
    ]
    assert monitor.asked() == [
        ("AGLT2", "2024-01-01T00:00", "2024-01-01T12:00"),
        ("CERN", "2024-01-01T00:00", "2024-01-01T12:00"),
        ("AGLT2", "2024-01-01T12:00", "2024-01-01T15:00"),
        ("CERN", "2024-01-01T12:00", "2024-01-01T15:00"),
    ]
    assert waits == [3.0] * 3
    assert {path.name for path in tmp_path.iterdir()} == {*file_names(options), *NOTES}


def test_times_of_other_zones_are_asked_for_in_utc(monitor: Monitor, tmp_path: Path) -> None:
    options = make_options(monitor, start="2024-01-01T01:00+01:00", end="2024-01-01T03:00+02:00")
    download(options, tmp_path)
    assert monitor.asked() == [("AGLT2", "2024-01-01T00:00", "2024-01-01T01:00")]


def test_the_token_is_in_one_header_and_nowhere_else(
    monitor: Monitor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 12)
    download(make_options(monitor), tmp_path)
    ((query, headers),) = monitor.requests
    assert headers.pop("Authorization") == f"Token {TOKEN}"
    assert TOKEN not in str(query) + str(headers)
    assert headers["User-Agent"].startswith("REDWOOD/")
    assert headers["Accept"] == "application/json"
    written = b"".join(_content(path) for path in tmp_path.iterdir())
    assert TOKEN.encode() not in written
    assert TOKEN not in "".join(capsys.readouterr())


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_a_token_of_iam_is_a_bearer_token(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "a.b.c\n")
    download(make_options(monitor), tmp_path)
    assert monitor.requests[0][1]["Authorization"] == "Bearer a.b.c"


@pytest.mark.parametrize("heeds_fields", [True, False])
def test_no_more_is_kept_than_cleaning_reads(
    monitor: Monitor, tmp_path: Path, heeds_fields: bool
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 1)
    monitor.heeds_fields = heeds_fields
    download(make_options(monitor), tmp_path)
    (query, _), *_ = monitor.requests
    asked = set(query["fields"].split(","))
    assert asked == job_table.RAW_COLUMNS - {"produserid"}
    (job,) = jobs_in(tmp_path / file_names(make_options())[0])
    assert job.keys() == asked & make_job(0, "A", DAY).keys()
    assert (query["outputs"], query["mode"]) == ("jobs", "nodrop")
    # The monitor drops the time limit of active jobs if several states are named.
    assert "jobstatus" not in query


def test_the_files_are_for_their_owner_alone(monitor: Monitor, tmp_path: Path) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 1)
    download(make_options(monitor), tmp_path)
    assert (tmp_path / file_names(make_options())[0]).stat().st_mode & 0o077 == 0


def test_the_note_counts_and_names_nobody(monitor: Monitor, tmp_path: Path) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 14)
    options = make_options(monitor, end=DAY + timedelta(hours=24))
    download(options, tmp_path)
    text = (tmp_path / "_download.json").read_text()
    note = json.loads(text)
    assert (note["url"], note["rows"]) == (monitor.url, 14)
    assert [(file["file"], file["rows"]) for file in note["files"]] == [
        (file_names(options)[0], 12),
        (file_names(options)[1], 2),
    ]
    assert note["files"][1]["begin"] == "2024-01-01T12:00:00+00:00"
    assert datetime.now(UTC) - datetime.fromisoformat(note["files"][0]["written"]) < timedelta(
        hours=1
    )
    assert USER not in text


def test_same_answer_same_bytes(monitor: Monitor, tmp_path: Path) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 5)
    name = file_names(make_options())[0]
    for folder in ("a", "b"):
        download(make_options(monitor), tmp_path / folder)
    written = (tmp_path / "a" / name).read_bytes()
    assert written == (tmp_path / "b" / name).read_bytes()
    # Neither the time nor a name is in gzip's header (RFC 1952, 2.3).
    assert written[3:8] == bytes(5)


def test_a_window_without_jobs(monitor: Monitor, tmp_path: Path) -> None:
    download(make_options(monitor), tmp_path)
    assert jobs_in(tmp_path / file_names(make_options())[0]) == []


def test_texts_that_are_no_unicode_come_through(monitor: Monitor, tmp_path: Path) -> None:
    job = '{"pandaid": 1, "proddblock": "\\ud800 é", "hs06sec": NaN}'
    monitor.faults = [
        answering(200, f'{{"selectionsummary": 0, "jobs": [{job}], "errsByCount": 0}}')
    ]
    download(make_options(monitor), tmp_path)
    assert jobs_in(tmp_path / file_names(make_options())[0]) == [
        {"pandaid": 1, "proddblock": "\ud800 é", "hs06sec": None}
    ]


def test_the_readers_read_it(monitor: Monitor, tmp_path: Path) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 3)
    options = make_options(monitor, sites=("AGLT2", "CERN"))
    download(options, tmp_path)
    paths = find_files([tmp_path])
    assert [path.name for path in paths] == list(file_names(options))
    full, empty = (list(read(Source(p, p.name, {}, job_table.RAW_COLUMNS))) for p in paths)
    assert sum(len(chunk.records) for chunk in empty) == 0
    chunk = next(chunk for chunk in full if len(chunk.records))
    assert chunk.cells["pandaid"].to_pylist() == ["2", "1", "0"]
    assert chunk.cells["produsername"].to_pylist() == [USER] * 3
    assert chunk.lines.tolist() == [2, 3, 4]
    assert not any(chunk.unreadable for chunk in (*full, *empty))


# Full windows


@pytest.mark.parametrize("tables", [1, 2])
def test_a_full_window_is_halved_and_nothing_is_lost(
    monitor: Monitor, tmp_path: Path, tables: int
) -> None:
    # Every 7 minutes a job, in the last hour every minute, some of them on the seams.
    minutes = [*range(0, 660, 7), *range(660, 721)]
    for i, minute in enumerate(minutes):
        job = make_job(i, "AGLT2", DAY + timedelta(minutes=minute))
        monitor.tables[i % tables].append(job)
    options = make_options(monitor, limit=20)
    download(options, tmp_path)
    assert ids_in(tmp_path) == {*range(len(minutes))}
    assert len(monitor.requests) > len(minutes) / 20
    assert all(limit == "20" for limit in (query["limit"] for query, _ in monitor.requests))


def test_halves_are_asked_for_in_order(
    monitor: Monitor, tmp_path: Path, waits: list[float]
) -> None:
    monitor.tables[0] = [
        make_job(1, "AGLT2", DAY),
        make_job(2, "AGLT2", DAY + timedelta(minutes=4)),
    ]
    download(make_options(monitor, end=DAY + timedelta(minutes=5), limit=2), tmp_path)
    assert [(begin[-2:], end[-2:]) for _, begin, end in monitor.asked()] == [
        ("00", "05"),
        ("00", "02"),
        ("02", "05"),
    ]
    assert waits == [3.0, 3.0]
    assert [job["pandaid"] for job in jobs_in(tmp_path / next(tmp_path.glob("*.gz")))] == [1, 2]


def test_a_full_minute_is_an_error(monitor: Monitor, tmp_path: Path) -> None:
    time = DAY + timedelta(minutes=3, seconds=30)
    monitor.tables[0] = [make_job(i, "AGLT2", time) for i in range(3)]
    message = (
        r"AGLT2 from 2024-01-01T00:03 to 2024-01-01T00:04: 3 jobs in one minute, expected fewer "
        r"than records.source.bigpanda.limit, 3; raise it .*operators for a dump"
    )
    with pytest.raises(InputError, match=message):
        download(make_options(monitor, limit=3), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["_question.json"]


def test_a_run_makes_no_more_than_so_many_requests(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigpanda, "MOST_REQUESTS", 5)
    monitor.tables[0] = [make_job(i, "AGLT2", DAY + timedelta(minutes=i)) for i in range(700)]
    with pytest.raises(InputError, match="5 requests were made, the most of one run"):
        download(make_options(monitor, limit=10), tmp_path)
    assert len(monitor.requests) == 5
