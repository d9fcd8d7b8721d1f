"""When jobs that wait for each other end, by hand and within the known bounds."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood.runs.schedule import longest_chain, makespan

#     0 (2 h) ── 2 (4 h) ──┐
#     1 (3 h) ── 3 (1 h) ──┴── 4 (1 h)
HOURS = [2.0, 3.0, 4.0, 1.0, 1.0]
AFTER = [[], [], [0], [1], [2, 3]]


def test_the_longest_chain_is_what_no_number_of_machines_makes_faster():
    assert longest_chain(HOURS, AFTER) == [0, 2, 4]
    assert longest_chain([], []) == []


@pytest.mark.parametrize(
    ("hours", "after", "at_once", "expected"),
    [
        (HOURS, AFTER, 10, 7),
        (HOURS, AFTER, 2, 7),
        (HOURS, AFTER, 1, 11),
        # The longest goes first: 3, 2, 2 and 1 hours pair up as 3 + 1 and 2 + 2.
        ([1, 2, 3, 2], [[], [], [], []], 2, 4),
        # A job waits for all that it names and for no more.
        ([5, 1, 1], [[], [], [1]], 2, 5),
        ([5, 1, 1], [[], [], [0, 1, 1]], 2, 6),
        ([], [], 3, 0),
    ],
)
def test_when_jobs_end(hours, after, at_once, expected):
    assert makespan(hours, after, at_once) == expected


@st.composite
def graphs(draw):
    number = draw(st.integers(1, 12))
    hours = draw(st.lists(st.floats(0.01, 10), min_size=number, max_size=number))
    after = [
        draw(st.lists(st.sampled_from(range(position)), max_size=3)) if position else []
        for position in range(number)
    ]
    return hours, after


@settings(deadline=None)
@given(graphs(), st.integers(1, 5))
def test_a_makespan_is_within_grahams_bounds(graph, at_once):
    hours, after = graph
    chain = longest_chain(hours, after)
    assert all(earlier in after[later] for earlier, later in pairwise(chain))
    longest = sum(hours[position] for position in chain)
    took = makespan(hours, after, at_once)
    least = max(longest, sum(hours) / at_once)
    assert took >= least * (1 - 1e-9)
    assert took <= (sum(hours) / at_once + longest * (1 - 1 / at_once)) * (1 + 1e-9)
    assert makespan(hours, after, len(hours)) == pytest.approx(longest)


def test_jobs_that_run_already_keep_their_places():
    # Job 0 runs, and the longer one waits for it to end: 1, then 5 hours.
    assert makespan([1, 5], [[], []], 1, begun=[0]) == 6
    assert makespan([4, 5, 1, 1], [[], [], [], [2]], 2, begun=[2, 3]) == 6
