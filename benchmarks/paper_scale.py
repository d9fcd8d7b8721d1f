"""The paper's number of rows, from records to Table I: hours of a processor, memory, rows a second.

2,239,654 generated user jobs of 150 days on 83 sites, as many as the paper has, are split 60/20/20.
Four models are trained on the 1.34 million, sampled for as many rows as the test split has, and
evaluated by all measures of the default configuration. What real rows score is found once for all,
and other users' jobs of the same law are evaluated, too, to which a model that invents users tends.

The ratio says whether training is linear in rows: the same models are also trained on a tenth.

Every step is a command of `redwood` in a process of its own, of which the operating system says the
CPU seconds and the peak memory (of the largest process). It writes below FOLDER, and what is done
is not done again, so that a run that was killed goes on when the same line is given; several at
once can do different models of one folder. FOLDER/table1.md is Table I.

    python benchmarks/paper_scale.py FOLDER [--models smote,sequoia] [--quick]
"""

import argparse
import fcntl
import json
import os
import platform as machine
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import WORKFLOW

ROOT = WORKFLOW.parent
JOBS = 2_239_654
# Of a quick run: jobs, models, and the paper's own measures alone.
QUICK_JOBS = 5_000
QUICK_MODELS = ("smote", "sequoia")
QUICK_EVALUATION = {"measures": ["wd", "jsd", "diff_corr", "dcr", "diff_mlef"]}
# A few of the jobs that are generated do not survive cleaning.
GENERATED_PER_JOB = 2_300_000 / JOBS
SEED = "2410"

# At this size an epoch has 38 times the steps of one of the default run: fewer of them are needed.
OPTIONS: dict[str, dict[str, Any]] = {
    "smote": {},
    "tabddpm": {"epochs": 2},
    "grove": {"epochs": 12},
    "sequoia": {"epochs": 8},
}
LAW = "exact_law"
WITH_DENSITIES = ("sequoia",)
STEPS = ("train", "sample", "evaluate")

# `cpu_s`, `wall_s` and `peak_gb` of a command.
Taken = dict[str, float]


@dataclass(frozen=True)
class Run:
    """A folder of steps; a quick one is of few jobs and measures."""

    folder: Path
    quick: bool

    @property
    def table(self) -> Path:
        """The description of the records."""
        return self.folder / "clean" / "table.json"

    def step(self, name: str, output: str, *arguments: str | int | Path) -> Taken:
        """What a command took that writes `output`, now or when it was done."""
        account = self.folder / "steps" / f"{name.replace(' ', '_')}.json"
        account.parent.mkdir(parents=True, exist_ok=True)
        with account.with_suffix(".lock").open("w") as lock:
            # Another process may be at it.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not account.exists():
                self._do(name, account, output, *arguments)
            taken: Taken = json.loads(account.read_text())
        return taken

    def _do(self, name: str, account: Path, output: str, *arguments: str | int | Path) -> None:
        command = [sys.executable, "-m", "redwood", *map(str, arguments)]
        command += ["--output", str(self.folder / output)]
        environment = os.environ | {"PYTHONPATH": str(WORKFLOW)}
        begin = time.perf_counter()
        with account.with_suffix(".log").open("w") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            code = os.waitstatus_to_exitcode(status)
            sys.exit(f"{shlex.join(command)}: exit status {code}, see {log.name}")
        taken = {
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
            "wall_s": round(time.perf_counter() - begin, 1),
            "peak_gb": round(usage.ru_maxrss * 1024 / 1e9, 2),
        }
        partial = account.with_suffix(".part")
        partial.write_text(json.dumps(taken))
        partial.replace(account)
        print(f"{name}: {taken}", file=sys.stderr, flush=True)


def generated_like(jobs: int) -> tuple[str | int, ...]:
    """The options of a generator of so many jobs after cleaning."""
    asked = ("--start", "2024-01-01", "--days", 150, "--sites", 83, "--seed", SEED)
    return (*asked, "--jobs", round(jobs * GENERATED_PER_JOB))


