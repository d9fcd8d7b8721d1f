"""What an evaluation says of what it could not measure, and that nothing else is lost with it."""

import json

import numpy as np
import pandas as pd
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows, write_tables
from typer.testing import CliRunner

from redwood.command_line import _register_stages, app
from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.evaluating import evaluate
from redwood.evaluation.measures import jsd, wd
from redwood.tables import Column, TableDescription

PARTS = {"train": (400, 1), "holdout": (150, 2), "synthetic": (150, 3)}


def parts(**columns) -> dict[str, pd.DataFrame]:
    """Rows of each part; `columns` are functions of the number of rows and of the part's name."""
    return {
        name: toy_rows(*rows).assign(**{c: make(rows[0], name) for c, make in columns.items()})
        for name, rows in PARTS.items()
    }


def run(tmp_path, frames, description=DESCRIPTION, **options):
    paths = write_tables(tmp_path, description, **frames)
    chosen = Evaluation(**{"target": "work", "target_class": "state", "groups": 5, **options})
    return evaluate(*paths, tmp_path / "out", chosen, seed=1)


def fail(*_):
    raise ValueError("could not convert string to float: 'ann@cern.ch'")


def test_a_measure_that_fails_takes_no_other_along_and_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(jsd, "over_features", fail)
    found = run(tmp_path, parts(), measures=["wd", "jsd", "fano"])
    assert found == json.loads((tmp_path / "out" / "measures.json").read_text())
    assert found["measures"]["jsd"]["value"] is None
    note = found["measures"]["jsd"]["note"]
    assert note.startswith("failed: ValueError in test_evaluation_losses.py:")
    assert found["warnings"] == [f"JSD {note}"]
    assert found["measures"]["wd"]["value"] < 1
    assert found["measures"]["fano"]["value"] is not None
    assert "ann@" not in capsys.readouterr().err + json.dumps(found)


@pytest.mark.parametrize("lost", ["value", "floor_draws"])
def test_a_value_that_is_no_number_is_a_failure(tmp_path, monkeypatch, lost):
    given = {"value": 1.0, "low": 0.0, "high": 1.0, "floor": 1.0, "floor_draws": (1.0,)}
    given[lost] = (np.nan,) if lost == "floor_draws" else np.nan
    monkeypatch.setattr(jsd, "over_features", lambda *_: wd.Result(**given))
    found = run(tmp_path, parts(), measures=["wd", "jsd"])
    assert found["measures"]["jsd"]["value"] is None
    assert found["measures"]["jsd"]["note"].startswith("failed: ArithmeticError")


def test_an_evaluation_without_any_value_is_an_error_and_writes_nothing(tmp_path):
    description = TableDescription("t", (DESCRIPTION["work"],))
    with pytest.raises(
        InputError, match=r"synthetic\.parquet: no measure has a value: JSD: the ta"
    ):
        run(tmp_path, parts(), description, measures=["jsd", "recurrence"])
    assert not (tmp_path / "out").exists()


def unique(rows, name):
    return [f"{name} {row}" for row in range(rows)]


FEW = {name: toy_rows(rows, seed) for seed, (name, rows) in enumerate(
    {"train": 20, "holdout": 10, "synthetic": 10}.items()
)}  # fmt: skip
ONE_MOMENT = pd.Timestamp("2024-01-01", tz="UTC")
CONSTANT = {"when": ONE_MOMENT, "site": "A", "state": "B", "size": 1, "work": 0.5}


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(
    "frames",
    [
        {name: frame.assign(**CONSTANT) for name, frame in FEW.items()},
        {
            name: frame.assign(site=unique(len(frame), name), size=range(len(frame)))
            for name, frame in FEW.items()
        },
        FEW | {"synthetic": FEW["synthetic"].assign(**CONSTANT)},
    ],
    ids=["constant", "unique", "collapsed"],
)
def test_no_measure_fails_on_any_table(tmp_path, frames):
    found = run(tmp_path, frames, conditionals=(("site", "state"), ("state", "size", "work")))
    assert not [one for one in found["warnings"] if "failed" in one]


def test_ids_that_are_all_unique_leave_the_series_without_gaps_and_are_measured(tmp_path):
    found = run(tmp_path, parts(site=unique), measures=["c2st_sequence"])
    measure = found["measures"]["c2st_sequence"]
    assert 0.3 < measure["value"] < 0.7
    assert measure["note"].endswith("series by site")


def test_wd_says_which_column_a_fill_value_hides_and_leaves_it_out(tmp_path):
    description = TableDescription("t", (DESCRIPTION["work"], Column("load", "numeric")))

    def filled(rows, name):
        values = np.random.default_rng(len(name)).normal(10, 2, rows)
        values[17] = 3.4028235e38 if name != "synthetic" else 10
        return values

    frames = parts(load=filled)
    found = run(tmp_path, frames, description, measures=["wd", "joint"])
    alone = run(tmp_path, frames, TableDescription("t", description.columns[:1]), measures=["wd"])
    assert found["measures"]["wd"]["value"] == alone["measures"]["wd"]["value"]
    assert "does not see load: extreme values" in found["measures"]["wd"]["note"]
    merged, held_out, blind = found["warnings"]
    assert "train.parquet: data row 18: load is 3.40282e+38, the largest 32-bit float" in merged
    assert merged.endswith("beside it measures see the other values of the column as one")
    assert "holdout.parquet: data row 18: load is 3.40282e+38" in held_out
    assert blind.startswith("WD does not see load")


def test_a_collapsed_column_is_told_with_both_numbers(tmp_path):
    frames = parts()
    frames["synthetic"] = frames["synthetic"].assign(work=4.0)
    found = run(tmp_path, frames, measures=["wd"])
    real = len(set(frames["train"]["work"]))
    assert real == 400
    assert found["warnings"] == ["work has collapsed: 1 distinct values, real rows have 150"]


def test_the_last_line_tells_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(wd, "over_features", fail)
    paths = write_tables(tmp_path, **parts())
    _register_stages()
    words = [f"--{name}={path}" for name, path in zip(("table", *PARTS), paths, strict=True)]
    options = json.dumps({"measures": ["jsd", "wd", "diff_mlef_class"], "groups": 5})
    output = tmp_path / "out"
    done = CliRunner().invoke(app, ["evaluate", *words, f"--output={output}", "--options", options])
    assert done.exit_code == 0, done.output
    last = done.stdout.splitlines()[-1]
    assert last.startswith(
        f"{output}: 1 of 3 measures; without a value: wd, diff_mlef_class; WD fa"
    )
