"""As much of the `conda` program as is called here, on py-rattler, solving and installing truly.

Like conda's, its channels lie under CONDA_CHANNEL_ALIAS, and its packages are unpacked below
CONDA_PKGS_DIRS; both must be set. `index FOLDER` indexes a channel; all else is refused.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from rattler import Channel, ChannelConfig, Subdir, VirtualPackage, install, solve
from rattler.exceptions import SolverError
from rattler.index import index_fs

VERSION = "24.7.1"


def install_commands(root: Path) -> None:
    """Put `conda` and `activate` into `root`/bin, as an installation of conda has them there."""
    programs = root / "bin"
    programs.mkdir(parents=True)
    (programs / "conda").write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {root} "$@"\n')
    (programs / "conda").chmod(0o755)
    (programs / "activate").symlink_to(Path(__file__).parent / "stand_ins/activate.sh")


def main(root: str, *arguments: str) -> int:
    """Answer one call; 0 done, 1 no such packages, 2 not what is asked of it here."""
    match arguments:
        case ("--version",):
            print(f"conda {VERSION}")
        case ("info", "--json"):
            print(json.dumps({"conda_prefix": root, "platform": str(Subdir.current())}))
        case ("config", "--get", "channel_priority", "--json"):
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ("clean", "-y", "--tarballs") | ("clean", "--all", "-y"):
            for archive in Path(os.environ["CONDA_PKGS_DIRS"]).glob("*.tar.bz2"):
                archive.unlink()
        case ("index", folder):
            asyncio.run(index_fs(folder, write_zst=False, write_shards=False))
        case ("run", "--no-capture-output", "--prefix", prefix, *command):
            activated = f'source {root}/bin/activate {prefix} && exec "$@"'
            return subprocess.run(["bash", "-c", activated, "bash", *command]).returncode
        case ("env", "create", *options):
            parser = argparse.ArgumentParser("conda env create", allow_abbrev=False)
            parser.add_argument("--quiet", action="store_true")
            parser.add_argument("--no-default-packages", action="store_true")
            parser.add_argument("--file", type=Path, required=True)
            parser.add_argument("--prefix", type=Path, required=True)
            chosen = parser.parse_args(options)
            try:
                asyncio.run(create(chosen.file, chosen.prefix))
            except SolverError as error:
                print(f"LibMambaUnsatisfiableError: {error}", file=sys.stderr)
                return 1
        case _:
            print(f"conda: not what is asked of it here: {' '.join(arguments)}", file=sys.stderr)
            return 2
    return 0


async def create(file: Path, prefix: Path) -> None:
    """Make the environment that `file` describes."""
    description = yaml.safe_load(file.read_text())
    channels = ChannelConfig(os.environ["CONDA_CHANNEL_ALIAS"])
    records = await solve(
        sources=[Channel(name, channels) for name in description["channels"]],
        specs=description["dependencies"],
        virtual_packages=VirtualPackage.detect(),
    )
    await install(
        records, prefix, cache_dir=Path(os.environ["CONDA_PKGS_DIRS"]), show_progress=False
    )


if __name__ == "__main__":
    status = main(*sys.argv[1:])
    sys.stdout.flush()
    # py-rattler's threads outlive its work, and crash an interpreter that ends as usual.
    os._exit(status)
