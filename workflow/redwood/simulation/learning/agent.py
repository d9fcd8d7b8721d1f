"""A trained agent as a brokerage: NumPy alone, its weights in a file without code.

Each site has a score, of its own features and the job's, by one network for all sites; the site of
the greatest score is chosen among those that can take the job. So it does not matter how many sites
there are, or in which order: what was learned on one grid can be tried on another.
"""

from pathlib import Path

import numpy as np

from redwood.errors import InputError
from redwood.outputs import file_digest
from redwood.simulation.contract import Brokerage, Grid, Job, Site
from redwood.simulation.observing import JOB_FEATURES, SITE_FEATURES, Observer

# What a site's score is made of, in order; weights of another version do not fit.
INPUTS = tuple(
    [f"site {feature.name}" for feature in SITE_FEATURES]
    + [f"job {feature.name}" for feature in JOB_FEATURES]
)
_ARRAYS = ("inputs", "mean", "scale", "weight_0", "bias_0", "weight_1", "bias_1", "weight_2")


class Agent(Brokerage):
    """Chooses by trained weights.

    Args:
        weights: the file that `training.train` wrote (npz), or what is in it.
        sha256: its digest; any if `None`.

    Raises:
        InputError: the file is missing, is another than was meant, or holds no such weights.
    """

    def __init__(
        self, weights: str | Path | dict[str, np.ndarray], sha256: str | None = None
    ) -> None:
        self._weights = weights if isinstance(weights, dict) else _read(weights, sha256)
        self._observer: Observer | None = None

    def choose(self, job: Job, grid: Grid) -> Site | None:
        if self._observer is None:
            self._observer = Observer(grid)
        seen = self._observer.parts(self._observer(job))
        allowed = np.flatnonzero(seen["mask"])
        if not len(allowed):
            return None
        inputs = joined(seen["sites"][allowed], seen["job"])
        score = hidden(self._weights, inputs)[-1] @ self._weights["weight_2"]
        return grid.sites[allowed[score.argmax()]]


def _read(path: str | Path, sha256: str | None) -> dict[str, np.ndarray]:
    if not Path(path).is_file():
        raise InputError(f"{path}: no such file, expected the weights of a trained agent")
    found = file_digest(path)
    if sha256 not in (None, found):
        raise InputError(
            f"{path}: its sha256 is {found[:12]}…, expected {str(sha256)[:12]}…: not the weights "
            "that were trained with this policy"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            loaded = {name: file[name] for name in _ARRAYS}
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"{path}: no weights of a trained agent: {error}") from None
    if tuple(loaded["inputs"].tolist()) != INPUTS:
        raise InputError(f"{path}: it was trained on other features: train it again")
    return loaded


def joined(sites: np.ndarray, job: np.ndarray) -> np.ndarray:
    """(sites, inputs) what each site's score is made of.

    Args:
        sites: (sites, features) observed.
        job: (features,) observed.
    """
    inputs = np.empty((len(sites), sites.shape[1] + len(job)), np.float32)
    inputs[:, : sites.shape[1]], inputs[:, sites.shape[1] :] = sites, job
    return inputs


def hidden(weights: dict[str, np.ndarray], inputs: np.ndarray) -> tuple[np.ndarray, ...]:
    """The inputs, standardised, and both hidden layers, of tanh; a score is linear in the last.

    Args:
        weights: what is in the file of an agent.
        inputs: (…, inputs).
    """
    given = (inputs - weights["mean"]) / weights["scale"]
    first = np.tanh(given @ weights["weight_0"].T + weights["bias_0"])
    return given, first, np.tanh(first @ weights["weight_1"].T + weights["bias_1"])
