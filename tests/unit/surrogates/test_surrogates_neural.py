"""What every model of networks owes: it resumes, it disturbs nobody, it says what is missing."""

import numpy as np
import pandas as pd
import pytest
from test_surrogates_models import quick, train_in

torch = pytest.importorskip("torch")

import redwood.surrogates.training_loop as loop  # noqa: E402
from redwood import plugins  # noqa: E402
from redwood.errors import InputError  # noqa: E402
from redwood.surrogates.contract import MODELS, load_surrogate, new_surrogate, save_surrogate  # noqa: E402
from redwood.surrogates.options import NeuralOptions  # noqa: E402
from redwood.tables import Column, TableDescription  # noqa: E402

NEURAL = tuple(
    name
    for name in plugins.names(MODELS)
    if issubclass(plugins.load(MODELS, name).Options, NeuralOptions)
)
every_network = pytest.mark.parametrize("model", NEURAL)


@every_network
def test_a_killed_training_ends_with_the_same_folder(model, tables, monkeypatch):
    def run(name: str) -> dict[str, bytes]:
        train_in(tables, model, name, epochs=6, checkpoint_epochs=2)
        return {file.name: file.read_bytes() for file in (tables / name).iterdir()}

    whole = run("whole")
    common = {"model.json", "weights.safetensors", "losses.csv", "train.json", "MODEL_CARD.md"}
    assert common < set(whole)
    original, written = loop.Checkpoint.write, []

    def write_and_die(self, tensors):
        original(self, tensors)
        written.append(self.path)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop.Checkpoint, "write", write_and_die)
    with pytest.raises(KeyboardInterrupt):
        run("killed")
    assert written[0].exists()
    assert written[0].parent == tables
    assert not (tables / "killed").exists()
    assert run("killed") == whole
    # A model of several networks has a file for each.
    assert written.count(written[0]) == 3, "the second training went on after four of six epochs"
    assert not written[0].exists()


@every_network
def test_training_leaves_the_global_random_state_alone(model, jobs, train, validation):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    surrogate = quick(model, jobs)
    surrogate.fit(train, validation)
    surrogate.sample(10, seed=1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


@pytest.mark.parametrize("model", sorted({*NEURAL} - {"ctabganplus", "grove"}))
def test_validation_rows_with_unseen_categories_are_counted(model, jobs, train, validation):
    some = validation.assign(
        computingsite=validation["computingsite"].mask(validation.index < 10, "NEW")
    )
    surrogate = quick(model, jobs)
    summary = surrogate.fit(train, some)
    assert summary["validation_rows_left_out_for_unseen_categories"] == 10
    with pytest.raises(InputError, match=f"{model}: every validation row has a category"):
        surrogate.fit(train, validation.assign(computingsite="NEW"))


@pytest.mark.parametrize("model", sorted({*NEURAL} - {"grove", "sequoia"}))
def test_a_constant_table_is_refused(model, jobs, train):
    constant = pd.concat([train.iloc[:1]] * 5, ignore_index=True)
    with pytest.raises(InputError, match=f"{model}: every feature of table 'jobs' is constant"):
        quick(model, jobs).fit(constant, constant)


@every_network
def test_a_damaged_folder_is_refused(model, jobs, train, validation, tmp_path):
    surrogate = quick(model, jobs)
    surrogate.fit(train, validation)
    save_surrogate(surrogate, tmp_path, len(train))
    weights = tmp_path / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:100])
    with pytest.raises(InputError, match=f"not a complete {model} model"):
        load_surrogate(tmp_path)
    weights.write_bytes(whole)
    (tmp_path / surrogate.encoding_file).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=f"not a complete {model} model: '"):
        load_surrogate(tmp_path)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("tabddpm", {"epochs": 60, "hidden": [64, 64], "embedding": 32}),
        ("tvae", {"epochs": 100, "hidden": [64], "embedding": 8, "categories": "likeliest"}),
    ],
)
def test_it_learns_what_columns_have_to_do_with_each_other(model, options):
    rng = np.random.default_rng(0)
    description = TableDescription(
        "t", (Column("x", "numeric"), Column("y", "numeric"), Column("side", "categorical"))
    )
    side = np.array(["left", "right"], dtype=object)[(rng.random(1200) < 0.3).astype(int)]
    x = np.where(side == "left", -5, 5) + rng.normal(size=1200)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=1200), "side": side})
    surrogate = new_surrogate(model, description, options | {"batch_size": 100}, seed=1)
    surrogate.fit(frame[:1000], frame[1000:])
    sample = surrogate.sample(3000, seed=1)
    agree = (sample["x"] > 0) == (sample["side"] == "right")
    assert agree.mean() > 0.93, "0.58 if independent"
    assert (sample["side"] == "right").mean() == pytest.approx((side == "right").mean(), abs=0.06)
    left = sample[(sample["side"] == "left") & (sample["x"] < 0) & (sample["y"] < 0)]
    assert left["x"].corr(left["y"]) == pytest.approx(0.5**0.5, abs=0.15)
    assert surrogate.losses["validation"].iloc[-1] < surrogate.losses["validation"].iloc[0]
