"""SDV's synthesizers: seeds, types, what their folder holds, and what they refuse."""

import json
import os
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from test_surrogates_models import assert_supported

from redwood.errors import InputError
from redwood.surrogates.contract import load_surrogate, new_surrogate, save_surrogate
from redwood.surrogates.training import train_model
from redwood.tables import Column, TableDescription, write_table

pytest.importorskip("sdv", reason="sdv is an extra that is left out here")

from redwood.surrogates.models.sdv import state
from redwood.surrogates.models.sdv.state import pack, unpack

TABLE = TableDescription(
    "jobs",
    (
        Column("begin", "timestamp"),
        Column("site", "categorical"),
        Column("status", "categorical"),
        Column("version", "categorical"),
        Column("files", "integer", scale="log"),
        Column("work", "numeric", unit="HS23·s"),
        Column("cores", "integer"),
    ),
)
NETWORKS = {"epochs": 1, "arguments": {"batch_size": 100}}
SYNTHESIZERS = {
    "GaussianCopula": {},
    "CTGAN": NETWORKS,
    "TVAE": NETWORKS,
    "CopulaGAN": NETWORKS,
}
LOGIN = "login-that-is-marked"


def rows(n=600):
    rng = np.random.default_rng(0)
    seconds = 1_704_067_200 + rng.integers(0, 10**7, n)
    return pd.DataFrame(
        {
            "begin": pd.to_datetime(seconds, unit="s", utc=True).astype("datetime64[us, UTC]"),
            "site": rng.choice(["BNL", "nan", LOGIN], n).astype(object),
            "status": rng.choice(["finished", "failed"], n, p=[0.9, 0.1]).astype(object),
            "version": np.full(n, "v1", dtype=object),
            "files": np.exp(rng.normal(3, 1, n)).astype(np.int64),
            "work": rng.gamma(2.0, 1e4, n).round(2),
            "cores": np.full(n, 8, dtype=np.int64),
        }
    )


def fitted(synthesizer, seed=1):
    options = {"synthesizer": synthesizer, **SYNTHESIZERS[synthesizer]}
    surrogate = new_surrogate("sdv", TABLE, options, seed)
    surrogate.fit(rows(), rows())
    return surrogate


@pytest.fixture(scope="module", params=SYNTHESIZERS)
def trained(request):
    return fitted(request.param)


def files_of(surrogate, folder):
    folder.mkdir()
    save_surrogate(surrogate, folder, 600)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_samples_have_the_types_and_supports_of_the_training_rows(trained):
    real, sample = rows(), trained.sample(900, seed=2)
    assert len(sample) == 900
    assert_supported(sample, real, TABLE)
    assert (sample["begin"].dt.microsecond == 0).all()
    assert sample["begin"].nunique() > 100
    assert (sample["work"].round(2) == sample["work"]).all()
    assert (sample["cores"] == 8).all()


def test_the_seed_alone_decides(trained, tmp_path):
    sample = trained.sample(300, seed=3)
    pd.testing.assert_frame_equal(trained.sample(300, seed=3), sample)
    assert not trained.sample(300, seed=4).equals(sample)
    synthesizer = trained.options.synthesizer
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    again = fitted(synthesizer)
    again.sample(10, seed=1)
    assert random.getstate() == before[0]
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[2])
    files = files_of(trained, tmp_path / "first")
    loaded = load_surrogate(tmp_path / "first")
    for _ in range(2):
        pd.testing.assert_frame_equal(loaded.sample(300, seed=3), sample)
    assert files_of(again, tmp_path / "again") == files
    other = files_of(fitted(synthesizer, seed=2), tmp_path / "other")
    # GaussianCopula draws nothing in training.
    same = synthesizer == "GaussianCopula"
    assert (other["synthesizer.safetensors"] == files["synthesizer.safetensors"]) == same


