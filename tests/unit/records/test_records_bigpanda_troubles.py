"""The downloader when something goes wrong, and when it goes on afterwards."""

import json
import ssl
import urllib.error
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from bigpanda_monitor import (
    CUT,
    DAY,
    LOGIN_PAGE,
    NO_JSON,
    NOTES,
    TOKEN,
    USER,
    Monitor,
    answering,
    hourly_jobs,
    ids_in,
    make_options,
    running,
)

from redwood.errors import InputError
from redwood.records import bigpanda
from redwood.records.bigpanda import ENVIRONMENT_VARIABLE, download, file_names

WAITS = [10.0, 20.0, 40.0, 80.0]
WAITS_OF_THROTTLED = [60.0, 120.0, 240.0, 480.0]


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


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (answering(500, USER), 10.0),
        (answering(502), 10.0),
        (answering(504), 10.0),
        (CUT, 10.0),
        (NO_JSON, 10.0),
        (lambda handler: handler.connection.close(), 10.0),
        (answering(429, '{"error": "too many requests per hour"}'), 60.0),
        (answering(503), 60.0),
        (answering(429, Retry_After="17"), 17.0),
        (answering(503, Retry_After="3599"), 3599.0),
        (answering(429, Retry_After="0"), 3.0),
        (answering(429, Retry_After="soon"), 60.0),
        (answering(429, Retry_After="Mon, 01 Jan 2024 00:00:00 GMT"), 3.0),
        (answering(429, Retry_After="Mon, 01 Jan 2024 00:00:00 -0000"), 3.0),
    ],
)
def test_what_may_pass_is_waited_for(
    monitor: Monitor,
    tmp_path: Path,
    waits: list[float],
    fault: Callable[[BaseHTTPRequestHandler], None],
    expected: float,
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 12)
    monitor.faults = [fault]
    download(make_options(monitor, end=DAY + timedelta(hours=24)), tmp_path)
    assert waits == [expected, 3.0]
    assert ids_in(tmp_path) == {*range(12)}


def test_a_date_to_wait_for(monitor: Monitor, tmp_path: Path, waits: list[float]) -> None:
    date = (datetime.now(UTC) + timedelta(seconds=600)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    monitor.faults = [answering(503, Retry_After=date)]
    download(make_options(monitor), tmp_path)
    assert waits == [pytest.approx(600, abs=30)]


def test_no_wait_is_shorter_than_the_pause(
    monitor: Monitor, tmp_path: Path, waits: list[float]
) -> None:
    monitor.faults = [answering(500), answering(429, Retry_After="1")]
    download(make_options(monitor, pause_s=15.0), tmp_path)
    assert waits == [15.0, 15.0]


@pytest.mark.parametrize(
    ("fault", "expected", "message"),
    [
        (answering(500, USER), WAITS, "the monitor answers 500 Internal Server Error, 5 times"),
        (answering(429), WAITS_OF_THROTTLED, "answers 429 Too Many Requests, 5 times"),
        (NO_JSON, WAITS, "the answer is no JSON, or was cut, 5 times"),
        (CUT, WAITS, "the connection broke: IncompleteRead, 5 times"),
    ],
)
def test_patience_ends(
    monitor: Monitor,
    tmp_path: Path,
    waits: list[float],
    fault: Callable[[BaseHTTPRequestHandler], None],
    expected: list[float],
    message: str,
) -> None:
    monitor.faults = [fault] * 9
    with pytest.raises(InputError, match=message):
        download(make_options(monitor), tmp_path)
    assert waits == expected
    assert [path.name for path in tmp_path.iterdir()] == ["_question.json"]


def test_a_wait_of_hours_is_left_to_the_user(
    monitor: Monitor, tmp_path: Path, waits: list[float]
) -> None:
    monitor.faults = [answering(429, Retry_After="7200")]
    with pytest.raises(InputError, match=r"429 Too Many Requests, and asks to wait 7200 s; run ag"):
        download(make_options(monitor), tmp_path)
    assert (waits, len(monitor.requests)) == ([], 1)


def test_nobody_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, TOKEN)
    with pytest.raises(InputError, match="the connection broke: Connection refused, 5 times"):
        download(make_options(url="http://127.0.0.1:9"), tmp_path)
    assert waits == WAITS


ENVELOPE = "an object with selectionsummary, jobs, errsByCount"


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (LOGIN_PAGE, f"an HTML page, expected JSON; the token in {ENVIRONMENT_VARIABLE} is wrong"),
        (
            answering(401, USER),
            f"401 Unauthorized; the token in {ENVIRONMENT_VARIABLE} is wrong or h",
        ),
        (answering(302, Location="/login/"), "302 Found; the token"),
        (answering(403, USER), "403 Forbidden: this user or address is barred"),
        (answering(404, USER), "404 Not Found; expected a BigPanDA monitor there"),
        (answering(400, USER), "400 Bad Request"),
        (answering(200, f'{{"error": "{USER}"}}'), f"no selectionsummary, jobs, errs.*{ENVELOPE}"),
        (answering(200, '{"selectionsummary": [], "jobs": []}'), f"no errsByCount; .*{ENVELOPE}"),
        (answering(200, f'["{USER}"]'), ENVELOPE),
        (answering(200, "null"), ENVELOPE),
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
    monitor: Monitor,
    tmp_path: Path,
    waits: list[float],
    fault: Callable[[BaseHTTPRequestHandler], None],
    message: str,
) -> None:
    monitor.faults = [fault]
    with pytest.raises(InputError, match=message) as caught:
        download(make_options(monitor), tmp_path)
    assert "\n" not in str(caught.value)
    assert (waits, len(monitor.requests)) == ([], 1)
    assert [path.name for path in tmp_path.iterdir()] == ["_question.json"]


