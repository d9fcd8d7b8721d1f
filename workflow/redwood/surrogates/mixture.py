"""Mode-specific normalisation: a number becomes a component of a mixture and its place within it.

Xu et al., "Modeling Tabular Data using Conditional GAN", NeurIPS 2019 (arXiv 1907.00503),
section 4.2. The mixture, a variational Gaussian one whose weights may vanish, is scikit-learn's,
with ctgan's parameters.
"""

import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

# Components of less weight are dropped; how many remain is the section's number of modes.
_SMALLEST_WEIGHT = 0.005

# Within ±4 standard deviations a component has all but 0.01 % of its values (section 4.2, step 3).
_DEVIATIONS = 4

# Training values are kept off ±1, which tanh does not reach.
_LARGEST_PLACE = 0.99


@dataclass(frozen=True)
class ModeNormaliser:
    """The components that one column's mixture kept.

    Attributes:
        weights: weight of each component; their sum is 1.
        means: mean of each component.
        deviations: standard deviation of each component.
    """

    weights: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        numbers: np.ndarray,
        most_components: int,
        most_rows: int,
        rng: np.random.Generator,
    ) -> "ModeNormaliser":
        """Fit the mixture of a column.

        Args:
            numbers: (n,) at least two different numbers, standardised.
            most_components: components of the mixture before the light ones are dropped.
            most_rows: rows that the mixture is fitted on, drawn at random if there are more; the
                time to fit grows with them, its quality hardly.
            rng: draws these rows and the start of the fit.
        """
        # Sampling, which needs none of it, would take as long to begin as to import PyTorch.
        from sklearn.mixture import BayesianGaussianMixture

        if len(numbers) > most_rows:
            numbers = rng.choice(numbers, most_rows, replace=False)
        mixture = BayesianGaussianMixture(
            n_components=min(most_components, len(numbers)),
            weight_concentration_prior_type="dirichlet_process",
            weight_concentration_prior=0.001,
            random_state=int(rng.integers(2**32)),
        )
        # More threads would add up in another order: other last digits, hence other samples.
        with threadpool_limits(1), warnings.catch_warnings():
            # A mixture that has not converged after 100 steps is good enough, and one with more
            # components than distinct values leaves some empty.
            warnings.simplefilter("ignore")
            mixture.fit(numbers.reshape(-1, 1))
        kept = mixture.weights_ > _SMALLEST_WEIGHT
        weights = mixture.weights_[kept]
        return cls(
            tuple((weights / weights.sum()).tolist()),
            tuple(mixture.means_[kept, 0].tolist()),
            tuple(np.sqrt(mixture.covariances_[kept, 0, 0]).tolist()),
        )

    @property
    def components(self) -> int:
        return len(self.means)

    def encode(
        self, numbers: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Numbers → their places in −0.99 … 0.99 and components, both (n,).

        A number's component is drawn by its probability to stem from each (section 4.2, step 3).
        """
        deviations = np.asarray(self.deviations)
        distances = (numbers[:, None] - np.asarray(self.means)) / deviations
        log_density = np.log(self.weights) - np.log(deviations) - distances**2 / 2
        # The largest of log density + Gumbel noise is a draw from the normalised densities.
        components = np.argmax(log_density + rng.gumbel(size=log_density.shape), axis=1)
        places = distances[np.arange(len(numbers)), components] / _DEVIATIONS
        return np.clip(places, -_LARGEST_PLACE, _LARGEST_PLACE), components

    def decode(self, places: np.ndarray, components: np.ndarray) -> np.ndarray:
        """The inverse of `encode`; places beyond −1 … 1 are clipped."""
        spread = _DEVIATIONS * np.asarray(self.deviations)[components]
        return np.clip(places, -1, 1) * spread + np.asarray(self.means)[components]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ModeNormaliser":
        return cls(**{name: tuple(values) for name, values in content.items()})
