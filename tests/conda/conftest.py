"""An installation of conda with a channel of its own, both fabricated."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.conda.channel import build_channel
from tests.conda.local_conda import install_commands

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def base_active(tmp_path_factory) -> dict[str, str]:
    """Variables of the shell of somebody whose conda has its base environment active.

    `.venv` was activated after it, and so stands before it on PATH.
    """
    folder = tmp_path_factory.mktemp("conda")
    root, channel = folder / "root", folder / "channels/conda-forge"
    install_commands(root)
    build_channel(channel, sorted((ROOT / "envs").glob("*.yaml")))
    subprocess.run([root / "bin/conda", "index", channel], check=True)
    return {
        "PATH": f"{os.environ['PATH']}:{root}/bin",
        "CONDA_PREFIX": str(root),
        "CONDA_SHLVL": "1",
        "CONDA_CHANNEL_ALIAS": f"file://{folder}/channels/",
        "CONDA_PKGS_DIRS": str(folder / "pkgs"),
    }
