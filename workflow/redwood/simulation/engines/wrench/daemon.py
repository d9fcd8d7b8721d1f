"""The daemon: started on a free port, spoken to over one connection that is kept, and ended."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from pathlib import Path
from typing import Any

from redwood.errors import InputError
from redwood.programs import (
    Program,
    answers,
    await_ready,
    failed,
    free_ports,
    how_it_ended,
    peak_memory,
    started,
)
from redwood.simulation.case import LOG, Case
from redwood.simulation.engines.wrench.options import OPTIONS, VERSIONS
from redwood.simulation.engines.wrench.platform import CONTROLLER

# Wall-clock time that the daemon may take to begin, and for one answer, s.
_BEGIN_S, _ANSWER_S = 60.0, 600.0
# It closes a connection that has been idle for five seconds.
_IDLE_S = 3.0
# Mailboxes of the simulation: some for each action under way at once.
_COMMPORTS = 50_000
# The daemon's simulation looks so often whether there is something to do, µs.
_SLEEP_US = 10
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_PREFIX = "/simulation/redwood"


@contextmanager
def serving(case: Case, platform: str) -> Iterator["Daemon"]:
    """A daemon with a simulation of a platform that has begun; it has ended after the block.

    Raises:
        InputError: it cannot be started, is of another version, or has failed.
    """
    program, folder = case.program, case.folder
    assert program is not None
    assert folder is not None
    folder.mkdir(parents=True, exist_ok=True)
    require_options(program)
    log = folder / LOG
    ports = free_ports(2)
    arguments = ["--port", str(ports[0]), "--simulation-port", str(ports[1])]
    arguments += ["--num-commports", str(_COMMPORTS), "--sleep-us", str(_SLEEP_US)]
    with started(program, arguments, folder=folder, log=log) as process:
        await_ready(process, program, log, lambda: answers(ports[0]), _BEGIN_S)
        daemon = Daemon(process, program, log, ports)
        daemon.begin(platform)
        yield daemon
        case.measured["memory_bytes"] = peak_memory(process)


def require_options(program: Program) -> None:
    """Make sure that a daemon is new enough.

    Raises:
        InputError: its help does not name the options that are needed.
    """
    said = program.said("--help")
    if missing := [option for option in OPTIONS if option not in said]:
        first = said.strip().splitlines()[:1]
        raise InputError(
            f"{program.place}: no {program.name} that is known to work (WRENCH "
            f"{' or '.join(VERSIONS)}): its help has no {missing[0]}; it begins with {first!r}"
        )


class Daemon:
    """The REST interface of a simulation.

    Args:
        process: the daemon.
        program, log: for messages.
        ports: at which it begins simulations, and at which it serves this one.
    """

    def __init__(
        self, process: subprocess.Popen, program: Program, log: Path, ports: Sequence[int]
    ) -> None:
        self._process, self._program, self._log = process, program, log
        self._start_port, self._port = ports
        self._connection: HTTPConnection | None = None
        self._last = 0.0
        self.calls = 0

    def begin(self, platform: str) -> None:
        """Begin a simulation; all further calls are about it.

        Raises:
            InputError: the daemon does not accept the platform, or has failed.
        """
        asked = {"platform_xml": platform, "controller_hostname": CONTROLLER}
        self._call("POST", "/api/startSimulation", asked, self._start_port)
        self._drop()
        await_ready(self._process, self._program, self._log, lambda: answers(self._port), _BEGIN_S)
        there = self.get("/hostnames")["hostnames"]
        if CONTROLLER not in there:
            raise InputError(
                f"{self._program.name}: at port {self._port} another program answers: the hosts "
                f"of its simulation are {there[:3]}"
            )

    def get(self, path: str) -> dict[str, Any]:
        """What the simulation answers."""
        return self._call("GET", f"{_PREFIX}{path}", None, self._port)

    def post(self, path: str, **values: Any) -> dict[str, Any]:
        """As `get`, of a request with values."""
        return self._call("POST", f"{_PREFIX}{path}", values, self._port)

    def _call(
        self, method: str, path: str, values: dict[str, Any] | None, port: int
    ) -> dict[str, Any]:
        self.calls += 1
        body = None if values is None else json.dumps(values).encode()
        try:
            status, text = self._sent(method, path, body, port)
            answer = json.loads(text)
        except (OSError, HTTPException, ValueError) as error:
            # When it crashes, its end is seen a little later than that of the connection.
            time.sleep(0.2)
            ended = self._process.poll()
            how = f"did not answer {path} ({type(error).__name__}: {error})"
            if isinstance(error, TimeoutError):
                how = f"had not answered {path} after {_ANSWER_S:g} s and was ended"
            elif ended is not None:
                how = f"{how_it_ended(ended)} at {path}"
            raise failed(self._program, self._log, how) from None
        if not answer.get("wrench_api_request_success"):
            cause = str(answer.get("failure_cause", f"HTTP status {status}"))[:500]
            raise failed(self._program, self._log, f"refused {path}: {cause}")
        return answer

    def _sent(self, method: str, path: str, body: bytes | None, port: int) -> tuple[int, bytes]:
        now = time.monotonic()
        if self._connection is not None and now - self._last > _IDLE_S:
            self._drop()
        headers = {"Connection": "Keep-Alive"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        reused = self._connection is not None
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
        try:
            self._connection.request(method, path, body, headers)
            self._acknowledge_at_once()
            response = self._connection.getresponse()
        except (RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # It was closed while it was idle, before the request came.
            self._drop()
            if not reused or self._process.poll() is not None:
                raise
            return self._sent(method, path, body, port)
        text = response.read()
        if response.will_close:
            self._drop()
        self._last = time.monotonic()
        return response.status, text

    def _acknowledge_at_once(self) -> None:
        """Have the system acknowledge what comes next without delay, where it can be told to.

        The daemon sends an answer in two parts, and the second only once the first is acknowledged,
        which systems put off by 40 ms: of a call that takes 0.1 ms.
        """
        assert self._connection is not None
        if _QUICKACK is not None:
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
