"""Which words come out of the cleaning stage, and what is needed to decide on the others.

A site, a data type or a working group comes out if it is on a list: the table of sites, the data
types and groups of ATLAS, the configuration. Any other word may be the name of a person. It is
masked, and what tells whether it may come out nevertheless is put down: who had it, sealed with the
key of the run, and by what owners could be recognised, hashed with that key. `unmasking` decides
when the words of all dumps are known.

Projects, steps, states and activities need none of that: only listed ones are ever read as such.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from redwood.configuration import SPOKEN, Cleaning
from redwood.records.privacy import (
    HashKey,
    hashed,
    looks_personal,
    mentioned,
    name_parts,
    sealed,
)

MASK: Final = "unlisted-"
# Who had which masked word, and by what owners could be recognised.
EVIDENCE: Final = pa.schema(
    {"column": pa.string(), "mask": pa.string(), "sealed": pa.binary(), "user": pa.string()}
)
NAMES: Final = pa.schema({"part": pa.string()})

_FORM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")
_AREAS = (
    "bphy|btag|cosm|daqh|det|egam|exot|ftag|gene|hdbs|higgs?|hion|idtr|inde|jetm|larg|lpx|mcgn|mdet"
    "|mine|muon|phys|repr|sing|smba|soft|stdm|susy|tags|taup|tcal|tdaq|thlt|tile|topq|trig|tzer"
    "|upg|upgr|vali|ecss|prod"
)
_GROUP = re.compile(
    rf"vo\d+|atlas|(?:AP|GP)_(?i:{_AREAS})"
    r"|phys-(?:beauty|bphys|exotics?|gener|hdbs|hi|higgs|hmbs|proj|sm|stdm|susy|top|valid)"
    r"|perf-(?:egamma|flavtag|idtracking|jets|muons?|tau)"
    r"|det-(?:ibl|indet|larg|muon|slhc|tile|hgtd|itk)|trig-(?:daq|hlt|lvl1)"
    r"|soft-(?:simul|test|valid)|data-prep|proj-(?:evind|sit|daqhlt)|upgrade"
)
# Names and words that are remembered, so that memory does not grow with a dump.
_MOST_REMEMBERED = 100_000


class Evidence(NamedTuple):
    """What a chunk adds: rows of `EVIDENCE`, rows of `NAMES`."""

    words: pa.Table
    names: pa.Table


NO_EVIDENCE: Final = Evidence(EVIDENCE.empty_table(), NAMES.empty_table())


class Vocabulary:
    """The words of one dump.

    Args:
        options: further lists.
        key: what masks are made with.
        nameless: whether no cell can hold the name of a person: then every word comes out.
    """

    def __init__(self, options: Cleaning, key: HashKey, *, nameless: bool) -> None:
        self._further = {column: frozenset(options.words.get(column, ())) for column in SPOKEN}
        self._key, self._nameless = key, nameless
        self._masks: dict[tuple[str, str], str] = {}
        self._hidden: dict[tuple[str, str], str] = {}
        self._seen: set[str] = set()
        self._parts: set[str] = set()

    def word(self, column: str, text: str, *, listed: bool) -> str | None:
        """What comes out of the word of a column, or `None` where it is of no use there.

        Args:
            column: one of the job table.
            text: the word.
            listed: whether the lists that the library brings have it.
        """
        if listed or text in self._further[column]:
            return text
        if looks_personal(text) or not (self._nameless or _FORM.fullmatch(text)):
            return None
        if self._nameless:
            return text
        mask = self._masks.get((column, text))
        if mask is None:
            _forget(self._masks)
            mask = self._masks[column, text] = MASK + hashed([text], self._key, column)[0]
        self._hidden[column, mask] = text
        return mask

    def group(self, text: str) -> str | None:
        """What comes out of a working group."""
        return self.word("workinggroup", text, listed=_GROUP.fullmatch(text) is not None)

    def learn_owners(self, owners: Iterable[str]) -> None:
        """Learn from names, logins, addresses and certificates of owners."""
        if self._nameless:
            return
        for owner in owners:
            if owner not in self._seen:
                _forget(self._seen)
                self._seen.add(owner)
                self._parts |= name_parts(owner)

    def learn_mentioned(self, cells: Iterable[str]) -> None:
        """Learn from whoever is mentioned in the cells of any other column."""
        if not self._nameless:
            for cell in filter(looks_personal, cells):
                self.learn_owners(mentioned(cell))

    def evidence(
        self,
        words: Mapping[str, tuple[np.ndarray, list[str]]],
        users: tuple[np.ndarray, list[str]],
    ) -> Evidence:
        """What has come together since the last call.

        Args:
            words: column → codes [n], -1 where missing, and values, as `word` made them.
            users: codes [n] and keyed hashes of the owners of these rows.
        """
        columns: dict[str, list] = {name: [] for name in EVIDENCE.names}
        for column, (codes, values) in words.items() if self._hidden else ():
            hidden = np.array([*((column, value) in self._hidden for value in values), False])
            rows = hidden[codes]
            pairs = np.unique(np.stack([codes[rows], users[0][rows]]), axis=1)
            for code, user in pairs.T.tolist():
                mask = values[code]
                columns["column"].append(column)
                columns["mask"].append(mask)
                columns["sealed"].append(sealed(self._hidden[column, mask], mask, self._key))
                columns["user"].append(users[1][user] if user >= 0 else None)
        names = hashed(sorted(self._parts), self._key, "name")
        self._hidden.clear()
        self._parts.clear()
        return Evidence(pa.table(columns, EVIDENCE), pa.table({"part": names}, NAMES))


def _forget(remembered: dict | set) -> None:
    if len(remembered) >= _MOST_REMEMBERED:
        remembered.clear()
