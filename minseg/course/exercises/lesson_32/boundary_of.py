"""Exercise 32.boundary_of: the inner band of Boundary IoU.

To write: f(masks), (N, H, W) bool, to the pixels of each mask within d of one that is not its own;
d is 2 % of the image's diagonal, rounded, at least 1. The answer is `boundary_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.metrics.boundary import band_width, boundary_of, dilate, erode


def masks_to_outline(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Inside, at the image's frame, full, thin and ragged masks, and four roundings."""
    square = torch.zeros(2, 90, 120, dtype=torch.bool)  # diagonal 150: 3 px
    square[0, 8:42, 10:60] = True
    square[1, 50:, 30:] = True  # cut off by the image
    yield (square,)
    yield (square[:, 9:, :108],)  # 2.7 px, rounded to 3
    yield (square[:1, :75, :100],)  # 2.5 px, which Python rounds to the even 2
    yield (torch.ones(1, 24, 32, dtype=torch.bool),)  # 0.8 px, along the frame
    yield (square[:1, 6:18, 8:24],)  # 0.4 px: at least 1
    lines = torch.zeros(2, 90, 120, dtype=torch.bool)
    lines[0, 13, :] = True
    lines[1, 20:25, 20:90] = True
    yield (lines,)
    ragged = torch.nn.functional.avg_pool2d(torch.rand(2, 120, 90, generator=generator), 9, 1, 4)
    yield ((ragged > 0.47).transpose(1, 2),)


def _width(masks: Tensor) -> int:
    return band_width(masks.shape[-2:], 0.02)


def forgets_the_frame(masks: Tensor) -> Tensor:
    return masks & dilate(~masks, _width(masks))


def goes_outside(masks: Tensor) -> Tensor:
    return dilate(masks, _width(masks)) & ~masks


def goes_both_ways(masks: Tensor) -> Tensor:
    return dilate(masks, _width(masks)) & ~erode(masks, _width(masks))


def draws_one_pixel(masks: Tensor) -> Tensor:
    return masks & ~erode(masks, 1)


def _with_width(rule: Callable[[float], int], masks: Tensor) -> Tensor:
    return masks & ~erode(masks, max(1, rule(0.02 * float(np.hypot(*masks.shape[-2:])))))


def cuts_off_the_fraction(masks: Tensor) -> Tensor:
    return _with_width(int, masks)


def vanishes_in_small_images(masks: Tensor) -> Tensor:
    return masks & ~erode(masks, round(0.02 * float(np.hypot(*masks.shape[-2:]))))


def rounds_halves_up(masks: Tensor) -> Tensor:
    return _with_width(lambda width: int(width + 0.5), masks)


def measures_the_side(masks: Tensor) -> Tensor:
    return masks & ~erode(masks, max(1, round(0.02 * max(masks.shape[-2:]))))


def walks_in_a_diamond(masks: Tensor) -> Tensor:
    inner = masks
    for _ in range(_width(masks)):
        padded = torch.nn.functional.pad(inner, (1, 1, 1, 1))
        up, down = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1]
        left, right = padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
        inner = inner & up & down & left & right
    return masks & ~inner


BOUNDARY_OF = Exercise(
    "32.boundary_of",
    reference=boundary_of,
    cases=masks_to_outline,
    hints=(
        "A pixel of the mask is in the band if a square of 2d + 1 pixels around it holds a pixel "
        "that is not of the mask.",
        "d = max(1, round(0.02 * diagonal)). Not of the mask is also all that lies "
        "outside of the image: pad the complement with ones.",
        "F.max_pool2d of the padded complement, as float, with window 2d + 1 and stride 1, says "
        "for each pixel whether background is near. And with the mask itself.",
    ),
    mistakes={
        "forgets_the_frame": (
            forgets_the_frame,
            "An object that the image cuts off has no boundary there in your version. The outside "
            "of the image counts as background.",
        ),
        "goes_outside": (
            goes_outside,
            "Your band lies outside of the mask. It is the inner one: pixels of the mask itself.",
        ),
        "goes_both_ways": (
            goes_both_ways,
            "Your band lies on both sides of the contour, as a trimap does. Boundary IoU takes "
            "the inner side only.",
        ),
        "draws_one_pixel": (
            draws_one_pixel,
            "Your band is always one pixel wide. Its width is a share of the image's diagonal.",
        ),
        "cuts_off_the_fraction": (
            cuts_off_the_fraction,
            "Round the width to the nearest whole number; int() cuts the fraction off.",
        ),
        "vanishes_in_small_images": (
            vanishes_in_small_images,
            "In an image of 12 × 16 your band is 0 pixels wide. It is at least 1.",
        ),
        "rounds_halves_up": (
            rounds_halves_up,
            "A width of 2.5 is 2 here: the official code uses Python's round, which takes halves "
            "to the even neighbour.",
        ),
        "walks_in_a_diamond": (
            walks_in_a_diamond,
            "You erode with four neighbours, so that corners are cut. Distance is the larger of "
            "|Δrow| and |Δcolumn|: a full square of 3 × 3.",
        ),
        "measures_the_side": (
            measures_the_side,
            "The width is a share of the image's diagonal, √(H² + W²), not of its longer side.",
        ),
    },
)
