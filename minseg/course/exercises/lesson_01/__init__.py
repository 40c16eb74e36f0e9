"""Exercises of lesson 01: tight boxes, owners of pixels, a loss on sets, a function's entropy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.instances import tight_boxes
from minseg.panoptic import owner_map

# 01.boxes


def masks_to_frame(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Single pixels, a mask in two pieces, one that is empty, borders, odd sizes, a view, none."""
    masks = torch.zeros(3, 6, 9, dtype=torch.bool)
    masks[0, 1:4, 2:7] = True
    masks[1, 2, 5] = True
    masks[2, 0, 8] = masks[2, 5, 1] = True  # two far pixels
    yield (masks,)
    yield (masks.flip(0).transpose(1, 2),)  # 9 × 6, and not contiguous
    yield (torch.ones(1, 4, 7, dtype=torch.bool),)
    yield (torch.rand(4, 5, 11, generator=generator) > 0.9,)
    yield (torch.cat([masks[:1], torch.zeros(1, 6, 9, dtype=torch.bool)]),)
    yield (torch.zeros(0, 6, 9, dtype=torch.bool),)


def _boxes_that(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A solution that spoils the boxes of masks that are not empty."""

    def boxes_with_a_mistake(masks: Tensor) -> Tensor:
        right = tight_boxes(masks)
        return torch.where(masks.flatten(1).any(dim=1)[:, None], change(right), right)

    return boxes_with_a_mistake


def box_of_all(masks: Tensor) -> Tensor:
    return tight_boxes(masks.any(dim=0)[None]).expand(len(masks), 4)


def stops_at_empty(masks: Tensor) -> Tensor:
    """Asks for the least of no coordinates."""
    rows = []
    for mask in masks:
        i, j = mask.nonzero(as_tuple=True)
        rows.append(torch.stack([j.min(), i.min(), j.max() + 1, i.max() + 1]))
    return torch.stack(rows).float() if rows else torch.zeros(0, 4)


def fails_on_no_masks(masks: Tensor) -> Tensor:
    return torch.stack([tight_boxes(mask[None])[0] for mask in masks])


BOXES = Exercise(
    "01.boxes",
    reference=tight_boxes,
    cases=masks_to_frame,
    hints=(
        "masks.any(dim=1) is (N, W): which columns does each mask occupy? And masks.any(dim=2)?",
        "x1 is the first occupied column. The last one, j, covers [j, j + 1): where does it end?",
        "For each mask: i, j = mask.nonzero(as_tuple=True), then j.min(), i.min(), j.max() + 1, "
        "i.max() + 1; an empty mask gets four zeros, and no masks give a (0, 4) tensor.",
    ),
    mistakes={
        "ends_inside": (
            _boxes_that(lambda b: b - torch.tensor([0, 0, 1, 1])),
            "Your boxes end where the last pixel begins. Pixel j covers [j, j + 1), so the right "
            "edge is j + 1, and a single pixel has a box of area 1, not 0.",
        ),
        "swaps_axes": (
            _boxes_that(lambda b: b[:, [1, 0, 3, 2]]),
            "You give (y, x). A box is (x1, y1, x2, y2): columns first, rows second.",
        ),
        "gives_the_size": (
            _boxes_that(lambda b: torch.cat([b[:, :2], b[:, 2:] - b[:, :2]], dim=1)),
            "Your last two numbers are width and height, as COCO's files have them. Here they are "
            "the far corner, x2 and y2.",
        ),
        "half_a_pixel_in": (
            _boxes_that(lambda b: b + torch.tensor([0.5, 0.5, -0.5, -0.5])),
            "Your box runs from pixel centre to pixel centre. It must hold the pixels whole: half "
            "a pixel more on each side.",
        ),
        "box_of_all": (
            box_of_all,
            "You drew one box around all masks together. The answer has one row for each mask.",
        ),
        "stops_at_empty": (
            stops_at_empty,
            "Right for masks with pixels. An empty mask has no smallest column: give it zeros.",
        ),
        "fails_on_no_masks": (
            fails_on_no_masks,
            "Right, unless there are no masks at all. Then the answer is a (0, 4) tensor: an image "
            "without objects is legal.",
        ),
    },
)

# 01.owner


def claims_on_pixels(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """Overlaps of two and of three, equal, zero and negative priorities, nothing claimed, none."""
    masks = torch.zeros(3, 4, 7, dtype=torch.bool)
    masks[0, :3, :4], masks[1, 1:, 2:6], masks[2, 2, 1:5] = True, True, True
    yield masks, torch.tensor([0.9, 0.4, 0.7])
    yield masks, torch.tensor([0.5, 0.5, 0.5])
    yield masks, torch.tensor([0.0, 0.2, 0.0])
    yield masks, torch.tensor([-3.0, -1.0, -2.0])
    yield masks, torch.tensor([2, 0, 1])
    many = torch.rand(6, 9, 5, generator=generator) > 0.6
    yield many.transpose(1, 2), torch.rand(6, generator=generator, dtype=torch.float64)
    yield torch.zeros(2, 3, 3, dtype=torch.bool), torch.ones(2)
    yield torch.zeros(0, 3, 5, dtype=torch.bool), torch.zeros(0)


def paints_the_best_first(masks: Tensor, priority: Tensor) -> Tensor:
    return last_of_equals(masks, -priority)


def last_of_equals(masks: Tensor, priority: Tensor) -> Tensor:
    back = len(masks) - 1 - owner_map(masks.flip(0), priority.flip(0))
    return torch.where(masks.any(dim=0), back, -1)


def nobody_where_two_meet(masks: Tensor, priority: Tensor) -> Tensor:
    return torch.where(masks.sum(dim=0) == 1, owner_map(masks, priority), -1)


def zero_for_nobody(masks: Tensor, priority: Tensor) -> Tensor:
    return owner_map(masks, priority).clamp(min=0)


def counts_from_one(masks: Tensor, priority: Tensor) -> Tensor:
    return owner_map(masks, priority) + 1


def zero_priority_vanishes(masks: Tensor, priority: Tensor) -> Tensor:
    """The largest product of mask and priority, where that is positive."""
    seen = masks & (priority > 0)[:, None, None]
    return owner_map(seen, priority)


def largest_product(masks: Tensor, priority: Tensor) -> Tensor:
    product = masks * priority[:, None, None]
    return torch.where(masks.any(dim=0), product.argmax(dim=0), -1)


def stops_without_masks(masks: Tensor, priority: Tensor) -> Tensor:
    low = torch.full_like(priority, -torch.inf, dtype=torch.float64)
    height = torch.where(masks, priority[:, None, None].double(), low[:, None, None])
    return torch.where(masks.any(dim=0), height.argmax(dim=0), -1)


OWNER = Exercise(
    "01.owner",
    reference=owner_map,
    cases=claims_on_pixels,
    hints=(
        "Think of a painter: what is painted last covers what was there before. Who comes last?",
        "Begin with a map of -1. From the lowest priority to the highest: owner[masks[k]] = k.",
        "priority.argsort(descending=True, stable=True) puts the first of equals first; go through "
        "it backwards, so that the first of equals is painted last and wins.",
    ),
    mistakes={
        "lowest_wins": (
            lambda masks, priority: owner_map(masks, -priority),
            "With you the lowest priority wins. What is painted last stays on top, so paint the "
            "highest priority last.",
        ),
        "paints_the_best_first": (
            paints_the_best_first,
            "You paint the highest priority first, and all others cover it. Go through the list "
            "backwards: what is painted last stays on top.",
        ),
        "ignores_priority": (
            lambda masks, priority: owner_map(masks, torch.arange(len(masks))),
            "You paint in the order of the list: the last mask wins, whatever its priority.",
        ),
        "first_in_the_list": (
            lambda masks, priority: owner_map(masks, -torch.arange(len(masks))),
            "The first mask in the list wins with you, whatever its priority.",
        ),
        "last_of_equals": (
            last_of_equals,
            "Right but for equal priorities: there the first in the list wins, and yours is the "
            "last.",
        ),
        "nobody_where_two_meet": (
            nobody_where_two_meet,
            "You give a pixel that is claimed twice to nobody. It goes to the claim with the "
            "highest priority.",
        ),
        "zero_for_nobody": (
            zero_for_nobody,
            "Where nobody claims a pixel, the answer is -1. Your 0 means the first mask.",
        ),
        "counts_from_one": (
            counts_from_one,
            "You count masks from 1. Here they count from 0, and -1 is nobody.",
        ),
        "zero_priority_vanishes": (
            zero_priority_vanishes,
            "A mask with a priority of 0 or below loses even where nobody else wants the pixel. A "
            "product with the mask cannot tell a low priority from no claim.",
        ),
        "largest_product": (
            largest_product,
            "You take the largest product of mask and priority. It is 0 for a mask that does not "
            "claim the pixel, and that is more than a negative priority. Use -inf there.",
        ),
        "stops_without_masks": (
            stops_without_masks,
            "Right, unless there are no masks: a maximum of nothing does not exist. Then every "
            "pixel is -1.",
        ),
    },
)

# 01.entropy


def entropy(values: Tensor) -> float:
    """Bits that a function's value carries, if all worlds are equally likely.

    values: (W,) int64, the function's value in each world. H = -Σ p log2 p over distinct values.
    """
    counts = values.unique(return_counts=True)[1].double()
    p = counts / counts.sum()
    return -(p * p.log2()).sum().item() + 0.0  # + 0.0: never minus zero


def values_in_worlds(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """A coin, a loaded one, a constant, all different, large and negative numbers, one world."""
    yield (torch.tensor([0, 1, 0, 1]),)
    yield (torch.tensor([5, 5, 5, 2]),)
    yield (torch.tensor([7, 7, 7]),)
    yield (torch.arange(10) * 10**12,)
    yield (torch.randint(-3, 4, (200,), generator=generator),)
    yield (torch.tensor([3]),)


def _probabilities(values: Tensor) -> Tensor:
    counts = values.unique(return_counts=True)[1].double()
    return counts / counts.sum()


def in_nats(values: Tensor) -> float:
    p = _probabilities(values)
    return -(p * p.log()).sum().item()


def counts_values(values: Tensor) -> float:
    return torch.tensor(len(values.unique())).double().log2().item()


def counts_worlds(values: Tensor) -> float:
    return torch.tensor(len(values)).double().log2().item()


def forgets_the_minus(values: Tensor) -> float:
    return -entropy(values)


def forgets_the_weights(values: Tensor) -> float:
    return -_probabilities(values).log2().sum().item()


def mean_over_values(values: Tensor) -> float:
    return entropy(values) / len(values.unique())


def counts_what_never_occurs(values: Tensor) -> float:
    """bincount / W: 0 · log2 0 is NaN, and it refuses negative and huge numbers."""
    if values.min() < 0 or values.max() > 1000:
        raise RuntimeError("bincount needs small numbers that are not negative")
    p = values.bincount().double() / len(values)
    return -(p * p.log2()).sum().item()


def share_of_the_most(values: Tensor) -> float:
    p = _probabilities(values)
    return entropy(values) / torch.tensor(max(len(p), 2)).double().log2().item()


ENTROPY = Exercise(
    "01.entropy",
    reference=entropy,
    cases=values_in_worlds,
    hints=(
        "values.unique(return_counts=True) says how often each value occurs; over the number of "
        "worlds that is its probability.",
        "A value of probability p tells you -log2 p bits. What do you learn on average?",
        "p = counts / counts.sum(), and the answer is -(p * p.log2()).sum().item().",
    ),
    mistakes={
        "in_nats": (
            in_nats,
            "You take the natural logarithm, which gives nats. Bits need the base 2: a fair coin "
            "has 1 bit.",
        ),
        "counts_values": (
            counts_values,
            "You count the distinct values, as if all were equally likely. Weigh each by how many "
            "worlds lead to it.",
        ),
        "counts_worlds": (
            counts_worlds,
            "You count the worlds, not what the function makes of them: two worlds with the same "
            "value cannot be told apart by it.",
        ),
        "forgets_the_minus": (
            forgets_the_minus,
            "Logarithms of probabilities are negative, entropies are not: a minus is missing.",
        ),
        "forgets_the_weights": (
            forgets_the_weights,
            "You add up -log2 p without weights. A value is only met with probability p, so "
            "multiply each by its p.",
        ),
        "mean_over_values": (
            mean_over_values,
            "You average over the values. The average is already in the sum: its weights p add up "
            "to 1.",
        ),
        "counts_what_never_occurs": (
            counts_what_never_occurs,
            "You count numbers that never occur: p is 0, and 0 · log2 0 gives NaN. `unique` counts "
            "only what occurs, negative numbers too.",
        ),
        "share_of_the_most": (
            share_of_the_most,
            "You divide by the most that so many values could carry. That is a share between 0 "
            "and 1; asked are bits.",
        ),
    },
)

# 01.set_loss


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


def nan_for_division_by_zero(fn: Callable[..., Any], *case: Any) -> Any:
    """Torch says NaN where Python raises: the same mistake."""
    try:
        return fn(*case)
    except ZeroDivisionError:
        return float("nan")


SET_LOSS = Exercise(
    "01.set_loss",
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
            "You compare prediction k with truth k. That is the loss that changes when somebody "
            "shuffles the list: try all orders, and take the best.",
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

EXERCISES = (BOXES, OWNER, ENTROPY, SET_LOSS)
