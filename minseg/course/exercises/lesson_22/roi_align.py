"""Exercise 22.roi_align: put RoIAlign together.

To write: f(input, boxes, output_size, spatial_scale, sampling_ratio, aligned), (N, C, H, W) and
(K, 5), to (K, C, rows, columns). The answer is `roi_align`; `_align` below is the same as a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.align import feature_box, roi_align, sample_positions
from minseg.roi.bilinear import bilinear_sample
from minseg.roi.quantisation import round_half_away

Size = int | tuple[int, int]
Change = Callable[[Tensor, float, bool], tuple[Tensor, float, bool]]  # of boxes, scale, aligned

SIDES = torch.tensor([0, 1, 1, 1, 1])  # of a row (batch index, x1, y1, x2, y2)
HALF = 0.5 * SIDES


def boxes_to_align(generator: torch.Generator) -> Iterable[tuple]:
    """Two images, odd shapes, a stride, both conventions, adaptive counts, borders, no boxes."""
    maps = torch.randn(2, 3, 6, 9, generator=generator)
    boxes = torch.tensor([[1.0, 10.4, 6.2, 55.8, 36.6], [0.0, 22.2, 9.4, 41.4, 38.2]])
    yield maps, boxes, (2, 3), 1 / 8, 2, True
    yield maps, boxes, (3, 2), 1 / 8, 2, False
    on_the_map = boxes * torch.tensor([1, 1 / 8, 1 / 8, 1 / 8, 1 / 8])
    yield maps, on_the_map, 2, 1.0, -1, True
    beyond = torch.tensor([[0.0, -30.0, -20.0, 20.0, 30.0], [1.0, 50.0, 30.0, 100.0, 70.0]])
    yield maps, beyond, 2, 1 / 8, 3, True
    tiny = torch.tensor([[1.0, 20.0, 16.0, 22.0, 20.0]])
    yield maps, tiny, 2, 1 / 8, 2, True
    yield maps, tiny, 2, 1 / 8, 2, False
    yield maps.double().transpose(2, 3), boxes[:, [0, 2, 1, 4, 3]].double(), 2, 1 / 8, 1, True
    yield maps, torch.zeros(0, 5), 2, 1.0, 2, True


def _align(
    input: Tensor,
    boxes: Tensor,
    output_size: Size,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
    *,
    average: bool = True,
    count_outside: bool = True,
    clamp_outside: bool = False,
) -> Tensor:
    """RoIAlign as a loop over boxes, with a switch for three of its rules."""
    rows, columns = (output_size,) * 2 if isinstance(output_size, int) else output_size
    height, width = input.shape[2:]
    out = input.new_zeros(len(boxes), input.shape[1], rows, columns)
    for k, roi in enumerate(boxes):
        x1, y1, w, h = (v[0] for v in feature_box(roi[None], spatial_scale, aligned))
        for p in range(rows):
            for q in range(columns):
                y = sample_positions(y1 + p * h / rows, h / rows, sampling_ratio)
                x = sample_positions(x1 + q * w / columns, w / columns, sampling_ratio)
                ys, xs = (t.flatten() for t in torch.meshgrid(y, x, indexing="ij"))
                live = (ys >= -1) & (ys <= height) & (xs >= -1) & (xs <= width) | clamp_outside
                values = bilinear_sample(input[int(roi[0])], xs, ys) * live  # (C, n²)
                n = values.shape[1] if count_outside else max(int(live.sum()), 1)
                out[k, :, p, q] = values.sum(dim=1) / n if average else values.amax(dim=1)
    return out


takes_the_maximum = partial(_align, average=False)
counts_the_inside_only = partial(_align, count_outside=False)
repeats_the_border = partial(_align, clamp_outside=True)


def _misread(change: Change) -> Callable[..., Tensor]:
    """A solution that takes its boxes, its scale or its convention for something else."""

    def align_with_a_mistake(
        input: Tensor, boxes: Tensor, size: Size, scale: float, ratio: int, aligned: bool
    ) -> Tensor:
        boxes, scale, aligned = change(boxes, scale, aligned)
        return roi_align(input, boxes, size, scale, ratio, aligned)

    return align_with_a_mistake


def _rounded(boxes: Tensor, scale: float, aligned: bool) -> tuple[Tensor, float, bool]:
    on_the_map = round_half_away(boxes[:, 1:] * scale)
    return torch.cat([boxes[:, :1], on_the_map], dim=1), 1.0, aligned


ignores_aligned = _misread(lambda boxes, scale, aligned: (boxes, scale, False))
forgets_half_pixel_of_box = _misread(
    lambda boxes, scale, aligned: (boxes + HALF / scale * aligned, scale, aligned)
)
adds_half_a_pixel = _misread(
    lambda boxes, scale, aligned: (boxes + 2 * HALF / scale * aligned, scale, aligned)
)
always_at_least_one = _misread(
    lambda boxes, scale, aligned: (boxes - HALF / scale * aligned, scale, False)
)
drops_batch_index = _misread(lambda boxes, scale, aligned: (boxes * SIDES, scale, aligned))
forgets_the_scale = _misread(lambda boxes, scale, aligned: (boxes, 1.0, aligned))
swaps_axes_of_boxes = _misread(
    lambda boxes, scale, aligned: (boxes[:, [0, 2, 1, 4, 3]], scale, aligned)
)
rounds_the_box = _misread(_rounded)

ROI_ALIGN = Exercise(
    "22.roi_align",
    reference=roi_align,
    cases=boxes_to_align,
    hints=(
        "Scale the box; if `aligned`, take 0.5 off all four numbers, else let width and height be "
        "at least 1. Cut it into bins.",
        "In each bin, sample_positions gives the ys and the xs, and bilinear_sample reads all "
        "pairs. Average. The image is input[int(boxes[k, 0])].",
        "A sample with y < -1 or y > height (x alike) contributes 0, and still counts in the "
        "average.",
    ),
    mistakes={
        "ignores_aligned": (
            ignores_aligned,
            "You treat both values of `aligned` as False. With True, subtract 0.5 from the scaled "
            "box and let it be as small as it is.",
        ),
        "forgets_half_pixel_of_box": (
            forgets_half_pixel_of_box,
            "You never take off the half pixel. With aligned=True subtract 0.5 from the scaled "
            "box, because pixel j's value sits at its centre.",
        ),
        "adds_half_a_pixel": (
            adds_half_a_pixel,
            "You add the half pixel. Going from image coordinates to indices takes it off: the "
            "centre j + ½ has index j.",
        ),
        "always_at_least_one": (
            always_at_least_one,
            "You force every box to one pixel. That rule belongs to aligned=False only.",
        ),
        "drops_batch_index": (
            drops_batch_index,
            "You read every box from image 0. The first number of a row says which image it is in.",
        ),
        "forgets_the_scale": (
            forgets_the_scale,
            "Boxes are in image pixels, the map is coarser. Multiply by spatial_scale first.",
        ),
        "swaps_axes_of_boxes": (
            swaps_axes_of_boxes,
            "You took x for y. A row is (batch index, x1, y1, x2, y2), and y is the row of the "
            "map.",
        ),
        "rounds_the_box": (
            rounds_the_box,
            "You rounded the box to whole pixels. The whole point of RoIAlign is not to.",
        ),
        "takes_the_maximum": (
            takes_the_maximum,
            "You took the maximum of the samples, as RoI pooling does. RoIAlign averages them.",
        ),
        "counts_the_inside_only": (
            counts_the_inside_only,
            "You divide by the number of samples inside the map. Those outside count as zeros: "
            "divide by all n².",
        ),
        "repeats_the_border": (
            repeats_the_border,
            "A sample at an index below -1 or above the map's size is 0. bilinear_sample repeats "
            "the border there, so you have to blank it yourself.",
        ),
    },
    tolerance=1e-4,
)
