"""The two directions of TabDDPM on whole rows: the loss of noisy rows, and rows from noise.

Kotelnikov et al., "TabDDPM: Modelling Tabular Data with Diffusion Models" (arXiv 2209.15421).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from redwood.surrogates.layout import Rows
from redwood.surrogates.models.tabddpm.denoiser import Denoiser
from redwood.surrogates.models.tabddpm.diffusion import (
    NoiseSchedule,
    Prediction,
    Sampler,
    clean_numbers,
    extrapolated_numbers,
    noised_codes,
    noised_numbers,
    step_codes,
    step_divergence,
    step_numbers,
    target_of,
)
from redwood.surrogates.training_loop import mixed_precision


def row_losses(
    denoiser: Denoiser,
    prediction: Prediction,
    kept: Tensor,
    rows: Rows,
    times: Tensor,
    source: torch.Generator,
) -> Tensor:
    """The loss of each row at its time (section 3, eq. 4): (rows,) float64.

    The mean squared error of the prediction over the numeric columns, plus the mean over the
    categorical ones of the variational bound, for whose T terms the one at the row's time stands.

    Args:
        denoiser: the network.
        prediction: what it predicts of numbers.
        kept: ᾱ_0, …, ᾱ_T, float64.
        rows: clean rows.
        times: 1 … T, (rows,).
        source: random numbers, on the rows' device.
    """
    device, steps = rows.codes.device, len(kept) - 1
    before, after = kept[times], kept[times - 1]
    noise = torch.randn(rows.places.shape, generator=source, device=device)
    share = before[:, None].float()
    places = noised_numbers(rows.places, noise, share)
    columns = [
        noised_codes(column, size, before, source)
        for column, size in zip(rows.codes.T, denoiser.categories, strict=True)
    ]
    codes = torch.stack(columns, dim=1) if columns else rows.codes
    with mixed_precision(device):
        predicted, logits = denoiser(Rows(places, codes), times / steps)
    losses = torch.zeros(len(rows), dtype=torch.float64, device=device)
    if noise.shape[1]:
        target = target_of(prediction, rows.places, noise, share)
        losses = losses + (predicted.float() - target).square().mean(dim=1)
    for clean, noisy, column in zip(rows.codes.T, columns, logits, strict=True):
        terms = steps * step_divergence(clean, noisy, column.float(), before, after)
        losses = losses + terms / len(columns)
    return losses


def rows_from_noise(
    denoiser: Denoiser,
    prediction: Prediction,
    schedule: NoiseSchedule,
    bounds: Sequence[tuple[float, float]],
    n: int,
    steps: int,
    sampler: Sampler,
    source: torch.Generator,
    device: torch.device,
) -> Rows:
    """Draw `n` encoded rows by `steps` steps of the reverse process.

    Args:
        denoiser: the network, on `device`.
        prediction: what it predicts of numbers.
        schedule: the schedule it was trained with.
        bounds: smallest and largest value of each encoded numeric column.
        n: number of rows.
        steps: number of steps, evenly spaced, at most those of the schedule.
        sampler: how numbers step. `posterior`: by draws from q(x_s | x_t, x̂_0), the reverse process
            itself. `multistep`: without fresh noise and by x̂_0 halfway to x_s, which allows longer
            steps.
        source: random numbers, on the CPU: so a GPU gives the same rows up to rounding.
        device: where to compute.
    """
    eta = 1.0 if sampler == "posterior" else 0.0
    low, high = torch.tensor(bounds, dtype=torch.float32, device=device).reshape(-1, 2).T
    sizes = denoiser.categories
    places = torch.randn(n, len(bounds), generator=source).to(device)
    uniform = torch.rand(n, len(sizes), generator=source, dtype=torch.float64)
    codes = (uniform * torch.tensor(sizes)).long().to(device)
    times = schedule.sampling_times(steps)
    earlier = None
    for time, after in pairwise(times):
        kept, kept_after = schedule.kept[time].item(), schedule.kept[after].item()
        with mixed_precision(device):
            share = torch.full((n,), time / schedule.steps, device=device)
            predicted, logits = denoiser(Rows(places, codes), share)
        clean = clean_numbers(prediction, places, predicted.float(), kept, low, high)
        used = clean
        if sampler == "multistep" and earlier is not None and after > 0:
            ahead = extrapolated_numbers(clean, kept, *earlier, kept_after)
            used = torch.minimum(torch.maximum(ahead, low), high)
        earlier = (clean, kept)
        fresh = torch.randn(places.shape, generator=source).to(device)
        places = step_numbers(places, used, kept, kept_after, eta, fresh)
        uniform = torch.rand(len(sizes), n, 2, generator=source, dtype=torch.float64).to(device)
        columns = [
            step_codes(column, scores.float(), kept, kept_after, drawn)
            for column, scores, drawn in zip(codes.T, logits, uniform, strict=True)
        ]
        codes = torch.stack(columns, dim=1) if columns else codes
    return Rows(places, codes)
