"""The weighted bag: equal to its loop, and its backward is the transposed bag."""

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
