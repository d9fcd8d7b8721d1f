"""Names of persons become keyed hashes; nothing else about a person leaves the cleaning stage.

A hash without a key can be undone by hashing every login of a known list, so the key matters: it
comes from the environment variable REDWOOD_HASH_KEY, or is drawn at random and forgotten. Only the
made-up users of generated dumps, and pseudonyms, get a key that follows from the seed.

Words that do come out (sites, groups, projects, data types) are checked: a name may have slipped
into any column of a dump.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from redwood.errors import InputError

ENVIRONMENT_VARIABLE = "REDWOOD_HASH_KEY"

_DIGITS = 16
_KEY_BYTES = 32

_PERSONAL = re.compile(
    r"@|(?:^|[/,;\s])(?:CN|DC|OU|O|UID|emailAddress)\s*=|\buser\.|/user/|/home/", re.IGNORECASE
)
_NO_LETTER_OR_DIGIT = re.compile(r"[\W_]+")
_OWNER = re.compile(r"(?:^|[.:])user\.([^.:/]+)")
_COMMON_NAME = re.compile(r"CN\s*=\s*([^/,=]+)", re.IGNORECASE)
# Jane, Q. and Doe.
_MOST_PARTS = 3
# Shorter names would be found in words that have nothing to do with them.
_SHORTEST_NAME = 4


class HashKey(NamedTuple):
    """A key and where it came from."""

    key: bytes
    origin: Literal["environment", "random", "seed"]

    @property
    def fingerprint(self) -> str:
        """Tells one key from another and gives neither away."""
        return hmac.new(self.key, b"fingerprint of the key", hashlib.sha256).hexdigest()[:_DIGITS]


def hash_key(seed: int, *, nameless: bool, file: Path | None = None) -> HashKey:
    """The key of a run.

    Args:
        seed: the run's seed; used only for nameless records, so that they give the same bytes.
        nameless: whether the records name no person: they are generated, or hold pseudonyms only.
        file: a random key that `write_key` made for all dumps of a run.

    Raises:
        InputError: `file` holds no key.
    """
    if nameless:
        return HashKey(hashlib.sha256(f"nameless users of seed {seed}".encode()).digest(), "seed")
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    if given:
        return HashKey(given.encode(), "environment")
    if file is not None:
        return HashKey(_read_key(file), "random")
    return HashKey(secrets.token_bytes(_KEY_BYTES), "random")


def write_key(file: Path) -> None:
    """Write a random key that only its owner may read, unless there is one already.

    It holds for one run: whoever has it can find out which hash stands for which user.
    """
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(secrets.token_hex(_KEY_BYTES))


def _read_key(file: Path) -> bytes:
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputError(f"{file}: no key in it; expected {2 * _KEY_BYTES} hexadecimal digits")
    return key


def hashed(values: Iterable[str], key: HashKey, purpose: str) -> list[str]:
    """The values as hashes of 16 hexadecimal digits (HMAC-SHA256).

    Equal values give equal hashes; the same value hashed for another purpose gives another.
    """
    return [
        hmac.digest(key.key, f"{purpose}:{value}".encode(), "sha256").hex()[:_DIGITS]
        for value in values
    ]


class Names:
    """Names of persons met so far, to keep other columns free of them; never written anywhere."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def add_person(self, text: str) -> None:
        """A user name, or a DN of a certificate, the common names in it included."""
        for name in (text, *_COMMON_NAME.findall(text)):
            self._add(name)

    def add_owner(self, dataset: str) -> None:
        """The login in the name of a user's dataset, `user.<login>.…`, if it is one."""
        for login in _OWNER.findall(dataset):
            self._add(login)

    def may_be_in(self, word: str) -> bool:
        """Whether a word is, holds, or looks as if it held, the name of a person."""
        if _PERSONAL.search(word):
            return True
        parts = [part.casefold() for part in _NO_LETTER_OR_DIGIT.split(word) if part]
        return any(
            "".join(parts[begin:end]) in self._names
            for begin in range(len(parts))
            for end in range(begin + 1, min(begin + _MOST_PARTS, len(parts)) + 1)
        )

    def _add(self, name: str) -> None:
        folded = _folded(name)
        if len(folded) >= _SHORTEST_NAME:
            self._names.add(folded)


def _folded(name: str) -> str:
    return _NO_LETTER_OR_DIGIT.sub("", name).casefold()
