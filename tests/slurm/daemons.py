"""Programs that run until they are stopped, and waiting for what they do."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path


class Daemons:
    """The daemons of one folder, by name; what they say is kept in `NAME.out` there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._running: dict[str, subprocess.Popen] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._running

    def start(self, name: str, *command: str) -> None:
        with open(self._folder / f"{name}.out", "ab") as output:
            self._running[name] = subprocess.Popen(
                command, env=self._environment, stdout=output, stderr=output
            )

    def stop(self, *names: str) -> None:
        """Stop some daemons, or all, the last one that was started first."""
        for name in names or tuple(reversed(self._running)):
            daemon = self._running.pop(name, None)
            if daemon is None:
                continue
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def wait(self, is_true: Callable[[], object], complaint: str, seconds: float = 30) -> None:
        """Wait until something is so, or say what they have written last."""
        end = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > end:
                raise TimeoutError(f"{complaint} after {seconds:.0f} s\n{self._logs()}")
            time.sleep(0.3)

    def _logs(self) -> str:
        parts = []
        for path in sorted([*self._folder.glob("*.log"), *self._folder.glob("*.out")]):
            tail = path.read_text(errors="replace").splitlines()[-15:]
            parts.append("\n".join([f"--- {path.name}", *tail]))
        return "\n".join(parts)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
