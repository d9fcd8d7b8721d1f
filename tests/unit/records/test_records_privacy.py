"""Keyed hashes, and names of persons in other columns."""

import hashlib
import hmac
from pathlib import Path

import pytest

from redwood.errors import InputError
from redwood.records.privacy import (
    HashKey,
    hash_key,
    hashed,
    looks_personal,
    mentioned,
    name_parts,
    places_of_names,
    sealed,
    unsealed,
    write_key,
)


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


OWNERS = (
    "Jane Q. Doe",
    "/DC=ch/DC=cern/OU=Organic Units/OU=Users/CN=jmarked/CN=712345/CN=Jörg Østby-Lee",
    "amartin@mail.example",
    "first.surname@mail.example",
    "CN=Doe\\, Ada,OU=People,DC=example",
    "atlas",
    "prodsys",
)


@pytest.mark.parametrize(
    ("word", "names_someone"),
    [
        *(
            (word, True)
            for word in ("JaneDoe", "doe_jane", "JDOE", "CERN_jane", "X-doe-2", "xJANEx")
        ),
        *((word, True) for word in ("CERN_jmarked", "xjmarkedx", "JMarked2", "Marked_J", "712345")),
        *((word, True) for word in ("Joerg", "jorg.ostby", "OESTBY", "CERN-lee_MCORE")),
        *((word, True) for word in ("phys-amartin", "ANALY_MARTIN", "surname_first", "FSURNAME")),
        *((word, True) for word in ("ADADOE", "first.surname")),
        *((word, False) for word in ("CERN-PROD", "mail", "example", "organic", "users", "ATLAS")),
        *((word, False) for word in ("prodsys-2", "sleek", "doer", "cern", "People", "unit")),
    ],
)
def test_what_tells_of_an_owner(word: str, names_someone: bool) -> None:
    parts = set().union(*map(name_parts, OWNERS))
    assert bool(places_of_names(word) & parts) is names_someone


def test_who_is_mentioned_in_other_columns() -> None:
    cells = {
        "user.jdoe:user.jdoe.mc20_13TeV.deriv/": ["jdoe", "jdoe"],
        "panda.um.user.jdoe.x": ["jdoe"],
        "/afs/cern.ch/user/j/jdoe/x": ["jdoe"],
        "/home/jdoe": ["jdoe"],
        "Jane <jane.doe@mail.example>": ["jane.doe"],
        "/DC=ch/CN=jdoe/CN=Jane Doe": ["jdoe", "Jane Doe"],
        "mc20_13TeV.410470.x.deriv.DAOD_PHYS.e1": [],
    }
    for cell, names in cells.items():
        assert mentioned(cell) == names
        assert looks_personal(cell) is bool(names)


def test_a_sealed_word_needs_the_key() -> None:
    key, other = HashKey(b"secret", "environment"), HashKey(b"another", "environment")
    word = "W" * 64
    assert unsealed(sealed(word, "mask", key), "mask", key) == word
    assert word.encode() not in sealed(word, "mask", key)
    with pytest.raises(UnicodeDecodeError):
        unsealed(sealed(word, "mask", key), "mask", other)
    assert sealed("A", "mask", key) != sealed("A", "other", key)
