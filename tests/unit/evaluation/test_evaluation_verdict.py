import pytest

from redwood.evaluation.verdict import privacy_verdict


def measured(near: tuple[float, float, float], attack: tuple[float, float, float]) -> dict:
    return {
        name: dict(zip(("low", "value", "high"), numbers, strict=True), floor=0.01)
        for name, numbers in (("near_copies", near), ("attack_distance", attack))
    }


LIKE_REAL = (0.008, 0.01, 0.012)


def test_a_sample_like_unseen_rows_passes_and_the_reasons_are_said():
    verdict = privacy_verdict(measured(LIKE_REAL, (0.009, 0.0123, 0.015)))
    assert verdict.passes is True
    assert verdict.words == (
        "passes what was tried: 1 % of the rows are near copies of training rows, 1 % of unseen "
        "real rows are; an attack by distance finds 1.23 % of the training rows at 1 % false alarms"
    )


@pytest.mark.parametrize(
    ("near", "attack"),
    [((0.0101, 0.02, 0.03), LIKE_REAL), (LIKE_REAL, (0.01, 0.015, 0.0201))],
)
def test_one_criterion_that_does_not_hold_is_enough(near, attack):
    verdict = privacy_verdict(measured(near, attack))
    assert verdict.passes is False
    assert verdict.words.startswith("fails: ")


def test_what_was_not_measured_is_not_passed():
    without = measured(LIKE_REAL, LIKE_REAL)
    del without["attack_distance"]
    assert privacy_verdict(without).passes is None
    assert privacy_verdict(without).words.endswith("no attack was tried")
    undefined = measured(LIKE_REAL, LIKE_REAL)
    undefined["near_copies"]["value"] = None
    assert privacy_verdict(undefined).passes is None
    # A failure is one whatever else was not measured.
    assert privacy_verdict({"near_copies": without["near_copies"] | {"low": 0.02}}).passes is False
