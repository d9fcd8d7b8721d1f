"""Retrieval, from a server on this machine."""

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from bigpanda_monitor import serving

from redwood.errors import InputError
from redwood.records.retrieval import retrieve

CONTENT = bytes(range(256)) * 10_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/empty":
            self.send_response(200)
            self.end_headers()
            return
        self.send_response(200)
        length = "many" if self.path == "/unsaid" else str(len(CONTENT))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path == "/broken" else CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with serving(_Handler) as address:
        yield address


# The server does not say how long the last one is.
@pytest.mark.parametrize(
    ("name", "expected"), [("trace", None), ("trace", DIGEST), ("unsaid", DIGEST)]
)
def test_a_file_comes_whole(
    tmp_path: Path, server: str, name: str, expected: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "raw" / "trace.swf.gz"
    retrieve(f"{server}/{name}", expected, path)
    assert path.read_bytes() == CONTENT
    assert (path.parent / "trace.swf.gz.sha256").read_text() == f"{DIGEST}  trace.swf.gz\n"
    summary = json.loads((path.parent / "_trace.swf.gz.json").read_text())
    assert (summary["bytes"], summary["sha256"]) == (len(CONTENT), DIGEST)
    assert DIGEST in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "sha256", "message"),
    [
        ("/trace", "0" * 64, f"sha256 is {DIGEST}, expected 000"),
        ("/missing", None, "404"),
        ("/empty", None, "the server sent nothing"),
        ("/broken", None, "broke after 1000 of 2560000 bytes"),
    ],
)
def test_nothing_is_left_of_a_failed_transfer(
    tmp_path: Path, server: str, path: str, sha256: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        retrieve(server + path, sha256, tmp_path / "trace")
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_stays(tmp_path: Path, server: str) -> None:
    target = tmp_path / "trace"
    target.write_text("before")
    with pytest.raises(InputError):
        retrieve(f"{server}/broken", None, target)
    assert target.read_text() == "before"


@pytest.mark.parametrize("url", ["trace", "file:///etc/hostname", "https://", "http://[x/y"])
def test_an_address_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match="the address of the file is not valid"):
        retrieve(url, None, tmp_path / "trace")


def test_a_password_is_not_taken_nor_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="address with a password") as caught:
        retrieve("https://jane:secret@host.example/trace", None, tmp_path / "trace")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "http://no.such.host.invalid/x"])
def test_without_a_network(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError, match=r"cannot be retrieved.*put the file at"):
        retrieve(url, None, tmp_path / "trace")
