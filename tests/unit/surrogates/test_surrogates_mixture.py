"""Mode-specific normalisation."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from redwood.surrogates.mixture import ModeNormaliser


@pytest.fixture
def two_modes() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal(-2, 0.1, 3000), rng.normal(1, 0.5, 1000)])


def fit(numbers: np.ndarray, components: int = 10, rows: int = 50_000) -> ModeNormaliser:
    return ModeNormaliser.fit(numbers, components, rows, np.random.default_rng(1))


def test_two_separate_modes_are_found(two_modes):
    modes = fit(two_modes, components=2)
    order = np.argsort(modes.means)
    assert np.array(modes.means)[order] == pytest.approx([-2, 1], abs=0.05)
    assert np.array(modes.deviations)[order] == pytest.approx([0.1, 0.5], rel=0.05)
    assert np.array(modes.weights)[order] == pytest.approx([0.75, 0.25], abs=0.01)


def test_decoding_inverts_encoding(two_modes):
    modes = fit(two_modes)
    places, components = modes.encode(two_modes, np.random.default_rng(2))
    inside = np.abs(places) < 0.99
    assert inside.mean() > 0.99
    assert modes.decode(places, components)[inside] == pytest.approx(two_modes[inside])


def test_components_are_drawn_by_their_posterior():
    modes = ModeNormaliser((0.8, 0.2), (-1.0, 1.0), (1.0, 1.0))
    # Half-way the densities are equal and the weights decide.
    _, components = modes.encode(np.zeros(20_000), np.random.default_rng(3))
    assert components.mean() == pytest.approx(0.2, abs=0.01)


def test_the_fit_on_some_rows_is_the_fit_on_those_rows_only(two_modes):
    far = np.append(two_modes, 1e6)
    modes = fit(far, rows=50)
    assert max(modes.means) < 100, "the one far row is hardly among the 50 drawn"


def test_fewer_rows_than_components():
    modes = fit(np.array([-1.0, 1.0]))
    places, components = modes.encode(np.array([-1.0, 1.0]), np.random.default_rng(4))
    assert modes.decode(places, components) == pytest.approx([-1, 1], abs=1e-2)


def test_the_modes_are_those_of_ctgan(two_modes):
    transformers = pytest.importorskip("rdt.transformers")
    reference = transformers.ClusterBasedNormalizer(max_clusters=4)
    frame = pd.DataFrame({"x": two_modes})
    reference.fit(frame, "x")
    normalised = pd.DataFrame({"x.normalized": [-0.5, 0.0, 0.9], "x.component": [0, 1, 0]})
    mixture = reference._bgm_transformer
    kept = reference.valid_component_indicator
    modes = ModeNormaliser(
        tuple(mixture.weights_[kept]),
        tuple(mixture.means_[kept, 0]),
        tuple(np.sqrt(mixture.covariances_[kept, 0, 0])),
    )
    decoded = modes.decode(np.array([-0.5, 0.0, 0.9]), np.array([0, 1, 0]))
    assert decoded == pytest.approx(reference.reverse_transform(normalised)["x"].to_numpy())
    ours = fit(two_modes, components=4)
    heaviest = np.argmax(ours.weights), np.argmax(modes.weights)
    assert ours.means[heaviest[0]] == pytest.approx(modes.means[heaviest[1]], abs=0.02)


def test_the_fit_does_not_depend_on_the_number_of_threads():
    numbers = np.random.default_rng(3).standard_t(3, 30_000)
    fits = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fits.append(fit(numbers))
    assert fits[0] == fits[1]
