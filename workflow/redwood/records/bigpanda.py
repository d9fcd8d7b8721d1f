"""Asking a BigPanDA monitor for job records, within what it allows.

The monitor lists jobs at `/jobs/?json`. What this module relies on, from the monitor's source,
github.com/PanDAWMS/panda-bigmon-core (version 1.1.7, `core/`):

* A token from the user's profile page goes into `Authorization: Token …`, one of ATLAS IAM (a JWT)
  into `Authorization: Bearer …` (`templates/apiHelp.html`). A wrong or expired one is answered with
  401 (`oauth/decorators.py`); tokens of persons last a week (`settings/config.py`). Pages that are
  not asked for as JSON redirect to a login page.
* `date_from` and `date_to` are UTC, both ends belong to the window, and what counts is the time of
  the job's last modification, not of its creation (`views.py`, setupView). Without `date_to` active
  jobs come whatever their time, and so they do if `jobstatus` names several states (`views.py`,
  jobList): the states are left to cleaning.
* `limit` holds for each of the four tables that are searched, newest jobs first, and repeats are
  dropped afterwards: an answer shorter than the limit is whole, and one may be longer. Nothing says
  that an answer was cut. Twelve hours and 20,000 rows are the defaults.
* `fields` and `outputs` leave out of the answer what is not needed. An empty user name is filled
  with the certificate's name or "Unknown" (`libs/job.py`).
* More than 1,000 requests in an hour from one address are answered with 429, without Retry-After;
  a barred address with 403 (`middleware.py`, `settings/config.py`).
* "Use this carefully, do not for example put scripts in crons that do heavy retrieval of job data"
  (`templates/jobListHelp.html`).

Assumed, not verified: that the monitor at CERN runs this code with these settings; that what stands
before it answers 503 when overloaded, with Retry-After if at all; that no proxy shortens answers.
"""

import gzip
import http
import json
import os
import re
import sys
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from redwood import __version__
from redwood.configuration import BigPanda
from redwood.errors import InputError
from redwood.inputs import read_text, require_intact
from redwood.job_table import RAW_COLUMNS
from redwood.outputs import write_json, writing
from redwood.progress import ProgressReport
from redwood.records.windows import KEY, SHORTEST_WINDOW, Window, windows

ENVIRONMENT_VARIABLE: Final = "REDWOOD_BIGPANDA_TOKEN"
NOTE: Final = "_download.json"
QUESTION: Final = "_question.json"

# Of one run, with the halves of full windows and with repetitions after troubles.
MOST_REQUESTS: Final = 400

_ENVELOPE = ("selectionsummary", "jobs", "errsByCount")
# What cleaning reads. `produserid`, the certificate's name, is not among it: the monitor puts that
# into an empty `produsername`. A field that a monitor does not know is left out of its answer.
_FIELDS = tuple(sorted(RAW_COLUMNS - {"produserid"}))

_TIMEOUT_S = 300.0
_TRIES = 5
# Doubled with each further try: a quarter of an hour in all.
_FIRST_WAIT_S = 60.0
_LONGEST_WAIT_S = 3600.0

_Job = dict[str, Any]


