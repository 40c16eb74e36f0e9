"""Exercise 10.set_loss: a loss that does not see in which order a list stands.

To write: f(cost), (P, T) with P ≥ T, to the least mean cost of pairing every truth with a
prediction of its own. The answer, `set_loss`, tries all orders; unit 10 compares others with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def set_loss(cost: Tensor) -> float:
    """The least mean cost of giving each truth a prediction of its own; 0 without truths.

    cost: (P, T) with P ≥ T, what it costs to take prediction p for truth t.
    """
    predictions, truths = cost.shape
    orders = permutations(range(predictions), truths)  # which prediction truth 0, 1, … gets
    least = min(sum(cost[p, t].item() for t, p in enumerate(order)) for order in orders)
    return least / max(truths, 1)


def costs_of_pairs(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """A trap for the greedy, more predictions than truths, one pair, no truth, negative costs."""
    yield (torch.tensor([[0.1, 0.2], [0.2, 0.9]]),)  # greedy takes 0.1 and pays 0.9
    yield (torch.tensor([[0.9, 0.1, 0.8], [0.2, 0.7, 0.9], [0.8, 0.9, 0.3]]),)
    yield (torch.tensor([[0.1, 0.3], [0.2, 0.8], [0.7, 0.9]]),)
    yield (torch.rand(5, 5, generator=generator),)
    yield (torch.rand(3, 6, generator=generator, dtype=torch.float64).T,)
    yield (torch.tensor([[-0.5, 1.0], [-2.0, -1.0]]),)
    yield (torch.tensor([[0.4]]),)
    yield (torch.zeros(3, 0),)
    yield (torch.zeros(0, 0),)


def nan_for_division_by_zero(fn: Callable[..., Any], *case: Any) -> Any:
    """Torch says NaN where Python raises: the same mistake."""
    try:
        return fn(*case)
    except ZeroDivisionError:
        return float("nan")


def _mean(total: Any, truths: int) -> float:
    return float(total) / max(truths, 1)


def pairs_by_index(cost: Tensor) -> float:
    return _mean(cost.diagonal().sum(), cost.shape[1])


def everyone_takes_the_best(cost: Tensor) -> float:
    return _mean(cost.amin(dim=0).sum() if len(cost) else 0, cost.shape[1])


def greedy_in_order(cost: Tensor) -> float:
    """Truth 0 takes its cheapest prediction, truth 1 the cheapest that is left, …"""
    free, total = list(range(len(cost))), 0.0
    for t in range(cost.shape[1]):
        best = min(free, key=lambda p: cost[p, t].item())
        free.remove(best)
        total += cost[best, t].item()
    return _mean(total, cost.shape[1])


def greedy_cheapest_pair(cost: Tensor) -> float:
    pairs = [(c, p, t) for p, row in enumerate(cost.tolist()) for t, c in enumerate(row)]
    total = 0.0
    while pairs:
        c, p, t = min(pairs)
        total += c
        pairs = [pair for pair in pairs if pair[1] != p and pair[2] != t]
    return _mean(total, cost.shape[1])


def mean_of_all_orders(cost: Tensor) -> float:
    return float(cost.mean()) if cost.numel() else 0.0


def sum_not_mean(cost: Tensor) -> float:
    return set_loss(cost) * cost.shape[1]


def first_predictions_only(cost: Tensor) -> float:
    return set_loss(cost[: cost.shape[1]])


def divides_by_no_truths(cost: Tensor) -> float:
    return set_loss(cost) if cost.shape[1] else float("nan")


SET_LOSS = Exercise(
    "10.set_loss",
    reference=set_loss,
    cases=costs_of_pairs,
    probe=nan_for_division_by_zero,
    hints=(
        "itertools.permutations(range(P), T) lists every way to give T truths a prediction each, "
        "none of them twice.",
        "For one such order, the cost is the sum of cost[order[t], t] over t. Which order do you "
        "want?",
        "The least sum, divided by the number of truths. Without truths the list has one order, "
        "the empty one, and its sum is 0: divide by max(T, 1).",
    ),
    mistakes={
        "pairs_by_index": (
            pairs_by_index,
            "You compare prediction k with truth k. That is the loss that changes when the list "
            "is shuffled: try all orders, and take the best.",
        ),
        "everyone_takes_the_best": (
            everyone_takes_the_best,
            "Each truth takes its best prediction, though another has taken it already. Then one "
            "prediction could serve for all objects.",
        ),
        "greedy_in_order": (
            greedy_in_order,
            "Truth after truth takes the cheapest prediction that is left. The first can spoil it "
            "for the rest, and the sum depends on the order again.",
        ),
        "greedy_cheapest_pair": (
            greedy_cheapest_pair,
            "You always take the cheapest pair that is left. In case 1 that is 0.1, and it leaves "
            "0.9; the other way costs 0.2 twice.",
        ),
        "mean_of_all_orders": (
            mean_of_all_orders,
            "You average over all pairs, hence over all orders. The loss is that of the best one.",
        ),
        "sum_not_mean": (
            sum_not_mean,
            "Your pairing is right, and your sum as well. Divide it by the number of truths.",
        ),
        "first_predictions_only": (
            first_predictions_only,
            "With more predictions than truths you try the first ones only. Any may be taken; the "
            "rest goes without a truth.",
        ),
        "divides_by_no_truths": (
            divides_by_no_truths,
            "Right, unless there are no truths: you divide by zero, where the loss is 0.",
        ),
    },
)
