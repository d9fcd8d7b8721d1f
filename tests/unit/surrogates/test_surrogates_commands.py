"""The command line of the surrogates, and its errors."""

import json
import sys

import numpy as np
import pytest
from tests.unit.surrogates.conftest import JOBS
from typer.testing import CliRunner

from redwood.errors import InputError
from redwood.surrogates.commands import app
from redwood.surrogates.models.copy.surrogate import Surrogate
from redwood.surrogates.sampling import parse_conditions
from redwood.tables import read_table, write_table


def run(*words: object):
    """Run the command line; errors come through."""
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def train(tables, model="copy", **changed):
    arguments = {
        "table": tables / "table.json",
        "train": tables / "train.parquet",
        "validation": tables / "validation.parquet",
        "output": tables / "model",
        "seed": 1,
        **changed,
    }
    options = [word for name, value in arguments.items() for word in (f"--{name}", value)]
    return run("train", model, *options)


def test_train_and_sample(tables, jobs):
    assert train(tables).exit_code == 0
    summary = json.loads((tables / "model" / "train.json").read_text(encoding="utf-8"))
    assert summary["rows"] == {"train": 300, "validation": 100}
    output = tables / "sample.parquet"
    done = run("sample", tables / "model", "--rows", 7, "--seed", 1, "--output", output)
    assert done.exit_code == 0
    assert len(read_table(output, jobs.only_features())) == 7
    summary = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert summary["model"] == "copy"
    assert (summary["rows"], summary["seed"], summary["given"]) == (7, 1, {})


def test_a_model_whose_extra_is_not_installed_says_how_to_install_it(tables, monkeypatch):
    monkeypatch.delitem(sys.modules, "redwood.surrogates.models.sdv.surrogate", raising=False)
    # Python answers an import of what stands for None as if it were not there.
    monkeypatch.setitem(sys.modules, "sdv", None)
    message = r"sdv is not installed; .*pip install '.\[sdv\]'.* leave sdv out of surrogates"
    with pytest.raises(InputError, match=message):
        train(tables, "sdv")


@pytest.mark.parametrize(("load", "rows"), [(None, 100), (0.5, 150)])
def test_so_many_rows_as_a_file_has_or_in_units_of_the_training_rows(tables, jobs, load, rows):
    train(tables)
    number = ("--load", load) if load else ("--like", tables / "validation.parquet")
    output = tables / "sample.parquet"
    run("sample", tables / "model", *number, "--seed", 1, "--output", output)
    assert len(read_table(output, jobs.only_features())) == rows


@pytest.mark.parametrize(
    "numbers",
    [[], ["--rows", 5, "--like", "x.parquet"], ["--rows", 5, "--load", 1]],
)
def test_either_rows_or_like(tables, numbers):
    done = run("sample", tables, "--seed", 1, "--output", tables / "s.parquet", *numbers)
    assert done.exit_code == 2
    assert "--rows" in done.output


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"model": "nosuch"},
            "there is no 'nosuch'; there are copy, .*independent, .*smote, .*tvae",
        ),
        ({"options": "{"}, "--options is '{', expected a JSON object"),
        ({"options": "[1]"}, r"--options is '\[1\]', expected a JSON object"),
        ({"options": '{"speed": 1}'}, "copy: options.speed: unknown key .value 1.; allowed: none"),
        (
            {"model": "tvae", "options": '{"epochs": 0}'},
            "tvae: options.epochs is 0: Input should be greater than or equal to 1",
        ),
        ({"output": "model.json"}, r"model\.json: its ending is .* expected a folder's name"),
        ({"train": "nosuch.parquet"}, "nosuch.parquet: no such table"),
        ({"table": "nosuch.json"}, "nosuch.json: no such table description"),
    ],
)
def test_bad_input_of_train_is_named(tables, changed, message):
    with pytest.raises(InputError, match=message):
        train(tables, **changed)
    assert not (tables / "model").exists()


def test_training_rows_that_no_model_can_learn_are_named(tables, jobs):
    rows = read_table(tables / "train.parquet", jobs.only_features())
    rows.loc[2, "load"] = np.inf
    write_table(rows, tables / "train.parquet", jobs.only_features())
    with pytest.raises(InputError, match=r"train\.parquet: data row 3: load is inf, expected"):
        train(tables)
    assert not (tables / "model").exists()


@pytest.mark.parametrize(
    ("part", "values", "words"),
    [
        (
            "train",
            {17: 3.4028235e38},
            r"data row 18: load is 3\.40282e\+38, the largest 32-bit float, wh",
        ),
        (
            "validation",
            {0: -1e20},
            r"data row 1: load is -1e\+20, a fill value, which often stands for a",
        ),
        (
            "train",
            {5: 1e12},
            r"data row 6: load is 1e\+12: beside it the other values of the column are",
        ),
        ("train", {5: 1e160}, r"data row 6: load is 1e\+160, expected a finite number below 1e150"),
    ],
)
def test_a_value_beside_which_all_others_are_one_is_refused(tables, jobs, part, values, words):
    rows = read_table(tables / f"{part}.parquet", jobs.only_features())
    rows.loc[list(values), "load"] = list(values.values())
    write_table(rows, tables / f"{part}.parquet", jobs.only_features())
    with pytest.raises(InputError, match=rf"{part}\.parquet: {words}"):
        train(tables)


