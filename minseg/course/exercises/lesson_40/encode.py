"""Exercise 40.encode: boxes as moves from anchors.

To write: f(boxes, anchors, weights), (N, 4) each and four factors, to (N, 4): dx, dy, dw, dh. The
answer is `encode`, and `decode` goes the other way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.boxes import encode
from minseg.course.exercise import Exercise
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS

ONES = (1.0, 1.0, 1.0, 1.0)


def boxes_and_anchors(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, tuple]]:
    """Wide and tall boxes, the anchor itself, both kinds of weights, double, strided, none."""
    yield torch.tensor([[12.0, 20, 44, 36]]), torch.tensor([[10.0, 10, 30, 30]]), ONES
    yield torch.tensor([[12.0, 20, 44, 36]]), torch.tensor([[10.0, 10, 30, 30]]), BOX_WEIGHTS
    yield torch.tensor([[3.5, 4, 9, 12.25]]), torch.tensor([[3.5, 4, 9, 12.25]]), BOX_WEIGHTS
    corner = 50 * torch.rand(5, 2, generator=generator)
    side = 4 + 30 * torch.rand(5, 4, generator=generator)
    boxes = torch.cat([corner, corner + side[:, :2]], dim=1)
    anchors = torch.cat([corner - 3, corner - 3 + side[:, 2:]], dim=1)
    yield boxes, anchors, (2.0, 3.0, 4.0, 5.0)
    yield boxes.double().T.contiguous().T, anchors.double(), ONES
    yield torch.zeros(0, 4), torch.zeros(0, 4), ONES


def _moves(
    boxes: Tensor,
    anchors: Tensor,
    weights: tuple[float, ...],
    unit: Callable[[Tensor, Tensor], Tensor] = lambda box, anchor: anchor,
    place: float = 0.5,
    size: Callable[[Tensor], Tensor] = torch.log,
    weigh: Callable[[Tensor, Tensor], Tensor] = torch.mul,
) -> Tensor:
    """The box targets with a switch for each of their parts."""
    sides, anchor_sides = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    at, anchor_at = boxes[:, :2] + place * sides, anchors[:, :2] + place * anchor_sides
    shift = (at - anchor_at) / unit(sides, anchor_sides)
    moves = torch.cat([shift, size(sides / anchor_sides)], dim=1)
    return weigh(moves, moves.new_tensor(weights))


def starts_from_the_box(boxes: Tensor, anchors: Tensor, weights: tuple[float, ...]) -> Tensor:
    return encode(anchors, boxes, weights)


shifts_in_pixels = partial(_moves, unit=lambda box, anchor: torch.ones_like(box))
divides_by_the_box = partial(_moves, unit=lambda box, anchor: box)
measures_at_the_corner = partial(_moves, place=0.0)
forgets_the_logarithm = partial(_moves, size=lambda ratio: ratio)
takes_the_other_logarithm = partial(_moves, size=torch.log2)
forgets_the_weights = partial(_moves, weigh=lambda moves, weights: moves)
divides_by_the_weights = partial(_moves, weigh=torch.div)

ENCODE = Exercise(
    "40.encode",
    reference=encode,
    cases=boxes_and_anchors,
    hints=(
        "Turn both into centre (x, y) and size (w, h) first.",
        "dx = (x - x_a) / w_a and dy = (y - y_a) / h_a: shifts in units of the *anchor's* size.",
        "dw = log(w / w_a), dh = log(h / h_a). Stack to (N, 4) and multiply by the weights.",
    ),
    mistakes={
        "starts_from_the_box": (
            starts_from_the_box,
            "You describe the way from the box to the anchor. A network starts at the anchor, so "
            "subtract its centre, and divide by its size.",
        ),
        "shifts_in_pixels": (
            shifts_in_pixels,
            "Your shifts are in pixels, so large things make large losses. Divide dx by the "
            "anchor's width, dy by its height.",
        ),
        "divides_by_the_box": (
            divides_by_the_box,
            "You divide the shift by the size of the box, which is not known at test. Divide "
            "by the anchor's.",
        ),
        "measures_at_the_corner": (
            measures_at_the_corner,
            "Your shift is that of the upper left corner. It is the shift of the centre.",
        ),
        "forgets_the_logarithm": (
            forgets_the_logarithm,
            "Your sizes are plain ratios: a box like its anchor gives 1, where it should give 0. "
            "Take the logarithm.",
        ),
        "takes_the_other_logarithm": (
            takes_the_other_logarithm,
            "You took log2. It is the natural logarithm, for `decode` calls exp.",
        ),
        "forgets_the_weights": (
            forgets_the_weights,
            "Right, except for the weights: multiply dx, dy, dw, dh by them.",
        ),
        "divides_by_the_weights": (
            divides_by_the_weights,
            "`decode` divides by the weights, so here you multiply by them.",
        ),
    },
)
