"""TabDDPM: its noise has the published moments, its steps are Bayes' rule, its training resumes."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_surrogates_models import QUICK

from redwood.errors import InputError
from redwood.surrogates.contract import new_surrogate
from redwood.surrogates.layout import Rows
from redwood.surrogates.models.tabddpm.quantiles import QuantileNormaliser

torch = pytest.importorskip("torch")

from redwood.surrogates.models.tabddpm.denoiser import Denoiser  # noqa: E402
from redwood.surrogates.models.tabddpm.diffusion import (  # noqa: E402
    NoiseSchedule,
    clean_numbers,
    draw_times,
    extrapolated_numbers,
    noised_codes,
    noised_numbers,
    step_codes,
    step_divergence,
    step_numbers,
    target_of,
)
from redwood.surrogates.models.tabddpm.process import row_losses, rows_from_noise  # noqa: E402

TINY = QUICK["tabddpm"]


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def posterior(noisy: int, clean: np.ndarray, kept: float, kept_after: float) -> np.ndarray:
    """q(x_s | x_t, x_0) by Bayes' rule over all K states: likelihood × prior over evidence."""
    k = len(clean)
    stays = kept / kept_after
    forward = stays * np.eye(k) + (1 - stays) / k
    prior = kept_after * clean + (1 - kept_after) / k
    joint = prior * forward[:, noisy]
    return joint / joint.sum()


def test_the_cosine_schedule_is_the_published_one():
    kept = NoiseSchedule.cosine(1000).kept.numpy()
    share = np.cos((np.arange(1001) / 1000 + 0.008) / 1.008 * np.pi / 2) ** 2
    assert kept[0] == 1
    assert kept[:1000] == pytest.approx(share[:1000] / share[0], rel=1e-9)
    assert kept[500] == pytest.approx(0.4938, abs=1e-4)
    assert kept[1000] == pytest.approx(kept[999] * 0.001, rel=1e-9), "β is at most .999"
    assert NoiseSchedule.cosine(7).steps == 7


def test_sampling_times_go_from_all_noise_to_none():
    schedule = NoiseSchedule.cosine(100)
    assert schedule.sampling_times(100) == list(range(100, -1, -1))
    assert schedule.sampling_times(1) == [100, 0]
    for steps in range(2, 100):
        times = schedule.sampling_times(steps)
        assert (len(times), times[0], times[-1]) == (steps + 1, 100, 0)
        assert (np.diff(times) < 0).all()
        assert times[0] - times[1] >= times[-2] - times[-1], "no longer at the end"


def test_times_of_a_batch_cover_all_steps_evenly():
    times = draw_times(1000, 10, source())
    assert np.bincount(times.numpy(), minlength=11).tolist() == [0] + [100] * 10
    assert abs(np.corrcoef(times.numpy(), np.arange(1000))[0, 1]) < 0.1, "in no order"


def test_noised_numbers_have_the_moments_of_the_diffusion():
    kept = torch.full((100_000, 1), 0.36)
    clean = torch.full((100_000, 1), 2.0)
    noisy = noised_numbers(clean, torch.randn(clean.shape, generator=source()), kept)
    assert noisy.mean().item() == pytest.approx(0.6 * 2, abs=0.01)
    assert noisy.var().item() == pytest.approx(0.64, abs=0.01)


def test_steps_of_numbers_keep_the_moments_whatever_eta_and_length():
    """From q(x_t | x_0), any step with the true x_0 leads to q(x_s | x_0)."""
    clean = torch.full((100_000, 1), -1.5)
    noise = source(1)
    for eta in (0.0, 0.5, 1.0):
        noisy = noised_numbers(
            clean, torch.randn(clean.shape, generator=noise), torch.tensor([0.2])
        )
        fresh = torch.randn(clean.shape, generator=noise)
        after = step_numbers(noisy, clean, 0.2, 0.7, eta, fresh)
        assert after.mean().item() == pytest.approx(-1.5 * 0.7**0.5, abs=0.01)
        assert after.var().item() == pytest.approx(0.3, abs=0.01)


def test_a_step_with_all_fresh_noise_is_the_posterior_of_ddpm():
    """Ho et al., eq. 6 and 7."""
    kept, kept_after, noisy, clean = 0.3, 0.8, 0.7, -0.4
    beta = 1 - kept / kept_after
    mean = kept_after**0.5 * beta / (1 - kept) * clean
    mean += (1 - beta) ** 0.5 * (1 - kept_after) / (1 - kept) * noisy
    deviation = ((1 - kept_after) / (1 - kept) * beta) ** 0.5
    pair = torch.tensor([[noisy]] * 2)
    got = step_numbers(
        pair, torch.full((2, 1), clean), kept, kept_after, 1.0, torch.tensor([[0.0], [1.0]])
    )
    assert got[:, 0].tolist() == pytest.approx([mean, mean + deviation], rel=1e-5)


