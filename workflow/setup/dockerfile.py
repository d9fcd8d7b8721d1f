"""Prints a Dockerfile of the rules' conda environments: Snakemake's, and what that leaves out.

    python workflow/setup/dockerfile.py > Dockerfile

`snakemake --containerize` makes each environment, but does not run the scripts beside them, of
which simulation's compiles SimGrid, and names no version of the image that it starts from. It needs
`conda` on PATH. Exit status 1 with Snakemake's own message if it fails.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UNVERSIONED = "FROM condaforge/miniforge3:latest\n"
# Without the argument, PyTorch is the one for processors: images are built where there is no GPU.
BASE = "FROM condaforge/miniforge3:25.3.1-0\nARG CONDA_OVERRIDE_CUDA\n"
ENVIRONMENT = re.compile(r"^#   source: (?P<file>\S+)\.yaml\n#   prefix: (?P<prefix>\S+)$", re.M)


def main() -> None:
    command = [sys.executable, "-Pm", "snakemake", "--cores", "1", "--containerize"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if answer.returncode:
        sys.exit(f"{answer.stderr}dockerfile: snakemake --containerize failed; it says why above")
    sys.stdout.write(completed(answer.stdout, ROOT))


def completed(dockerfile: str, root: Path) -> str:
    """Snakemake's `dockerfile` from a base of one version, with the scripts in `root`/envs run.

    Raises:
        ValueError: Snakemake starts from another image than it used to.
    """
    if not dockerfile.startswith(UNVERSIONED):
        raise ValueError(f"expected {UNVERSIONED!r} first, got {dockerfile.splitlines()[:1]}")
    dockerfile = dockerfile.replace(UNVERSIONED, BASE)
    for environment in ENVIRONMENT.finditer(dockerfile):
        script, prefix = f"{environment['file']}.post-deploy.sh", environment["prefix"]
        if (root / script).is_file():
            placed = f"{prefix}/post-deploy.sh"
            activated = f"conda run --no-capture-output --prefix {prefix}"
            dockerfile += f"\nCOPY {script} {placed}\nRUN {activated} bash {placed}\n"
    return dockerfile


if __name__ == "__main__":
    main()
