"""Exercise 13.signed_distance: how far each pixel is from the outline.

To write: f(masks), (..., H, W) bool, to distances, positive inside; -inf for an empty mask, +inf
for a full one. The answer is `signed_distance`. The outline runs between pixels: half a pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.masks.distance import signed_distance


def masks_to_measure(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Corners and diagonals, a single pixel, one at the frame, a batch, views, empty and full."""
    square = torch.zeros(9, 11, dtype=torch.bool)
    square[3:7, 2:8] = True
    yield (square,)
    lonely = torch.zeros(5, 7, dtype=torch.bool)
    lonely[1, 5] = True
    yield (lonely,)
    yield (~square[2:, 3:].T,)
    yield (torch.rand(2, 8, 7, generator=generator) > 0.6,)
    edge = torch.zeros(6, 8, dtype=torch.bool)
    edge[:, :3] = True  # cut off by the image
    yield (edge,)
    yield (torch.stack([torch.zeros(3, 4), torch.ones(3, 4)]).bool(),)


def _each(masks: Tensor, one: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """A function of one mask with an outline, on all; others as they should be."""
    result = signed_distance(masks)
    for index in np.ndindex(tuple(masks.shape[:-2])):
        mask = masks[index].numpy()
        if mask.any() and not mask.all():
            result[index] = torch.from_numpy(np.asarray(one(mask), dtype=np.float32))
    return result


def _edt(mask: np.ndarray) -> np.ndarray:
    return ndimage.distance_transform_edt(mask)


def forgets_the_half(masks: Tensor) -> Tensor:
    return _each(masks, lambda mask: _edt(mask) - _edt(~mask))


def minus_inside(masks: Tensor) -> Tensor:
    return -signed_distance(masks)


def inside_only(masks: Tensor) -> Tensor:
    return _each(masks, lambda mask: np.maximum(_edt(mask) - 0.5, 0))


def has_no_sign(masks: Tensor) -> Tensor:
    return signed_distance(masks).abs()


def adds_the_half(masks: Tensor) -> Tensor:
    return _each(masks, lambda mask: _edt(mask) - _edt(~mask) - 0.5)


def walks_the_streets(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        near, far = (ndimage.distance_transform_cdt(m, "taxicab") for m in (mask, ~mask))
        return np.where(mask, near - 0.5, 0.5 - far)

    return _each(masks, one)


def moves_like_a_king(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        near, far = (ndimage.distance_transform_cdt(m, "chessboard") for m in (mask, ~mask))
        return np.where(mask, near - 0.5, 0.5 - far)

    return _each(masks, one)


def walls_the_image(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        return np.where(mask, _edt(np.pad(mask, 1))[1:-1, 1:-1] - 0.5, 0.5 - _edt(~mask))

    return _each(masks, one)


def measures_to_the_rim(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        rim = mask & ~ndimage.binary_erosion(mask, border_value=1)
        return np.where(mask, 1, -1) * _edt(~rim)

    return _each(masks, one)


SIGNED_DISTANCE = Exercise(
    "13.signed_distance",
    reference=signed_distance,
    cases=masks_to_measure,
    hints=(
        "For a pixel inside: the distance to the nearest centre outside, less ½. For one outside: "
        "minus the distance to the nearest centre inside, plus ½.",
        "Small masks allow the definition: torch.cdist of all centres inside and outside. Or "
        "scipy.ndimage.distance_transform_edt(mask), which gives each True the distance to the "
        "nearest False.",
        "d = np.where(mask, edt(mask) - 0.5, 0.5 - edt(~mask)), a mask at a time. An empty mask "
        "has no outline: -inf everywhere; a full one +inf.",
    ),
    mistakes={
        "forgets_the_half": (
            forgets_the_half,
            "You measure to the nearest pixel of the other kind. The outline runs half a pixel "
            "before it: take ½ off, on both sides.",
        ),
        "minus_inside": (
            minus_inside,
            "Your distances have the other sign. Both conventions exist; here the inside is "
            "positive, so that the mask is d > 0.",
        ),
        "inside_only": (
            inside_only,
            "Outside you return 0. There the distance to the outline counts too, as a negative "
            "number: it says how far a wrong pixel is off.",
        ),
        "has_no_sign": (
            has_no_sign,
            "Your distances have no sign, so inside and outside cannot be told apart.",
        ),
        "adds_the_half": (
            adds_the_half,
            "You take ½ off everywhere. Outside the distance is negative, and half a pixel nearer "
            "means *adding* ½.",
        ),
        "walks_the_streets": (
            walks_the_streets,
            "You add rows and columns (taxicab distance). Take the straight line, √(Δx² + Δy²).",
        ),
        "moves_like_a_king": (
            moves_like_a_king,
            "A diagonal step has length 1 in your version (chessboard distance). It is √2.",
        ),
        "walls_the_image": (
            walls_the_image,
            "You count the image's frame as background. Where an object is cut off by the frame, "
            "its outline is not known, so it does not count.",
        ),
        "measures_to_the_rim": (
            measures_to_the_rim,
            "You measure to the outermost pixels of the mask, which therefore get 0, and 0 is not "
            "inside. The outline lies between pixels.",
        ),
    },
)
