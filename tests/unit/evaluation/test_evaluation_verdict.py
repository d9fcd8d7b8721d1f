import pytest

from redwood.evaluation.verdict import LEAST_ROWS, privacy_verdict

# Of four in five draws the excess is at most 0.005.
DRAWS = [0.0] * 10 + [0.005] * 7 + [0.02] * 3
FEW_COPIES = (0.0, 0.0005, 0.0015)
FEW_FOUND = (0.009, 0.0123, 0.015)


def measured(near=FEW_COPIES, distance=FEW_FOUND, density=FEW_FOUND, likelihood=None) -> dict:
    numbers = {
        "near_copies": near,
        "attack_distance": distance,
        "attack_density": density,
        "attack_likelihood": likelihood,
    }
    return {
        name: dict(
            zip(("low", "value", "high"), values, strict=True), floor=0.001, floor_draws=DRAWS
        )
        for name, values in numbers.items()
        if values is not None
    }


def test_a_sample_like_unseen_rows_passes_and_the_reasons_are_said():
    verdict = privacy_verdict(measured(), LEAST_ROWS)
    assert verdict.passes is True
    assert verdict.words == (
        "passes what was tried: no more near copies of training rows than chance accounts for; an "
        "attack by distance finds 1.23 % of the training rows at 1 % false alarms; an attack by "
        "density finds 1.23 % of the training rows at 1 % false alarms"
    )


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"near": (0.0051, 0.01, 0.015)}, "at least 0.51 % of the rows are closer"),
        ({"distance": (0.01, 0.02, 0.0301)}, "(by its interval up to 3.01 %; 3 % is allowed)"),
        ({"density": (0.02, 0.04, 0.06)}, "an attack by density finds 4 % of the training rows"),
    ],
)
def test_one_criterion_that_does_not_hold_is_enough(broken, words):
    verdict = privacy_verdict(measured(**broken), LEAST_ROWS)
    assert verdict.passes is False
    assert verdict.words.startswith("fails: ")
    assert words in verdict.words


@pytest.mark.parametrize("name", ["near_copies", "attack_distance", "attack_density"])
def test_what_was_not_measured_is_not_passed(name):
    without = measured()
    del without[name]
    assert privacy_verdict(without, LEAST_ROWS).passes is None
    assert privacy_verdict(without, LEAST_ROWS).words.startswith("not judged: ")
    undefined = measured()
    undefined[name]["value"] = None
    assert privacy_verdict(undefined, LEAST_ROWS).passes is None


def test_a_burst_that_real_rows_have_too_is_not_taken_for_copies():
    assert privacy_verdict(measured(near=(0.0049, 0.008, 0.01)), LEAST_ROWS).passes is True
    alone = measured(near=(0.0049, 0.008, 0.01))
    alone["near_copies"]["floor_draws"] = []
    assert privacy_verdict(alone, LEAST_ROWS).passes is False


def test_a_failure_is_one_whatever_else_was_not_measured():
    assert privacy_verdict(
        {"near_copies": measured()["near_copies"] | {"low": 0.02}}, LEAST_ROWS
    ).passes is (False)


def test_what_the_model_gives_away_is_said_and_not_held_against_the_sample():
    leaky = privacy_verdict(measured(likelihood=(0.04, 0.05, 0.06)), LEAST_ROWS)
    assert leaky.passes is True
    assert leaky.words.endswith(
        "an attacker with the model itself finds 5 %: share the sample, not the model"
    )
    tight = privacy_verdict(measured(likelihood=FEW_FOUND), LEAST_ROWS)
    assert tight.words.endswith("an attacker with the model itself finds 1.23 %")


def test_of_few_rows_it_says_only_what_was_found():
    for changed in ({}, {"near": (0.02, 0.03, 0.04)}):
        verdict = privacy_verdict(measured(**changed), LEAST_ROWS - 1)
        assert verdict.passes is None
        few = f"{LEAST_ROWS - 1:,} where at least {LEAST_ROWS:,} of"
        assert verdict.words.startswith(f"not judged: too few rows to judge, {few} the sample")
        assert "an attack by density finds" in verdict.words
