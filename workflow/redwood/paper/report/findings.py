"""What a run found, in plain words: the first screen of the report.

Every number is read from a result and has a link to where it comes from. Of privacy it is what the
release gate found, of fidelity the typical multiples of Table I, of policies what Table II has by
mean turnaround. Which model to publish and which to use inside is `redwood.paper.recommendation`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from redwood.paper.agreement import TOO_FEW, too_few
from redwood.paper.style import RECORDED

MAIN = "turnaround_mean"
# Models in the table of the first screen.
_MOST_MODELS = 6
_NONE = "–"


@dataclass(frozen=True)
class Words:
    """A piece of a sentence; `place` is where in the report its number comes from, if it is one."""

    text: str
    place: str = ""


@dataclass(frozen=True)
class Answer:
    """A question of the first screen and its answer, in pieces."""

    question: str
    words: Sequence[Words]


@dataclass(frozen=True)
class Results:
    """What the first screen is made of.

    Attributes:
        card: the facts of the data card.
        table1: the summary of Table I.
        decisions: model → decision of the release gate.
        outcomes: Table II, tidy.
        ranking: how alike policies are ranked, tidy.
    """

    card: Mapping[str, Any]
    table1: Mapping[str, Any]
    decisions: Mapping[str, Mapping[str, Any]]
    outcomes: pd.DataFrame
    ranking: pd.DataFrame

    @property
    def by_turnaround(self) -> pd.DataFrame:
        """Of the ranking by mean turnaround a row a workload."""
        return self.ranking[self.ranking["outcome"] == MAIN].set_index("workload")

    @property
    def models(self) -> list[str]:
        """Those that are no controls."""
        controls = self.table1["controls"]
        return [model for model in self.table1["models"] if model not in controls]

    @property
    def other(self) -> str:
        """Whose rows the second floor is of, such as `other tasks`; empty without one."""
        floor = self.table1["other_floor"]
        return floor["title"] if floor else ""


def answers(results: Results) -> list[Answer]:
    """The questions of a reader who has a minute."""
    return [
        Answer("What data", list(_data(results.card))),
        Answer("May be published", list(_published(results))),
        Answer("Best for studies inside", list(_inside(results))),
        Answer("Which policy wins", list(_policy(results))),
    ]


def model_header(results: Results) -> list[str]:
    """The header of the table of the first screen; `>` begins that of numbers."""
    same = f"same {results.other.removeprefix('other ')}" if results.other else "real rows"
    far = [f">× {same}", *([f">× {results.other}"] if results.other else [])]
    return ["Model", "May be published", *far, ">Attacker finds", ">Order of policies", "Winner"]


def model_rows(results: Results) -> list[tuple[str, list[Words]]]:
    """The models that matter most, each with a cell per further column."""
    ranked = results.by_turnaround
    best = ranked.loc[RECORDED, "best_recorded"] if RECORDED in ranked.index else None
    rows = []
    for model in _most_telling(results):
        cells = [_may_be_published(model, results)]
        cells.append(_far(results.table1["typical_multiples"].get(model)))
        if results.other:
            cells.append(_far(results.table1["typical_other_multiples"].get(model)))
        cells.append(_found(results.decisions.get(model)))
        if model in ranked.index and pd.notna(ranked.loc[model, "tau"]):
            row = ranked.loc[model]
            tau = TOO_FEW if too_few(row) else f"τ {row['tau']:.2f}".replace("-", "−")
            cells.append(Words(tau, "decisions"))
            cells.append(Words("the same" if row["best"] == best else row["best"], "decisions"))
        else:
            cells += [Words(_NONE), Words(_NONE)]
        rows.append((model, cells))
    return rows


def _data(card: Mapping[str, Any]) -> Iterator[Words]:
    noun = card["noun"]
    yield Words(f"{card['rows']:,} {noun}s", "data")
    arrivals = card["arrivals"]
    if arrivals:
        yield Words(f" of {arrivals['days']} days, {arrivals['first_day']} to ")
        yield Words(arrivals["last_day"])
    sites = next((c for c in card["columns"] if c["name"] == "computingsite"), None)
    if sites:
        yield Words(f", at {sites['distinct']} sites")
    if card["split"]:
        parts = card["split"]["parts"]
        trained, tested = parts["train"]["rows"], parts["test"]["rows"]
        yield Words(f". Models learn from {trained:,} and are judged by {tested:,} that they ")
        yield Words("never saw")
    yield Words(".")
    if card["synthetic"]:
        yield Words(
            " These records were generated as a stand-in and say nothing about any genuine grid."
        )


def _published(results: Results) -> Iterator[Words]:
    released = [m for m, decision in results.decisions.items() if decision["released"]]
    chosen = results.table1["recommendation"]["model"]
    if not results.decisions:
        yield Words("No model was put through the release gate, so nothing is cleared.")
        return
    if not released:
        yield Words("None of the samples. ")
    for model in sorted(released, key=lambda model: model != chosen):
        yield Words(f"{model}", f"note-{model}")
        yield Words(": " + found_in_words(results.decisions[model]) + ". ")
    withheld = [model for model in results.decisions if model not in released]
    for place, model in enumerate(withheld):
        yield Words("; " if place else "Withheld: ")
        yield Words(model, f"note-{model}")
        yield Words(f", as {_why_withheld(results.decisions[model])}")
    if withheld:
        yield Words(".")


def found_in_words(decision: Mapping[str, Any]) -> str:
    """What attackers find of the planted units of the worst group that the gate judged."""
    if (worst := _worst(decision)) is None:
        return "nothing was judged"
    check, group = worst
    return (
        f"of the {check['level']}s the attacker finds {_percent(group['found'])} at a 10 % "
        f"false-alarm rate (guessing: 10 %); 95 % upper bound {_percent(group['at_most'])}, "
        "limit 30 %"
    )


def _why_withheld(decision: Mapping[str, Any]) -> str:
    failed = [check for check in decision["checks"] if not check["passed"]]
    of_sample = [check for check in failed if check["kind"] == "privacy"]
    planted = [check for check in failed if check["kind"] == "canaries"]
    found = [check for check in planted if check["groups"]]
    untried = [f"{check['level'] or 'unit'}s" for check in planted if not check["groups"]]
    words = []
    if of_sample:
        too_few = "too few" in of_sample[0]["text"]
        words.append("there are too few rows to tell" if too_few else "it fails privacy checks")
    if found:
        bound = max(group["at_most"] for check in found for group in check["groups"])
        levels = listed([f"{check['level']}s" for check in found])
        words.append(f"it reveals {levels} (95 % upper bound {_percent(bound)}, limit 30 %)")
    if untried:
        words.append(f"{listed(untried)} could not be judged")
    if any(check["kind"] == "tries" for check in failed):
        words.append("it was tried too often")
    return " and ".join(words)


def _inside(results: Results) -> Iterator[Words]:
    table = results.table1
    same = table["typical_multiples"]
    closest = min((m for m in results.models if m in same), key=lambda m: same[m], default=None)
    # Without a second floor nobody was recommended: it is the closest.
    model = table["recommendation"]["replay"] or closest
    if model is None:
        yield Words("No measure compares all models with real rows.")
        return
    yield Words(f"{model} is closest to these very records (")
    yield Words(f"{same[model]:.1f} × the floor", "fidelity")
    yield Words(")")
    decision = results.decisions.get(model)
    if decision is not None and not decision["released"]:
        yield Words(f", but {_why_withheld(decision)}")
    elif table["passes"].get(model) is False:
        yield Words(", but it fails the checks of privacy")
    yield Words(". The floor is how far other real rows are.")


def _policy(results: Results) -> Iterator[Words]:
    ranked = results.by_turnaround
    if RECORDED not in ranked.index:
        yield Words("Fewer than two policies were compared on recorded jobs.")
        return
    best = ranked.loc[RECORDED, "best_recorded"]
    yield Words(best, "decisions")
    yield Words(f" is the best of {int(ranked['policies'].max())} on recorded jobs")
    of_best = results.outcomes[
        (results.outcomes["workload"] == RECORDED)
        & (results.outcomes["policy"] == best)
        & (results.outcomes["outcome"] == MAIN)
    ]
    if len(of_best):
        yield Words(" (mean turnaround ")
        yield Words(f"{of_best['value'].iloc[0] / 60:.3g} min", "decisions")
        yield Words(")")
    models = ranked.loc[[model for model in results.models if model in ranked.index]]
    agree = [model for model, row in models.iterrows() if row["best"] == best]
    others = models[models["best"] != best]
    yield Words(". ")
    if agree:
        yield Words(f"Synthetic jobs of {listed(agree)} say the same")
    if len(others):
        cost = 100 * others["regret"].max()
        yield Words("; those of " if agree else "Synthetic jobs of ")
        yield Words(f"{listed(list(others.index))} choose another, which costs ")
        yield Words(f"up to {cost:.2g} %", "decisions")
        yield Words(" on recorded ones")
    if len(models) and all(too_few(row) for _, row in models.iterrows()):
        yield Words(f" ({TOO_FEW})")
    yield Words(".")
    yield from _whole_order(results)


def _whole_order(results: Results) -> Iterator[Words]:
    """How alike the published model ranks all policies, against what real jobs of others reach."""
    ranked, table = results.by_turnaround.dropna(subset="tau"), results.table1
    law, model = table["law"], table["recommendation"]["model"]
    if law not in ranked.index or model not in ranked.index:
        return
    if any(too_few(ranked.loc[name]) for name in (model, law)):
        yield Words(f" How the jobs of {model} rank them all: {TOO_FEW}.")
        return
    own, most = (f"τ {ranked['tau'][name]:.2f}".replace("-", "−") for name in (model, law))
    yield Words(f" In all, {model} ranks them with ")
    yield Words(own, "decisions")
    yield Words(f", real jobs of {results.other or 'others'} with ")
    yield Words(most, "decisions")
    yield Words(".")


def _most_telling(results: Results) -> list[str]:
    """At most six models: recommended ones, those that the gate judged, then the closest."""
    table = results.table1
    law, same = table["typical_other_multiples"], table["typical_multiples"]
    first = [table["recommendation"]["model"], table["recommendation"]["replay"]]
    closest = sorted(results.models, key=lambda model: (law or same).get(model, float("inf")))
    order = [*first, *results.decisions, *closest]
    chosen = [model for model in dict.fromkeys(order) if model in results.models][:_MOST_MODELS]
    return sorted(chosen, key=closest.index)


def _may_be_published(model: str, results: Results) -> Words:
    decision = results.decisions.get(model)
    if decision is None:
        failed = results.table1["passes"].get(model) is False
        return Words("no: fails privacy" if failed else "not judged", "privacy")
    return Words("yes" if decision["released"] else "withheld", f"note-{model}")


def _far(multiple: float | None) -> Words:
    return Words(_NONE) if multiple is None else Words(f"{multiple:.1f}", "fidelity")


def _found(decision: Mapping[str, Any] | None) -> Words:
    worst = None if decision is None else _worst(decision)
    if worst is None:
        return Words(_NONE)
    _, group = worst
    return Words(f"{_percent(group['found'])}, bound {_percent(group['at_most'])}", "privacy")


def _worst(decision: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """The group of canaries with the highest bound, and the check that it is of."""
    groups = [(check, group) for check in decision["checks"] for group in check["groups"]]
    return max(groups, key=lambda found: found[1]["at_most"], default=None)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
