"""The Python API: the examples of its documentation, run one after the other, and its refusals."""

import doctest
import subprocess
import sys

import pandas as pd
import pyarrow as pa
import pytest

import redwood
from redwood import api

STORY = (
    api.generate_dump,
    api.clean,
    api.Records.split,
    api.Split,
    api.train,
    api.load_surrogate,
    api.sample,
    api.evaluate,
    api.platform,
    api.simulate,
    api.simulate_all,
    api.compare,
    api.brokerage_env,
)


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What the examples leave, each run as it stands in its docstring."""
    patch = pytest.MonkeyPatch()
    patch.chdir(tmp_path_factory.mktemp("story"))
    text = "\n\n".join(function.__doc__ for function in STORY)
    test = doctest.DocTestParser().get_doctest(text, {"redwood": redwood}, "api", None, 0)
    assert len(test.examples) > len(STORY)
    said: list[str] = []
    failed, _ = doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
    yield test.globs | {"failed": failed, "said": "".join(said)}
    patch.undo()


def test_the_examples_do_what_they_say(told):
    assert not told["failed"], told["said"]


def test_records_come_as_frames(told):
    records = told["records"]
    assert len(records.jobs) == records.account["rows"]["kept"]
    assert len(records.rejected) == records.account["rows"]["input"] - len(records.jobs)
    assert records.card.is_file()


def test_outcomes_come_as_frames_that_agree_with_each_other(told):
    outcomes = told["outcomes"]
    assert outcomes.seeds == [1]
    finished = outcomes.jobs.query("state == 'finished'")
    assert len(outcomes.jobs) >= 150
    assert set(outcomes.jobs["seed"]) == {1}
    assert outcomes.summary.loc["makespan", "unit"] == "s"
    assert outcomes.by_seed.loc[1, "makespan"] == outcomes.summary.loc["makespan", "value"]
    assert set(finished["site"]) <= set(outcomes.sites["site"])


def test_measures_have_their_floor_and_interval(told):
    measures = told["measures"]
    assert list(measures.index) == ["wd", "dcr"]
    assert (measures["low"] <= measures["value"]).all()
    assert (measures["value"] <= measures["high"]).all()
    assert measures["floor"].notna().all()


def test_a_measure_without_a_value_says_why(told):
    rows = pa.Table.from_pandas(told["rows"])
    measures = redwood.evaluate(told["split"], rows, measures=["wd", "attack_likelihood"], groups=5)
    assert measures["value"].notna().tolist() == [True, False]
    assert measures.loc["attack_likelihood", "note"].startswith("the model has no likelihood")


def test_rows_are_those_that_the_command_writes(told, tmp_path):
    file = tmp_path / "sample.parquet"
    options = ("--rows", "150", "--seed", "1", "--output", str(file))
    command = [sys.executable, "-m", "redwood", "surrogates", "sample", "model", *options]
    subprocess.run(command, check=True, capture_output=True)
    pd.testing.assert_frame_equal(
        redwood.read_table(file, told["split"].description.only_features()), told["rows"]
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda told: redwood.generate_dump("x", jobs=0), "generate_dump: jobs is 0"),
        (lambda told: redwood.clean("nothing/*.csv", "x"), "nothing"),
        (lambda told: redwood.clean(told["dump"], "x", column=1), "clean: column: unknown key"),
        (lambda told: redwood.train("no-such", told["split"], "x"), "there is no 'no-such'"),
        (lambda told: redwood.load_surrogate("records"), "not a model folder"),
        (lambda told: redwood.evaluate(told["split"], "none.parquet"), "none.parquet"),
        (lambda told: redwood.platform(told["split"], "x", load=1), "platform: load: unknown key"),
        (lambda told: redwood.simulate({}, "x"), "environment"),
    ],
)
def test_what_a_user_can_put_right_is_an_input_error(told, call, message):
    with pytest.raises(redwood.InputError, match=message):
        call(told)


def test_a_missing_extra_is_named_by_the_function_that_needs_it(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "redwood.surrogates.models.tabddpm.surrogate", raising=False)
    with pytest.raises(redwood.InputError, match=r"torch is not installed; .*'models'"):
        redwood.train("tabddpm", told["split"], "x")


def test_importing_the_library_imports_nothing_heavy_until_a_name_is_used():
    code = (
        "import sys, redwood; assert redwood.__version__ and 'simulate' in dir(redwood); "
        "print(len({'numpy', 'pandas', 'pydantic', 'typer'} & set(sys.modules))); "
        "redwood.simulate; print('torch' in sys.modules, 'pandas' in sys.modules)"
    )
    answer = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert answer.split() == ["0", "False", "True"]
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = redwood.no_such_name
    assert redwood.__all__ == api.__all__
