"""Keyed hashes, and names of persons in other columns."""

import hashlib
import hmac
from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.records.privacy import HashKey, Names, hash_key, hashed, write_key


def test_hashes_are_hmacs() -> None:
    key = HashKey(b"secret", "environment")
    expected = hmac.new(b"secret", b"user:Jane Doe", hashlib.sha256).hexdigest()[:16]
    assert hashed(["Jane Doe", "Jane Doe"], key, "user") == [expected, expected]
    assert hashed(["Jane Doe"], key, "task") != [expected]


def test_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDWOOD_HASH_KEY", raising=False)
    assert hash_key(1, nameless=True) == hash_key(1, nameless=True)
    assert hash_key(1, nameless=True) != hash_key(2, nameless=True)
    assert hash_key(1, nameless=False) != hash_key(1, nameless=False)
    monkeypatch.setenv("REDWOOD_HASH_KEY", "abc")
    assert hash_key(1, nameless=False) == HashKey(b"abc", "environment")
    assert hash_key(1, nameless=True).origin == "seed"


def test_a_key_in_a_file_is_drawn_once_and_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDWOOD_HASH_KEY", raising=False)
    file = tmp_path / "key"
    write_key(file)
    first = hash_key(1, nameless=False, file=file)
    write_key(file)
    assert hash_key(2, nameless=False, file=file) == first
    assert first.origin == "random"
    assert file.stat().st_mode & 0o777 == 0o600
    assert first.key.hex() not in first.fingerprint
    file.write_text("none")
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        hash_key(1, nameless=False, file=file)


@pytest.mark.parametrize(
    ("word", "may_be"),
    [
        ("jane.doe@cern.ch", True),
        ("/DC=ch/DC=cern/OU=Users/CN=jdoe", True),
        ("user.someone.data", True),
        ("JaneDoe", True),
        ("jane_doe", True),
        ("JDOE", True),
        ("rlogin", True),
        ("CERN_JaneDoe", True),
        ("CERN-jane.doe_MCORE", True),
        ("CERN-PROD", False),
        ("mc20_13TeV", False),
        ("Janet", False),
    ],
)
def test_names_in_other_columns(word: str, may_be: bool) -> None:
    names = Names()
    names.add_person("Jane Doe")
    names.add_person("/DC=ch/CN=jdoe/CN=Jane Doe")
    names.add_owner("user.rlogin:user.rlogin.mc20_13TeV.deriv/")
    assert names.may_be_in(word) is may_be
