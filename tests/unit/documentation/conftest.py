"""The folder in which the blocks of a page run: a tiny run, and the files that pages speak of."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from tests.browsers import browser as browser
from tests.unit.documentation.blocks import ROOT, SMALL

import redwood
from redwood import plugins


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    """What pages find in `results/embedded`, of a few hundred jobs; beside it the dump."""
    pytest.importorskip("simgrid")
    folder = tmp_path_factory.mktemp("tiny")
    dump = redwood.generate_dump(folder / "dump", jobs=500, days=14, sites=6, seed=1)
    records = redwood.clean(dump, folder / "records", seed=1)
    split = records.split(folder / "embedded/records", seed=1)
    shutil.copy(split.table, folder / "embedded/records/table.json")
    for model in ("sequoia", "grove"):
        made = folder / "embedded/surrogates" / model
        redwood.train(model, split, made / "model", seed=1, options=json.loads(SMALL))
        redwood.sample(made / "model", 100, made / "sample.parquet", seed=1)
    redwood.platform(split, folder / "embedded/simulation/platform.json", load_factor=50)
    return folder


@pytest.fixture
def workplace(tiny, tmp_path, monkeypatch) -> Path:
    """A new folder with the tiny run and the files of which pages speak, where a test now is."""
    (tmp_path / "results").mkdir()
    shutil.copytree(tiny / "embedded", tmp_path / "results/embedded")
    # Copies, for pages write files that they show.
    for folder in ("config", "resources"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    embedded, sample = Path("results/embedded"), Path("surrogates/sequoia/sample.parquet")
    for name, target in {
        "dump": tiny / "dump",
        "jobs": tiny / "records/jobs",
        **{f: embedded / "records" / f for f in ("table.json", "test.parquet")},
        **{f: embedded / "records" / f for f in ("train.parquet", "validation.parquet")},
        **{f"{name}.parquet": embedded / sample for name in ("sample", "spring", "autumn")},
        "model": embedded / "surrogates/sequoia/model",
    }.items():
        (tmp_path / name).symlink_to(target)
    monkeypatch.chdir(tmp_path)
    pd.read_parquet("sample.parquet").to_csv("jobs.csv", index=False)
    for name in ("mine", "most_free", "my_policy"):
        Path(f"{name}.py").write_text(
            "def choose(job, grid):\n    return next(iter(grid.able(job)), None)\n"
        )
    scenario = "environment: results/embedded/simulation/platform.json\nnetwork: fluid\n"
    Path("scenario.yaml").write_text(f"{scenario}workload: {{jobs: jobs.csv}}\n")
    # Plug-ins that pages show are there as they would be in the library.
    for package in ("evaluation.measures", "simulation.policies.brokerage"):
        there = list(__import__(f"redwood.{package}", fromlist=["x"]).__path__)
        own = tmp_path / "workflow/redwood" / package.replace(".", "/")
        monkeypatch.setattr(f"redwood.{package}.__path__", [*there, str(own)])
    assert plugins.names("redwood.evaluation.measures")
    return tmp_path