def make_records(run: Run, jobs: int) -> dict[str, Taken]:
    """Generated and cleaned records, and their parts: of all jobs, and of a tenth of them."""
    generated = generated_like(jobs)
    divided = ("records", "split", "--table", run.table, "--jobs", run.folder / "clean" / "jobs")
    return {
        "generate": run.step("generate", "raw", "records", "generate", *generated),
        "clean": run.step("clean", "clean", "records", "clean", run.folder / "raw"),
        **{
            name: run.step(f"split {name}", name, *divided, "--rows", rows, "--seed", SEED)
            for name, rows in (("all", jobs), ("tenth", jobs // 10))
        },
    }


def make_sample(run: Run, name: str, part: str) -> dict[str, Taken]:
    """What training a model on a part of the records took, and a sample as large as its test."""
    parts, model = run.folder / part, f"{part}_models/{name}"
    learned = ("--train", parts / "train.parquet", "--validation", parts / "validation.parquet")
    given = ("--table", run.table, *learned, "--options", json.dumps(OPTIONS[name]))
    train = ("surrogates", "train", name, *given, "--seed", SEED)
    sample = ("surrogates", "sample", run.folder / model, "--like", parts / "test.parquet")
    return {
        "train": run.step(f"{part} train {name}", model, *train),
        "sample": run.step(
            f"{part} sample {name}", f"{part}_samples/{name}.parquet", *sample, "--seed", SEED
        ),
    }


def judge(run: Run, name: str) -> dict[str, Taken]:
    """What all measures of a model's sample took, and its densities if it has any."""
    parts, sample = run.folder / "all", run.folder / f"all_samples/{name}.parquet"
    densities = f"densities/{name}.parquet"
    if name not in WITH_DENSITIES:
        return {"evaluate": evaluate(run, name, sample)}
    real = ("--train", parts / "train.parquet", "--holdout", parts / "test.parquet")
    scored = ("surrogates", "score", run.folder / f"all_models/{name}", *real)
    return {
        "score": run.step(f"score {name}", densities, *scored),
        "evaluate": evaluate(run, name, sample, "--densities", run.folder / densities),
    }


def judge_the_law(run: Run, jobs: int) -> dict[str, Taken]:
    """What another realisation took, and all measures of it."""
    like = ("--table", run.table, "--like", run.folder / "all" / "test.parquet")
    made = ("generator", "realise", *generated_like(jobs), *like)
    return {
        "realise": run.step("realise", "realisations", *made),
        "evaluate": evaluate(run, LAW, run.folder / "realisations" / "1.parquet", "--role", "law"),
    }


def evaluate(run: Run, name: str, sample: Path, *more: str | Path) -> Taken:
    """What all measures of a sample took; what real rows score is found once for all samples."""
    parts = run.folder / "all"
    real = ("--train", parts / "train.parquet", "--holdout", parts / "test.parquet")
    options = json.dumps(QUICK_EVALUATION if run.quick else {})
    given = ("--table", run.table, *real, "--seed", SEED, "--options", options)
    run.step("floors", "floors", "floors", *given)
    judged = ("--synthetic", sample, "--floors", run.folder / "floors", *more)
    return run.step(f"evaluate {name}", f"evaluations/{name}", "evaluate", *given, *judged)


def growth(taken: dict[str, dict[str, Taken]], step: str) -> float:
    """CPU seconds of a step on all rows, over those of ten times a tenth of them."""
    return round(taken["all"][step]["cpu_s"] / (10 * taken["tenth"][step]["cpu_s"]), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where everything is written")
    parser.add_argument("--models", help=f"some of {', '.join(OPTIONS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    arguments = parser.parse_args()
    usual = QUICK_MODELS if arguments.quick else OPTIONS
    models = arguments.models.split(",") if arguments.models else list(usual)
    if unknown := set(models) - set(OPTIONS):
        parser.error(f"--models: {', '.join(sorted(unknown))}; known are {', '.join(OPTIONS)}")
    run = Run(arguments.folder.resolve(), arguments.quick)
    jobs = QUICK_JOBS if run.quick else JOBS
    records = make_records(run, jobs)
    parts = json.loads((run.folder / "all" / "split.json").read_text())["parts"]
    sizes = {name: part["rows"] for name, part in parts.items()}
    taken = {
        name: {part: make_sample(run, name, part) for part in ("all", "tenth")} for name in models
    }
    made = {
        name: {
            "options": OPTIONS[name],
            **of_parts["all"],
            **judge(run, name),
            "sampled_rows_per_cpu_second": round(
                sizes["test"] / of_parts["all"]["sample"]["cpu_s"]
            ),
            "training_grows_by": growth(of_parts, "train"),
            "sampling_grows_by": growth(of_parts, "sample"),
        }
        for name, of_parts in taken.items()
    }
    law = judge_the_law(run, jobs)
    evaluations = [run.folder / "evaluations" / name for name in (*models, LAW)]
    paper = ("--paper", ROOT / "resources" / "paper_table1.csv")
    run.step(f"table1 {'+'.join(models)}", "table1", "paper", "table1", *evaluations, *paper)
    floors: Taken = json.loads((run.folder / "steps" / "floors.json").read_text())
    steps = [*records.values(), floors, *law.values()]
    steps += [of[step] for of in made.values() for step in STEPS]
    worst = max(models, key=lambda name: made[name]["training_grows_by"])
    line = {
        "name": "paper_scale",
        "value": made[worst]["train"]["cpu_s"],
        "unit": f"CPU s to train {worst} on {sizes['train']:,} rows",
        "reference": {
            "name": "ten times what a tenth of the rows takes, of the model that grows most",
            "value": round(made[worst]["train"]["cpu_s"] / made[worst]["training_grows_by"], 1),
        },
        "ratio": made[worst]["training_grows_by"],
        "ratio_is": "how many times as long as if time grew as the rows do; 1 is linear",
        "rows": sizes,
        "records": records,
        "models": made,
        "floors": floors,
        LAW: law,
        "peak_gb": max(taken["peak_gb"] for taken in steps),
        "cpu_hours": round(sum(taken["cpu_s"] for taken in steps) / 3600, 2),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
