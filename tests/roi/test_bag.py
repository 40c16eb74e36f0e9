"""The weighted bag: equal to its loop, and its backward is the transposed bag."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minseg.roi.bag import weighted_bag, weighted_bag_loop

GENERATOR = torch.Generator().manual_seed(0)
TABLE = torch.randn(7, 3, dtype=torch.float64, generator=GENERATOR)
INDEX = torch.randint(0, 7, (5, 4), generator=GENERATOR)
WEIGHT = torch.randn(5, 4, dtype=torch.float64, generator=GENERATOR)
WEIGHT[1] = 0  # a bag that reads nothing
WEIGHT[2, 1:] = 0


@pytest.mark.parametrize("function", [weighted_bag, weighted_bag_loop])
def test_by_hand(function):
    table = torch.tensor([[1.0, 2], [10, 20], [100, 200]])
    index = torch.tensor([[0, 1], [2, 2], [1, 0], [1, 0]])
    weight = torch.tensor([[0.5, 0.5], [1, 2], [0, 3], [0, 0]])
    expected = [[5.5, 11], [300, 600], [3, 6], [0, 0]]
    assert function(table, index, weight).tolist() == expected


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 6), st.integers(0, 5), st.integers(1, 4), st.integers(0, 999))
def test_equals_the_definition(rows, bags, taps, seed):
    generator = torch.Generator().manual_seed(seed)
    table = torch.randn(rows, 3, dtype=torch.float64, generator=generator)
    index = torch.randint(0, rows, (bags, taps), generator=generator)
    weight = torch.randint(-1, 3, (bags, taps), generator=generator).double()
    expected = weighted_bag_loop(table, index, weight)
    torch.testing.assert_close(weighted_bag(table, index, weight), expected)


def test_backward_is_the_adjoint():
    """⟨A table, g⟩ = ⟨table, Aᵀ g⟩, the rows that no bag reads included."""
    table = TABLE.clone().requires_grad_()
    grad = torch.randn(5, 3, dtype=torch.float64, generator=GENERATOR)
    out = weighted_bag(table, INDEX, WEIGHT)
    out.backward(grad)
    torch.testing.assert_close((out * grad).sum(), (table * table.grad).sum())
    unread = [r for r in range(7) if r not in INDEX[WEIGHT != 0]]
    assert unread and not table.grad[unread].any()


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_a_weight_of_0_reads_nothing(value):
    unread = [r for r in range(7) if r not in INDEX[WEIGHT != 0]]
    spoilt = TABLE.clone()
    spoilt[unread] = value
    index = INDEX.clone()
    index[WEIGHT == 0] = unread[0]
    assert torch.equal(weighted_bag(spoilt, index, WEIGHT), weighted_bag(TABLE, INDEX, WEIGHT))
    expected = weighted_bag_loop(TABLE, INDEX, WEIGHT)
    assert torch.equal(weighted_bag_loop(spoilt, index, WEIGHT), expected)
    table = spoilt.requires_grad_()
    weighted_bag(table, index, WEIGHT).sum().backward()
    assert table.grad.isfinite().all() and not table.grad[unread].any()
