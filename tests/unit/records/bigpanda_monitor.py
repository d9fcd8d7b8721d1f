"""A server on this machine that answers as a BigPanDA monitor does, and what its tests share."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redwood.configuration import BigPanda

TOKEN = "0badc0ffee" * 4
USER = "Perpetua Mustermann"
Answer = Callable[[BaseHTTPRequestHandler], None]
DAY = datetime(2024, 1, 1, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)


def make_job(pandaid: int, site: str, time: datetime) -> dict[str, Any]:
    return {
        "pandaid": pandaid,
        "computingsite": site,
        "creationtime": (time - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S"),
        "modificationtime": time.strftime("%Y-%m-%dT%H:%M:%S"),
        "jobstatus": "finished",
        "produsername": USER,
        "produserid": f"/DC=ch/CN={USER}",
        "jobname": f"user.{USER}",
        "cpuefficiency": float("nan"),
    }


class Monitor:
    """A BigPanDA monitor with two tables of jobs.

    Attributes:
        requests: (query, headers) of each request, in order.
        faults: answers to give to the next requests instead of jobs.
        waits: how long it has been waited for, one after the other.
        heeds_fields: whether it understands `fields` and `outputs`.
    """

    def __init__(self) -> None:
        self.tables: list[list[dict[str, Any]]] = [[], []]
        self.requests: list[tuple[dict[str, str], dict[str, str]]] = []
        self.faults: list[Answer | None] = []
        self.waits: list[float] = []
        self.heeds_fields = True
        self.token = TOKEN
        self.url = ""

    def asked(self) -> list[tuple[str, str, str]]:
        names = ("computingsite", "date_from", "date_to")
        return [tuple(query[name] for name in names) for query, _ in self.requests]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        address = urlsplit(handler.path)
        query = {
            name: value
            for name, (value,) in parse_qs(address.query, keep_blank_values=True).items()
        }
        self.requests.append((query, dict(handler.headers)))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            fault(handler)
        elif handler.headers["Authorization"] not in (f"Token {self.token}", "Bearer a.b.c"):
            send(handler, 401, json.dumps({"detail": f"Invalid token of {USER}."}))
        elif address.path == "/jobs/" and "json" in query:
            send(handler, 200, json.dumps(self._selection(query)))
        else:
            send(handler, 404, "")

    def _selection(self, query: dict[str, str]) -> dict[str, Any]:
        # As in panda-bigmon-core: both ends belong to the window, the newest come first, and the
        # limit holds for each table.
        begin, end = (f"{query[name]}:00" for name in ("date_from", "date_to"))
        jobs: dict[int, dict[str, Any]] = {}
        for table in self.tables:
            found = [
                job
                for job in table
                if job["computingsite"] == query["computingsite"]
                and begin <= job["modificationtime"] <= end
            ]
            found.sort(key=lambda job: job["modificationtime"], reverse=True)
            jobs.update((job["pandaid"], job) for job in found[: int(query["limit"])])
        summary = [{"field": "produsername", "list": [{"kname": USER, "kvalue": len(jobs)}]}]
        if not self.heeds_fields:
            return {"selectionsummary": summary, "jobs": [*jobs.values()], "errsByCount": [USER]}
        fields = query["fields"].split(",")
        cut = [{name: job[name] for name in fields if name in job} for job in jobs.values()]
        return {"selectionsummary": [], "jobs": cut, "errsByCount": []}


def send(handler: BaseHTTPRequestHandler, status: int, text: str, **headers: str) -> None:
    body = text.encode()
    handler.send_response(status)
    for name, value in {"Content_Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def answering(status: int, text: str = "", **headers: str) -> Answer:
    """An answer that knows nothing of jobs; `Retry_After` stands for the header Retry-After."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        send(handler, status, text, **headers)

    answer.__name__ = f"{status} {[*headers.values()]}"
    return answer


LOGIN_PAGE = answering(200, f"\n<!DOCTYPE html><html>Log in, {USER}", Content_Type="text/html")
CUT = answering(
    200, f'{{"selectionsummary": [], "jobs": [{{"pandaid": 1, "x": "{USER}', Content_Length="900"
)
NO_JSON = answering(200, f"{{'jobs': {USER}")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on this machine that answers until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running() -> Iterator[Monitor]:
    """A monitor that listens until the block ends."""
    monitor = Monitor()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            monitor.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as monitor.url:
        yield monitor


def make_options(monitor: Monitor | None = None, **values: Any) -> BigPanda:
    defaults = {"sites": ("AGLT2",), "start": DAY, "end": NOON, "pause_s": 3.0}
    url = {"url": monitor.url} if monitor is not None else {}
    return BigPanda(**{**defaults, **url, **values})


def jobs_in(path: Path) -> list[dict[str, Any]]:
    content = json.loads(gzip.decompress(path.read_bytes()))
    assert content.keys() == {"selectionsummary", "jobs", "errsByCount"}
    assert content["selectionsummary"] == content["errsByCount"] == []
    return content["jobs"]


def ids_in(folder: Path) -> set[int]:
    return {job["pandaid"] for path in folder.glob("*.json.gz") for job in jobs_in(path)}


def hourly_jobs(site: str, hours: int, first: int = 0) -> list[dict[str, Any]]:
    """A job at the half of each hour from `DAY` on."""
    half = timedelta(minutes=30)
    return [make_job(first + i, site, DAY + timedelta(hours=i) + half) for i in range(hours)]
