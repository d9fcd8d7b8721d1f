"""Keyed hashes."""

import hashlib
import hmac

import pandas as pd
import pytest

from redwood.records.privacy import HashKey, hash_key, hashed


def test_hashes_are_hmacs() -> None:
    key = HashKey(b"secret", "environment")
    expected = hmac.new(b"secret", b"user:Jane Doe", hashlib.sha256).hexdigest()[:12]
    values = hashed(pd.Series(["Jane Doe", None, "Jane Doe"]), key, "user")
    assert values.tolist()[0] == values.tolist()[2] == expected
    assert pd.isna(values[1])


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDWOOD_HASH_KEY", raising=False)
    assert hash_key(1, nameless=True) == hash_key(1, nameless=True)
    assert hash_key(1, nameless=True) != hash_key(2, nameless=True)
    assert hash_key(1, nameless=False) != hash_key(1, nameless=False)
    monkeypatch.setenv("REDWOOD_HASH_KEY", "abc")
    assert hash_key(1, nameless=False) == HashKey(b"abc", "environment")
    assert hash_key(1, nameless=True).origin == "seed"
