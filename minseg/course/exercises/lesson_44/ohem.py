"""Exercise 44.ohem: train on what is hardest, without near-duplicates.

To write: f(losses, count, *, boxes, iou_threshold), (R,) and (R, 4), to (k,) int64: the `count`
hardest, hardest first, after non-maximum suppression. The answer is `ohem`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.boxes import box_iou, nms
from minseg.course.exercise import Exercise
from minseg.losses import ohem


def hard_boxes(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int, float]]:
    """Boxes in bunches, none of them alike or all of them, fewer left than asked for, ties."""
    corner = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
    at = corner.repeat_interleave(6, dim=0) + 2 * torch.rand(24, 2, generator=generator)
    bunches = torch.cat([at, at + 30], dim=1)
    losses = torch.rand(24, generator=generator) + torch.tensor([3.0, 2, 1, 0]).repeat_interleave(6)
    shuffled = torch.randperm(24, generator=generator)
    yield losses[shuffled], bunches[shuffled], 3, 0.7
    yield losses[shuffled], bunches[shuffled], 8, 0.7  # fewer are left
    yield losses, bunches, 5, 0.95
    apart = torch.arange(9.0)[:, None] * 40 + torch.tensor([0.0, 0, 20, 20])
    yield torch.tensor([1.0, 3, 2, 3, 0, 5, 5, 1, 4]), apart, 4, 0.7  # ties keep their order
    chain = torch.arange(8.0)[:, None] * torch.tensor([4.0, 0, 4, 0]) + torch.tensor(
        [0.0, 0, 20, 20]
    )
    yield torch.arange(8.0), chain, 4, 0.5
    yield torch.zeros(0), torch.zeros(0, 4), 3, 0.7


def with_boxes(fn: Callable[..., Any], *case: Any) -> Any:
    """What the function chooses; boxes and threshold are keywords."""
    losses, boxes, count, threshold = case
    return fn(losses, count, boxes=boxes, iou_threshold=threshold)


def forgets_suppression(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return ohem(losses, count)


def suppresses_afterwards(
    losses: Tensor, count: int, boxes: Tensor, iou_threshold: float
) -> Tensor:
    top = ohem(losses, count)
    return top[nms(boxes[top], losses[top], iou_threshold)]


def keeps_the_easiest(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return nms(boxes, -losses, iou_threshold)[:count]


def keeps_the_easier_twin(
    losses: Tensor, count: int, boxes: Tensor, iou_threshold: float
) -> Tensor:
    kept = nms(boxes, -losses, iou_threshold)
    return kept[losses[kept].argsort(descending=True, stable=True)][:count]


def forgets_the_order(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return ohem(losses, count, boxes=boxes, iou_threshold=iou_threshold).sort().values


def returns_all(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return nms(boxes, losses, iou_threshold)


def fixes_the_threshold(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    return nms(boxes, losses, 0.7)[:count]


def drops_all_neighbours(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    """Also those whose harder neighbour has been dropped itself."""
    near = box_iou(boxes, boxes) > iou_threshold
    harder = losses[None] > losses[:, None]
    kept = (~(near & harder).any(dim=1)).nonzero()[:, 0]
    return kept[losses[kept].argsort(descending=True, stable=True)][:count]


def fills_up_again(losses: Tensor, count: int, boxes: Tensor, iou_threshold: float) -> Tensor:
    kept = nms(boxes, losses, iou_threshold)
    order = ohem(losses, max(len(losses), 1))
    rest = order[~torch.isin(order, kept)]
    return torch.cat([kept, rest])[:count]


OHEM = Exercise(
    "44.ohem",
    reference=ohem,
    cases=hard_boxes,
    probe=with_boxes,
    hints=(
        "Which comes first, choosing the hardest or dropping what lies on top of each other? "
        "If you choose first, neighbours of one box fill the list before you look.",
        "Non-maximum suppression needs an order. Here the loss is the score: "
        "minseg.boxes.nms(boxes, losses, iou_threshold).",
        "nms returns what is left, best first, so cut it off after `count`.",
    ),
    mistakes={
        "forgets_suppression": (
            forgets_suppression,
            "You take the largest losses, neighbours and all. Drop boxes that overlap a harder "
            "one first.",
        ),
        "suppresses_afterwards": (
            suppresses_afterwards,
            "You choose first and suppress then, so that one object's boxes use up the places "
            "and few are left. Suppress first.",
        ),
        "keeps_the_easiest": (
            keeps_the_easiest,
            "You keep the smallest losses.",
        ),
        "keeps_the_easier_twin": (
            keeps_the_easier_twin,
            "Of two boxes that overlap you keep the easier one. The harder one should train.",
        ),
        "forgets_the_order": (
            forgets_the_order,
            "The right boxes, in the order of the list. Return them hardest first.",
        ),
        "returns_all": (
            returns_all,
            "You return all that suppression leaves. Only the first `count` train.",
        ),
        "fixes_the_threshold": (
            fixes_the_threshold,
            "You always suppress at 0.7. Use `iou_threshold`.",
        ),
        "drops_all_neighbours": (
            drops_all_neighbours,
            "A box that was dropped cannot drop others. Go through them hardest first, and "
            "compare with those that were kept.",
        ),
        "fills_up_again": (
            fills_up_again,
            "Where few are left you fill up with boxes that were dropped. Return fewer.",
        ),
    },
)
