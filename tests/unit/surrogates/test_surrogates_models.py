"""What every model owes: types, supports, same seed same bytes, a folder that is all it needs."""

import functools
import importlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import redwood
from redwood import plugins
from redwood.errors import InputError
from redwood.outputs import write_json
from redwood.surrogates.contract import (
    MODELS,
    Surrogate,
    load_surrogate,
    new_surrogate,
    save_surrogate,
)
from redwood.surrogates.training import train_model
from redwood.tables import Column, TableDescription, read_table, write_table

QUICK = {
    "ctabganplus": {
        "epochs": 1,
        "channels": 2,
        "noise": 4,
        "batch_size": 50,
        "components": 3,
        "predictor_width": 8,
    },
    "grove": {"epochs": 1, "hidden": 8, "bins": 4, "least_owners": 1},
    "sequoia": {"epochs": 1, "hidden": 8, "bins": 4},
    "tabddpm": {
        "epochs": 1,
        "hidden": [8],
        "embedding": 4,
        "batch_size": 50,
        "steps": 10,
        "sampling_steps": 5,
    },
    "tvae": {"epochs": 1, "hidden": [8], "embedding": 3, "batch_size": 50, "components": 3},
}
# Models that draw rows with a given category; SMOTE only where it is the label.
CONDITIONAL = ("ctabganplus", "grove", "sequoia")

without_sdv = pytest.mark.skipif(find_spec("sdv") is None, reason="the extra sdv is not installed")
every_model = pytest.mark.parametrize(
    "model",
    [pytest.param(m, marks=without_sdv if m == "sdv" else ()) for m in plugins.names(MODELS)],
)


def quick(model: str, description: TableDescription, seed: int = 1):
    """A model whose training takes a moment."""
    return new_surrogate(model, description, QUICK.get(model, {}), seed)


def train_in(tables: Path, model: str, name: str, **options):
    """Train a quick model on the tables of a folder as the command does; the summary."""
    files = (tables / file for file in ("table.json", "train.parquet", "validation.parquet"))
    return train_model(model, *files, tables / name, QUICK.get(model, {}) | options, seed=1)


def assert_supported(sample: pd.DataFrame, train: pd.DataFrame, description: TableDescription):
    """The sample has the types of the training rows and no value beyond theirs."""
    assert sample.dtypes.to_dict() == train.dtypes.to_dict()
    assert list(sample) == list(train)
    for column in description.only_features().columns:
        if column.is_categorical:
            assert set(sample[column.name]) <= set(train[column.name]), column.name
        else:
            low, high = train[column.name].min(), train[column.name].max()
            assert sample[column.name].between(low, high).all(), column.name


@pytest.fixture(scope="module")
def trained(jobs, train, validation):
    """A function: the quick model of this name, trained once on the job table."""

    @functools.cache
    def of(model: str) -> Surrogate:
        surrogate = quick(model, jobs)
        surrogate.fit(train, validation)
        return surrogate

    return of


@every_model
def test_types_and_supports_come_back(model, trained, jobs, train, tmp_path):
    sample = trained(model).sample(500, seed=2)
    assert len(sample) == 500
    assert_supported(sample, train, jobs)
    write_table(sample, tmp_path / "sample.parquet", jobs.only_features())
    read = read_table(tmp_path / "sample.parquet", jobs.only_features())
    pd.testing.assert_frame_equal(read, sample)
    assert np.array_equal(np.round(sample["load"], 2), sample["load"]), "two decimals in training"
    assert (sample["creationtime"].dt.microsecond == 0).all()


@every_model
def test_same_seed_same_bytes_and_the_folder_is_all_it_needs(
    model, trained, jobs, train, validation, tmp_path
):
    surrogate = quick(model, jobs)
    surrogate.fit(train, validation)
    folders = []
    for name, one in (("one", trained(model)), ("two", surrogate)):
        folder = tmp_path / name
        folder.mkdir()
        save_surrogate(one, folder, len(train))
        write_table(one.sample(50, seed=5), folder / "s.parquet", jobs.only_features())
        folders.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert folders[0] == folders[1]
    other = surrogate.sample(50, seed=6)
    assert not other.equals(surrogate.sample(50, seed=5))
    pd.testing.assert_frame_equal(load_surrogate(folder).sample(50, seed=6), other)