@pytest.mark.parametrize("prediction", ["noise", "velocity"])
def test_clean_numbers_invert_what_is_predicted_within_the_bounds(prediction):
    clean, noise = torch.tensor([[1.0, 3.0]]), torch.tensor([[0.3, -0.2]])
    kept = torch.tensor([[0.25]])
    noisy, target = (
        noised_numbers(clean, noise, kept),
        target_of(prediction, clean, noise, kept),
    )
    bounds = torch.tensor([-2.0, -2.0]), torch.tensor([2.0, 2.0])
    got = clean_numbers(prediction, noisy, target, 0.25, *bounds)
    assert got.tolist() == [pytest.approx([1.0, 2.0], rel=1e-5)]


@pytest.mark.parametrize(("sampler", "order"), [("first", 1), ("multistep", 2)])
def test_the_multistep_rule_is_of_second_order(sampler, order):
    """Of normal numbers with deviation c, a step scales x_t as it does their deviation."""
    c, errors = 0.3, []
    for steps in (40, 80):
        # Evenly spaced in ln(ᾱ / (1 − ᾱ)), up to ᾱ < 1.
        kept = (1 / (1 + np.exp(-np.linspace(-6, 6, steps + 1)))).tolist()
        deviations = [(k * c**2 + 1 - k) ** 0.5 for k in kept]
        state, earlier = torch.tensor([[deviations[0]]], dtype=torch.float64), None
        for now, then, deviation in zip(kept, kept[1:], deviations, strict=False):
            clean = state * now**0.5 * c**2 / deviation**2
            ahead = clean
            if sampler == "multistep" and earlier is not None:
                ahead = extrapolated_numbers(clean, now, *earlier, then)
            earlier = clean, now
            state = step_numbers(state, ahead, now, then, 0.0, torch.zeros_like(state))
        errors.append(abs(state.item() - deviations[-1]))
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.2)


def test_noised_codes_are_kept_or_uniform():
    codes = torch.full((200_000,), 2)
    kept = torch.full((200_000,), 0.4, dtype=torch.float64)
    shares = np.bincount(noised_codes(codes, 3, kept, source()).numpy(), minlength=3) / 200_000
    assert shares == pytest.approx([0.2, 0.2, 0.6], abs=0.005)


@settings(deadline=None)
@given(
    clean=st.integers(0, 2),
    noisy=st.integers(0, 2),
    logits=st.tuples(*[st.floats(-20, 20)] * 3),
    time=st.integers(1, 100),
    skipped=st.integers(1, 100),
)
def test_the_divergence_is_that_of_the_posteriors(clean, noisy, logits, time, skipped):
    kept = NoiseSchedule.cosine(100).kept
    before, after = kept[time], kept[max(0, time - skipped)].clamp(max=1 - 1e-12)
    predicted = torch.tensor([logits]).double().softmax(dim=1)[0].numpy()
    q = posterior(noisy, np.eye(3)[clean], before.item(), after.item())
    p = posterior(noisy, predicted, before.item(), after.item())
    expected = float((q * (np.log(q) - np.log(p))).sum())
    got = step_divergence(
        torch.tensor([clean]),
        torch.tensor([noisy]),
        torch.tensor([logits], dtype=torch.float32),
        before[None],
        after[None],
    )
    assert got.item() == pytest.approx(expected, rel=1e-3, abs=2e-5)


@pytest.mark.parametrize(("time", "after"), [(30, 29), (30, 5), (100, 50), (30, 0), (1, 0)])
@pytest.mark.parametrize("noisy", [0, 2])
def test_steps_of_codes_are_draws_from_the_posterior(time, after, noisy):
    kept = NoiseSchedule.cosine(100).kept
    before, then = kept[time].item(), kept[after].item()
    predicted = np.array([0.5, 0.3, 0.2])
    n = 200_000
    uniform = torch.rand(n, 2, generator=source(time), dtype=torch.float64)
    logits = torch.tensor(predicted, dtype=torch.float32).log().expand(n, 3)
    codes = step_codes(torch.full((n,), noisy), logits, before, then, uniform)
    shares = np.bincount(codes.numpy(), minlength=3) / n
    assert shares == pytest.approx(posterior(noisy, predicted, before, then), abs=0.005)


