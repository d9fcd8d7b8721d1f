"""The server of the page: on this machine alone unless told otherwise, and only with its token."""

import errno
import hmac
import logging
import secrets
import signal
from typing import Any

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.resources import Resources
from bokeh.server.server import BaseServer
from bokeh.server.tornado import BokehTornado
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPMessageDelegate, HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.netutil import bind_sockets
from tornado.web import ErrorHandler

from redwood.errors import InputError
from redwood.explore.background import Background
from redwood.explore.page import Page, page_of
from redwood.explore.sources import Source

HERE = "127.0.0.1"
_LOOK_EVERY_MS = 250
# A page that was closed is forgotten, and its simulations ended, within twice this time.
_FORGET_MS = 5000
# What a browser sends at most: knobs, not data. Bytes.
_MOST_SENT = 1_000_000


class _Locked(ErrorHandler):
    """The answer to whoever has not the token."""

    def write_error(self, status_code: int, **_: Any) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("403: the token is missing or wrong: open the URL that redwood explore printed")


def _locked(token: str) -> type[BokehTornado]:
    """Bokeh's application, all paths of which begin with a token: page, websocket, static files."""

    class Locked(BokehTornado):
        def resources(self, absolute_url: str | bool | None = None) -> Resources:
            found = super().resources(absolute_url)
            found.components = ["bokeh", "bokeh-widgets"]
            return found

        def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> HTTPMessageDelegate:
            first = request.path.lstrip("/").partition("/")[0]
            if not hmac.compare_digest(first.encode(), token.encode()):
                return self.get_handler_delegate(request, _Locked, {"status_code": 403})
            return super().find_handler(request, **kwargs)

    return Locked


class Explorer:
    """The server: it listens as soon as it is made.

    Args:
        source: what its page is about.
        address: where it listens.
        port: 0 for any that is free.
        most: simulations at a time.
        token: of the URL; a random one if `None`.

    Raises:
        InputError: the port is taken, or the address is none of this machine.
    """

    def __init__(
        self, source: Source, address: str, port: int, most: int, token: str | None = None
    ) -> None:
        self.token = token or secrets.token_urlsafe(24)
        self._quieten()
        self._background = Background(most)
        try:
            served = _served(source, self._background, self.token, address, port)
        except OSError as error:
            self._background.close()
            what = {
                errno.EADDRINUSE: "is taken; name another with --port, or 0 for any",
                errno.EACCES: "is not for everybody; name one above 1023 with --port",
            }.get(error.errno or 0, f"cannot be used: {error.strerror or error}")
            raise InputError(f"port {port} of {address} {what}") from None
        (self._server, self._port), self._address = served, address
        # What takes time the first time is done before anybody waits for it.
        Page(Document(), source, self._background, "", {})
        self._looks = PeriodicCallback(self._background.look, _LOOK_EVERY_MS)

    @property
    def url(self) -> str:
        """With the token."""
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"http://{host}:{self._port}/{self.token}/"

    def serve(self) -> None:
        """Serve until the process is asked to end; then end all simulations."""
        loop: Any = IOLoop.current()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.asyncio_loop.add_signal_handler(number, loop.stop)
        self._server.start()
        self._looks.start()
        try:
            loop.start()
        finally:
            self.close()

    def close(self) -> None:
        self._looks.stop()
        self._server.stop()
        self._background.close()

    @staticmethod
    def _quieten() -> None:
        """No URL, and so no token, in logs; errors remain."""
        for name in ("tornado.access", "bokeh.server"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _served(
    source: Source, background: Background, token: str, address: str, port: int
) -> tuple[BaseServer, int]:
    """A server that listens, and its port."""
    sockets = bind_sockets(port, address)
    port = sockets[0].getsockname()[1]
    # The page of another site could else speak to this one. Whoever listens to the network is
    # called by names that it does not know.
    origins = [f"{HERE}:{port}", f"localhost:{port}"] if address == HERE else ["*"]
    application = _locked(token)(
        {"/": Application(FunctionHandler(page_of(source, background)))},
        prefix=token,
        extra_websocket_origins=origins,
        sign_sessions=True,
        secret_key=secrets.token_bytes(32),
        check_unused_sessions_milliseconds=_FORGET_MS,
        unused_session_lifetime_milliseconds=_FORGET_MS,
        websocket_max_message_size_bytes=_MOST_SENT,
    )
    http = HTTPServer(application, max_body_size=_MOST_SENT)
    http.add_sockets(sockets)
    return BaseServer(IOLoop.current(), application, http), port
