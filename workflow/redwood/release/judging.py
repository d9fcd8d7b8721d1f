"""What attackers find of units, by the most successful one, in all and by size and kind.

Had the most successful attacker been chosen by what it finds of the very units that it is judged
on, it would seem to find some by chance alone; so units are divided into five parts, and each part
is judged by the attacker that finds most of the others, of those of about the same size and of all.
Beside it stands what the best attacker finds of all units, with the chance that as much is found
without a leak (`redwood.release.shares.best_by_chance`).
"""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from redwood.release.attacks import CLOSEST, LEARNED
from redwood.release.shares import (
    ENOUGH,
    Share,
    best_by_chance,
    joined,
    share_alone,
    share_found,
    standings,
    strata,
)
from redwood.release.tries import risk_of_try
from redwood.seeds import generator

# An audit reaches as far as so many of the planted units do.
REACHING = 20
# Bounds are told for so many tries of one release.
MOST_TRIES = 10
_PARTS = 5


class Judgement:
    """What attackers make of units, of which some were planted and the others were not.

    Args:
        units: of each its number of `rows`, `size`, its place among the sizes, whether it was
            `planted` and is `judged`; its `group`, in which any unit might as well have been
            planted; its `part`, for units of the same are never in different fifths; its `kind`,
            where there are some; and the `sample`, where there are several, within which scores
            are compared.
        scores: (units, attackers), of which more speaks for a planted one.
        seed: of what is drawn.
        purpose: what that is for.
    """

    def __init__(
        self, units: pd.DataFrame, scores: pd.DataFrame, seed: int, *purpose: str | int
    ) -> None:
        self._units = units
        self._attackers = list(map(str, scores.columns))
        self._seed, self._purpose = seed, purpose
        self._planted, self._size, self._judged, self._group, self._rows = (
            units[name].to_numpy() for name in ("planted", "size", "judged", "group", "rows")
        )
        stratum = _strata_of_samples(units)
        random = generator(seed, *purpose, "equal scores")
        self._places = standings(scores.to_numpy(), stratum, self._planted, random)
        # Trees learned who was planted: for them other lots would not be as likely.
        simple = [place for place, name in enumerate(self._attackers) if name != LEARNED]
        nobody = np.zeros(len(units), bool)
        self._ranks = standings(scores.iloc[:, simple].to_numpy(), stratum, nobody, random)
        self._closest = -scores[f"{CLOSEST}, mean"].to_numpy()
        # Several samples are to make bounds sharper, not groups of sizes more.
        enough = ENOUGH * (units["sample"].nunique() if "sample" in units else 1)
        self._groups = [
            (sizes, judged)
            for judged in (True, False)
            for sizes in joined(
                Counter(self._size[self._planted & (self._judged == judged)].tolist()), enough
            )
        ]
        self._chosen, self._attack = self._by_best_of_others()

    def told(self) -> dict[str, Any]:
        """What is found, for `audit.json`."""
        content: dict[str, Any] = {}
        if self._judged.any():
            content |= _told(self._share(self._judged, "all"))
            content |= {"attack": self._attack, "up_to_rows": self._reach()}
            content |= {"best": self._best(), "attackers": self._by_attacker()}
        return content | {
            "groups": [self._of_group(*group) for group in self._groups],
            "sizes": [
                {"size": int(size), **self._of(self._size == size, "size", int(size))}
                for size in np.unique(self._size)
                if 0 < self._planted[self._size == size].mean() < 1
            ],
            "kinds": {
                str(kind): self._of((self._units["kind"] == kind).to_numpy(), "kind", str(kind))
                for kind in sorted(set(self._units.get("kind", ())))
            },
            # Of the closest rows of the sample, the mean over a unit's rows: a cheap first alarm.
            "closest": {
                name: float(np.exp(np.median(self._closest[of])))
                for name, of in (("planted", self._planted), ("others", ~self._planted))
            },
        }

    def _share(self, of: np.ndarray, *purpose: str | int) -> Share:
        random = generator(self._seed, *self._purpose, *purpose)
        return share_found(self._chosen[of], self._planted[of], random)

    def _of(self, of: np.ndarray, *purpose: str | int) -> dict[str, Any]:
        rows = self._rows[of]
        return {"rows": [int(rows.min()), int(rows.max())], **_told(self._share(of, *purpose))}

    def _of_group(self, sizes: list[int], judged: bool) -> dict[str, Any]:
        of = np.isin(self._size, sizes) & (self._judged == judged)
        share = self._share(of, "group", sizes[0])
        bounds = [share.at_most(risk_of_try(number)) for number in range(1, MOST_TRIES + 1)]
        return {"judged": judged, **self._of(of, "group", sizes[0]), "at_most_of_try": bounds}

    def _reach(self) -> int:
        """The largest size that enough of the planted and judged canaries have."""
        rows = self._rows[self._planted & self._judged]
        sizes = np.unique(self._size[self._judged])
        return int(max((s for s in sizes if (rows >= s).sum() >= REACHING), default=sizes[0]))

    def _best(self) -> dict[str, float]:
        """What the best attacker finds of all that are judged, and how likely that is by chance."""
        found, drawn = best_by_chance(
            self._ranks[self._judged],
            self._group[self._judged],
            self._planted[self._judged],
            generator(self._seed, *self._purpose, "chance"),
        )
        return {
            "found": found,
            "by_chance": float(np.median(drawn)),
            "chance": float((1 + (drawn >= found).sum()) / (1 + len(drawn))),
        }

    def _by_attacker(self) -> dict[str, float]:
        judged = self._judged
        return {
            name: share_alone(self._places[judged, place], self._planted[judged])
            for place, name in enumerate(self._attackers)
        }

    def _by_best_of_others(self) -> tuple[np.ndarray, str]:
        """Each unit's place by the attacker that finds most of the others.

        Returns:
            (units,) the places; the attacker that was chosen most often.
        """
        parts, place = np.unique(self._units["part"], return_inverse=True)
        random = generator(self._seed, *self._purpose, "parts")
        part = (random.permutation(len(parts)) % _PARTS)[place]
        chosen = np.zeros(len(part))
        times: Counter[int] = Counter()
        for number in range(_PARTS):
            known = part != number
            of_all = self._by_all(known & self._judged) if self._judged.any() else 0.0
            for sizes, _ in self._groups:
                of_sizes = np.isin(self._size, sizes)
                best = int(np.argmax(self._by_all(known & of_sizes) + of_all))
                asked = of_sizes & ~known
                chosen[asked] = self._places[asked, best]
                times[best] += int((asked & self._judged & self._planted).sum())
        return chosen, self._attackers[max(times, key=lambda attacker: times[attacker])]

    def _by_all(self, of: np.ndarray) -> np.ndarray:
        """The share that each attacker finds of some units, (attackers,); 0 of none."""
        planted = self._planted[of]
        if planted.all() or not planted.any():
            return np.zeros(len(self._attackers))
        return np.array([share_alone(places, planted) for places in self._places[of].T])


def _strata_of_samples(units: pd.DataFrame) -> np.ndarray:
    """The stratum of each unit, (units,): those of one sample and of about the same size."""
    sample = units.get("sample", pd.Series(0, index=units.index)).to_numpy()
    stratum = np.zeros(len(units), np.int64)
    for one in np.unique(sample):
        of = sample == one
        found = strata(*(units.loc[of, name].to_numpy() for name in ("size", "planted")))
        stratum[of] = found + stratum.max() + 1
    return stratum


def _told(share: Share) -> dict[str, Any]:
    return {
        "planted": share.planted,
        "others": share.others,
        "found": share.found,
        "at_most": share.at_most(),
    }
