"""Stands in for `wrench-daemon`: answers as was recorded, or fails in the way that it is told.

What it does is in `FAKE_DAEMON`: the path of a recording (JSON: a list of method, path, values and
answer, in order), or one of: crash, hang, other, half, refuse,
crash-late, hang-late.
"""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

HELP = "Allowed options\n  --port\n  --simulation-port\n  --num-commports\n  --sleep-us\n"


def main() -> None:
    what = os.environ["FAKE_DAEMON"]
    if "--help" in sys.argv:
        print("Other daemon 1.0" if what == "other" else HELP)
        return
    print("fake daemon:", what, flush=True)
    if what == "crash":
        print("terminate called after throwing an instance of 'std::bad_alloc'", flush=True)
        os.abort()
    if what == "hang":
        time.sleep(600)
    ports = [
        int(sys.argv[sys.argv.index(option) + 1]) for option in ("--port", "--simulation-port")
    ]
    recorded = json.loads(Path(what).read_text()) if what.endswith(".json") else []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, method: str) -> None:
            size = int(self.headers.get("Content-Length", 0))
            values = json.loads(self.rfile.read(size)) if size else None
            text = json.dumps(self.known(method, values)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if what == "half" and "startSimulation" not in self.path:
                self.wfile.write(text[: len(text) // 2])
                self.wfile.flush()
                os._exit(3)
            self.wfile.write(text)

        def known(self, method: str, values: dict | None) -> dict:
            if self.path.endswith("startSimulation"):
                if what == "refuse":
                    return {"wrench_api_request_success": False, "failure_cause": "no such host"}
                return {"wrench_api_request_success": True, "port_number": ports[1]}
            if self.path.endswith("/hostnames"):
                return {"wrench_api_request_success": True, "hostnames": ["controller"]}
            if what == "crash-late":
                os.abort()
            if what == "hang-late":
                time.sleep(600)
            was = recorded.pop(0)
            asked = [method, self.path, values]
            if was[:3] != asked:
                return {"failure_cause": f"expected {was[:3]}, was asked {asked}"}
            return was[3]

        def do_GET(self) -> None:
            self.answer("GET")

        def do_POST(self) -> None:
            self.answer("POST")

        def log_message(self, *_: object) -> None:
            pass

    servers = [HTTPServer(("127.0.0.1", port), Handler) for port in ports]
    Thread(target=servers[1].serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
