"""Which surrogate to publish."""

import json
from math import log

import pytest
from outcome_files import measure

from redwood.errors import InputError
from redwood.paper import recommendation
from redwood.paper.agreement import TOO_FEW
from redwood.paper.evaluations import Evaluated
from redwood.paper.recommendation import Decision, read_decision

CONTROL = "my_shuffle"


def recommend(measured, privacy, decisions=None, others=""):
    """Of models, and of a control of one's own."""
    controls = (CONTROL, "exact_law")
    roles = dict.fromkeys(controls, "control") | {"exact_law": "law"}
    evaluated = {
        name: Evaluated(roles.get(name, "model"), measures, privacy.get(name))
        for name, measures in measured.items()
    }
    return recommendation.recommend(evaluated, decisions, others)


def model(multiple, **more):
    """A model with this typical multiple of the floor."""
    return {"wd": measure(multiple), **more}


def c2st(value, low):
    return measure(value, floor=0.5, low=low, limit=0.5)


def test_the_closest_of_those_that_pass_is_published():
    measured = {"a": model(3.0), "b": model(2.0), "c": model(4.0), CONTROL: model(1.0)}
    found = recommend(measured, {"a": True, "b": True, "c": None, CONTROL: True})
    assert found.model == "b"
    assert found.words == (
        "Publish b. Of 2 models that pass the privacy checks it is closest: typically 2.0 times as "
        "far from real rows as other real rows are."
    )


def test_what_fails_or_was_not_judged_is_named_where_it_is_as_faithful():
    copies = {
        "near_copies": measure(0.3, 0.1, title="near copies", aspect="privacy"),
        "mia_x": measure(0.08, 0.01, title="my attack", aspect="privacy"),
        "of_the_model": measure(0.9, 0.01, aspect="privacy", needs_densities=True),
        "dcr": measure(9.0, 0.01, direction="near floor", title="DCR", aspect="privacy"),
    }
    measured = {"a": model(2.04), "b": model(1.96, **copies), "c": model(1.5), "d": model(2.1)}
    found = recommend(measured, {"a": True, "b": False, "c": None, "d": False})
    assert found.model == "a"
    assert found.words.startswith("Publish a. It is the only model that passes the privacy checks:")
    assert found.words.endswith(
        "real rows are. b, at 2.0 times, fails privacy: my attack 0.080, real rows 0.010. "
        "c, at 1.5 times, was not judged for privacy."
    )


def test_equals_to_one_decimal_are_told_by_c2st_in_sequence():
    measured = {
        "a": model(1.96, c2st_sequence=c2st(0.7, 0.6)),
        "b": model(2.04, c2st_sequence=c2st(0.6, 0.5)),
        "c": model(2.0),
    }
    found = recommend(measured, dict.fromkeys(measured, True))
    assert found.model == "b"
    assert found.words.endswith(
        "a, at 2.0 times, is more easily told from real rows in sequence. c, at 2.0 times, is "
        "behind by less than the digits show."
    )
    measured = {"a": model(2.04), "b": model(1.96)}
    found = recommend(measured, dict.fromkeys(measured, True))
    assert found.model == "b"
    assert found.words.endswith("a, at 2.0 times, is behind by less than the digits show.")


@pytest.mark.parametrize(
    ("rows", "sequence", "words"),
    [
        (
            c2st(0.52, 0.51),
            c2st(0.55, 0.49),
            "the synthetic one in 52 % of cases, 55 % with the rows before (C2ST; guessing: 50 %): "
            "beware, they are told apart.",
        ),
        (c2st(0.51, 0.49), c2st(0.55, 0.54), "beware, they are told apart."),
        (c2st(0.51, 0.49), c2st(0.52, 0.5), "they are not told apart."),
        (c2st(0.51, 0.49), None, "one in 51 % (C2ST; guessing: 50 %): they are not told apart."),
    ],
)
def test_it_warns_where_rows_are_told_from_real_ones(rows, sequence, words):
    measures = model(2.0, c2st=rows) | ({"c2st_sequence": sequence} if sequence else {})
    found = recommend({"a": measures}, {"a": True}).words
    assert found.endswith(words)
    assert ("beware" in found) == ("beware" in words)


@pytest.mark.parametrize(
    ("order", "queue", "words"),
    [
        (
            1.0,
            log(1.12),
            "In simulation, brokerage policies rank as with the recorded jobs and queue times are "
            "off by 12 %.",
        ),
        (
            0.3,
            None,
            "In simulation, brokerage policies do not rank as with the recorded jobs (τ 0.30).",
        ),
        (0.96, None, "brokerage policies rank nearly as with the recorded jobs (τ 0.96)."),
        (None, log(2.5), "In simulation, queue times are off by a factor 2.5."),
        (None, None, "other real rows are."),
    ],
)
def test_it_says_what_the_simulation_found(order, queue, words):
    values = {"sim_ranking": order, "sim_queue_time_mean": queue}
    more = {name: measure(value) for name, value in values.items() if value is not None}
    assert recommend({"a": model(2.0, **more)}, {"a": True}).words.endswith(words)


