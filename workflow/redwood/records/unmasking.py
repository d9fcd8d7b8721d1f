"""Which of the words that cleaning masked come out after all, once all dumps are known.

A word comes out if at least `least_owners` owners have it, counted over all dumps, or if its column
is one of which any word may come out; and only if nothing in it is a name by which an owner in any
of the dumps could be recognised. Names of dumps are held to the latter, too.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from redwood.configuration import ANY_WORD, Cleaning
from redwood.errors import InputError
from redwood.records.cleaned_file import CleanedFile
from redwood.records.privacy import (
    ENVIRONMENT_VARIABLE,
    HashKey,
    hash_key,
    hashed,
    looks_personal,
    places_of_names,
    unsealed,
)
from redwood.records.vocabulary import MASK
from redwood.sql import database

# Column → mask → the word that comes out.
Unmasked: TypeAlias = dict[str, dict[str, str]]

_SHARED = """
    WITH owned AS (SELECT DISTINCT "column", mask, sealed, "user" FROM read_parquet($words))
    SELECT "column", mask, sealed FROM owned GROUP BY ALL
    HAVING count("user") >= $owners OR list_contains($any_word, "column") ORDER BY ALL
"""
_NAMED = "SELECT DISTINCT word FROM places SEMI JOIN read_parquet($names) USING (part)"
_PLACES_AT_ONCE = 500_000


def exceptions(options: Cleaning) -> list[str]:
    """The options that let out words on no list, however few owners have them."""
    return [name for name in ("pseudonymous", *ANY_WORD.values()) if getattr(options, name)]


def unmask(files: Sequence[CleanedFile], options: Cleaning, key_file: Path | None) -> Unmasked:
    """The words that come out; a dump whose name holds an owner's gets another in its account.

    Exact at any size: what does not fit into memory lies in a temporary folder.

    Args:
        files: cleaned files; the accounts of some are changed.
        options: what they were cleaned with.
        key_file: the random key of their hashes, if the environment has none.

    Raises:
        InputError: they were cleaned with another key.
    """
    unmasked: Unmasked = {column: {} for column in ANY_WORD}
    named = [file for file in files if file.account["key"]["origin"] != "seed"]
    if not named:
        return unmasked
    key = _key_of(named[0], key_file)
    any_word = [column for column, option in ANY_WORD.items() if getattr(options, option)]
    with database() as connection:
        shared = connection.execute(
            _SHARED,
            {
                "words": [str(file.folder / "words.parquet") for file in named],
                "owners": options.least_owners,
                "any_word": any_word,
            },
        ).fetchall()
        words = [(column, mask, unsealed(word, mask, key)) for column, mask, word in shared]
        called = {file.account["file"] for file in files}
        held = set(filter(looks_personal, called))
        names = [str(file.folder / "names.parquet") for file in named]
        for places in _places([*called, *(word for _, _, word in words)], key):
            connection.register("places", places)
            held |= {word for (word,) in connection.execute(_NAMED, {"names": names}).fetchall()}
    for column, mask, word in words:
        if word not in held:
            unmasked[column][mask] = word
    for number, file in enumerate(files, start=1):
        if file.account["file"] in held:
            file.account["file"] = f"{MASK}dump-{number}.{file.account['format']}"
    if called & held:
        print(
            f"{len(called & held)} dumps are called by what may be a person's name; the account "
            f"calls them {MASK}dump-1 and so on, by their order",
            file=sys.stderr,
        )
    return unmasked


def spoken(table: pa.Table, unmasked: Unmasked) -> pa.Table:
    """Candidates with the words that come out in place of their masks."""
    for column, words in unmasked.items():
        if words:
            place = table.schema.get_field_index(column)
            pieces = [
                pa.DictionaryArray.from_arrays(
                    piece.indices,
                    pa.array(
                        [words.get(word, word) for word in piece.dictionary.to_pylist()],
                        pa.string(),
                    ),
                )
                for piece in table.column(place).chunks
            ]
            table = table.set_column(place, table.field(place), pieces)
    return table


def _key_of(file: CleanedFile, key_file: Path | None) -> HashKey:
    key = hash_key(0, nameless=False, file=key_file)
    if key.fingerprint != file.account["key"]["fingerprint"]:
        raise InputError(
            f"{file.folder}: cleaned with another key; gather it with the same "
            f"{ENVIRONMENT_VARIABLE} or --key, or clean it again"
        )
    return key


def _places(words: Sequence[str], key: HashKey) -> Iterator[pa.Table]:
    """Where names could stand in words, hashed as names are, a table for as many as fit."""
    parts: list[tuple[str, str]] = []
    for number, word in enumerate(words, start=1):
        parts += ((part, word) for part in sorted(places_of_names(word)))
        if len(parts) >= _PLACES_AT_ONCE or number == len(words):
            hashes = hashed((part for part, _ in parts), key, "name")
            names = [name for _, name in parts]
            yield pa.table({"part": pa.array(hashes, pa.string()), "word": names})
            parts.clear()