@pytest.mark.parametrize("steps", [100, 20, 3, 1])
@pytest.mark.parametrize("sampler", ["posterior", "multistep"])
@pytest.mark.parametrize("prediction", ["noise", "velocity"])
def test_a_perfect_denoiser_gives_the_row_back_exactly(steps, sampler, prediction):
    row = Rows(torch.tensor([[0.5, -1.0]]), torch.tensor([[2, 0]]))
    schedule = NoiseSchedule.cosine(100)

    class Perfect(torch.nn.Module):
        categories = (3, 5)

        def forward(self, rows, times):
            kept = schedule.kept[(times * 100).round().long()][:, None]
            noise = (rows.places - kept.sqrt() * row.places) / (1 - kept).sqrt()
            target = target_of(prediction, row.places, noise, kept)
            certain = [torch.full((len(rows), k), -200.0) for k in self.categories]
            for logits, code in zip(certain, row.codes[0], strict=True):
                logits[:, code] = 0
            return target, tuple(certain)

    rows = rows_from_noise(
        Perfect(),
        prediction,
        schedule,
        [(-3, 3), (-3, 3)],
        200,
        steps,
        sampler,
        source(),
        torch.device("cpu"),
    )
    assert rows.codes.tolist() == row.codes.expand(200, 2).tolist()
    assert rows.places.numpy() == pytest.approx(row.places.expand(200, 2).numpy(), abs=2e-3)


def test_ten_thousand_categories_have_finite_losses_and_gradients():
    size, n = 10_000, 64
    denoiser = Denoiser(1, (size, 2), 8, (16,))
    schedule = NoiseSchedule.cosine(100)
    codes = torch.arange(n)[:, None] * torch.tensor([150, 1]) % torch.tensor([size, 2])
    rows = Rows(torch.zeros(n, 1), codes)
    for times in (torch.full((n,), 1), torch.full((n,), 100), draw_times(n, 100, source())):
        losses = row_losses(denoiser, "velocity", schedule.kept, rows, times, source())
        assert losses.isfinite().all()
        assert (losses >= 0).all()
        losses.mean().backward()
    assert all(p.grad.isfinite().all() for p in denoiser.parameters())


def test_quantiles_come_back_and_are_normal():
    values = np.random.default_rng(0).lognormal(0, 2, 5000)
    normaliser = QuantileNormaliser.fit(values, 1000)
    encoded = normaliser.encode(values)
    assert encoded.mean() == pytest.approx(0, abs=0.01)
    assert encoded.std() == pytest.approx(1, abs=0.02)
    inner = np.abs(encoded) < 3
    assert normaliser.decode(encoded)[inner] == pytest.approx(values[inner], rel=1e-6)
    assert normaliser.bounds() == (encoded.min(), encoded.max())
    assert np.abs(encoded).max() == pytest.approx(3.719, abs=1e-3), "share 1/10,000"
    assert QuantileNormaliser.from_json(json.loads(json.dumps(normaliser.to_json()))) == normaliser


def test_quantiles_are_those_of_scikit_learn():
    transformer = pytest.importorskip("sklearn.preprocessing").QuantileTransformer
    values = np.random.default_rng(1).gamma(2, 1, 3000).round(1)
    inner = (values > values.min()) & (values < values.max())
    ours = QuantileNormaliser.fit(values, 100)
    assert len(np.unique(values)) <= 100, "steps"
    grid = QuantileNormaliser.fit(values, 50)
    theirs = transformer(n_quantiles=50, output_distribution="normal").fit(values[:, None])
    expected = theirs.transform(values[:, None])[:, 0]
    assert grid.encode(values)[inner] == pytest.approx(expected[inner], abs=1e-6)
    assert ours.decode(ours.encode(values)) == pytest.approx(values, abs=1e-12)


@given(st.lists(st.sampled_from([-3.0, 0.0, 0.1, 7.0, 1e9]), min_size=2, max_size=30))
def test_few_values_come_back_exactly_from_the_middle_of_their_range(values):
    array = np.array(values)
    normaliser = QuantileNormaliser.fit(array, 5)
    encoded = normaliser.encode(array)
    assert np.isfinite(encoded).all()
    assert normaliser.decode(encoded).tolist() == values
    assert normaliser.decode(np.array([-9.0, 9.0])).tolist() == [array.min(), array.max()]


def test_more_sampling_steps_than_steps_are_refused(jobs):
    with pytest.raises(InputError, match=r"sampling_steps is 20: .*at most steps, which is 10"):
        new_surrogate("tabddpm", jobs, {"steps": 10, "sampling_steps": 20}, seed=1)