def test_it_draws_nothing_from_an_order_of_too_few():
    order = {"sim_ranking": measure(1.0) | {"note": f"First training: {TOO_FEW}"}}
    words = recommend({"a": model(2.0, **order)}, {"a": True}).words
    assert words.endswith(f"In simulation, brokerage policies show no order ({TOO_FEW}).")


def test_what_invents_is_told_apart_as_real_rows_of_others_are():
    more = {
        "fano": measure(0.2) | {"of_law": True, "other_floor": 0.1},
        "c2st": c2st(0.99, 0.98) | {"other_floor": 0.985},
        "c2st_sequence": c2st(0.92, 0.9) | {"other_floor": 0.86},
        "sim_queue_time_mean": measure(log(5)),
    }
    law = model(3.0) | {
        "fano": measure(0.1) | {"of_law": True, "other_floor": 0.1},
        "sim_queue_time_mean": measure(log(4)),
    }
    found = recommend(
        {"a": model(2.0) | more, "exact_law": law}, {"a": True}, others="other tasks"
    ).words
    assert "So are real rows of other tasks, in 98 % and 86 %." in found
    assert (
        "In simulation, queue times are off by a factor 5.0 (with real jobs of other tasks by a "
        "factor 4.0)." in found
    )


@pytest.mark.parametrize(
    ("order", "high", "of_law", "words"),
    [
        (0.73, 0.8, 0.6, "rank as well as with real jobs of other users (τ 0.73; those 0.60)"),
        (0.601, None, 0.604, "rank as well as with real jobs of other users (τ 0.60; those 0.60)"),
        (0.5, 0.55, 0.6, "rank less well than with real jobs of other users (τ 0.50; those 0.60)"),
        (0.5, 0.7, 0.6, "rank about as well as with real jobs of other users (τ 0.50; those 0.60)"),
        # Near the recorded jobs themselves nothing else is to be asked.
        (0.92, 1.0, 0.95, "rank nearly as with the recorded jobs (τ 0.92)"),
    ],
)
def test_the_order_of_policies_is_held_against_what_real_jobs_of_others_reach(
    order, high, of_law, words
):
    of_others = {"fano": measure(0.2) | {"of_law": True, "other_floor": 0.1}}
    evaluated = {
        "a": model(2.0) | of_others | {"sim_ranking": measure(order) | {"high": high}},
        "exact_law": model(3.0) | of_others | {"sim_ranking": measure(of_law)},
    }
    found = recommend(evaluated, {"a": True}, others="other users").words
    assert f"In simulation, brokerage policies {words}." in found


def test_none_may_be_published_if_none_passes():
    copies = {"near_copies": measure(0.3, 0.0, title="near copies", aspect="privacy")}
    measured = {"a": model(3.0), "b": model(2.0, **copies), CONTROL: model(1.0)}
    found = recommend(measured, dict.fromkeys(measured, False))
    assert found.model is None
    assert found.words == (
        "None may be published: no model passes the privacy checks. b is closest, typically 2.0 "
        "times as far from real rows as other real rows are, but fails privacy: near copies 0.30, "
        "real rows 0."
    )


def test_none_may_be_published_if_privacy_was_not_judged():
    measured = {"a": model(3.0), "b": model(2.0), "c": model(5.0)}
    found = recommend(measured, {"a": None, "b": None, "c": False})
    assert found.model is None
    assert found.words.startswith(
        "None may be published: privacy was not judged for a and b; c failed."
    )
    assert found.words.endswith("b is closest, typically 2.0 times as far from real rows as other "
                                "real rows are, but was not judged for privacy.")  # fmt: skip
    nothing = recommend({"a": {}}, {"a": None}).words
    assert nothing == (
        "None may be published: privacy was not judged for a. The notes say what is missing."
    )


def test_without_a_measure_in_common_none_is_recommended():
    measured = {"a": {"wd": measure(2.0)}, "b": {"jsd": measure(2.0)}}
    found = recommend(measured, {"a": True, "b": True})
    assert found.model is None
    assert found.words.startswith("None is recommended: a and b may be published, but no measure")


def test_controls_are_not_published():
    found = recommend({CONTROL: model(1.0)}, {CONTROL: True})
    assert found.model is None
    assert found.words == "None may be published: there are controls only."


def test_a_full_recommendation_is_short():
    more = {
        "c2st": c2st(0.55, 0.54),
        "c2st_sequence": c2st(0.6, 0.55),
        "sim_ranking": measure(1.0),
        "sim_queue_time_mean": measure(0.1),
    }
    copies = {"near_copies": measure(0.3, 0.1, title="near copies", aspect="privacy")}
    measured = {"a": model(2.0, **more), "b": model(1.5, **copies), "c": model(4.0)}
    words = recommend(measured, {"a": True, "b": False, "c": True}).words
    assert "b, at 1.5 times, fails privacy" in words
    assert len(words.split()) <= 90


