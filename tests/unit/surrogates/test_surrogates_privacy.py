"""Differential privacy: the accountant's numbers are the published ones, gradients are private."""

import pytest

from redwood.errors import InputError
from redwood.surrogates.accounting import (
    epsilon_spent,
    noise_needed,
    renyi_divergence,
)


@pytest.mark.parametrize(
    ("rows", "batch", "noise", "epochs", "delta", "expected"),
    [
        (60_000, 150, 1.3, 15, 1e-5, 0.7242234026109595),
        (100_000, 100, 1.0, 30, 1e-7, 1.4154988495444845),
    ],
)
def test_epsilons_are_those_of_tensorflow_privacy(rows, batch, noise, epochs, delta, expected):
    """The values of its compute_dp_sgd_privacy_test.py."""
    spent = epsilon_spent(batch / rows, noise, epochs * rows // batch, delta)
    assert spent == pytest.approx(expected, rel=1e-9)


def test_without_subsampling_it_is_the_gaussian_mechanism():
    assert renyi_divergence(1.0, 2.0, 3.5) == pytest.approx(3.5 / 8)
    assert renyi_divergence(1 - 1e-12, 2.0, 3.5) == pytest.approx(3.5 / 8, rel=1e-6)
    assert renyi_divergence(0.0, 2.0, 3.5) == 0
    assert epsilon_spent(0.1, 1.0, 0, 1e-5) == 0


@pytest.mark.parametrize("epsilon", [0.5, 3.0, 50.0])
def test_the_noise_needed_spends_just_the_epsilon(epsilon):
    noise = noise_needed(epsilon, 1e-5, 0.02, 500)
    spent = epsilon_spent(0.02, noise, 500, 1e-5)
    assert spent <= epsilon
    assert spent == pytest.approx(epsilon, rel=0.02)


def test_an_epsilon_out_of_reach_is_refused():
    with pytest.raises(InputError, match="epsilon is 1e-06: out of reach in 10 steps"):
        noise_needed(1e-6, 1e-5, 0.5, 10)


torch = pytest.importorskip("torch")

from redwood.surrogates.models.ctabganplus.losses import critic_loss, private_gradients  # noqa: E402
from redwood.surrogates.models.ctabganplus.networks import Critic  # noqa: E402


@pytest.fixture
def batch():
    torch.manual_seed(0)
    critic = Critic(7, 2)
    real, fake = torch.rand(5, 7), torch.rand(5, 7)
    return critic, real, fake, torch.eye(5, 4), torch.rand(5, 1), 10.0


def test_without_noise_and_clipping_private_gradients_are_those_of_the_loss(batch):
    critic = batch[0]
    expected = torch.autograd.grad(critic_loss(*batch), list(critic.parameters()))
    private = private_gradients(*batch, 1e9, 0.0, 5.0, torch.Generator())
    for ours, theirs in zip(private, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_no_row_moves_private_gradients_by_more_than_the_clipping_norm(batch):
    critic, *rows, penalty = batch

    def total(chosen: slice) -> torch.Tensor:
        part = [x[chosen] for x in rows]
        parts = private_gradients(critic, *part, penalty, 0.3, 0.0, 1.0, torch.Generator())
        return torch.nn.utils.parameters_to_vector(parts)

    everything = total(slice(0, 5))
    assert (everything - total(slice(1, 5))).norm() == pytest.approx(0.3, rel=1e-4)
    nothing = total(slice(0, 0))
    assert nothing.abs().max() == 0, "a step may draw no row"


def test_the_noise_of_private_gradients_has_its_deviation(batch):
    critic, *rows, penalty = batch
    nothing = [x[:0] for x in rows]
    parts = []
    for seed in range(20):
        source = torch.Generator().manual_seed(seed)
        parts += private_gradients(critic, *nothing, penalty, 0.5, 3.0, 2.0, source)
    noise = torch.nn.utils.parameters_to_vector(parts)
    assert noise.std().item() == pytest.approx(0.5 * 3.0 / 2.0, rel=0.05)
