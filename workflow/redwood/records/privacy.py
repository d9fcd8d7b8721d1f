"""Names of persons become keyed hashes; nothing else about a person leaves the cleaning stage.

A hash without a key can be undone by hashing every login of a known list, so the key matters: it
comes from the environment variable REDWOOD_HASH_KEY, or is drawn at random and forgotten. Only the
made-up users of generated dumps, and pseudonyms, get a key that follows from the seed.
"""

import hashlib
import hmac
import os
import secrets
from typing import Literal, NamedTuple

import pandas as pd

ENVIRONMENT_VARIABLE = "REDWOOD_HASH_KEY"

_DIGITS = 12


class HashKey(NamedTuple):
    """A key and where it came from."""

    key: bytes
    origin: Literal["environment", "random", "seed"]


def hash_key(seed: int, *, nameless: bool) -> HashKey:
    """The key of a run.

    Args:
        seed: the run's seed; used only for nameless records, so that they give the same bytes.
        nameless: whether the records name no person: they are generated, or hold pseudonyms only.
    """
    if nameless:
        return HashKey(hashlib.sha256(f"nameless users of seed {seed}".encode()).digest(), "seed")
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    if given:
        return HashKey(given.encode(), "environment")
    return HashKey(secrets.token_bytes(32), "random")


def hashed(values: pd.Series, key: HashKey, purpose: str) -> pd.Series:
    """The values as hashes of 12 hexadecimal digits (HMAC-SHA256), missing where they are missing.

    Equal values give equal hashes; the same value hashed for another purpose gives another.
    """
    distinct = values.dropna().unique()
    digests = {
        value: hmac.new(key.key, f"{purpose}:{value}".encode(), hashlib.sha256).hexdigest()
        for value in distinct
    }
    return values.map({value: digest[:_DIGITS] for value, digest in digests.items()})
