"""The set-up's refusals: each says what is wrong and what to do."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def install():
    spec = importlib.util.spec_from_file_location("install", ROOT / "workflow/setup/install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_compiler_it_says_which_to_install(install, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    with pytest.raises(install.SetupError, match=r"needs a C\+\+ compiler .*on Debian: g\+\+"):
        install.build_simgrid(tmp_path / "cache")
    monkeypatch.setenv("CXX", "/nowhere/c++")
    with pytest.raises(install.SetupError, match=r"needs a C\+\+ compiler"):
        install.build_simgrid(tmp_path / "cache")


def test_without_space_it_says_how_much_is_needed(install, tmp_path):
    with pytest.raises(install.SetupError, match=r"GB free, 1000000000.0 GB are needed for a test"):
        install.require_space(tmp_path, 10**18, "for a test")


def test_a_wheel_in_the_cache_is_installed_and_not_compiled_again(install, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = (
        tmp_path
        / "redwood"
        / (f"{install.sysconfig.get_platform()}-{install.sys.implementation.cache_tag}")
    )
    folder.mkdir(parents=True)
    wheel = folder / "simgrid-4.1-cp311-cp311-linux_x86_64.whl"
    wheel.touch()
    installed = []
    monkeypatch.setattr(install, "pip", lambda *arguments: installed.append(arguments[-1]))
    monkeypatch.setattr(install, "run_quietly", lambda *command: True)
    install.install_simgrid()
    assert installed == [str(wheel)]


def test_a_wheel_that_does_not_load_is_thrown_away(install, tmp_path, monkeypatch):
    test_a_wheel_in_the_cache_is_installed_and_not_compiled_again(install, tmp_path, monkeypatch)
    monkeypatch.setattr(install, "run_quietly", lambda *command: False)
    with pytest.raises(install.SetupError, match="start again"):
        install.install_simgrid()
    assert not list(tmp_path.rglob("*.whl"))


def test_an_old_python_is_refused_with_the_way_out(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = subprocess.run(
        ["bash", "-c", "set -e; source workflow/setup/ready.sh"],
        cwd=ROOT,
        env=os.environ | {"REDWOOD_PYTHON": str(old), "REDWOOD_WITHOUT_TVAE": "not as it was"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode != 0
    assert "no Python 3.11 or newer was found; name one with REDWOOD_PYTHON=" in answer.stderr


def test_torch_stands_first_in_the_lock_and_every_line_is_an_exact_pin():
    for name in ("requirements.lock", "requirements-tvae.lock", "workflow/setup/simgrid.lock"):
        lines = [
            line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")
        ]
        assert all(line.count("==") == 1 for line in lines)
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    assert next(line for line in lock if not line.startswith("#")) == "torch==2.13.0"
