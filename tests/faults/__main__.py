"""Faults by figures: tries faults of all kinds and writes the table of docs/faults.md.

    python -m tests.faults [--kills 56] [--dumps 1000] [--damages 200] [--reruns 21] [--seed 1]

What has been tried stands in a journal: after it was killed, the same line goes on. Kills and
damages are done to the smallest run that passes through every rule.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from tests.faults import damages, dumps, kills
from tests.faults.journal import Journal, Outcome
from tests.project import ROOT, Project

from redwood.outputs import write_text
from redwood.runs.source_code import git

PAGE = ROOT / "docs" / "faults.md"
POLICIES = "tests/unit/simulation/test_simulation_hostile_policies.py"
_TABLE = re.compile(r"(<!-- figures -->\n).*(<!-- end of figures -->)", re.DOTALL)


class Block(NamedTuple):
    """A part of the table: its title, and when a fault of it is survived."""

    title: str
    survived: str


BLOCKS: Final = {
    "kills": Block("Runs killed", kills.SURVIVED),
    "dumps": Block("Dumps damaged or strange", dumps.SURVIVED),
    "damages": Block("Results damaged", damages.SURVIVED),
    "reruns": Block("Results damaged, then made again", damages.HEALED),
    "policies": Block(
        "Policies that misbehave",
        "the run says in one line which policy, of which file, did what, and at which job, and "
        "neither a process nor a result is left",
    ),
}


class Trials:
    """The trials of one source and seed, in a folder with their journal."""

    def __init__(self, folder: Path, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        commit = git(ROOT, "rev-parse", "HEAD").decode()[:10]
        changed = git(ROOT, "diff", "HEAD", "--stat", "--", "Snakefile", "workflow")
        names = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        self.of: Mapping[str, object] = {
            "source": f"commit {commit}" + ", with changes" * bool(changed),
            "machine": f"{len(os.sched_getaffinity(0))} shared cores of an {names[0]}",
            "seed": seed,
        }
        self.journal = Journal(folder / "journal.jsonl", self.of)
        self._folder, self._seed, self._begin = folder, seed, time.monotonic()

    def dumps(self, number: int) -> None:
        for trial, chance, kind in self._left("dumps", [*dumps.KINDS], number):
            self._add(trial, [dumps.fault(self._folder / "dump", chance, kind)])

    def kills(self, number: int) -> None:
        for trial, chance, _ in self._left("kills", [*kills.KINDS], number):
            if len(self.journal.outcomes("kills")) >= number:
                break
            shutil.rmtree(self._folder / "life", ignore_errors=True)
            project = Project.copied(self._folder / "life")
            undisturbed = kills.digests(self._finished())
            kinds = chance.sample([*kills.KINDS], len(kills.KINDS))
            self._add(trial, kills.life(project, undisturbed, chance, kinds))

    def damages(self, block: str, number: int) -> None:
        spare = None
        for trial, chance, kind in self._left(block, [*damages.KINDS], number):
            spare = spare or self._copied()
            undisturbed = kills.digests(self._finished())
            outcome = damages.fault(spare, undisturbed, chance, kind, rerun=block == "reruns")
            self._add(trial, [outcome])
            spare = None if outcome.lost else spare

    def policies(self) -> None:
        report = self._folder / "policies.xml"
        if "policies" not in self.journal:
            tests = [sys.executable, "-m", "pytest", f"--junit-xml={report}", POLICIES]
            if subprocess.run(tests, cwd=ROOT, check=False).returncode not in (0, 1):
                raise RuntimeError(f"{POLICIES} cannot be run")
            self._add(
                "policies", [_tested(case) for case in ElementTree.parse(report).iter("testcase")]
            )

    def _left(
        self, block: str, kinds: list[str], number: int
    ) -> Iterator[tuple[str, random.Random, str]]:
        """What is left to be tried: the name of the trial, its source of randomness, its kind."""
        for one in range(number):
            trial = f"{block} {one}"
            if trial not in self.journal:
                yield trial, random.Random(f"{self._seed} {trial}"), kinds[one % len(kinds)]

    def _add(self, trial: str, outcomes: list[Outcome]) -> None:
        self.journal.add(trial, outcomes)
        for one in outcomes:
            if one.lost:
                print(f"LOST: {trial}: {one.kind}: {one.what}: {one.lost}")
        so_far = self.journal.outcomes(trial.split()[0])
        lost = sum(bool(one.lost) for one in so_far)
        seconds = time.monotonic() - self._begin
        print(f"{trial}: {len(so_far)} tried, {lost} lost, {seconds:.0f} s", flush=True)

    def _finished(self) -> Project:
        """The project after a run without a fault."""
        folder, begun = self._folder / "finished", self._folder / "begun"
        if not folder.exists():
            shutil.rmtree(begun, ignore_errors=True)
            run = kills.Run.of(Project.copied(begun))
            if run.wait():
                raise RuntimeError(run.said.read_text())
            begun.rename(folder)
        return Project(folder)

    def _copied(self) -> Project:
        shutil.rmtree(self._folder / "spare", ignore_errors=True)
        shutil.copytree(self._finished().folder, self._folder / "spare", symlinks=True)
        return Project(self._folder / "spare")


def _tested(case: ElementTree.Element) -> Outcome:
    """A test as a fault that was tried."""
    name, _, parameters = case.attrib["name"].partition("[")
    failures = [
        part.get("message", "") for part in case if part.tag in ("failure", "error", "skipped")
    ]
    kind = name.removeprefix("test_").replace("_", " ")
    return Outcome(kind, parameters.removesuffix("]"), "; ".join(failures))


def table(journal: Journal) -> str:
    """What was tried, in Markdown."""
    lines = ["| fault | tried | survived |", "|:--|--:|--:|"]
    meanings = []
    for name, block in BLOCKS.items():
        if not (outcomes := journal.outcomes(name)):
            continue
        counted = {f"**{block.title}**": outcomes}
        for one in outcomes:
            counted.setdefault(one.kind, []).append(one)
        for kind, some in counted.items():
            survived = sum(not one.lost for one in some)
            lines.append(f"| {kind} | {len(some):,} | {survived:,} |")
        meanings.append(f"* *{block.title}* are survived if {block.survived}.")
    return "\n".join([*lines, "", *meanings])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for block, number in {"kills": 56, "dumps": 1000, "damages": 200, "reruns": 21}.items():
        parser.add_argument(f"--{block}", type=int, default=number, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "faults")
    asked = parser.parse_args()
    trials = Trials(asked.folder, asked.seed)
    trials.policies()
    trials.dumps(asked.dumps)
    trials.damages("damages", asked.damages)
    trials.damages("reruns", asked.reruns)
    trials.kills(asked.kills)
    source, machine, seed = trials.of.values()
    caption = f"*{str(source).capitalize()}, {datetime.now(UTC).date()}, {machine}, seed {seed}.*"
    text = PAGE.read_text(encoding="utf-8")
    new = f"\\g<1>\n{table(trials.journal)}\n\n{caption}\n\n\\g<2>"
    write_text(PAGE, _TABLE.sub(new, text))


if __name__ == "__main__":
    main()