def test_where_the_release_gate_decided_only_what_it_released_is_published():
    measured = {"a": model(3.0), "b": model(2.0), "c": model(1.5), "d": model(1.2)}
    privacy = {"a": True, "b": True, "c": True, "d": False}
    decisions = {"a": Decision(True), "b": Decision(False, ["planted tasks", "planted users"])}
    found = recommend(measured, privacy, decisions)
    assert found.model == "a"
    assert found.words == (
        "Publish a. It is the only model that passes the privacy checks and the release gate: its "
        "rows are typically 3.0 times as far from real rows as other real rows are. b, at 2.0 "
        "times, is withheld by the release gate (planted tasks and planted users): choose it only "
        "where these may be known. c, at 1.5 times, was not put through the release gate. d, "
        "at 1.2 times, fails privacy."
    )


def test_none_is_published_that_the_release_gate_withholds():
    measured = {"a": model(3.0), "b": model(2.0)}
    decisions = {"a": Decision(False, ["planted records", "planted tasks"], of_records=True)}
    found = recommend(measured, {"a": True, "b": True}, decisions)
    assert found.model is None
    assert found.words == (
        "None may be published: the release gate withholds every model that passes the privacy "
        "checks. a, at 3.0 times the floor, is withheld by the release gate (planted records "
        "and planted tasks); b, at 2.0 times the floor, was not put through the release gate."
    )


CANARIES = {"kind": "canaries", "text": "found"}


@pytest.mark.parametrize(
    ("checks", "failed", "of_records"),
    [
        ([{"kind": "privacy", "level": None, "title": "rows"}], ["rows"], True),
        ([CANARIES | {"level": "record", "title": "R"}], ["R"], True),
        ([CANARIES | {"level": None, "title": "nothing"}], ["nothing"], True),
        (
            [CANARIES | {"level": level, "title": level} for level in ("task", "user")],
            ["task", "user"],
            False,
        ),
    ],
)
def test_what_a_decision_is_about_is_read_from_its_keys(tmp_path, checks, failed, of_records):
    passed = {"kind": "canaries", "level": "record", "passed": True, "title": "ok", "text": ""}
    content = {
        "model": "a",
        "released": False,
        "checks": [passed, *({"passed": False, "text": "", **check} for check in checks)],
    }
    path = tmp_path / "decision.json"
    path.write_text(json.dumps(content))
    assert read_decision(path) == ("a", Decision(False, failed, of_records))
    del content["checks"]
    path.write_text(json.dumps(content | {"criteria": {}}))
    with pytest.raises(InputError, match=r"decision.json: not a decision .*'checks'"):
        read_decision(path)


def population(same, law, **more):
    """A model with these typical multiples of the first and of the second floor."""
    of_law = measure(law, floor=9.0, aspect="law", of_law=True, other_floor=1.0)
    return model(same, bursts=of_law, **more)


def of_two_floors(measured, privacy, decisions=None):
    evaluated = {
        name: Evaluated("model", measures, privacy[name]) for name, measures in measured.items()
    }
    return recommendation.recommend(evaluated, decisions, "other tasks")


def test_a_population_is_published_and_a_stand_in_replayed():
    measured = {"grown": population(4.0, 1.1), "redrawn": population(1.3, 1.0)}
    privacy = {"grown": True, "redrawn": True}
    decisions = {"grown": Decision(True), "redrawn": Decision(False, ["planted tasks"])}
    found = of_two_floors(measured, privacy, decisions)
    assert (found.model, found.replay) == ("grown", "redrawn")
    assert found.words == (
        "Publish grown. It is the only model that passes the privacy checks and the release gate: "
        "its rows are typically 1.1 times as far from real rows as those of other tasks are, by "
        "how rows come and how those who send them behave. redrawn, at 1.0 times, is withheld by "
        "the release gate (planted tasks): choose it only where these may be known. To replay this "
        "very load in house, take redrawn: typically 1.3 times as far from real rows as other real "
        "rows are; grown: 4.0 times."
    )


def test_one_model_may_be_both():
    found = of_two_floors({"a": population(1.2, 1.1), "b": population(2, 2)}, {"a": 1, "b": 1})
    assert (found.model, found.replay) == ("a", "a")
    assert found.words.endswith(
        "It is also the closest stand-in for this very load: typically 1.2 times as far from real "
        "rows as other real rows are."
    )


def test_what_may_not_be_published_can_still_be_replayed():
    found = of_two_floors({"a": population(1.2, 1.1)}, {"a": False})
    assert (found.model, found.replay) == (None, "a")
    assert "To replay this very load in house, take a: typically 1.2 times" in found.words


@pytest.mark.parametrize(
    ("decision", "published"),
    [
        (None, None),
        (Decision(True), "a"),
        (Decision(False, ["planted records"], of_records=True), None),
    ],
)
def test_what_the_holdout_cannot_judge_is_published_only_if_the_gate_releases_it(
    decision, published
):
    one = Evaluated("model", model(2.0), None, left_to_canaries=True)
    decisions = {} if decision is None else {"a": decision}
    found = recommendation.recommend({"a": one}, decisions)
    assert found.model == published
    if decision is not None and not decision.released:
        assert "is withheld by the release gate (planted records)" in found.words
    unjudged = Evaluated("model", model(2.0), None)
    assert recommendation.recommend({"a": unjudged}, decisions).model is None
