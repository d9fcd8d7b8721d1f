"""TVAE: its loss is the authors', its training repeatable, its sampling follows the decoder."""

import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.surrogates.contract import new_surrogate
from redwood.surrogates.layout import Layout, Rows
from redwood.surrogates.training import train_model
from redwood.tables import Column, TableDescription

torch = pytest.importorskip("torch")

from redwood.surrogates.models.tvae.networks import Decoder, Encoder  # noqa: E402
from redwood.surrogates.models.tvae.surrogate import _loss  # noqa: E402

TINY = {"epochs": 2, "hidden": [8], "embedding": 3, "batch_size": 50, "components": 3}


def test_one_hot_blocks_follow_the_codes():
    layout = Layout(1, (2, 3))
    rows = Rows(torch.tensor([[0.5], [-0.5]]), torch.tensor([[0, 2], [1, 0]]))
    expected = [[0.5, 1, 0, 0, 0, 1], [-0.5, 0, 1, 1, 0, 0]]
    assert layout.expand(rows).tolist() == expected
    places, blocks = layout.split(layout.expand(rows))
    assert places.tolist() == [[0.5], [-0.5]]
    assert [tuple(block.shape) for block in blocks] == [(2, 2), (2, 3)]


def test_weights_and_loss_are_those_of_the_authors_code():
    published = pytest.importorskip("ctgan.synthesizers.tvae")
    from ctgan.data_transformer import SpanInfo

    layout = Layout(2, (3, 4))
    generator = torch.Generator().manual_seed(0)
    rows = Rows(
        torch.rand(20, 2, generator=generator) * 2 - 1,
        torch.cat([torch.randint(k, (20, 1), generator=generator) for k in (3, 4)], dim=1),
    )
    torch.manual_seed(1)
    encoder, decoder = Encoder(layout.width, (16, 8), 5), Decoder(5, (8, 16), layout.width)
    torch.manual_seed(1)
    their_encoder = published.Encoder(layout.width, (16, 8), 5)
    their_decoder = published.Decoder(5, (8, 16), layout.width)
    pairs = zip(encoder.parameters(), their_encoder.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
    ours, theirs = decoder.state_dict(), their_decoder.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)

    autoencoder = torch.nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    loss = _loss(autoencoder, layout, rows, 2.0, torch.Generator().manual_seed(2))
    real = layout.expand(rows)
    mean, deviation, log_variance = their_encoder(real)
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(2))
    decoded, sigma = their_decoder(mean + deviation * noise)
    spans = [[SpanInfo(1, "tanh")], [SpanInfo(1, "tanh")]]
    spans += [[SpanInfo(3, "softmax")], [SpanInfo(4, "softmax")]]
    parts = published._loss_function(decoded, real, sigma, mean, log_variance, spans, 2.0)
    assert loss.item() == pytest.approx(sum(parts).item(), rel=1e-5)


def test_training_leaves_the_global_random_state_alone(jobs, train, validation):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    surrogate = new_surrogate("tvae", jobs, TINY, seed=1)
    surrogate.fit(train, validation)
    surrogate.sample(10, seed=1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_a_killed_training_ends_with_the_same_folder(tables, monkeypatch):
    import redwood.surrogates.training_loop as loop

    options = {**TINY, "epochs": 6, "checkpoint_epochs": 2}

    def run(name: str) -> dict[str, bytes]:
        train_model(
            "tvae",
            tables / "table.json",
            tables / "train.parquet",
            tables / "validation.parquet",
            tables / name,
            options,
            seed=3,
        )
        return {file.name: file.read_bytes() for file in (tables / name).iterdir()}

    whole = run("whole")
    assert set(whole) == {
        "model.json",
        "encoding.json",
        "weights.safetensors",
        "losses.csv",
        "train.json",
        "MODEL_CARD.md",
        "contents.sha256",
    }
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
    assert not written[0].exists()


def test_it_learns():
    rng = np.random.default_rng(0)
    description = TableDescription("t", (Column("x", "numeric"), Column("side", "categorical")))
    side = np.array(["left", "right"], dtype=object)[(rng.random(1200) < 0.3).astype(int)]
    frame = pd.DataFrame({"x": np.where(side == "left", -5, 5) + rng.normal(size=1200)})
    frame["side"] = side
    options = {
        "epochs": 100,
        "hidden": [64],
        "embedding": 8,
        "batch_size": 100,
        "components": 3,
        "categories": "likeliest",
    }
    surrogate = new_surrogate("tvae", description, options, seed=1)
    surrogate.fit(frame[:1000], frame[1000:])
    sample = surrogate.sample(2000, seed=1)
    agree = (sample["x"] > 0) == (sample["side"] == "right")
    assert agree.mean() > 0.95
    assert (sample["side"] == "right").mean() == pytest.approx((side == "right").mean(), abs=0.06)
    assert surrogate.losses["validation"].iloc[-1] < surrogate.losses["validation"].iloc[0]


@pytest.mark.parametrize("categories", ["drawn", "likeliest"])
def test_categories_follow_the_decoders_probabilities(categories, jobs):
    surrogate = new_surrogate("tvae", jobs, {**TINY, "categories": categories}, seed=1)
    logits = torch.tensor([0.7, 0.2, 0.1]).log().expand(20_000, 3)
    codes = surrogate._draw_codes((logits,), torch.Generator().manual_seed(0))
    shares = np.bincount(codes[:, 0], minlength=3) / len(codes)
    expected = {"drawn": [0.7, 0.2, 0.1], "likeliest": [1, 0, 0]}[categories]
    assert shares == pytest.approx(expected, abs=0.015)


def test_validation_rows_with_unseen_categories_are_counted(jobs, train, validation):
    validation.loc[:9, "computingsite"] = "NEW"
    surrogate = new_surrogate("tvae", jobs, TINY, seed=1)
    summary = surrogate.fit(train, validation)
    assert summary["validation_rows_left_out_for_unseen_categories"] == 10
    validation["computingsite"] = "NEW"
    with pytest.raises(InputError, match="every validation row has a category"):
        surrogate.fit(train, validation)


def test_a_constant_table_is_refused(jobs, train):
    constant = pd.concat([train.iloc[:1]] * 5, ignore_index=True)
    with pytest.raises(InputError, match="every feature of table 'jobs' is constant"):
        new_surrogate("tvae", jobs, TINY, seed=1).fit(constant, constant)
