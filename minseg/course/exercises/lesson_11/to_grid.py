"""Exercise 11.to_grid: crop masks to their boxes, by area.

To write: f(masks, boxes, size), (N, H, W) bool and (N, 4), to (N, size, size): the share of each
cell that the mask covers. The answer is `to_grid`. Boxes lie between pixels and beyond the image.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.masks.grid import to_grid


def masks_to_crop(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int]]:
    """Boxes on, between and beyond pixels, cells larger and smaller than a pixel, none at all."""
    masks = torch.rand(2, 9, 12, generator=generator) > 0.4
    masks[1, 2:7, 3:5] = True
    yield masks, torch.tensor([[0.0, 0.0, 12.0, 9.0], [2.0, 1.0, 10.0, 8.0]]), 3
    yield masks, torch.tensor([[2.5, 1.25, 9.0, 6.5], [3.3, 0.2, 4.1, 8.6]]), 4
    yield masks, torch.tensor([[-3.0, -2.0, 6.0, 4.0], [8.5, 6.0, 15.0, 13.5]]), 5  # reach out
    yield masks[:, 1:].mT, torch.tensor([[1.0, 2.0, 5.0, 11.0], [0.5, 0.5, 8.0, 9.25]]), 7
    yield masks[:1], torch.tensor([[4.0, 3.0, 6.0, 5.0]]), 8  # cells smaller than a pixel
    yield masks[:0], torch.zeros(0, 4), 4


def _read(masks: Tensor, boxes: Tensor, size: int, *, at: float) -> Tensor:
    """Each mask at one point of each cell of its box, see `_points`."""
    pairs = zip(masks, boxes.tolist(), strict=True)
    grids = [_points(mask, box, size, at=at) for mask, box in pairs]
    return torch.stack(grids) if grids else torch.zeros(0, size, size)


def _points(mask: Tensor, box: list[float], size: int, *, at: float) -> Tensor:
    """The mask at one point of each cell, at this share of its sides; 0 outside of the image."""
    x1, y1, x2, y2 = box
    cell = torch.arange(size, dtype=torch.float64) + at
    i = (y1 + cell * (y2 - y1) / size).floor().long()
    j = (x1 + cell * (x2 - x1) / size).floor().long()
    rows, columns = ((k >= 0) & (k < n) for k, n in zip((i, j), mask.shape, strict=True))
    values = mask[i.clamp(0, mask.shape[0] - 1)][:, j.clamp(0, mask.shape[1] - 1)]
    return (values & rows[:, None] & columns).float()


def reads_the_centres(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return _read(masks, boxes, size, at=0.5)


def reads_the_corners(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return _read(masks, boxes, size, at=0.0)


def rounds_the_box(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes.round(), size)


def swaps_x_and_y(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes[:, [1, 0, 3, 2]], size)


def turns_the_grid(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes, size).mT


def takes_any_touch(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return (to_grid(masks, boxes, size) > 0).float()


def thresholds(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes, size, binary=True)


def forgets_the_outside(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    height, width = masks.shape[-2:]
    limit = torch.tensor([width, height, width, height])
    return to_grid(masks, torch.minimum(boxes.clamp(min=0), limit), size)


def counts_pixels(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Area in pixels, not yet divided by the cell's."""
    cells = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / size**2
    return to_grid(masks, boxes, size) * cells[:, None, None]


def uses_the_first_mask(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks[:1].expand(len(boxes), *masks.shape[1:]), boxes, size)


TO_GRID = Exercise(
    "11.to_grid",
    reference=to_grid,
    cases=masks_to_crop,
    hints=(
        "How much of cell k lies in pixel j, along one axis? The length that two intervals share: "
        "(min of the right ends - max of the left ends), at least 0.",
        "Divide that length by the cell's, and you have a matrix A (cells × pixels) for x, another "
        "for y. What lies outside the image belongs to no pixel, and so adds nothing.",
        "What a cell and a pixel share is a product of lengths: grid = A_y @ mask.float() @ A_x.T.",
    ),
    mistakes={
        "reads_the_centres": (
            reads_the_centres,
            "You read the mask at the centre of each cell, a yes or no. Ask for the share of the "
            "cell's *area* that the mask covers.",
        ),
        "reads_the_corners": (
            reads_the_corners,
            "You read the mask at the upper left corner of each cell, so all masks move by half a "
            "cell. Ask for the share of the cell's area.",
        ),
        "rounds_the_box": (
            rounds_the_box,
            "Right for boxes of whole pixels. You round the others, and unit 20 is about what "
            "that costs: let a cell begin inside a pixel.",
        ),
        "swaps_x_and_y": (
            swaps_x_and_y,
            "You take the box as y1, x1, y2, x2. It is x1, y1, x2, y2, and x counts columns.",
        ),
        "turns_the_grid": (
            turns_the_grid,
            "Your grid is transposed: its first index is the row, which goes with y.",
        ),
        "takes_any_touch": (
            takes_any_touch,
            "A cell counts fully as soon as the mask touches it, so your objects grow. Return the "
            "share, between 0 and 1.",
        ),
        "thresholds": (
            thresholds,
            "Your shares are right, but you round them to 0 or 1. Keep the fractions: they know "
            "where in the cell the outline runs.",
        ),
        "forgets_the_outside": (
            forgets_the_outside,
            "You cut the box off at the image's frame, so that its cells become smaller. Keep the "
            "box: what lies outside is background.",
        ),
        "counts_pixels": (
            counts_pixels,
            "You return areas in pixels. Divide by the area of a cell.",
        ),
        "uses_the_first_mask": (
            uses_the_first_mask,
            "Every box of yours reads the first mask. Box n belongs to mask n.",
        ),
    },
)
