"""Exercise 20.shifted_iou: what a shift costs in IoU.

To write: f(length, shift), tensors, to the IoU of a square of that side with itself moved along
both axes. The answer is `shifted_iou`. Shifts may be negative, and boxes may part.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.quantisation import shifted_iou


def boxes_and_shifts(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """No shift, small, exactly the side, beyond it, to the upper left; sides that differ."""
    side = torch.tensor(32.0, dtype=torch.float64)
    yield side, torch.tensor([0.0, 1.0, 4.0, 8.0, 16.0], dtype=torch.float64)
    yield side, torch.tensor([-1.0, -16.0], dtype=torch.float64)
    yield side, torch.tensor([31.9, 32.0, 40.0, 500.0], dtype=torch.float64)
    sides = 1 + 99 * torch.rand(6, generator=generator, dtype=torch.float64)
    yield sides, sides * torch.rand(6, generator=generator, dtype=torch.float64)


def moves_one_axis(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift.abs()).clamp(min=0)
    return shared / (2 * length - shared)


def counts_overlap_twice(length: Tensor, shift: Tensor) -> Tensor:
    return (length - shift.abs()).clamp(min=0) ** 2 / (2 * length**2)


def divides_by_one_box(length: Tensor, shift: Tensor) -> Tensor:
    return (length - shift.abs()).clamp(min=0) ** 2 / length**2


def forgets_that_boxes_part(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift.abs()) ** 2
    return shared / (2 * length**2 - shared)


def types_the_formula(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift) ** 2
    return shared / (2 * length**2 - shared)


def forgets_the_sign(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift).clamp(min=0) ** 2
    return shared / (2 * length**2 - shared)


def subtracts_a_square(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length**2 - shift**2).clamp(min=0)
    return shared / (2 * length**2 - shared)


SHIFTED_IOU = Exercise(
    "20.shifted_iou",
    reference=shifted_iou,
    cases=boxes_and_shifts,
    hints=(
        "Draw two equal squares, one moved right and down. What shape do they share?",
        "They share a square of side L - δ. The union is both areas less what they share.",
        "What if δ is negative, or larger than L? The shared side must not fall below 0.",
    ),
    mistakes={
        "moves_one_axis": (
            moves_one_axis,
            "That moves the box along one axis. Both axes are rounded, so it moves along both, "
            "and the shared area is (L - δ)².",
        ),
        "counts_overlap_twice": (
            counts_overlap_twice,
            "The sum of both areas counts the overlap twice. The union counts it once.",
        ),
        "divides_by_one_box": (
            divides_by_one_box,
            "You divided by the area of one box: that is the share of it which is covered. IoU "
            "divides by the union.",
        ),
        "types_the_formula": (
            types_the_formula,
            "The formula holds for shifts from 0 to L. Take the size of a negative shift, and let "
            "the shared side not fall below 0.",
        ),
        "forgets_that_boxes_part": (
            forgets_that_boxes_part,
            "Once the shift exceeds the side the boxes are apart, but the square of a negative "
            "side is positive again. Clamp the side at 0 before you square it.",
        ),
        "forgets_the_sign": (
            forgets_the_sign,
            "A shift to the upper left is negative, and your overlap grows. Take its size.",
        ),
        "subtracts_a_square": (
            subtracts_a_square,
            "What stays covered is not L² - δ²: the shift uncovers two strips of L·δ that share "
            "a corner of δ². So L² - 2Lδ + δ² = (L - δ)² is left.",
        ),
    },
)
