"""An installation of conda with a channel of its own, both fabricated."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.conda.channel import build_channel
from tests.conda.local_conda import install_commands

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def snakemake_alone(tmp_path_factory) -> Path:
    """An environment's file with what docs/environments.md says that snakemake itself needs."""
    text = (ROOT / "docs/environments.md").read_text()
    (named,) = re.findall(r"pip install --constraint requirements.lock (.+)", text)
    description = {"channels": ["conda-forge"], "dependencies": ["python=3.11", *named.split()]}
    file = tmp_path_factory.mktemp("snakemake") / "snakemake.yaml"
    file.write_text(yaml.safe_dump(description))
    return file


@pytest.fixture(scope="session")
def base_active(tmp_path_factory, snakemake_alone) -> dict[str, str]:
    """Variables of the shell of somebody whose conda has its base environment active.

    `.venv` was activated after it, and so stands before it on PATH.
    """
    folder = tmp_path_factory.mktemp("conda")
    root, channel = folder / "root", folder / "channels/conda-forge"
    install_commands(root)
    build_channel(channel, [*sorted((ROOT / "envs").glob("*.yaml")), snakemake_alone])
    subprocess.run([root / "bin/conda", "index", channel], check=True)
    return {
        "PATH": f"{os.environ['PATH']}:{root}/bin",
        "CONDA_PREFIX": str(root),
        "CONDA_SHLVL": "1",
        "CONDA_CHANNEL_ALIAS": f"file://{folder}/channels/",
        "CONDA_PKGS_DIRS": str(folder / "pkgs"),
    }
