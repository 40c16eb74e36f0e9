"""Exercise 41.mask_targets: what the mask head should draw.

To write: f(rois, things, truth, size), (P, 5) and (P,), to (P, size, size): the share of each cell
of the proposal that its own thing covers. The answer is `mask_targets`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.boxes import clip_boxes
from minseg.course.exercise import Exercise
from minseg.masks import to_grid
from minseg.models.mask_rcnn.roi_heads import mask_targets
from minseg.models.padding import PaddedTruth


def proposals_and_things(generator: torch.Generator) -> Iterable[tuple]:
    """Two images, fractional and loose boxes, beyond the edge, a thing cut off, none."""
    masks = torch.zeros(2, 2, 11, 14, dtype=torch.bool)
    masks[0, 0, 2:6, 3:10], masks[0, 1, 5:11, 0:4] = True, True
    masks[1, 0, 0:9, 6:13] = torch.rand(9, 7, generator=generator) > 0.3
    masks[1, 1, 7:10, 1:12] = True
    boxes = torch.zeros(2, 2, 4)
    for image in range(2):
        for thing in range(2):
            rows, columns = masks[image, thing].nonzero(as_tuple=True)
            sides = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            boxes[image, thing] = torch.stack(sides)
    truth = PaddedTruth(boxes, torch.tensor([[0, 1], [1, 0]]), masks)
    rois = torch.tensor([[0, 2.3, 1.5, 8.7, 6.2], [0, 0.5, 4.25, 4.5, 9.5], [1, 5, 1.5, 12.5, 8]])
    yield rois[:1], torch.tensor([0]), truth, 4
    yield rois, torch.tensor([0, 1, 0]), truth, 5
    yield rois.flip(0), torch.tensor([1, 1, 0]), truth, 3
    beyond = torch.tensor([[1.0, -4.5, 6, 6.5, 14], [0, 6, -3, 20, 8]])
    yield beyond, torch.tensor([1, 0]), truth, 4
    yield rois[:0], torch.zeros(0, dtype=torch.int64), truth, 4


def crops_with_the_thing(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    image = rois[:, 0].long()
    return to_grid(truth.masks[image, things], truth.boxes[image, things], size)


def drops_batch_index(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return to_grid(truth.masks[torch.zeros_like(things), things], rois[:, 1:], size)


def takes_the_first_thing(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return mask_targets(rois, torch.zeros_like(things), truth, size)


def takes_any_thing(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return to_grid(truth.masks[rois[:, 0].long()].any(dim=1), rois[:, 1:], size)


def rounds_the_box(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return mask_targets(rois.round(), things, truth, size)


def stays_on_the_image(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    height, width = truth.masks.shape[2:]
    inside = clip_boxes(rois[None, :, 1:], torch.tensor([[height, width]]))[0]
    return mask_targets(torch.cat([rois[:, :1], inside], dim=1), things, truth, size)


def draws_hard_edges(rois: Tensor, things: Tensor, truth: PaddedTruth, size: int) -> Tensor:
    return to_grid(truth.masks[rois[:, 0].long(), things], rois[:, 1:], size, binary=True)


MASK_TARGETS = Exercise(
    "41.mask_targets",
    reference=mask_targets,
    cases=proposals_and_things,
    hints=(
        "The first number of a RoI's row says in which image it lies; `things` says which of that "
        "image's things it is one of.",
        "`truth.masks[rois[:, 0].long(), things]` is (P, H, W), one mask for each proposal.",
        "`to_grid(masks, boxes, size)` of `minseg.masks` gives each cell's covered share. Which "
        "box? The one whose features the mask head is shown.",
    ),
    mistakes={
        "crops_with_the_thing": (
            crops_with_the_thing,
            "You crop with the thing's own box. The head sees the *proposal*, so its target must "
            "be what lies in the proposal, off-centre or cut as it may be.",
        ),
        "drops_batch_index": (
            drops_batch_index,
            "You take all masks from image 0. The first number of a row says which image.",
        ),
        "takes_the_first_thing": (
            takes_the_first_thing,
            "You always take thing 0. `things` says which thing of its image each proposal is of.",
        ),
        "takes_any_thing": (
            takes_any_thing,
            "Your target holds every thing in the box. A mask is of one instance: of `things`.",
        ),
        "rounds_the_box": (
            rounds_the_box,
            "You round the proposal to whole pixels. That is the error RoIAlign was made to end.",
        ),
        "stays_on_the_image": (
            stays_on_the_image,
            "You cut the box off at the image's edge, which stretches what is left over the grid. "
            "Keep the box: outside the image is background.",
        ),
        "draws_hard_edges": (
            draws_hard_edges,
            "Your cells are 0 or 1. Here a cell is the *share* of its area that is covered, which "
            "tells the head where in the cell the outline passes.",
        ),
    },
)