def test_a_redirection_does_not_take_the_token_along(monitor: Monitor, tmp_path: Path) -> None:
    monitor.faults = [answering(302, Location=f"{monitor.url}/jobs/?json")]
    with pytest.raises(InputError, match="302"):
        download(make_options(monitor), tmp_path)
    assert len(monitor.requests) == 1


def test_a_wrong_token(monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, "wrong")
    with pytest.raises(InputError, match="401 Unauthorized"):
        download(make_options(monitor), tmp_path)


@pytest.mark.parametrize("token", [None, "", " \n"])
def test_without_a_token_nothing_is_asked(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    monkeypatch.delenv(ENVIRONMENT_VARIABLE)
    if token is not None:
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, token)
    with pytest.raises(InputError, match=f"{ENVIRONMENT_VARIABLE} is not set"):
        download(make_options(monitor), tmp_path)
    assert monitor.requests == []


@pytest.mark.parametrize("token", ["two words", "a\r\nb", "täken"])
def test_a_token_that_no_header_can_hold_is_not_quoted(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, token)
    with pytest.raises(InputError, match="other signs that no token has") as caught:
        download(make_options(monitor), tmp_path)
    assert token not in str(caught.value)
    assert monitor.requests == []


@pytest.mark.parametrize(
    "fault",
    [LOGIN_PAGE, CUT, NO_JSON, answering(500, USER), answering(401, USER), answering(429, USER)],
)
def test_no_token_and_no_name_in_any_message(
    monitor: Monitor,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    fault: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 12)
    monitor.faults = [None, fault, fault, fault, fault, fault]
    with pytest.raises(InputError) as caught:
        download(make_options(monitor, end=DAY + timedelta(hours=24)), tmp_path)
    said = "".join(capsys.readouterr()) + str(caught.value) + repr(caught.value.__context__)
    for secret in (TOKEN, USER, *USER.split()):
        assert secret not in said


def test_a_certificate_of_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:

    error = ssl.SSLCertVerificationError()
    error.reason = "CERTIFICATE_VERIFY_FAILED"

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError(error)

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, TOKEN)
    with pytest.raises(InputError, match="certificate is not valid: CERTIFICATE_VERIFY_FAILED"):
        download(make_options(), tmp_path)
    assert waits == []


# Going on


def test_another_run_asks_only_for_the_rest(
    monitor: Monitor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor.tables[0] = hourly_jobs("AGLT2", 48)
    options = make_options(monitor, end=DAY + timedelta(hours=48))
    monitor.faults = [None, None, answering(401)]
    with pytest.raises(InputError, match=r"401 .*\(2 of 4 windows are kept; another run goes on"):
        download(options, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*file_names(options)[:2], NOTES[1]}
    kept = [(tmp_path / name).stat().st_mtime_ns for name in file_names(options)[:2]]
    monitor.faults = [answering(401)]
    with pytest.raises(InputError, match=r"\(2 of 4 windows are kept"):
        download(options, tmp_path)
    monitor.requests.clear()
    capsys.readouterr()
    download(options, tmp_path)
    assert "asking BigPanDA: 4/4 windows" in capsys.readouterr().err
    assert [begin for _, begin, _ in monitor.asked()] == ["2024-01-02T00:00", "2024-01-02T12:00"]
    assert kept == [(tmp_path / name).stat().st_mtime_ns for name in file_names(options)[:2]]
    assert ids_in(tmp_path) == {*range(48)}
    note = json.loads((tmp_path / "_download.json").read_text())
    assert [file["rows"] for file in note["files"]] == [12, 12, 12, 12]


def test_an_interrupted_window_leaves_nothing(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bigpanda, "sleep", interrupt)
    monitor.tables[0] = hourly_jobs("AGLT2", 48)
    options = make_options(monitor, end=DAY + timedelta(hours=24))
    with pytest.raises(KeyboardInterrupt):
        download(options, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {file_names(options)[0], NOTES[1]}


def test_what_is_complete_needs_no_token(
    monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    download(make_options(monitor), tmp_path)
    monkeypatch.delenv(ENVIRONMENT_VARIABLE)
    download(make_options(monitor), tmp_path)
    assert len(monitor.requests) == 1


def test_answers_of_two_monitors_do_not_mix(monitor: Monitor, tmp_path: Path) -> None:
    download(make_options(monitor), tmp_path)
    elsewhere = make_options(url=monitor.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(InputError, match=r"_question.json: .* asked of another monitor"):
        download(elsewhere, tmp_path)
    (tmp_path / "_question.json").write_text("{")
    with pytest.raises(InputError, match="remove the folder"):
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
    with pytest.raises(InputError, match=rf"{path.name}: not as it was downloaded; remove it"):
        download(make_options(monitor), tmp_path)
