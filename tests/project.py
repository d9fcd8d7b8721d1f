"""A copy of the project in which snakemake can run and files can be edited."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.forks import Forks

ROOT = Path(__file__).resolve().parents[1]
COPIED = (
    *("Snakefile", "workflow", "config", "envs", "profiles", "resources", "slurm"),
    "CITATION.cff",
)

# The smallest run that passes through every rule.
MINI = """
dataset: mini
records: {source: {generate: {days: 7, sites: 6, jobs: 600}}}
surrogates: {models: [smote, tvae], options: {tvae: {epochs: 1}}}
evaluation: {measures: [wd, jsd, diff_corr, dcr, diff_mlef, attack_distance], groups: 5}
release: {models: [smote]}
simulation: {policies: [as_recorded, least_loaded+cache], seeds: 1, load_factor: 1}
"""

# Half of what they take: what Snakemake imports as it goes. The library is the project's own, which
# its Snakefile puts first.
_DRY_RUNS = Forks("snakemake.cli", "snakemake.report", "smart_open", "boto3")
# A job as a dry run prints it.
_JOB = re.compile(r"^( *)(?:local)?rule (\w+):\n((?:\1 {4}.*\n)+)", re.MULTILINE)
_WILDCARDS = re.compile(r"^ +wildcards(:.*)", re.MULTILINE)


class Project:
    """A copy of the project, with a configuration of its own in `mini.yaml`."""

    def __init__(self, folder: Path, configuration: str = "mini.yaml") -> None:
        self.folder = folder
        self.configuration = configuration

    @classmethod
    def copied(cls, folder: Path, configuration: str = "mini.yaml") -> "Project":
        """Copy the project as it is into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir() and not source.is_symlink():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, folder / name, ignore=ignored, symlinks=True)
            else:
                shutil.copy2(source, folder / name, follow_symlinks=False)
        (folder / "mini.yaml").write_text(MINI)
        return cls(folder, configuration)

    def command(self, *arguments: str) -> list[str]:
        """The command line of snakemake on the configuration."""
        return [sys.executable, "-m", "snakemake", *self.options(*arguments)]

    def options(self, *arguments: str) -> list[str]:
        """Options of snakemake on the configuration; the first of `arguments` is an option too."""
        return ["--configfile", self.configuration, *arguments]

    def start(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen:
        """Start snakemake in a session of its own; output and errors are one text."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def snakemake(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess:
        """Run snakemake to its end; output and errors are one text, in `stdout`."""
        running = self.start(*arguments, environment=environment)
        text, _ = running.communicate()
        return subprocess.CompletedProcess(running.args, running.returncode, text)

    def dry_run(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """The exit status of a dry run, and what it said."""
        if environment is None:
            forked = _DRY_RUNS.run(*self.options("--dry-run", *arguments), folder=self.folder)
            return forked.status, forked.said
        answer = self.snakemake("--dry-run", *arguments, environment=environment)
        return answer.returncode, answer.stdout

    def stale_rules(self, *arguments: str) -> set[str]:
        """The rules of which a dry run would run a job."""
        return set(self.stale_jobs(*arguments))

    def stale_jobs(
        self, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> dict[str, set[str]]:
        """What a dry run would run: rule → the values of its jobs' wildcards but the dataset's."""
        code, said = self.dry_run(*arguments, environment=environment)
        assert code == 0, said
        stale: dict[str, set[str]] = {}
        for _, rule, body in _JOB.findall(said):
            wildcards = re.findall(r"[:,] (\w+)=([^,\n]+)", "".join(_WILDCARDS.findall(body)))
            values = " ".join(value for name, value in wildcards if name != "dataset")
            stale.setdefault(rule, set()).add(values)
        assert set(stale) == set(planned_jobs(said)), said
        stale.pop("all", None)
        return stale

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which stands there, by `new`."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} no longer holds {old!r}"
        file.write_text(text.replace(old, new))


def planned_jobs(dry_run: str) -> dict[str, int]:
    """Rule → number of jobs of what a dry run has printed."""
    if "Nothing to be done" in dry_run:
        return {}
    table = dry_run.split("Job stats:")[1].split("\n\n")[0]
    rows = [line.split() for line in table.splitlines()[3:]]
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[0] != "total"}
