"""The set-up: a refusal says what to do, and what is there is not installed again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from redwood import setup_simgrid
from redwood.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
LOCKS = ("requirements.lock", "requirements-sdv.lock", "requirements-dev.lock")


def test_without_a_compiler_it_says_which_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(InputError, match=r"needs a C\+\+ compiler .*on Debian: g\+\+"):
        setup_simgrid.build(tmp_path / "cache", Path(sys.executable))
    monkeypatch.setenv("CXX", "/nowhere/c++")
    with pytest.raises(InputError, match=r"needs a C\+\+ compiler"):
        setup_simgrid.build(tmp_path / "cache", Path(sys.executable))


def test_without_space_it_says_how_much_is_needed(tmp_path):
    with pytest.raises(InputError, match=r"GB free, 1000000000.0 GB are needed for a test"):
        setup_simgrid.require_space(tmp_path, 10**18, "for a test")


@pytest.mark.parametrize("loads", [True, False])
def test_a_wheel_in_the_cache_is_not_compiled_again_and_kept_if_it_loads(
    loads, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = setup_simgrid.wheels_folder()
    folder.mkdir(parents=True)
    wheel = folder / "simgrid-4.1-cp311-cp311-linux_x86_64.whl"
    wheel.touch()
    installed = []
    monkeypatch.setattr(setup_simgrid, "pip", lambda *arguments: installed.append(arguments[-1]))
    monkeypatch.setattr(setup_simgrid, "run_quietly", lambda *command: loads)
    if loads:
        setup_simgrid.install(Path(sys.executable))
    else:
        with pytest.raises(InputError, match=r"does not load here.* start again"):
            setup_simgrid.install(Path(sys.executable))
    assert installed == [str(wheel)]
    assert wheel.exists() == loads


def test_an_old_python_and_an_old_name_are_refused_with_the_way_out(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = _ready("run", ROOT, REDWOOD_PYTHON=str(old), REDWOOD_WITHOUT_SDV="not as it was")
    assert answer.returncode != 0
    assert "no Python 3.11 or newer was found; name one with REDWOOD_PYTHON=" in answer.stderr
    answer = _ready("run", ROOT, REDWOOD_WITHOUT_TVAE="1")
    assert answer.returncode != 0
    assert "REDWOOD_WITHOUT_SDV=1 leaves out the Synthetic Data Vault" in answer.stderr


def test_what_tests_need_comes_on_top_and_nothing_is_installed_twice(tmp_path):
    for name in (*LOCKS, "pyproject.toml", "workflow/setup", "workflow/redwood/setup_simgrid.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    # In place of a Python that installs: one that writes down what it is started for.
    stand_in = tmp_path / "python3"
    stand_in.write_text(
        '#!/bin/sh\n[ "$1" = -c ] && exit\nmkdir -p .venv; echo "$2" >> installed\n'
        'echo "$3" > ".venv/redwood-$2-stamp"\n'
    )
    stand_in.chmod(0o755)
    for purpose in ("run", "run", "dev", "dev", "run"):
        answer = _ready(purpose, tmp_path, REDWOOD_PYTHON=str(stand_in))
        assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "installed").read_text().split() == ["run", "dev"]
    with open(tmp_path / "requirements-dev.lock", "a") as lock:
        lock.write("one-more==1.0\n")
    assert _ready("dev", tmp_path, REDWOOD_PYTHON=str(stand_in)).returncode == 0
    assert (tmp_path / "installed").read_text().split() == ["run", "dev", "dev"]


def _ready(purpose: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["bash", "-c", f"set -e; source workflow/setup/ready.sh {purpose}"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_torch_stands_first_in_the_lock_and_every_line_is_an_exact_pin_that_stands_once():
    seen = set()
    for name in LOCKS:
        lines = [
            line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")
        ]
        assert all(line.count("==") == 1 for line in lines)
        names = {line.partition("==")[0].lower() for line in lines}
        assert len(names) == len(lines)
        assert not names & seen
        seen |= names
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert next(line for line in lock if not line.startswith("#")) == "torch==2.13.0"
    # It builds the library that is installed editable, and SimGrid.
    assert {pin for pin in setup_simgrid.TOOLS if pin.startswith("setuptools")} <= set(lock)


def test_the_set_up_starts_on_pythons_standard_library_alone():
    command = [sys.executable, "-I", "-S", str(ROOT / "workflow/setup/install.py")]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "main() missing 2 required positional arguments" in answer.stderr
