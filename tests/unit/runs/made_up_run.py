"""A run that was never run: a few results, and the records that Snakemake would have of them."""

import json
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path

from typer.testing import CliRunner, Result

from redwood.command_line import _register_stages, app
from redwood.runs.manifest import write_manifest
from redwood.runs.snakemake_records import record_file

RESULTS = Path("results/mini")
CONFIGURATION = {
    "dataset": "mini",
    "records": {"source": {"generate": None, "bigpanda": None, "retrieve": None}},
    "simulation": {"policies": [{"name": "mine", "brokerage": "mine.py"}]},
}
CITATION = """
title: "REDWOOD: test"
version: 0.1.0
license: Apache-2.0
authors: [{name: The developers}, {family-names: Park, given-names: David}]
"""


class MadeUpRun:
    """The working folder as a project, with results of a dataset `mini`."""

    def __init__(self) -> None:
        self.started = 1_700_000_000.0
        write("CITATION.cff", CITATION)
        write("Snakefile", "# the workflow\n")
        write("resources/sites.csv", "site\nCERN\n")
        Path(".snakemake/metadata").mkdir(parents=True)

    def forget(self) -> None:
        """Leave no record of any job."""
        shutil.rmtree(".snakemake/metadata")
        Path(".snakemake/metadata").mkdir()

    def job(
        self,
        rule: str,
        inputs: list[str],
        outputs: dict[str, str],
        command: str = "",
        format_version: int = 6,
        measured: tuple[str, str] | None = ("1.5", "200.25"),
    ) -> None:
        """Write outputs (path → text; "…/" for a folder) and their records."""
        log = f"{RESULTS}/logs/{rule}.log"
        if measured:
            row = "\t".join(measured)
            write(f"{RESULTS}/benchmarks/{rule}.tsv", f"s\tmax_rss\n{row}\n")
        for path, text in outputs.items():
            write(path, text)
        recorded = {path.split("//")[0] for path in outputs}
        self.started += 10
        for path in recorded:
            content = {
                "rule": rule,
                "input": inputs,
                "log": [log],
                "shellcmd": command or f"python -m redwood {rule}",
                "params": ["'0123456789abcdef'", "1"],
                "conda_env": b64encode(b"dependencies: [numpy=2.4.6]").decode(),
                "software_stack_hash": "d41d8cd98f00b204e9800998ecf8427e",
                "record_format_version": format_version,
                "starttime": self.started,
                "endtime": self.started + 5,
                "job_hash": hash(rule),
            }
            write(record_file(Path(".snakemake/metadata"), path), json.dumps(content))

    def all_jobs(self, dump: str = "data/dump.csv", policy: str = "mine.py") -> None:
        """Clean, split, train, sample, simulate and make a table of a dump that is there."""
        self.job(
            "records_clean_file",
            [dump, "resources/sites.csv", f"{RESULTS}/records/.hash_key"],
            {f"{RESULTS}/records/cleaned/dump//rows.txt": "ana.lopez 4711\n"},
            f"python -m redwood records clean-file '{dump}' --sites resources/sites.csv",
        )
        self.job(
            "records_gather",
            [f"{RESULTS}/records/cleaned/dump"],
            {f"{RESULTS}/records/train.parquet": "real row 4711\n"},
        )
        self.job(
            "surrogates_train",
            [f"{RESULTS}/records/train.parquet"],
            {f"{RESULTS}/surrogates/smote/model//rows.parquet": "real row 4711\n"},
        )
        self.job(
            "simulate",
            [f"{RESULTS}/records/train.parquet", policy],
            {
                f"{RESULTS}/simulation/runs/recorded/mine//seed-1/jobs.parquet": "real row 4711\n",
                f"{RESULTS}/simulation/runs/recorded/mine//scenario.json": f'"{policy}"\n',
                f"{RESULTS}/simulation/runs/recorded/mine//summary.json": "{}\n",
            },
            f'python -m redwood simulate \'{{"brokerage": "{policy}"}}\'',
        )
        self.job(
            "table1",
            [f"{RESULTS}/surrogates/smote/model", f"{RESULTS}/simulation/runs/recorded/mine"],
            {
                f"{RESULTS}/tables/table1.csv": "measure,value\nwd,0.12345\n",
                f"{RESULTS}/tables/table1.html": "<p>WD 0.123</p>\n",
                f"{RESULTS}/tables/table1.md": "| WD | 0.123 |\n",
            },
        )

    def manifest(self, configuration: dict | None = None) -> list[str]:
        """Write the manifest; what it cannot explain."""
        last = [f"{RESULTS}/tables/table1.csv"]
        return write_manifest(RESULTS, last, json.dumps(configuration or CONFIGURATION))


def write(path: str | Path, text: str) -> None:
    """Write a file and the folders that it is in."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def entities() -> dict[str, dict]:
    """The manifest's entities by their identifiers."""
    graph = json.loads((RESULTS / "ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def run_command(*arguments: str) -> Result:
    """What `redwood` answers to these arguments."""
    if not app.registered_groups:
        _register_stages()
    return CliRunner().invoke(app, list(arguments))


def git(folder: str | Path, *arguments: str) -> str:
    """What git answers in a folder, to somebody of no name."""
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
