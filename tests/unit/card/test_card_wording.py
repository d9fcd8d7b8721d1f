"""How the data card words numbers, times and lists."""

import pytest

from redwood.card.wording import in_human_units, listed, moment, number, share


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (18_600_000_000, "bytes", "18.6 GB"),
        (999, "bytes", None),
        (0, "bytes", None),
        (90, "s", "1.5 min"),
        (86_400, "s", "1 d"),
        (59, "s", None),
        (620_760, "HS23·s", "172 HS23·h"),
        (5, None, None),
    ],
)
def test_quantities_are_given_in_units_that_people_use(
    value: float, unit: str | None, expected: str | None
) -> None:
    assert in_human_units(value, unit) == expected


def test_wording() -> None:
    assert share(0, 10) == "0\u00a0%"
    assert share(1, 100_000) == "<\u00a00.1\u00a0%"
    assert share(99_999, 100_000) == ">\u00a099.9\u00a0%"
    assert share(1, 3) == "33.3\u00a0%"
    assert share(1, 0) == "–"
    assert number(1_234_567) == "1,234,567"
    assert number(-3) == "−3"
    assert number(0.012345) == "0.01235"
    assert number(1.5e-9) == "1.5e−09"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed([*"abcdefg"], 3) == "a, b and 5 more"
    assert listed(["a"]) == "a"
    assert moment(1_704_067_200_000_000) == "2024-01-01 00:00:00"
    assert moment(1e30).endswith("s since 1970")