@pytest.mark.parametrize("trained", ["GaussianCopula", "CTGAN"], indirect=True)
def test_a_fresh_process_writes_the_same_bytes(trained, tmp_path):
    """Another process orders sets of names differently, and has other random states."""
    TABLE.save(tmp_path / "table.json")
    write_table(rows(), tmp_path / "rows.parquet", TABLE)
    table, train = tmp_path / "table.json", tmp_path / "rows.parquet"
    model, options = tmp_path / "model", trained.options.model_dump(mode="json")
    code = (
        "from pathlib import Path; from redwood.surrogates.training import train_model; "
        "from redwood.surrogates.sampling import sample_model; "
        f"train_model('sdv', Path({str(table)!r}), Path({str(train)!r}), Path({str(train)!r}), "
        f"Path({str(model)!r}), {options!r}, 1); "
        f"sample_model(Path({str(model)!r}), 50, 2, Path({str(tmp_path / 's.parquet')!r}), {{}})"
    )
    subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": "7"}, check=True
    )
    for name, content in files_of(trained, tmp_path / "here").items():
        assert (model / name).read_bytes() == content, name
    write_table(trained.sample(50, seed=2), tmp_path / "here.parquet", TABLE)
    assert (tmp_path / "s.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()


def test_the_folder_holds_no_rows_no_pickle_and_names_only_in_its_encoding(trained, tmp_path):
    files = files_of(trained, tmp_path / "model")
    with_login = [name for name, content in files.items() if LOGIN.encode() in content]
    assert with_login == ["encoding.json"]
    assert {name.rpartition(".")[2] for name in files} == {"json", "safetensors"}
    _, arrays = pack(trained._synthesizer._model)
    assert all(len(rows()) not in array.shape for array in arrays.values())
    columns = trained._synthesizer.get_metadata().to_dict()["tables"]["table"]["columns"]
    assert all(set(column) == {"sdtype"} for column in columns.values())


def test_nothing_but_known_classes_is_made_from_a_folder():
    with pytest.raises(ValueError, match=r"'os\.system' is no class of a synthesizer"):
        unpack({"kind": "class", "class": "os.system"}, {})
    with pytest.raises(TypeError, match=r"subprocess\.Popen cannot be kept"):
        pack(subprocess.Popen)
    values = [1, 0.1, float("-inf"), None, "a", {"a": (1, {2}), 3: np.float64(0.5)}]
    content, arrays = pack(values)
    assert unpack(json.loads(json.dumps(content, allow_nan=False)), arrays) == values


def test_every_class_that_may_be_kept_is_there():
    for module, names in state._CLASSES.items():
        for name in names:
            assert state._class_of(f"{module}.{name}").__name__ == name


def test_another_version_and_a_damaged_folder_are_refused(tmp_path):
    surrogate = fitted("GaussianCopula")
    folder = tmp_path / "model"
    files_of(surrogate, folder)
    content = json.loads((folder / "synthesizer.json").read_text())
    older = content | {"versions": content["versions"] | {"sdv": "1.0"}}
    (folder / "synthesizer.json").write_text(json.dumps(older))
    with pytest.raises(InputError, match=r"made with sdv 1\.0, .* train the model again"):
        load_surrogate(folder)
    (folder / "synthesizer.json").write_text("{}")
    with pytest.raises(InputError, match="not a complete sdv model"):
        load_surrogate(folder)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"synthesizer": "DayZ"}, "synthesizer is 'DayZ'"),
        ({"epochs": 5}, "GaussianCopula is not trained by epochs"),
        ({"arguments": {"pac": 1}}, r"has 'pac', expected some of .*default_distribution"),
        ({"arguments": {"default_distribution": "gaussian_kde"}}, "keeps the training rows"),
        ({"arguments": {"default_distribution": "cauchy"}}, "Invalid distribution .*cauchy"),
        ({"synthesizer": "CTGAN", "arguments": {"enable_gpu": True}}, "has 'enable_gpu'"),
        ({"synthesizer": "CTGAN", "arguments": {"batch_size": 3}}, "refuses its arguments"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        new_surrogate("sdv", TABLE, options, 1).fit(rows(), rows())


def test_what_sdv_cannot_is_said(capfd):
    surrogate = fitted("GaussianCopula")
    assert "a training that is cut off starts over" in capfd.readouterr().err
    with pytest.raises(InputError, match="sdv: cannot sample given site=BNL"):
        surrogate.sample(5, seed=1, given={"site": "BNL"})
    constant = rows()[:1]
    with pytest.raises(InputError, match="every feature of table 'jobs' is constant"):
        new_surrogate("sdv", TABLE, {}, 1).fit(constant, constant)


def test_the_card_says_what_the_folder_gives_away(tmp_path):
    TABLE.save(tmp_path / "table.json")
    write_table(rows(), tmp_path / "rows.parquet", TABLE)
    table, train = tmp_path / "table.json", tmp_path / "rows.parquet"
    summary = train_model("sdv", table, train, train, tmp_path / "model", {}, 1)
    assert summary["fit"]["synthesizer"] == "GaussianCopula"
    assert summary["fit"]["epochs"] is None
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text()
    assert "every category and how frequent it is" in card
    assert "BUSL-1.1" in card
