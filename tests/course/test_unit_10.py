"""The answer keys of unit 10 against other ways to the same numbers."""

import math

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from minseg.course.exercises.lesson_10 import entropy, set_loss  # as the unit does


@pytest.mark.parametrize("shape", [(1, 1), (4, 4), (6, 3), (5, 0)])
def test_set_loss_is_the_optimal_assignment(shape):
    cost = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    rows, columns = linear_sum_assignment(cost)
    due = cost[rows, columns].sum().item() / max(shape[1], 1)
    assert set_loss(cost) == pytest.approx(due)


@pytest.mark.parametrize("seed", range(5))
def test_set_loss_does_not_see_orders(seed):
    generator = torch.Generator().manual_seed(seed)
    cost = torch.rand(4, 4, generator=generator)
    rows, columns = (torch.randperm(4, generator=generator) for _ in range(2))
    assert set_loss(cost[rows][:, columns]) == pytest.approx(set_loss(cost))


def test_entropy_of_what_can_be_counted():
    assert entropy(torch.arange(64)) == pytest.approx(6)
    assert entropy(torch.tensor([0] * 3 + [1])) == pytest.approx(2 - 0.75 * math.log2(3))
    assert math.copysign(1, entropy(torch.zeros(5).long())) == 1  # 0, not -0


def test_a_function_has_no_more_entropy_than_its_argument():
    x = torch.randint(0, 40, (500,), generator=torch.Generator().manual_seed(0))
    assert entropy(x // 7) <= entropy(x)
    assert entropy(-3 * x) == pytest.approx(entropy(x))  # one-to-one loses nothing
