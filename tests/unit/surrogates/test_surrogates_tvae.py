"""TVAE: its loss is the authors', its training repeatable, its sampling follows the decoder."""

import numpy as np
import pytest
from test_surrogates_models import QUICK

from redwood.surrogates.contract import new_surrogate
from redwood.surrogates.layout import Layout, Rows

torch = pytest.importorskip("torch")

from redwood.surrogates.models.tvae.networks import Decoder, Encoder  # noqa: E402
from redwood.surrogates.models.tvae.surrogate import _loss  # noqa: E402

TINY = QUICK["tvae"] | {"epochs": 2}


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


@pytest.mark.parametrize("categories", ["drawn", "likeliest"])
def test_categories_follow_the_decoders_probabilities(categories, jobs):
    surrogate = new_surrogate("tvae", jobs, {**TINY, "categories": categories}, seed=1)
    logits = torch.tensor([0.7, 0.2, 0.1]).log().expand(20_000, 3)
    codes = surrogate._draw_codes((logits,), torch.Generator().manual_seed(0))
    shares = np.bincount(codes[:, 0], minlength=3) / len(codes)
    expected = {"drawn": [0.7, 0.2, 0.1], "likeliest": [1, 0, 0]}[categories]
    assert shares == pytest.approx(expected, abs=0.015)