@every_model
def test_a_condition_holds_in_every_row_or_is_refused(model, trained):
    surrogate, given = trained(model), {"computingsite": "BNL"}
    if model in CONDITIONAL:
        sample = surrogate.sample(20, seed=1, given=given)
        assert len(sample) == 20
        assert (sample["computingsite"] == "BNL").all()
    else:
        with pytest.raises(InputError, match=f"{model}: cannot sample given computingsite=BNL"):
            surrogate.sample(20, seed=1, given=given)


@every_model
def test_the_folder_explains_itself_and_has_no_pickle(model, tables):
    train_in(tables, model, "model")
    folder = tables / "model"
    suffixes = {file.suffix for file in folder.iterdir()}
    assert suffixes <= {".json", ".csv", ".md", ".parquet", ".safetensors", ".sha256"}
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in (f"# Model card: {model}", "300 rows", "Licence", "Privacy", "HS23·s"):
        assert words in card
    kept = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert (kept["model"], kept["rows"], kept["seed"]) == (model, 300, 1)
    names = [column["name"] for column in kept["table"]["columns"]]
    assert "walltime" not in names, "auxiliary columns are not learned"


@st.composite
def wild_tables(draw) -> tuple[TableDescription, pd.DataFrame]:
    """Small tables of any columns, down to a single value, with constants, ties and heavy tails."""
    rows = draw(st.sampled_from([1, 2, 25]) | st.integers(1, 25))

    def column(values: st.SearchStrategy) -> list:
        pool = draw(st.lists(values, min_size=1, max_size=6))
        return draw(st.lists(st.sampled_from(pool), min_size=rows, max_size=rows))

    columns, data = [], {}
    kinds = ("numeric", "log", "integer", "timestamp", "categorical")
    for i, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))):
        name = f"c{i}"
        if kind == "timestamp":
            seconds = np.array(column(st.integers(0, 2**32)), dtype="datetime64[s]")
            times = pd.Series(seconds.astype("datetime64[us]"))
            data[name] = times.dt.tz_localize("UTC")
        elif kind == "categorical":
            data[name] = pd.Series(column(st.text(max_size=3)), dtype=object)
        elif kind == "integer":
            data[name] = pd.Series(column(st.integers(-(10**15), 10**15)), dtype=np.int64)
        else:
            bounds = (0, 1e18) if kind == "log" else (-1e18, 1e18)
            data[name] = pd.Series(column(st.floats(*bounds)), dtype=np.float64)
        scale = "log" if kind == "log" else "linear"
        columns.append(Column(name, "numeric" if kind == "log" else kind, scale=scale))
    return TableDescription("wild", tuple(columns)), pd.DataFrame(data)


@every_model
def test_values_that_only_float64_tells_apart_beside_far_ones_are_learned(model):
    frame = pd.DataFrame({"x": [8_080_554] * 16 + [28_445_109] * 5 + [0, 1]})
    description = TableDescription("far", (Column("x", "integer"),))
    surrogate = quick(model, description)
    surrogate.fit(frame, frame)
    assert_supported(surrogate.sample(30, seed=1), frame, description)


