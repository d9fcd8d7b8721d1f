"""Random numbers that depend on a seed and on what they are for, and on nothing else."""

import hashlib

import numpy as np


def derive_seed(seed: int, *purpose: str | int) -> int:
    """A 32-bit seed for one purpose, independent of those for other purposes.

    Args:
        seed: the run's seed.
        purpose: words that name the use, such as a stage and a model.
    """
    text = "/".join(str(word) for word in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator seeded by `derive_seed`."""
    return np.random.default_rng(derive_seed(seed, *purpose))
