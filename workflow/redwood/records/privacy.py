"""Names of persons become keyed hashes; nothing else about a person leaves the cleaning stage.

A hash without a key can be undone by hashing every login of a known list, so the key matters: it
comes from the environment variable REDWOOD_HASH_KEY, or is drawn at random and forgotten. Only the
made-up users of generated dumps, and pseudonyms, get a key that follows from the seed.

Words that do come out (sites, data types, groups) are on a list or shared by many owners, see
`vocabulary`; here is what tells that a word holds the name of a person.
"""

import hashlib
import hmac
import os
import re
import secrets
import unicodedata
from collections.abc import Iterable
from itertools import permutations
from pathlib import Path
from typing import Literal, NamedTuple

from redwood.errors import InputError

ENVIRONMENT_VARIABLE = "REDWOOD_HASH_KEY"

_DIGITS = 16
_KEY_BYTES = 32

_PAD_BYTES = 64

_PERSONAL = re.compile(
    r"@|(?:^|[/,;\s])(?:CN|DC|OU|O|UID|emailAddress)\s*=|\buser\.|/user/|/home/", re.IGNORECASE
)
# Who is meant in text of any kind: the owner of a dataset or folder, an address, a certificate.
_MENTIONED = re.compile(
    r"\buser\.([^.:/\s]+)|/(?:user|home)/(?:\w/)?([^/\s]+)|([^\s/=<>,;:]+)@"
    r"|\b(?:CN|UID)\s*=\s*([^/,;=]+)",
    re.IGNORECASE,
)
# Where somebody is, not who: the domain of an address, the organisation in a certificate.
_ELSEWHERE = re.compile(r"@[\w.-]*|(?:^|(?<=[/,;]))\s*(?:DC|OU|O|L|ST|C)\s*=[^/,;]*", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(?:CN|UID|emailAddress)\s*=|[/=]", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TOKEN = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae"})
# Jane Q. Doe, Earl of Nowhere: further words of a name are not put together with others.
_MOST_TOKENS = 6
# A name of this length counts wherever it stands in a word, one letter less as a whole part of it;
# still shorter ones are everywhere.
_SHORTEST_INSIDE = 4
# A login may be a surname with one letter before it; shorter ones are the beginnings of words.
_SHORTEST_LOGIN = 6
# Service accounts and what else stands in the names of robots, sites and groups.
_NOBODY = frozenset(
    {
        *("admin", "analysis", "atlas", "cern", "data", "ddm", "ganga", "gangarbt", "gangarobot"),
        *("grid", "group", "hammercloud", "jedi", "job", "jobs", "limited", "panda", "phys"),
        *("physics", "pilot", "prod", "prodsys", "production", "proxy", "robot", "root", "service"),
        *("test", "tier", "unknown", "user", "users"),
    }
)


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


def looks_personal(word: str) -> bool:
    """Whether a word looks like an address, a certificate, or a dataset or folder of a user."""
    return _PERSONAL.search(word) is not None


def mentioned(text: str) -> list[str]:
    """The names and logins in text of any kind, where their place tells that they are some."""
    return [name for names in _MENTIONED.findall(text) for name in names if name]


def name_parts(text: str) -> set[str]:
    """By what the owner of jobs could be recognised in a word: lower-case letters and digits.

    Each word of the name or login, of all common names if it is a certificate, and of the local
    part if it is an address; two of them together, in either order; an initial with another; a
    login without its first letter, which is a surname often. What has two letters or fewer, or is
    the name of a service (`atlas`, `panda`, `prodsys`), tells of nobody.

    Example:
        >>> sorted(name_parts("jane.doe@cern.ch"))[:5]
        ['djane', 'doe', 'doej', 'doejane', 'jane']
    """
    parts: set[str] = set()
    lowered = text.lower()
    spellings = {text, lowered.translate(_SPELT_OUT)} if not text.isascii() else {text}
    for spelling in spellings:
        for segment in _ATTRIBUTE.split(_ELSEWHERE.sub("/", spelling)):
            tokens = [t for t in _tokens(_CAMEL.sub(" ", segment)) if t not in _NOBODY]
            tokens = tokens[:_MOST_TOKENS]
            runs = [run for token in tokens for run in _LETTERS.findall(token)]
            parts.update((*tokens, *runs))
            if len(tokens) == 1:
                parts.update(run[1:] for run in runs if len(run) >= _SHORTEST_LOGIN)
            for first, other in permutations(tokens, 2):
                parts.update((first + other, first[0] + other, first + other[0]))
    return {part for part in parts if len(part) >= _SHORTEST_INSIDE - 1} - _NOBODY


def places_of_names(word: str) -> set[str]:
    """All that stands in a word at which a name could be: it holds one if it is in `name_parts`.

    What is between letters and digits does not count: `Doe_Jane` holds `doejane`.
    """
    tokens = _tokens(word)
    joined = "".join(tokens)
    short = {*tokens, *(run for token in tokens for run in _LETTERS.findall(token))}
    return {
        joined[begin:end]
        for begin in range(len(joined))
        for end in range(begin + _SHORTEST_INSIDE, len(joined) + 1)
    } | {part for part in short if len(part) == _SHORTEST_INSIDE - 1}


def _tokens(text: str) -> list[str]:
    """The runs of letters and digits, without accents and case."""
    plain = unicodedata.normalize("NFKD", text) if not text.isascii() else text
    return _TOKEN.findall("".join(c for c in plain.casefold() if not unicodedata.combining(c)))


def sealed(word: str, mask: str, key: HashKey) -> bytes:
    """A word of up to 64 bytes that only whoever has the key can read.

    It is laid over by a pad that follows from the key and the word's `mask`, a keyed hash of it: a
    cipher with a synthetic initialisation vector, as RFC 5297 has them.
    """
    return _laid_over(word.encode().ljust(_PAD_BYTES, b"\0"), mask, key)


def unsealed(word: bytes, mask: str, key: HashKey) -> str:
    """What `sealed` made unreadable."""
    return _laid_over(word, mask, key).rstrip(b"\0").decode()


def _laid_over(word: bytes, mask: str, key: HashKey) -> bytes:
    pad = hmac.digest(key.key, f"pad of {mask}".encode(), "sha512")
    return bytes(left ^ right for left, right in zip(word, pad, strict=True))