def test_a_sentinel_that_merges_nothing_is_told_in_the_last_line_and_the_summary(tables, jobs):
    rows = read_table(tables / "train.parquet", jobs.only_features())
    rows.loc[[3, 9], "load"] = -999
    write_table(rows, tables / "train.parquet", jobs.only_features())
    done = train(tables)
    told = (
        "train.parquet: data row 4: load is -999, a fill value, which often stands for a missing "
        "value (and in 1 more rows)"
    )
    assert done.output.splitlines()[-1].endswith(f"from 300 rows; {told}")
    assert json.loads((tables / "model" / "train.json").read_text())["warnings"] == [told]
    assert f"**Mind:** {told}" in (tables / "model" / "MODEL_CARD.md").read_text()


def test_a_training_whose_last_epoch_was_its_best_says_so(tables):
    done = train(tables, "tvae", options='{"epochs": 1}')
    words = "the last of 1 epochs was the best: more of them may do better"
    assert done.output.splitlines()[-1].endswith(f"300 rows; {words}")


def test_a_sample_that_has_collapsed_says_so(tables, monkeypatch):
    train(tables)
    draw = Surrogate.sample
    monkeypatch.setattr(Surrogate, "sample", lambda *given: draw(*given).assign(load=0.5))
    output = tables / "sample.parquet"
    distinct = read_table(tables / "train.parquet", JOBS.only_features())["load"].nunique()
    done = run("sample", tables / "model", "--rows", 150, "--output", output)
    words = f"load has collapsed: 1 distinct values, real rows have {distinct / 2:.0f}"
    assert done.output.splitlines()[-1] == f"{output}: 150 rows; {words}"
    assert json.loads(output.with_suffix(".json").read_text())["warnings"] == [words]


def test_a_folder_of_parts_is_taken_wherever_a_table_is(tables, jobs):
    rows = read_table(tables / "train.parquet", jobs.only_features())
    parts = tables / "parts"
    for number in range(3):
        write_table(rows.iloc[number::3], parts / f"part-{number}.parquet", jobs.only_features())
    (parts / "_SUCCESS").touch()
    assert train(tables, train=parts).exit_code == 0
    output = tables / "sample.csv"
    run("sample", tables / "model", "--like", parts, "--output", output)
    assert len(read_table(output, jobs.only_features())) == 300


def test_the_same_rows_give_the_same_model_whatever_their_format(tables, jobs):
    train(tables)
    rows = read_table(tables / "train.parquet", jobs.only_features())
    for ending in ("csv.gz", "arrow"):
        write_table(rows, tables / f"train.{ending}", jobs.only_features())
        again = tables / ending.replace(".", "_")
        train(tables, train=tables / f"train.{ending}", output=again)
        for file in (tables / "model").iterdir():
            assert (again / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rows", 5, "--output", "s.json"], r"s\.json: its ending is that of another format"),
        (["--rows", 0], "rows is 0, expected at least 1"),
        (["--rows", 5, "--given", "computingsite=BNL"], "cannot sample given computingsite=BNL"),
        (["--rows", 5, "--given", "colour=red"], "has no column 'colour'"),
        (["--rows", 5, "--given", "computingsite"], "expected column=value"),
        (["--like", "nosuch.parquet"], "nosuch.parquet: no such table"),
        (["--load", -1], "--load is -1.0, expected a positive number"),
        (["--load", 0.001], "--load is 0.001: of 300 such rows that is less than one"),
    ],
)
def test_bad_input_of_sample_is_named(tables, words, message):
    train(tables)
    output = tables / "sample.parquet"
    with pytest.raises(InputError, match=message):
        run("sample", tables / "model", "--seed", 1, "--output", output, *words)
    assert not output.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a model folder"),
        ("{", "not a model description in JSON"),
        ('{"format": 1, "model": "grove"}', "format is 1, expected 2: train the model again"),
        ('{"format": 2, "model": "copy"}', "incomplete"),
    ],
)
def test_a_folder_that_is_no_model_is_named(tmp_path, content, message):
    if content is not None:
        (tmp_path / "model.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        run("sample", tmp_path, "--rows", 5, "--seed", 1, "--output", tmp_path / "s.parquet")


def test_a_model_folder_without_its_weights_is_named(tables):
    options = json.dumps({"epochs": 1, "hidden": [4], "components": 2})
    train(tables, "tvae", options=options)
    (tables / "model" / "weights.safetensors").unlink()
    with pytest.raises(InputError, match="missing, though"):
        run("sample", tables / "model", "--rows", 5, "--seed", 1, "--output", tables / "s.parquet")


def test_conditions_are_read():
    assert parse_conditions(["site=BNL", "load=a=b"]) == {"site": "BNL", "load": "a=b"}
    with pytest.raises(InputError, match="names the column 'site' twice"):
        parse_conditions(["site=BNL", "site=CERN"])
