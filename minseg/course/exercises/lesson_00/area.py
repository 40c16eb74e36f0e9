"""Exercise 00.area: the area of a box, to try how exercises work.

To write: f(boxes), boxes (N, 4) as x1, y1, x2, y2, to (N,) areas. The answer is `box_area`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.boxes import box_area
from minseg.course.exercise import Exercise


def boxes_to_measure(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Whole and fractional corners, off the origin, one box, none, double precision, a view."""
    yield (torch.tensor([[0.0, 0.0, 4.0, 3.0], [2.0, 1.0, 7.0, 3.0]]),)
    yield (torch.tensor([[1.5, 2.25, 3.0, 2.75]]),)
    yield (torch.tensor([[5.0, 5.0, 5.0, 9.0]]),)  # a line covers nothing
    yield (torch.zeros(0, 4),)
    corners = torch.rand(5, 2, 2, generator=generator, dtype=torch.float64).sort(dim=1).values
    yield (100 * corners.flatten(1),)
    yield ((100 * corners.flatten(1)).T.contiguous().T,)


def counts_both_ends(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)


def takes_the_corner_for_the_size(boxes: Tensor) -> Tensor:
    return boxes[:, 2] * boxes[:, 3]


def mixes_the_axes(boxes: Tensor) -> Tensor:
    return (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])


def half_the_way_round(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) + (boxes[:, 3] - boxes[:, 1])


def adds_all_up(boxes: Tensor) -> Tensor:
    return box_area(boxes).sum()


def cuts_to_whole_pixels(boxes: Tensor) -> Tensor:
    return box_area(boxes.floor())


AREA = Exercise(
    "00.area",
    reference=box_area,
    cases=boxes_to_measure,
    hints=(
        "Each row holds (x1, y1, x2, y2). boxes[:, 2] is the x2 of every box at once.",
        "Width is x2 - x1, height is y2 - y1, and the area is their product.",
    ),
    mistakes={
        "counts_both_ends": (
            counts_both_ends,
            "Your boxes are one pixel too wide and too high. An edge is a place between pixels, "
            "not a pixel, so nothing is added: from 2 to 7 is 5.",
        ),
        "takes_the_corner_for_the_size": (
            takes_the_corner_for_the_size,
            "x2 and y2 are the far corner, not the size. They agree only for a box that starts "
            "at the origin.",
        ),
        "mixes_the_axes": (
            mixes_the_axes,
            "You subtract a y from an x. The order is x1, y1, x2, y2: width needs columns 0 and "
            "2, height needs columns 1 and 3.",
        ),
        "half_the_way_round": (
            half_the_way_round,
            "Width plus height is half the way round the box. Its area is their product.",
        ),
        "adds_all_up": (
            adds_all_up,
            "You added all boxes up. The answer is one area for each box: a vector of N numbers.",
        ),
        "cuts_to_whole_pixels": (
            cuts_to_whole_pixels,
            "You cut the corners down to whole pixels. Boxes may lie between them, and unit 20 "
            "measures what that cut costs.",
        ),
    },
)
