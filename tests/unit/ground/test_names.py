"""Names in messages."""

import pytest

from redwood.names import listed, suggested


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("alpha", "; the nearest is 'ALPHA'"),
        ("BETA ", "; the nearest is 'BETA'"),
        ("AGLT3", "; the nearest is 'AGLT2'"),
        ("nothing like it", ""),
        ("", ""),
    ],
)
def test_the_nearest_name_is_suggested_whatever_its_case(name, words):
    assert suggested(name, ["ALPHA", "BETA", "AGLT2"]) == words


def test_of_many_names_the_first_are_listed_and_the_others_counted():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
