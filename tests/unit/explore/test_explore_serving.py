"""The server: nothing without the token, and errors that say what to do."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from made_up_results import copy_of, serving
from typer.testing import CliRunner

from redwood.command_line import _register_stages, app
from redwood.errors import InputError
from redwood.explore.serving import Explorer


def status_of(url, headers=()):
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.request("GET", parts.path, headers=dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.read()


_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_nothing_is_served_without_the_token(server):
    parts = urlsplit(server)
    token = parts.path.strip("/")
    assert parts.hostname == "127.0.0.1"
    assert len(token) >= 32
    root = f"http://{parts.netloc}"
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    script = "static/js/bokeh.min.js"
    for path in ("", "ws", script, "metadata", f"{wrong}/", f"{wrong}/ws", f"{wrong}/{script}",
                 f"{token}x/", token[:-1], f"?token={token}", "%00", "%C3%A9/"):  # fmt: skip
        headers = _UPGRADE if path.endswith("ws") else {}
        status, said = status_of(f"{root}/{path}", headers)
        assert status == 403, path
        assert b"open the URL that redwood explore printed" in said
    assert status_of(server)[0] == 200
    assert status_of(server + script)[0] == 200


def test_a_websocket_needs_a_page_of_this_server_besides(server):
    """Neither without a session that a page began, nor from the page of another site."""
    status, _ = status_of(server + "ws", _UPGRADE | {"Origin": "http://evil.example"})
    assert status == 403
    origin = server.rpartition("/")[0].rpartition("/")[0]
    forged = {"Origin": origin, "Sec-WebSocket-Protocol": "bokeh, e30"}
    assert status_of(server + "ws", _UPGRADE | forged)[0] != 200


def test_a_port_that_is_taken_is_said(source):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} of 127.0.0.1 is taken; name another"):
            Explorer(source, "127.0.0.1", port, 1)
    with pytest.raises(InputError, match=r"of 192.0.2.1 cannot be used"):
        Explorer(source, "192.0.2.1", 0, 1)


def test_a_run_that_cannot_be_shown_does_not_keep_the_page_from_being_served(results, tmp_path):
    folder = copy_of(results, tmp_path)
    for path in folder.glob("simulation/runs/recorded/*/seed-1/flows.parquet"):
        path.write_bytes(b"half")
    with serving(folder, files=tmp_path) as url:
        page = urllib.request.urlopen(url, timeout=20).read().decode()
    assert "<h1>" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such folder or scenario; expected a folder such as"),
        ([], "no results here; make them with ./run, or name a scenario"),
    ],
)
def test_the_command_says_what_is_missing(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _register_stages()
    answer = CliRunner().invoke(app, ["explore", *arguments])
    assert isinstance(answer.exception, InputError)
    assert message in str(answer.exception)


def test_without_bokeh_it_says_which_extra_brings_it(results, tmp_path):
    (tmp_path / "bokeh").mkdir()
    (tmp_path / "bokeh" / "__init__.py").write_text(
        "raise ModuleNotFoundError('none', name='bokeh')"
    )
    path = os.pathsep.join([str(tmp_path), *sys.path])
    answer = subprocess.run(
        [sys.executable, "-m", "redwood", "explore", str(results)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "bokeh is not installed; it comes with the extra 'explore'" in answer.stderr
