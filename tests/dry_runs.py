"""Dry runs of snakemake, forked from a process that has imported it: half of what they take."""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["snakemake.cli"])


def forked_dry_run(folder: Path, arguments: Sequence[str]) -> tuple[int, str]:
    """The exit status of a dry run with these arguments in a folder, and what it said."""
    with tempfile.NamedTemporaryFile("r") as output:
        process = _SERVER.Process(target=_run, args=(folder, tuple(arguments), output.name))
        process.start()
        process.join()
        return process.exitcode, output.read()


def _run(folder: Path, arguments: tuple[str, ...], output: str) -> None:
    import snakemake.cli

    with open(output, "a") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(folder)
    # The library is the project's own, which its Snakefile puts first on the path.
    assert "redwood" not in sys.modules
    sys.argv = ["snakemake", *arguments]
    snakemake.cli.main(sys.argv[1:])
