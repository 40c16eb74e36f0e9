"""Exercise 10.boxes: the tight boxes of masks.

To write: f(masks), (N, H, W) bool, to (N, 4) as x1, y1, x2, y2; an empty mask has four zeros. The
answer is `tight_boxes`. What tells mistakes apart: pixel j ends at j + 1, and lists may be empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.instances import tight_boxes


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
    "10.boxes",
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
