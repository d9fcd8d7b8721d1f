"""Grove's peer, MOSTLY AI's engine: sequences of tasks from a network, on the measures of the law.

mostlyai-engine (Apache-2.0) learns the rows of a task as a sequence, with an LSTM over columns in
random order, and has differential privacy of whole sequences. It is installed in an environment of
its own below FOLDER, as it needs other versions than REDWOOD. It learns the training rows of a run
of the default configuration, the task as the subject and times as distances, draws as many tasks as
there were, of which as many rows are taken at random as the test split has, as Grove does.

The ratio is the typical multiple of the second floor over that of Grove's sample of the same run.

    OMP_NUM_THREADS=1 python benchmarks/peer.py FOLDER [--results results/embedded]
        [--epochs 20] [--epsilon 8]
"""

import argparse
import json
import os
import platform as machine
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from of_law import of_law, sampled_rows

from redwood.errors import InputError
from redwood.tables import TableDescription, read_table, table_digest, write_table

VERSION = "2.7.3"
UNIT = "task"
SEED = 2410
# Of `--epsilon`: as for Grove in docs/privacy.md.
DELTA = 1e-5

# CPU seconds of the peer, in its folder, when it is done.
TAKEN = "taken.json"

# What runs in the peer's environment.
DRIVER = """
import json, os, sys, time
from pathlib import Path
import pandas as pd
from mostlyai import engine

asked = json.loads(sys.argv[1])
unit, folder = asked["unit"], Path(asked["folder"])
rows = pd.read_parquet(asked["train"])
subjects = rows[[unit]].drop_duplicates().reset_index(drop=True)
engine.set_random_state(asked["seed"])
private = asked["privacy"]
engine.split(
    rows, ctx_data=subjects, ctx_primary_key=unit, tgt_context_key=unit, model_type="TABULAR",
    tgt_encoding_types=asked["types"], workspace_dir=folder,
)
engine.analyze(workspace_dir=folder, differential_privacy=private)
engine.encode(workspace_dir=folder)
# The engine also stops by itself when the validation loss rises.
engine.train(
    workspace_dir=folder, max_training_time=100_000, max_epochs=asked["epochs"],
    differential_privacy=private, device="cpu",
)
trained = sum(os.times()[:4])
drawn = pd.DataFrame({unit: [str(number) for number in range(len(subjects))]})
engine.generate(
    workspace_dir=folder, ctx_data=drawn, rare_category_replacement_method="SAMPLE", device="cpu"
)
taken = {"train_cpu_s": trained, "sample_cpu_s": sum(os.times()[:4]) - trained}
(folder / asked["taken"]).write_text(json.dumps(taken))
"""


def install(folder: Path) -> Path:
    """The Python of the peer's environment, which is made if there is none."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        wanted = (f"mostlyai-engine=={VERSION}", "--extra-index-url")
        wheels = "https://download.pytorch.org/whl/cpu"
        subprocess.run([python, "-m", "pip", "install", "-q", *wanted, wheels], check=True)
    return python


def encodings(description: TableDescription) -> dict[str, str]:
    """The peer's name for the kind of each feature."""
    kinds = {"timestamp": "TABULAR_DATETIME_RELATIVE", "categorical": "TABULAR_CATEGORICAL"}
    return {c.name: kinds.get(c.kind, "TABULAR_NUMERIC_AUTO") for c in description.features}


def draw(
    folder: Path, records: Path, description: TableDescription, epochs: int, epsilon: float | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of as many tasks as there are in training, and the CPU seconds that they took.

    What is there from a run of the same is taken as it is.
    """
    work = folder / "-".join(
        (
            table_digest(records / "train.parquet")[:8],
            f"{epochs}-epochs",
            "plain" if epsilon is None else f"epsilon-{epsilon:g}",
        )
    )
    if not (work / TAKEN).exists():
        train(work, install(folder), records, description, epochs, epsilon)
    parts = sorted((work / "SyntheticData").glob("*.parquet"))
    rows = pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)
    log = pd.read_csv(work / "ModelStore" / "model-data" / "progress-messages.csv")
    told = {"epochs": float(log["epoch"].max()), "validation": float(log["val_loss"].min())}
    return rows, told | json.loads((work / TAKEN).read_text())


def train(
    work: Path,
    python: Path,
    records: Path,
    description: TableDescription,
    epochs: int,
    epsilon: float | None,
) -> None:
    """Let the peer learn the training rows, and draw, in the folder `work`."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    rows = read_table(records / "train.parquet", description.with_units())
    types = encodings(description)
    rows = rows[[UNIT, *types]].sort_values([UNIT, "creationtime"], kind="stable")
    # The peer knows no time zones.
    rows["creationtime"] = rows["creationtime"].dt.tz_localize(None)
    given = work / "train.parquet"
    rows.dropna(subset=UNIT).astype({UNIT: str}).to_parquet(given)
    asked = {
        "unit": UNIT,
        "folder": str(work),
        "taken": TAKEN,
        "train": str(given),
        "seed": SEED,
        "types": types,
        "epochs": epochs,
        "privacy": epsilon and {"max_epsilon": epsilon, "delta": DELTA},
    }
    subprocess.run([python, "-c", DRIVER, json.dumps(asked)], check=True)


def as_sample(rows: pd.DataFrame, description: TableDescription, wanted: int) -> pd.DataFrame:
    """So many of the peer's rows at random, as the measures read them."""
    if len(rows) < wanted:
        raise InputError(f"the peer drew {len(rows)} rows, expected at least {wanted}")
    rows = rows[[column.name for column in description.features]].copy()
    rows["creationtime"] = rows["creationtime"].dt.tz_localize("UTC")
    return rows.sample(wanted, random_state=SEED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--results", type=Path, default=Path("results/embedded"))
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--epsilon", type=float, help="differential privacy of tasks")
    arguments = parser.parse_args()
    records = arguments.results / "records"
    description = TableDescription.load(records / "table.json")
    begin = time.perf_counter()
    rows, told = draw(
        arguments.folder.resolve(), records, description, arguments.epochs, arguments.epsilon
    )
    sample = arguments.folder / "sample.parquet"
    wanted = sampled_rows(arguments.results)
    write_table(as_sample(rows, description, wanted), sample, description)
    found = of_law(arguments.results, sample)
    reference = of_law(
        arguments.results, arguments.results / "surrogates" / "grove" / "sample.parquet"
    )
    line = {
        "name": "peer",
        "value": round(found["typical"], 2),
        "unit": "times as far from the test rows as another realisation of the law, typically",
        "reference": {"name": "Grove", "value": round(reference["typical"], 2)},
        "ratio": round(found["typical"] / reference["typical"], 2),
        "peer": f"mostlyai-engine {VERSION}",
        "epsilon": arguments.epsilon,
        "rows": {"drawn": len(rows), "judged": wanted},
        "measures": {"peer": found, "grove": reference},
        **told,
        "wall_s": round(time.perf_counter() - begin),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
