"""What stream models compute with: densities in closed form, sums of rows, cheap dropout."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from redwood.surrogates.streams.density import Observed, log_mixture  # noqa: E402
from redwood.surrogates.streams.lookup import sum_of_rows  # noqa: E402
from redwood.surrogates.streams.marks import Dropout  # noqa: E402
from redwood.surrogates.streams.tokens import NumberTokens  # noqa: E402

EVENTS, SIZE, NEAR, TABLES = 12, 6, 3, 2


def observed(numbers: bool) -> Observed:
    torch.manual_seed(1)
    tokens = torch.arange(EVENTS) % SIZE
    near = torch.randint(0, SIZE, (EVENTS, NEAR))
    near[:, 0] = tokens
    counted = torch.randn(EVENTS, TABLES, dtype=torch.float64) - 2
    if not numbers:
        return Observed(tokens, near, counted)
    values = torch.randn(EVENTS, dtype=torch.float64)
    log_bins = torch.where(tokens < 2, 0.0, torch.randn(EVENTS, dtype=torch.float64))
    return Observed(tokens, near, counted, values, 2, log_bins)


def parameters(numbers: bool) -> list:
    torch.manual_seed(2)
    kernels = NEAR + TABLES
    widths = [SIZE, 1 + NEAR + TABLES + numbers * TABLES, *[kernels] * 2 * numbers]
    made = [torch.randn(EVENTS, w, dtype=torch.float64, requires_grad=True) for w in widths]
    return made if numbers else [*made, None, None]


@pytest.mark.parametrize("numbers", [False, True], ids=["tokens", "numbers"])
def test_gradients_in_closed_form_are_those_of_differences(numbers):
    seen = observed(numbers)
    assert torch.autograd.gradcheck(lambda *of: log_mixture(*of, seen), parameters(numbers))


def test_a_token_is_as_likely_as_its_components_say():
    seen = observed(numbers=False)
    base, weights = (part.detach() for part in parameters(numbers=False)[:2])
    weight, token = weights.softmax(1), base.softmax(1)
    for event, own in enumerate(seen.tokens.tolist()):
        expected = weight[event, 0] * token[event, own]
        expected = expected + weight[event, 1 : 1 + NEAR][seen.near[event] == own].sum()
        expected = expected + (weight[event, 1 + NEAR :] * seen.counted[event].exp()).sum()
        found = log_mixture(base, weights, None, None, seen)[event]
        assert found.exp().item() == pytest.approx(expected.item())


def test_sums_of_rows_and_their_gradients_are_those_of_indexing():
    torch.manual_seed(3)
    table = torch.randn(7, 4, dtype=torch.float64, requires_grad=True)
    rows = torch.randint(0, 7, (50, 3))
    assert torch.equal(sum_of_rows(table, rows[:, :1]), table[rows[:, 0]])
    assert torch.allclose(sum_of_rows(table, rows), table[rows].sum(dim=1))
    assert torch.autograd.gradcheck(lambda of: sum_of_rows(of, rows), table)


def test_dropout_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(4)
    dropout = Dropout(0.25)
    x = torch.ones(1001, 333)
    dropped = dropout(x)
    assert (dropped == 0).double().mean().item() == pytest.approx(0.25, abs=0.005)
    assert dropped.mean().item() == pytest.approx(1, abs=0.005)
    # Neighbouring units stem from bytes of one number; they are dropped independently.
    pairs = (dropped[:, :-1] == 0) & (dropped[:, 1:] == 0)
    assert pairs.double().mean().item() == pytest.approx(0.0625, abs=0.005)
    assert torch.equal(dropout.eval()(x), x)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), min_size=30, max_size=400),
    st.integers(1, 5),
    st.booleans(),
)
def test_no_token_stands_for_the_numbers_of_fewer_owners_than_asked(rows, least, continuous):
    """Neither one value nor the width of a bin, where there are as many owners."""
    owner, number = np.array(rows).T
    number = number + continuous * np.arange(len(number)) / 1000
    assume(len(np.unique(owner)) >= least and len(np.unique(number)) >= 2)
    tokens = NumberTokens.fit(number, 16, owner, least)
    encoded = tokens.encode(number)
    assert set(encoded) <= set(range(tokens.size))
    for token in range(tokens.size):
        owners = len(np.unique(owner[encoded == token]))
        is_atom = token < len(tokens.atoms)
        if is_atom:
            assert len(np.unique(owner[number == tokens.atoms[token]])) >= least
        elif not is_atom and tokens.bins > 1:
            assert owners >= least


def test_a_number_that_one_owner_repeats_is_no_token():
    random = np.random.default_rng(1)
    number = np.concatenate([random.normal(size=2000), np.full(500, 0.123), np.full(500, 0.456)])
    owner = np.concatenate([random.integers(0, 50, 2000), np.zeros(500), np.arange(500) % 7])
    tokens = NumberTokens.fit(number, 64, owner.astype(int), 5)
    assert tokens.atoms.tolist() == [0.456]
    assert 0.123 not in tokens.edges
    assert 0.123 in NumberTokens.fit(number, 64).atoms