class _Trouble(Exception):
    """Something that may pass: why, and how long to wait if the monitor says so."""

    def __init__(self, reason: str, asked_wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.asked_wait_s = asked_wait_s


def download(options: BigPanda, output: Path) -> None:
    """Ask for the records of all windows, one request at a time, and write a file of each.

    A file that is in `output` already is taken as it is, so that a run that was interrupted goes on
    where it was; to ask for a window again, remove its file. A window whose answer is full is asked
    for again in halves. A job may be in two files, as ends of windows belong to both neighbours.
    `_question.json` says what every window is asked for; at the end `_download.json` says when each
    file came and how many rows it has.

    The token is read from REDWOOD_BIGPANDA_TOKEN and goes nowhere but into the requests' header.
    The files hold what cleaning reads and nothing else. That includes names of users: cleaning
    turns them into keyed hashes, and until then only the owner of the files may read them.

    Raises:
        InputError: no token or one that is refused, a bulk pull, windows that are not over, files
            of another question in `output`, too many jobs in one minute, or a monitor that cannot
            be reached or answers something else.
    """
    asked = windows(options)
    _check_address(options.url)
    if options.end > datetime.now(UTC):
        raise InputError(f"{KEY}.end: {options.end.isoformat()} is not over yet")
    _keep_question(options, output)
    missing = [window for window in asked if not (output / window.file).exists()]
    monitor = _Monitor(options, _token() if missing else "")
    with ProgressReport("asking BigPanDA", len(asked), "windows") as report:
        report.resume(len(asked) - len(missing))
        for done, window in enumerate(missing, start=len(asked) - len(missing)):
            try:
                jobs = monitor.jobs(window)
            except InputError as error:
                raise InputError(
                    f"{error} ({done} of {len(asked)} windows are kept; another run goes on there)"
                ) from None
            _write(output / window.file, jobs)
            report.advance()
    _write_note(options, asked, output)


class _Monitor:
    """The monitor, asked with patience."""

    def __init__(self, options: BigPanda, token: str) -> None:
        self._options = options
        self._address = f"{options.url.rstrip('/')}/jobs/"
        self._token = token
        self._requests = 0
        self._session = requests.Session()
        self._session.headers.update(
            {
                "Accept": "application/json",
                "User-Agent": f"REDWOOD/{__version__} (records download, one request at a time)",
            }
        )

    def jobs(self, window: Window) -> list[_Job]:
        """All jobs of a window, the fields of each that are needed."""
        jobs = self._ask(window)
        if len(jobs) < self._options.limit:
            return jobs
        minutes = (window.end - window.begin) // SHORTEST_WINDOW
        if minutes == 1:
            raise InputError(
                f"{self._options.url}: {window}: {len(jobs)} jobs in one minute, expected fewer "
                f"than {KEY}.limit, {self._options.limit}; raise it (to 20000 at most), or leave "
                "the site out and ask the monitor's operators for a dump of it"
            )
        middle = window.begin + minutes // 2 * SHORTEST_WINDOW
        earlier, later = window._replace(end=middle), window._replace(begin=middle)
        return self.jobs(earlier) + self.jobs(later)

    def _ask(self, window: Window) -> list[_Job]:
        """The answer to one question, asked again while there is hope."""
        name, wait = f"{self._options.url}: {window}", self._options.pause_s
        for attempt in range(_TRIES):
            if self._requests == MOST_REQUESTS:
                raise InputError(
                    f"{name}: {MOST_REQUESTS} requests were made, the most of one run; ask for "
                    "fewer sites or a shorter time"
                )
            if self._requests > 0:
                sleep(wait)
            self._requests += 1
            try:
                return self._answer(window, name)
            except _Trouble as trouble:
                reason, asked = str(trouble), trouble.asked_wait_s
            wait = max(
                _FIRST_WAIT_S * 2**attempt if asked is None else asked, self._options.pause_s
            )
            if wait > max(_LONGEST_WAIT_S, self._options.pause_s):
                raise InputError(f"{name}: {reason}, and asks to wait {wait:.0f} s; run again then")
            if attempt + 1 < _TRIES:
                print(f"{name}: {reason}; next try in {wait:.0f} s", file=sys.stderr, flush=True)
        raise InputError(f"{name}: {reason}, {_TRIES} times; run again later")

    def _answer(self, window: Window, name: str) -> list[_Job]:
        """The answer to one request.

        Messages never quote the body, nor what the connection said: either may hold names.
        """
        question = {
            "json": "",
            "computingsite": window.site,
            "date_from": f"{window.begin:%Y-%m-%dT%H:%M}",
            "date_to": f"{window.end:%Y-%m-%dT%H:%M}",
            "limit": str(self._options.limit),
            "fields": ",".join(_FIELDS),
            "outputs": "jobs",
            # Older monitors leave out jobs that were tried again.
            "mode": "nodrop",
        }
        try:
            # A redirection would take the token to whatever host it names.
            answer = self._session.get(
                self._address,
                params=question,
                auth=self._authorise,
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError:
            raise InputError(
                f"{name}: no secure connection, the certificate is not valid"
            ) from None
        except requests.RequestException as error:
            raise _Trouble(f"the connection broke: {type(error).__name__}") from None
        if answer.status_code != 200:
            raise self._refusal(answer, name)
        if answer.content.lstrip().startswith(b"<"):
            raise InputError(f"{name}: an HTML page, expected JSON; {self._renewal()}")
        try:
            # NaN and infinities are not JSON; some servers write them for missing values.
            content = json.loads(answer.content, parse_constant=lambda _: None)
        except ValueError:
            raise _Trouble("the answer is not JSON, or was cut off") from None
        return _jobs_in(content, name)

    def _authorise(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into the header, whatever a netrc file says of the host."""
        # A JWT has three parts; a token of the monitor's own has no dots.
        scheme = "Bearer" if self._token.count(".") == 2 else "Token"
        request.headers["Authorization"] = f"{scheme} {self._token}"
        return request

    def _refusal(self, answer: requests.Response, name: str) -> Exception:
        """What to raise for an answer without jobs."""
        status = answer.status_code
        phrases = {item.value: item.phrase for item in http.HTTPStatus}
        text = f"the monitor answers {status} {phrases.get(status, '')}".rstrip()
        if status == 429 or status >= 500:
            return _Trouble(text, _asked_wait(answer))
        if status == 401 or 300 <= status < 400:
            return InputError(f"{name}: {text}; {self._renewal()}")
        if status == 403:
            return InputError(
                f"{name}: {text}: this user or address is barred; ask the monitor's operators"
            )
        return InputError(f"{name}: {text}; expected a BigPanDA monitor there ({KEY}.url)")

    def _renewal(self) -> str:
        return (
            f"the token in {ENVIRONMENT_VARIABLE} is wrong or has expired: log in at "
            f"{self._options.url}, take a new one from your profile"
        )


def _asked_wait(answer: requests.Response) -> float | None:
    """Seconds that the monitor asks to wait, in figures or by a date (RFC 9110, 10.2.3)."""
    value = answer.headers.get("Retry-After")
    try:
        return None if value is None else Retry().parse_retry_after(value)
    except InvalidHeader:
        return None


def _jobs_in(content: Any, name: str) -> list[_Job]:
    """The jobs of an answer, with the fields that were asked for and no others."""
    absent = [key for key in _ENVELOPE if not isinstance(content, dict) or key not in content]
    if absent:
        raise InputError(
            f"{name}: not what BigPanDA answers: no {', '.join(absent)}; expected an object "
            f"with {', '.join(_ENVELOPE)}"
        )
    jobs = content["jobs"]
    if not isinstance(jobs, list) or not all(
        isinstance(job, dict) and "pandaid" in job for job in jobs
    ):
        raise InputError(f"{name}: `jobs` is not what BigPanDA answers: a job has no pandaid")
    return [{field: job[field] for field in _FIELDS if field in job} for job in jobs]


def _token() -> str:
    """The token, which must never get into a message."""
    token = os.environ.get(ENVIRONMENT_VARIABLE, "").strip()
    if not token:
        raise InputError(
            f"the environment variable {ENVIRONMENT_VARIABLE} is not set; expected a token from "
            "your profile page at the monitor"
        )
    # A header with other characters is refused with a message that quotes it.
    if not re.fullmatch(r"[!-~]+", token):
        raise InputError(
            f"{ENVIRONMENT_VARIABLE} holds blanks or other characters that no token has"
        )
    return token


def _check_address(url: str) -> None:
    """Refuse an address at which the token could be overheard or leaked."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or "@" in parts.netloc:
        raise InputError(f"{KEY}.url: expected https://, a host and no user or password in it")
    if parts.scheme != "https" and host not in ("localhost", "127.0.0.1", "::1"):
        raise InputError(f"{KEY}.url: {url!r} would send the token unencrypted; expected https://")


def _write(path: Path, jobs: Sequence[_Job]) -> None:
    """Write jobs in the envelope of the monitor, one a line; same jobs, same bytes."""
    lines = ",\n".join(json.dumps(job, separators=(",", ":")) for job in jobs)
    text = f'{{"selectionsummary": [], "jobs": [\n{lines}\n], "errsByCount": []}}\n'
    with writing(path) as partial:
        partial.touch(mode=0o600)
        with (
            partial.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as stream,
        ):
            stream.write(text.encode("ascii"))


def _keep_question(options: BigPanda, output: Path) -> None:
    """Note what is asked of which monitor, so that answers to two questions never mix."""
    path = output / QUESTION
    question = {"url": options.url, "fields": list(_FIELDS)}
    try:
        found = json.loads(read_text(path))
    except FileNotFoundError:
        write_json(path, question)
        return
    except (OSError, ValueError):
        found = None
    if found != question:
        raise InputError(
            f"{path}: the files beside it were asked of another monitor or for other fields; "
            "move the folder away to ask again"
        )


def _rows(path: Path) -> int:
    """The number of jobs in a file of an earlier run or of this one."""
    require_intact(path)
    try:
        with gzip.open(path) as stream:
            return len(json.load(stream)["jobs"])
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not as it was downloaded; move it away and run again") from None


def _write_note(options: BigPanda, asked: Sequence[Window], output: Path) -> None:
    """Write what was asked for, when each file came and how many rows it has."""
    paths = [output / window.file for window in asked]
    rows = [_rows(path) for path in paths]
    files = [
        {
            "file": path.name,
            "site": window.site,
            "begin": window.begin.isoformat(),
            "end": window.end.isoformat(),
            "rows": number,
            "written": datetime.fromtimestamp(int(path.stat().st_mtime), UTC).isoformat(),
        }
        for window, path, number in zip(asked, paths, rows, strict=True)
    ]
    note = {"url": options.url, "rows": sum(rows), "files": files}
    write_json(output / NOTE, note)
