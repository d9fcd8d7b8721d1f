"""The downloader: what it asks a BigPanDA monitor for, what it writes, what it does in trouble."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import requests
from bigpanda_monitor import (
    CUT,
    DAY,
    LOGIN_PAGE,
    NO_JSON,
    NOON,
    TOKEN,
    USER,
    Answer,
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
from redwood.records.bigpanda import ENVIRONMENT_VARIABLE, NOTE, QUESTION, download
from redwood.records.windows import MOST_WINDOWS, Window, file_names, windows

WAITS = [60.0, 120.0, 240.0, 480.0]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits that were asked for; none is waited for."""
    waits: list[float] = []
    monkeypatch.setattr(bigpanda, "sleep", waits.append)
    return waits


@pytest.fixture
def monitor(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[Monitor]:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with running() as monitor:
        monitor.waits = waits
        yield monitor


Refused = Callable[..., None]


@pytest.fixture
def refused(monitor: Monitor, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Asks in vain: one line says why, no file is left, and no token or name is told."""

    def ask(message: str, **values: Any) -> None:
        with pytest.raises(InputError, match=message) as caught:
            download(make_options(monitor, **values), tmp_path)
        assert "\n" not in str(caught.value)
        said = "".join(capsys.readouterr()) + str(caught.value) + repr(caught.value.__context__)
        assert not [secret for secret in (TOKEN, USER, *USER.split()) if secret in said]
        assert [path.name for path in tmp_path.iterdir()] == [QUESTION]

    return ask


# What is asked for


def test_windows_cover_the_time_once_and_in_order() -> None:
    options = make_options(sites=("B-X_Y.2", "A"), end=DAY + 12.5 * HOUR, window_hours=12)
    last, end = NOON, DAY + 12.5 * HOUR
    assert windows(options) == (
        Window("B-X_Y.2", DAY, NOON),
        Window("A", DAY, NOON),
        Window("B-X_Y.2", last, end),
        Window("A", last, end),
    )
    assert file_names(options)[2] == "B-X_Y.2_20240101T1200_20240101T1230.json.gz"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        *(
            ({"sites": ("AGLT2", site)}, r"sites: .* is not the name of a queue")
            for site in ("AGLT2,CERN", "*", "../AGLT2", "_A", ".A", "", "A B", "!CERN", "A|B")
        ),
        ({"sites": ("AGLT2", "CERN", "AGLT2")}, "'AGLT2' is listed twice"),
        ({"start": DAY + timedelta(seconds=30)}, r"2024-01-01T.*:30.* is not on a whole minute"),
        ({"end": NOON + timedelta(seconds=30)}, r"2024-01-01T.*:30.* is not on a whole minute"),
        ({"start": "2224-01-01", "end": "2224-01-01T12:00"}, r"2224-01-01T12:.* is not over yet"),
        (
            {"end": DAY + MOST_WINDOWS * 12 * HOUR + timedelta(minutes=1)},
            r"201 requests, expected at most 200: bulk pulls are forbidden",
        ),
        # Four hundred years are 146,097 days.
        ({"start": "1600-01-01", "end": "2000-01-01", "window_hours": 2}, "1753164 requests"),
    ],
)
def test_what_is_refused_before_any_request(
    monitor: Monitor, tmp_path: Path, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        download(make_options(monitor, **values), tmp_path)
    assert monitor.requests == []


def test_the_most_windows_are_allowed() -> None:
    assert len(windows(make_options(end=DAY + MOST_WINDOWS * 12 * HOUR))) == MOST_WINDOWS


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


def test_each_window_comes_into_its_file(monitor: Monitor, tmp_path: Path) -> None:
    monitor.tables = [hourly_jobs("AGLT2", 30), hourly_jobs("CERN", 30, first=100)]
    options = make_options(monitor, sites=("AGLT2", "CERN"), end=DAY + 15 * HOUR)
    download(options, tmp_path)
    files = [tmp_path / name for name in file_names(options)]
    ids = [sorted(job["pandaid"] for job in jobs_in(file)) for file in files]
    assert ids == [[*range(12)], [*range(100, 112)], [12, 13, 14], [112, 113, 114]]
    ends = ("2024-01-01T00:00", "2024-01-01T12:00", "2024-01-01T15:00")
    asked = [(site, *ends[i : i + 2]) for i in (0, 1) for site in ("AGLT2", "CERN")]
    assert monitor.asked() == asked
    assert monitor.waits == [3.0] * 3
    assert {path.name for path in tmp_path.iterdir()} == {*file_names(options), NOTE, QUESTION}
    assert all(file.stat().st_mode & 0o077 == 0 for file in files), "others may read names"
    note = json.loads((tmp_path / NOTE).read_text())
    assert (note["url"], note["rows"]) == (monitor.url, 30)
    assert [file["rows"] for file in note["files"]] == [12, 12, 3, 3]
    assert note["files"][2]["begin"] == "2024-01-01T12:00:00+00:00"
    assert datetime.now(UTC) - datetime.fromisoformat(note["files"][0]["written"]) < HOUR
    assert USER not in (tmp_path / NOTE).read_text()


def test_times_of_other_zones_are_asked_for_in_utc(monitor: Monitor, tmp_path: Path) -> None:
    options = make_options(monitor, start="2024-01-01T01:00+01:00", end="2024-01-01T03:00+02:00")
    download(options, tmp_path)
    assert monitor.asked() == [("AGLT2", "2024-01-01T00:00", "2024-01-01T01:00")]


def test_the_token_is_in_one_header_and_nowhere_else(
    monitor: Monitor,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Requests would rather send what this file has for the host.
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monitor.tables[0] = hourly_jobs("AGLT2", 12)
    download(make_options(monitor), tmp_path / "out")
    ((query, headers),) = monitor.requests
    assert headers.pop("Authorization") == f"Token {TOKEN}"
    assert TOKEN not in str(query) + str(headers)
    assert headers["User-Agent"].startswith("REDWOOD/")
    assert headers["Accept"] == "application/json"
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes()
        assert TOKEN.encode() not in (gzip.decompress(content) if path.suffix == ".gz" else content)
    assert TOKEN not in "".join(capsys.readouterr())


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


def test_same_answer_same_bytes(monitor: Monitor, tmp_path: Path) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 5)
    name = file_names(make_options())[0]
    for folder in ("a", "b"):
        download(make_options(monitor), tmp_path / folder)
    written = (tmp_path / "a" / name).read_bytes()
    assert written == (tmp_path / "b" / name).read_bytes()
    # Neither the time nor a name is in gzip's header (RFC 1952, 2.3).
    assert written[3:8] == bytes(5)


def test_texts_that_are_no_unicode_come_through(monitor: Monitor, tmp_path: Path) -> None:
    job = '{"pandaid": 1, "proddblock": "\\ud800 é", "hs06sec": NaN}'
    answer = f'{{"selectionsummary": 0, "jobs": [{job}], "errsByCount": 0}}'
    monitor.faults = [answering(200, answer)]
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
    download(make_options(monitor, limit=20), tmp_path)
    assert ids_in(tmp_path) == {*range(len(minutes))}
    assert len(monitor.requests) > len(minutes) / 20
    assert {query["limit"] for query, _ in monitor.requests} == {"20"}


def test_halves_are_asked_for_in_order(monitor: Monitor, tmp_path: Path) -> None:
    last = DAY + timedelta(minutes=4)
    monitor.tables[0] = [make_job(1, "AGLT2", DAY), make_job(2, "AGLT2", last)]
    download(make_options(monitor, end=DAY + timedelta(minutes=5), limit=2), tmp_path)
    asked = [(begin[-2:], end[-2:]) for _, begin, end in monitor.asked()]
    assert asked == [("00", "05"), ("00", "02"), ("02", "05")]
    assert monitor.waits == [3.0, 3.0]
    assert [job["pandaid"] for job in jobs_in(tmp_path / next(tmp_path.glob("*.gz")))] == [1, 2]


def test_a_full_minute_is_an_error(monitor: Monitor, refused: Refused) -> None:
    time = DAY + timedelta(minutes=3, seconds=30)
    monitor.tables[0] = [make_job(i, "AGLT2", time) for i in range(3)]
    message = (
        r"AGLT2 from 2024-01-01T00:03 to 2024-01-01T00:04: 3 jobs in one minute, expected fewer "
        r"than records.source.bigpanda.limit, 3; raise it .*operators for a dump"
    )
    refused(message, limit=3)


def test_a_run_makes_no_more_than_so_many_requests(
    monitor: Monitor, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bigpanda, "MOST_REQUESTS", 5)
    monitor.tables[0] = [make_job(i, "AGLT2", DAY + timedelta(minutes=i)) for i in range(700)]
    refused("5 requests were made, the most of one run", limit=10)
    assert len(monitor.requests) == 5


# Troubles


def busy_for_ten_minutes(handler: BaseHTTPRequestHandler) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=10)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    answering(503, Retry_After=until)(handler)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (answering(500, USER), 60),
        (answering(504), 60),
        (CUT, 60),
        (NO_JSON, 60),
        (lambda handler: handler.connection.close(), 60),
        (answering(429, '{"error": "too many requests per hour"}'), 60),
        (answering(429, Retry_After="17"), 17),
        (answering(503, Retry_After="3599"), 3599),
        (answering(429, Retry_After="0"), 3),
        (answering(429, Retry_After="soon"), 60),
        (answering(429, Retry_After="Mon, 01 Jan 2024 00:00:00 GMT"), 3),
        (busy_for_ten_minutes, pytest.approx(600, abs=300)),
    ],
)
def test_what_may_pass_is_waited_for(
    monitor: Monitor, tmp_path: Path, fault: Answer, expected: float
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 12)
    monitor.faults = [fault]
    download(make_options(monitor, end=DAY + 24 * HOUR), tmp_path)
    assert monitor.waits == [expected, 3]
    assert ids_in(tmp_path) == {*range(12)}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (answering(500, USER), "the monitor answers 500 Internal Server Error, 5 times"),
        (answering(429, USER), "answers 429 Too Many Requests, 5 times"),
        (NO_JSON, "the answer is not JSON, or was cut off, 5 times"),
        (CUT, "the connection broke: ChunkedEncodingError, 5 times"),
    ],
)
def test_patience_ends(monitor: Monitor, refused: Refused, fault: Answer, message: str) -> None:
    monitor.faults = [fault] * 9
    refused(message)
    assert monitor.waits == WAITS


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, TOKEN)
    with pytest.raises(InputError, match="the connection broke: ConnectionError, 5 times"):
        download(make_options(url="http://127.0.0.1:9"), tmp_path)
    assert waits == WAITS


ENVELOPE = "an object with selectionsummary, jobs, errsByCount"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (LOGIN_PAGE, f"an HTML page, expected JSON; the token in {ENVIRONMENT_VARIABLE} is wrong"),
        (answering(401, USER), f"401 Unauthorized; the token in {ENVIRONMENT_VARIABLE} is w"),
        (answering(302, Location="/jobs/?json"), "302 Found; the token"),
        (answering(403, USER), "403 Forbidden: this user or address is barred"),
        (answering(404, USER), "404 Not Found; expected a BigPanDA monitor there"),
        (answering(429, Retry_After="7200"), "429 .*, and asks to wait 7200 s; run again then"),
        (answering(200, f'{{"error": "{USER}"}}'), f"no selectionsummary, jobs, errs.*{ENVELOPE}"),
        (answering(200, '{"selectionsummary": [], "jobs": []}'), f"no errsByCount; .*{ENVELOPE}"),
        (answering(200, f'["{USER}"]'), ENVELOPE),
        (
            answering(200, '{"selectionsummary": 0, "jobs": {"pandaid": 1}, "errsByCount": 0}'),
            "`jobs` is not what",
        ),
        (
            answering(200, '{"selectionsummary": 0, "jobs": [{"id": 1}], "errsByCount": 0}'),
            "a job has no pandaid",
        ),
    ],
)
def test_what_will_not_pass_is_an_error_at_once(
    monitor: Monitor, refused: Refused, fault: Answer, message: str
) -> None:
    monitor.faults = [fault]
    refused(message)
    assert (monitor.waits, len(monitor.requests)) == ([], 1)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        *((token, f"{ENVIRONMENT_VARIABLE} is not set") for token in ("", " \n")),
        *((token, "characters that no token has") for token in ("two words", "a\r\nb", "täken")),
    ],
)
def test_without_a_token_nothing_is_asked(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, message: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, token)
    with pytest.raises(InputError, match=message) as caught:
        download(make_options(monitor), tmp_path)
    assert not token.strip() or token not in str(caught.value)
    assert monitor.requests == []


def test_a_certificate_of_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise requests.exceptions.SSLError

    monkeypatch.setattr(requests.Session, "send", refuse)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, TOKEN)
    with pytest.raises(InputError, match="the certificate is not valid"):
        download(make_options(), tmp_path)
    assert waits == []


# Going on


def test_another_run_asks_only_for_the_rest(
    monitor: Monitor,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 48)
    options = make_options(monitor, end=DAY + 48 * HOUR)
    for faults in ([None, None, answering(401)], [answering(401)]):
        monitor.faults = faults
        with pytest.raises(InputError, match=r"401 .*\(2 of 4 windows are kept; another run goes"):
            download(options, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*file_names(options)[:2], QUESTION}
    kept = [(tmp_path / name).stat().st_mtime_ns for name in file_names(options)[:2]]
    monitor.requests.clear()
    capsys.readouterr()
    download(options, tmp_path)
    assert "asking BigPanDA: 4/4 windows" in capsys.readouterr().err
    assert [begin for _, begin, _ in monitor.asked()] == ["2024-01-02T00:00", "2024-01-02T12:00"]
    assert kept == [(tmp_path / name).stat().st_mtime_ns for name in file_names(options)[:2]]
    assert ids_in(tmp_path) == {*range(48)}
    # What is complete needs no token.
    monkeypatch.delenv(ENVIRONMENT_VARIABLE)
    download(options, tmp_path)
    assert len(monitor.requests) == 2


def test_an_interrupted_window_leaves_nothing(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bigpanda, "sleep", interrupt)
    options = make_options(monitor, end=DAY + 24 * HOUR)
    with pytest.raises(KeyboardInterrupt):
        download(options, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {file_names(options)[0], QUESTION}


def test_answers_of_two_monitors_do_not_mix(monitor: Monitor, tmp_path: Path) -> None:
    download(make_options(monitor), tmp_path)
    elsewhere = make_options(url=monitor.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(InputError, match=r"_question.json: .* asked of another monitor"):
        download(elsewhere, tmp_path)
    (tmp_path / QUESTION).write_text("{")
    with pytest.raises(InputError, match="move the folder away"):
        download(make_options(monitor), tmp_path)
    assert len(monitor.requests) == 1


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:20] + b"x" + b[21:], lambda _: b""]
)
def test_a_damaged_file_is_named(
    monitor: Monitor, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 12)
    download(make_options(monitor), tmp_path)
    path = tmp_path / file_names(make_options())[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=rf"{path.name}: not as it was downloaded; move it away"):
        download(make_options(monitor), tmp_path)
