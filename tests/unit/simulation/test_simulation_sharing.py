"""Rates after any change are those of filling all links anew, to the last bit."""

from math import inf

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from redwood.simulation.sharing import Sharing

# Few capacities, so that links often have the same level.
CAPACITIES = st.lists(st.sampled_from([1.0, 1.0, 1.0, 2.0, 7e8]), min_size=1, max_size=6)
CHANGES = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 3), st.booleans()), min_size=1, max_size=60
)


def filled(
    capacities: list[float],
    routes: dict[int, list[int]],
    weights: dict[int, int],
    caps: list[float],
) -> dict[int, float]:
    """Progressive filling as the textbook has it; `weights` in the order in which routes came."""
    left, rates = list(capacities), {}
    open_ = [sum(weights[r] for r in weights if link in routes[r]) for link in range(len(left))]
    level = [left[link] / open_[link] if open_[link] else inf for link in range(len(left))]
    while len(rates) < len(weights):
        link = min((link for link in range(len(left)) if open_[link]), key=lambda link: level[link])
        fair = left[link] / open_[link]
        if fair > level[link]:
            level[link] = fair
            continue
        rate = level[link]
        waiting = [r for r in reversed(weights) if r not in rates]
        alone = min(waiting, key=lambda r: caps[r])
        if caps[alone] < rate:
            rate, served = caps[alone], [alone]
        else:
            served = [r for r in waiting if link in routes[r]]
        for r in served:
            rates[r] = rate
            for crossed in routes[r]:
                left[crossed] = max(left[crossed] - rate * weights[r], 0.0)
                open_[crossed] -= weights[r]
    return rates


@settings(max_examples=100, deadline=None)
@given(capacities=CAPACITIES, changes=CHANGES, seed=st.integers(0, 2**32 - 1), capped=st.booleans())
def test_rates_are_those_of_filling_anew(capacities, changes, seed, capped):
    random = np.random.default_rng(seed)
    sharing, routes, caps = Sharing(capacities), {}, []
    for _ in range(8):
        most = min(3, len(capacities))
        links = random.choice(len(capacities), random.integers(1, most + 1), replace=False).tolist()
        # No two alike.
        caps.append(random.random() if capped and random.random() < 0.5 else inf)
        routes[sharing.add(links, caps[-1])] = links
    weights: dict[int, int] = {}
    now: dict[int, int] = {}
    for route, weight, at_once in changes:
        before = now.get(route, 0)
        for _ in range(weight - before):
            sharing.enter(route, 1e12, 0.0)
        if weight < before:
            sharing.leave(route, before - weight, 1e12 if weight else inf, 0.0, ended=False)
        now[route] = weight
        if at_once:
            # Settled with the next change.
            continue
        for changed_route, transfers in now.items():
            if transfers:
                weights[changed_route] = transfers
            else:
                weights.pop(changed_route, None)
        end, first = sharing.settle(0.0)
        found = sharing.found()
        rates = filled(capacities, routes, weights, caps)
        assert {route: rate for route, (rate, _) in found.items()} == rates
        assert end == min((end for _, end in found.values()), default=inf)
        assert not weights or found[first][1] == end


def test_of_two_links_of_one_level_the_first_gives_its_share():
    # What is left of the second then is 5/6 of it, a fifth of which rounds to another number.
    capacities, routes, caps = [62.5e6, 62.5e6], {0: [0, 1], 1: [0], 2: [1]}, [inf] * 3
    sharing = Sharing(capacities)
    for links in routes.values():
        sharing.add(links)
    for of_second in (4, 1):
        for route, transfers in {
            0: int(of_second == 4),
            1: of_second,
            2: 5 * (of_second == 4),
        }.items():
            for _ in range(transfers):
                sharing.enter(route, 1e12, 0.0)
        sharing.settle(0.0)
        found = {route: rate for route, (rate, _) in sharing.found().items()}
    rates = filled(capacities, routes, {0: 1, 1: 5, 2: 5}, caps)
    assert found == rates
    assert rates[0] < rates[2]