@every_model
def test_whole_days_come_back_as_whole_days(model):
    """And what is every quarter of an hour, seven minutes past, comes back so."""
    random = np.random.default_rng(3)
    seconds = {
        "day": 86_400 * np.sort(random.integers(0, 3000, 200)) + 1_404_086_400,
        "due": 900 * random.integers(0, 5000, 200) + 420,
    }
    times = {
        name: pd.Series(pd.to_datetime(of_column, unit="s", utc=True).astype("datetime64[us, UTC]"))
        for name, of_column in seconds.items()
    }
    site = random.choice(["A", "B"], 200).astype(object)
    frame = pd.DataFrame({**times, "site": site, "work": random.exponential(size=200)})
    columns = (
        Column("day", "timestamp"),
        Column("due", "timestamp"),
        Column("site", "categorical"),
    )
    description = TableDescription("days", (*columns, Column("work", "numeric")))
    surrogate = quick(model, description)
    surrogate.fit(frame, frame)
    sample = surrogate.sample(100, seed=1)
    assert (sample["day"] == sample["day"].dt.normalize()).all()
    assert (sample["due"].astype("int64") // 10**6 % 900 == 420).all()


# Numbers that a processor may be told to take for 0.
SUBNORMAL = (
    TableDescription("wild", (Column("c0", "numeric"),)),
    pd.DataFrame({"c0": [1.0] * 10 + [2.2250738585e-313]}),
)


@every_model
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(table=SUBNORMAL)
@given(table=wild_tables())
def test_wild_tables_give_correct_rows_or_a_clear_error(model, table):
    description, frame = table
    surrogate = quick(model, description)
    try:
        surrogate.fit(frame, frame)
    except InputError as error:
        assert model in str(error)  # noqa: PT017
        assert "constant" in str(error) or "label" in str(error)  # noqa: PT017
        return
    sample = surrogate.sample(7, seed=1)
    assert_supported(sample, frame, description)
    for column in description.columns:
        first = frame[column.name].iloc[0]
        if (frame[column.name] == first).all():
            assert (sample[column.name] == first).all()


@every_model
def test_ten_thousand_categories(model):
    names = np.array([f"c{i:05}" for i in range(10_000)], dtype=object)
    train = pd.DataFrame({"name": names, "x": np.random.default_rng(0).normal(size=10_000)})
    description = TableDescription("wide", (Column("name", "categorical"), Column("x", "numeric")))
    has_batches = "batch_size" in plugins.load(MODELS, model).Options.model_fields
    options = QUICK.get(model, {}) | ({"batch_size": 2500} if has_batches else {})
    surrogate = new_surrogate(model, description, options, 1)
    surrogate.fit(train, train)
    sample = surrogate.sample(300, 2)
    assert set(sample["name"]) <= set(names)
    # Each is as frequent as any other: hardly one should come more than a few times.
    assert sample["name"].nunique() > 30


@every_model
def test_validation_rows_with_categories_of_their_own_are_no_harm(model, jobs, train, validation):
    site = validation["computingsite"].mask(validation.index < 10, "elsewhere")
    surrogate = quick(model, jobs)
    surrogate.fit(train, validation.assign(computingsite=site))
    assert "elsewhere" not in set(surrogate.sample(200, 1)["computingsite"])


def test_the_copy_copies_and_the_independent_control_breaks_dependence(jobs, train, validation):
    rows = set(train.itertuples(index=False, name=None))
    copied = quick("copy", jobs)
    copied.fit(train, validation)
    assert set(copied.sample(200, 1).itertuples(index=False, name=None)) <= rows
    line = TableDescription("line", (Column("x", "numeric"),))
    numbers = quick("copy", line)
    numbers.fit(pd.DataFrame({"x": np.arange(100.0)}), validation)
    # Half of the rows come a third time, none a fourth.
    counts = numbers.sample(250, 1)["x"].value_counts()
    assert counts.value_counts().to_dict() == {2: 50, 3: 50}

    line = TableDescription("line", (Column("x", "numeric"), Column("y", "numeric")))
    frame = pd.DataFrame({"x": np.arange(2000.0), "y": np.arange(2000.0)})
    independent = quick("independent", line)
    independent.fit(frame, frame)
    sample = independent.sample(2000, 1)
    assert abs(sample["x"].corr(sample["y"])) < 0.08
    assert sample["x"].mean() == pytest.approx(999.5, rel=0.05)


@every_model
def test_options_import_no_heavy_library_and_say_what_the_model_is(model):
    """The Snakefile imports the options of every model."""
    code = (
        f"import sys, redwood.surrogates.models.{model}.options as options; "
        "heavy = {'torch', 'pandas', 'numpy', 'sklearn', 'imblearn', 'safetensors', 'sdv'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); "
        "assert options.ROLE in ('model', 'control'); "
        "assert type(options.USES_GPU) is type(options.HAS_DENSITY) is bool"
    )
    library = str(Path(redwood.__file__).parent.parent)
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": library}
    )
    plugin = importlib.import_module(f"{MODELS}.{model}.surrogate")
    has_density = plugin.Surrogate.log_density is not Surrogate.log_density
    assert has_density == plugins.load(MODELS, model).HAS_DENSITY


def test_a_folder_of_an_earlier_version_does_not_say_the_models_role(trained, tmp_path):
    surrogate = trained("copy")
    save_surrogate(surrogate, tmp_path, 300)
    content = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert content.pop("role") == "control"
    write_json(tmp_path / "model.json", content)
    pd.testing.assert_frame_equal(load_surrogate(tmp_path).sample(9, 1), surrogate.sample(9, 1))
