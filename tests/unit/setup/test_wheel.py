"""What an installation holds: the library with its facts, pages and command, and one version."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import redwood

ROOT = Path(__file__).resolve().parents[3]

_BUILD = """
import os, pathlib, tarfile
from setuptools import build_meta
os.mkdir("dist")
build_meta.build_wheel("dist")
source = build_meta.build_sdist("dist")
with tarfile.open(f"dist/{source}") as archive:
    archive.extractall("unpacked", filter="data")
os.chdir(next(pathlib.Path("unpacked").iterdir()))
build_meta.build_wheel("dist")
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> list[Path]:
    """The wheel of the checkout, and that of its source distribution."""
    folder = tmp_path_factory.mktemp("build")
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("workflow", "resources"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignored)
    command = [sys.executable, "-c", _BUILD]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-3000:]
    return sorted(folder.rglob("dist/*.whl"))


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(folder), str(wheels[0])], check=True)
    return folder


def test_both_wheels_hold_every_module_and_every_file_of_data(wheels):
    library = ROOT / "workflow" / "redwood"
    wanted = {
        f"redwood/{path.relative_to(library)}"
        for folder in (library, library / "resources")
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "redwood/resources/sites.csv" in wanted
    assert len(wheels) == 2
    for wheel in wheels:
        names = zipfile.ZipFile(wheel).namelist()
        assert wanted == {name for name in names if name.startswith("redwood/")}


def test_an_installation_works_from_any_folder_without_the_project(installed, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(installed)}
    code = (
        "import redwood; dump = redwood.generate_dump('dump', jobs=200, days=2, sites=2); "
        "print(redwood.clean(dump, 'records').account['rows']['kept'], redwood.__file__)"
    )

    def said(*command: str | Path) -> str:
        return subprocess.check_output(command, cwd=tmp_path, env=environment, text=True)

    kept, file = said(sys.executable, "-c", code).split()
    assert int(kept) > 10
    assert Path(file).is_relative_to(installed)
    usage = said(installed / "bin" / "redwood", "records", "clean", "--help")
    assert "Usage: redwood records clean" in usage


def test_there_is_one_version(wheels):
    assert all(f"redwood-{redwood.__version__}-" in wheel.name for wheel in wheels)
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [redwood.__version__]
