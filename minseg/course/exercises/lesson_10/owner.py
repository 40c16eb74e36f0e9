"""Exercise 10.owner: one owner for each pixel that several masks claim.

To write: f(masks, priority), (N, H, W) bool and (N,), to (H, W) int64: the number of the mask with
the highest priority, the first of equals, -1 where no mask is. The answer is `owner_map`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.panoptic import owner_map


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


def no_owner_where_two_meet(masks: Tensor, priority: Tensor) -> Tensor:
    return torch.where(masks.sum(dim=0) == 1, owner_map(masks, priority), -1)


def zero_for_no_owner(masks: Tensor, priority: Tensor) -> Tensor:
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
    "10.owner",
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
            "In your version the lowest priority wins. What is painted last stays on top, so paint "
            "the highest priority last.",
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
            "In your version the first mask in the list wins, whatever its priority.",
        ),
        "last_of_equals": (
            last_of_equals,
            "Right except for equal priorities: there the first in the list wins, and yours is the "
            "last.",
        ),
        "no_owner_where_two_meet": (
            no_owner_where_two_meet,
            "A pixel that is claimed twice has no owner in your version. It goes to the claim with "
            "the highest priority.",
        ),
        "zero_for_no_owner": (
            zero_for_no_owner,
            "Where no mask claims a pixel, the answer is -1. Your 0 means the first mask.",
        ),
        "counts_from_one": (
            counts_from_one,
            "You count masks from 1. Here they count from 0, and -1 is no owner.",
        ),
        "zero_priority_vanishes": (
            zero_priority_vanishes,
            "A mask with a priority of 0 or below loses even where no other claims the pixel. A "
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
