"""The audit without canaries: units of training against those that were held out."""

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows
from typer.testing import CliRunner

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.release.commands import app
from redwood.release.held_out import audit_units
from redwood.tables import Column, TableDescription, write_table

TASK = Column("task", "categorical", role="auxiliary")
TABLE = TableDescription("toy", (*DESCRIPTION.columns, TASK), units=("task",))
FEATURES = [column.name for column in DESCRIPTION.columns]


def of_tasks(rows, seed):
    """Rows of tasks of five on average, each within a few hours and of one site."""
    random = np.random.default_rng(seed)
    task = random.integers(0, rows // 5, rows)
    start = random.uniform(0, 30 * 86400, rows // 5)[task]
    seconds = start + random.exponential(7200, rows) + 1_704_067_200
    site = np.array(["BNL", "CERN", "AGLT2", "RAL"], object)[task % 4]
    return toy_rows(rows, seed).assign(
        when=pd.to_datetime(seconds.round(), unit="s", utc=True),
        site=site,
        task=np.array([f"{seed}-{number}" for number in task], object),
    )


@pytest.fixture
def folder(tmp_path):
    TABLE.save(tmp_path / "table.json")
    write_table(of_tasks(3000, 1), tmp_path / "train.parquet", TABLE)
    write_table(of_tasks(2000, 2), tmp_path / "holdout.parquet", TABLE)
    return tmp_path


def audited(folder, sample, level="task", seed=1):
    write_table(sample[FEATURES], folder / "sample.parquet", DESCRIPTION)
    names = ("table.json", "train.parquet", "holdout.parquet", "sample.parquet")
    return audit_units(*(folder / name for name in names), level, seed, folder / "units.json")


def test_all_units_of_a_copy_are_found(folder):
    found = audited(folder, of_tasks(3000, 1))
    assert (found["found"], found["at_most"]) == (1, 1)
    assert found["combinations"]["back"] > 0.15 + found["combinations"]["by_chance"]
    assert found["closest"]["planted"] < 1e-3 < found["closest"]["others"]
    assert {min(size["rows"]) for size in found["sizes"]} == {1, 5}


def test_units_of_other_rows_of_the_same_law_are_found_by_chance_alone(folder):
    shares = []
    for seed in (10, 20, 30):
        write_table(of_tasks(3000, seed), folder / "train.parquet", TABLE)
        write_table(of_tasks(2000, seed + 1), folder / "holdout.parquet", TABLE)
        found = audited(folder, of_tasks(3000, seed + 2))
        shares.append(found["found"])
        assert found["found"] < found["at_most"] < 0.3
        assert found["best"]["chance"] > 0.01
        back, by_chance = (found["combinations"][name] for name in ("back", "by_chance"))
        assert back == pytest.approx(by_chance, abs=0.1)
    assert np.mean(shares) == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_of_units_that_leak_now_and_then_so_many_are_found(folder, share):
    """A mechanism of known privacy: a unit is published as it is with a known probability.

    Found is then the share that leaks, and one in ten of the others.
    """
    rows = of_tasks(3000, 1)
    units = rows["task"].unique()
    leaked = np.random.default_rng(5).choice(units, round(share * len(units)), replace=False)
    # As many rows of others, so that nothing else tells.
    sample = pd.concat([rows[rows["task"].isin(leaked)], of_tasks(3000, 7)], ignore_index=True)
    found = audited(folder, sample)
    assert found["found"] == pytest.approx(share + 0.1 * (1 - share), abs=0.06)
    assert found["found"] < found["at_most"] < 1


def test_units_in_both_parts_cannot_be_judged(folder):
    rows = of_tasks(3000, 1)
    write_table(rows.iloc[:500], folder / "holdout.parquet", TABLE)
    with pytest.raises(InputError, match=r"units of 'task' are in .*split by task"):
        audited(folder, rows)
    write_table(of_tasks(150, 8), folder / "holdout.parquet", TABLE)
    with pytest.raises(InputError, match="expected 40 or more"):
        audited(folder, rows)
    with pytest.raises(InputError, match="a numeric column, expected names"):
        audited(folder, rows, level="work")


def test_records_and_the_command(folder):
    """Records of a task are alike: what is held out is halved by tasks."""
    audited(folder, of_tasks(1500, 9))
    names = ("table", "train", "holdout", "synthetic")
    files = ("table.json", "train.parquet", "holdout.parquet", "sample.parquet")
    words = [f"--{name}={folder / file}" for name, file in zip(names, files, strict=True)]
    output = folder / "records.json"
    done = CliRunner().invoke(app, ["audit-units", *words, "--level=record", f"--output={output}"])
    content = read_json(output, "audit")
    assert done.stdout.splitlines()[-1] == (
        f"{output}: {100 * content['found']:.0f} % of 1000 records of training found, at most "
        f"{100 * content['at_most']:.0f} %, where 10 % of {content['others']} held-out ones are "
        "taken for such"
    )
    assert content["at_most"] < 0.25
