"""What every model of networks owes: it resumes, it disturbs nobody, it says what is missing."""

import numpy as np
import pandas as pd
import pytest
from test_surrogates_models import QUICK, quick

torch = pytest.importorskip("torch")

import redwood.surrogates.training_loop as loop  # noqa: E402
from redwood import plugins  # noqa: E402
from redwood.errors import InputError  # noqa: E402
from redwood.surrogates.contract import MODELS, load_surrogate, save_surrogate  # noqa: E402
from redwood.surrogates.options import NeuralOptions  # noqa: E402
from redwood.surrogates.training import train_model  # noqa: E402

NEURAL = tuple(
    name
    for name in plugins.names(MODELS)
    if issubclass(plugins.load(MODELS, name).Options, NeuralOptions)
)
every_network = pytest.mark.parametrize("model", NEURAL)


@every_network
def test_a_killed_training_ends_with_the_same_folder(model, tables, monkeypatch):
    def run(name: str) -> dict[str, bytes]:
        train_model(
            model,
            tables / "table.json",
            tables / "train.parquet",
            tables / "validation.parquet",
            tables / name,
            {**QUICK[model], "epochs": 6, "checkpoint_epochs": 2},
            seed=3,
        )
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
    assert len(written) == 3, "the second training went on after four of six epochs"
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


@pytest.mark.parametrize("model", sorted({*NEURAL} - {"ctabganplus"}))
def test_validation_rows_with_unseen_categories_are_counted(model, jobs, train, validation):
    validation.loc[:9, "computingsite"] = "NEW"
    surrogate = quick(model, jobs)
    summary = surrogate.fit(train, validation)
    assert summary["validation_rows_left_out_for_unseen_categories"] == 10
    validation["computingsite"] = "NEW"
    with pytest.raises(InputError, match=f"{model}: every validation row has a category"):
        surrogate.fit(train, validation)


@pytest.mark.parametrize("model", sorted({*NEURAL} - {"sequoia"}))
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
