"""Sets up `.venv`: `install.py run STAMP` for what ./run needs, `install.py dev STAMP` for ./test.

Started by `workflow/setup/ready.sh`; needs nothing but Python's standard library. Safe to interrupt
at any point: started again, it goes on. Exit status 1 with one line that says what to do.
"""

import fcntl
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from redwood import setup_simgrid  # noqa: E402
from redwood.errors import InputError  # noqa: E402
from redwood.setup_simgrid import pip, reporting, require_space, run_quietly, say  # noqa: E402

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
VENV_BYTES = 5_000_000_000


def main(purpose: str, stamp: str) -> None:
    """Bring `.venv` to the state that `stamp` names.

    Args:
        purpose: `run` for the packages that compute; `dev` for those that test, on top of them.
        stamp: written to `.venv/redwood-PURPOSE-stamp` when all is done.

    Raises:
        InputError: the machine lacks something; the message says what to do.
    """
    with open(ROOT / "requirements.lock") as lock:
        wait_for_turn(lock)
        written = VENV / f"redwood-{purpose}-stamp"
        written.unlink(missing_ok=True)
        if purpose == "run":
            install_to_run()
        else:
            say("installing what tests need")
            pip(PYTHON, "install", "-r", str(ROOT / "requirements-dev.lock"))
        written.write_text(stamp + "\n")
        say("environment ready")


def install_to_run() -> None:
    """The locked packages, SimGrid, and the library itself, editable."""
    make_venv()
    with ThreadPoolExecutor() as aside:
        # Downloads leave the compiler most of the machine.
        compiled = aside.submit(setup_simgrid.wheel, PYTHON)
        say("1/3 installing the locked packages: about 2 GB, some minutes")
        pip(PYTHON, "install", pinned("torch"))
        pip(PYTHON, "install", "-r", str(ROOT / "requirements.lock"))
        if os.environ.get("REDWOOD_WITHOUT_SDV", "0") in ("", "0"):
            say("2/3 installing the Synthetic Data Vault for the sdv model (licence BUSL-1.1)")
            pip(PYTHON, "install", "-r", str(ROOT / "requirements-sdv.lock"))
        else:
            say("2/3 leaving out the Synthetic Data Vault: leave sdv out of surrogates.models, too")
        say("3/3 SimGrid and the library itself")
        compiled.result()
    setup_simgrid.install(PYTHON)
    pip(PYTHON, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def wait_for_turn(lock) -> None:
    """Let one set-up run at a time; the lock ends with the process, however it ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another set-up is under way here; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def make_venv() -> None:
    """Make `.venv` with a pip in it, unless it is there."""
    if run_quietly(str(PYTHON), "-Pm", "pip", "--version"):
        return
    require_space(ROOT, VENV_BYTES, "for .venv")
    say(f"making .venv with {sys.executable}")
    if run_quietly(sys.executable, "-Pm", "venv", "--clear", str(VENV)):
        return
    # Debian ships ensurepip apart from Python; a pip of the system's can stand in for it.
    without_pip = run_quietly(sys.executable, "-Pm", "venv", "--clear", "--without-pip", str(VENV))
    install_pip = (sys.executable, "-Pm", "pip", "--python", str(PYTHON), "install", "pip")
    if not (without_pip and run_quietly(*install_pip)):
        raise InputError(
            f"{sys.executable} cannot make a virtual environment with pip in it; on Debian install "
            "python3-venv, or name another Python with REDWOOD_PYTHON=/path/to/python3"
        )


def pinned(package: str) -> str:
    """The line of `requirements.lock` that pins `package`."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


if __name__ == "__main__":
    reporting(main, *sys.argv[1:])
