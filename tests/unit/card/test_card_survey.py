"""The counts, samples and wording that the data card is made of."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.card import survey
from redwood.card.survey import NumberCounts, RowSample, WordCounts
from redwood.card.wording import in_human_units, listed, moment, number, share


def test_more_distinct_numbers_than_are_told_apart_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(survey, "MOST_DISTINCT", 10)
    counts = NumberCounts()
    counts.add(pa.chunked_array([list(range(11))]))
    assert (counts.distinct, counts.has_more) == (10, True)


@given(st.lists(st.lists(st.one_of(st.none(), st.floats(width=16)))))
def test_numbers_are_counted_like_one_array(pieces: list[list[float | None]]) -> None:
    counts = NumberCounts()
    for piece in pieces:
        counts.add(pa.chunked_array([pa.array(piece, pa.float64())]))
    values = [v for piece in pieces for v in piece if v is not None and not math.isnan(v)]
    finite = [v for v in values if math.isfinite(v)]
    assert counts.missing == sum(map(len, pieces)) - len(values)
    assert counts.infinite == len(values) - len(finite)
    assert counts.minimum == (min(finite) if finite else None)
    assert counts.maximum == (max(finite) if finite else None)
    assert counts.distinct == len(set(finite))
    assert counts.negative == sum(v < 0 for v in finite)


@given(st.lists(st.lists(st.one_of(st.none(), st.sampled_from("abc")))))
def test_words_are_counted_like_one_array(pieces: list[list[str | None]]) -> None:
    counts = WordCounts()
    for piece in pieces:
        counts.add(pa.chunked_array([pa.array(piece, pa.string())]))
    words = [word for piece in pieces for word in piece]
    assert counts.missing == words.count(None)
    assert counts.counts == {word: words.count(word) for word in set(words) - {None}}


@given(st.integers(1, 20), st.lists(st.integers(0, 30), max_size=8))
def test_a_sample_is_of_the_smallest_draws_whatever_the_pieces(
    size: int, pieces: list[int]
) -> None:
    total = sum(pieces)
    draws = np.random.default_rng(1).permutation(total) / max(1, total)
    sample = RowSample(size, pa.schema({"row": pa.int64()}))
    first = 0
    for piece in pieces:
        rows = pa.table({"row": np.arange(first, first + piece)})
        sample.add(draws[first : first + piece], rows)
        first += piece
    assert sample.rows().column("row").to_pylist() == np.argsort(draws)[:size].tolist()


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
