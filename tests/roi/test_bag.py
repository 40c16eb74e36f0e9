"""The weighted bag: equal to its loop, and its backward is the transposed bag."""

import pytest
import torch

from minseg.roi.bag import weighted_bag, weighted_bag_loop

GENERATOR = torch.Generator().manual_seed(0)
TABLE = torch.randn(7, 3, dtype=torch.float64, generator=GENERATOR)
INDEX = torch.randint(0, 7, (5, 4), generator=GENERATOR)
WEIGHT = torch.randn(5, 4, dtype=torch.float64, generator=GENERATOR)
WEIGHT[1] = 0  # a bag that reads nothing
WEIGHT[2, 1:] = 0


def test_equals_the_definition():
    expected = weighted_bag_loop(TABLE, INDEX, WEIGHT)
    torch.testing.assert_close(weighted_bag(TABLE, INDEX, WEIGHT), expected)


def test_backward_is_the_adjoint():
    """⟨A table, g⟩ = ⟨table, Aᵀ g⟩, the rows that nobody reads included."""
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
