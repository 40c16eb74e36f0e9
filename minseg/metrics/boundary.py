"""How good is the outline? Overlap counted near the boundary only, and the trimap.

A large object of side s has about s² pixels inside and only 4s on its edge, so mask IoU hardly
sees a bad outline. Boundary IoU compares the inner bands of both masks instead, where G_d are the
pixels within d of the contour of G:

    M_d ∩ M = M − erode(M, d)                                                      (boundary_of)
    boundary IoU = |(G_d ∩ G) ∩ (P_d ∩ P)| / |(G_d ∩ G) ∪ (P_d ∩ P)|               (boundary_iou)

(Cheng et al., Boundary IoU, 2021). It is blind to what lies inside: a hollow frame, d wide, scores
1 against the full square. So AP and PQ judge with min(mask IoU, boundary IoU) (`min_iou`).

The trimap is older: a band around the *true* contour, both sides, in which pixel accuracy is
counted, at several widths (Kohli et al., Robust Higher Order Potentials, 2009). What a prediction
does far from the truth it never sees. Lesson 07.

Distances are Chebyshev's, max(|Δi|, |Δj|), and everything outside the image is background: an
object that is cut by the frame has a boundary there. All of it is as in the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.metrics.iou import mask_iou

WIDTHS = (1, 2, 3, 5, 8, 12, 20)  # pixels, of the trimap sweep


def boundary_of(masks: Tensor, *, dilation_ratio: float = 0.02) -> Tensor:
    """The inner band of each mask: its pixels within d of a pixel that is not its own.

    Args:
        masks: (N, H, W) bool.
        dilation_ratio: d as a share of the image's diagonal, see `band_width`: 0.02 for COCO and
            LVIS, 0.005 for Cityscapes.

    Returns:
        (N, H, W) bool.

    Raises:
        TypeError: if masks are not bool.
        ValueError: if they are not (N, H, W), or the ratio is not a positive number.
    """
    _check_masks("masks", masks, "(N, H, W)")
    return masks & ~erode(masks, band_width(masks.shape[-2:], dilation_ratio))


def boundary_iou(a: Tensor, b: Tensor, *, dilation_ratio: float = 0.02) -> Tensor:
    """(N, M) IoU of the inner bands of masks `a` (N, H, W) and `b` (M, H, W), both bool.

    0 where both masks are empty. Masks thinner than 2d are all band: there it equals mask IoU.
    """
    return mask_iou(*(boundary_of(masks, dilation_ratio=dilation_ratio) for masks in (a, b)))


def min_iou(a: Tensor, b: Tensor, *, dilation_ratio: float = 0.02) -> Tensor:
    """(N, M) the smaller of mask IoU and boundary IoU: what Boundary AP and PQ match with."""
    return torch.minimum(mask_iou(a, b), boundary_iou(a, b, dilation_ratio=dilation_ratio))


def trimap(masks: Tensor, width: int, *, contour_first: bool = False) -> Tensor:
    """The pixels near a mask's contour, inside and outside.

    Args:
        masks: (..., H, W) bool.
        width: in pixels, from 1 on.
        contour_first: the formula as it is often written down, dilate(b, w) − erode(b, w) of the
            contour b. A contour is one pixel thick and erodes to nothing, so that the band lies
            one pixel further in; meant is dilate(M, w) − erode(M, w) of the mask, the default.

    Returns:
        bool, of the shape of `masks`.
    """
    _check_masks("masks", masks)
    _check_width(width)
    if contour_first:
        masks = masks & ~erode(masks, 1)
    return dilate(masks, width) & ~erode(masks, width)


def trimap_accuracy(
    prediction: Tensor, target: Tensor, widths: Sequence[int] = WIDTHS, **options: bool
) -> Tensor:
    """Share of correct pixels in the trimap of the target, for each width.

    Args:
        prediction, target: (H, W) bool.
        widths: W widths in pixels; one alone says little, the curve is what is reported.
        options: `contour_first`, as of `trimap`.

    Returns:
        (W,) float64; NaN where the trimap is empty.
    """
    _check_masks("prediction", prediction, "(H, W)")
    _check_masks("target", target, "(H, W)")
    if prediction.shape != target.shape:
        raise ValueError(
            f"prediction and target must have one shape, "
            f"got {tuple(prediction.shape)} and {tuple(target.shape)}"
        )
    correct = (prediction == target).double()
    return torch.stack([correct[trimap(target, w, **options)].mean() for w in widths])


def band_width(size: Sequence[int], dilation_ratio: float) -> int:
    """d in pixels for an image of (height, width): a share of its diagonal, at least 1.

    Python rounds halves to the even neighbour: 2 % of a diagonal of 125 px are 2 px, not 3.
    """
    if not (dilation_ratio > 0 and math.isfinite(dilation_ratio)):
        raise ValueError(f"dilation_ratio must be a positive number, got {dilation_ratio}")
    return max(1, round(dilation_ratio * math.hypot(*size)))


def erode(masks: Tensor, distance: int) -> Tensor:
    """Pixels of (..., H, W) with nothing but mask within the distance; the frame is an edge."""
    return _all_in_window(masks, distance, outside=False)


def dilate(masks: Tensor, distance: int) -> Tensor:
    """Pixels of (..., H, W) with any mask within the distance."""
    return ~_all_in_window(~masks, distance, outside=True)


def _all_in_window(masks: Tensor, distance: int, outside: bool) -> Tensor:
    """Whether all of the (2d + 1)² pixels around each are set: one axis after the other.

    A window of n is two windows of n/2 side by side, or overlapping: log2(n) steps an axis.
    """
    d = distance
    window = torch.nn.functional.pad(masks, (d, d, d, d), value=outside)
    for axis in (-1, -2):
        length = 1
        while length < 2 * d + 1:
            step = min(length, 2 * d + 1 - length)
            rest = window.shape[axis] - step
            window = window.narrow(axis, 0, rest) & window.narrow(axis, step, rest)
            length += step
    return window


def _check_masks(name: str, masks: Tensor, shape: str = "(..., H, W)") -> None:
    if not isinstance(masks, Tensor) or masks.dtype != torch.bool:
        kind = masks.dtype if isinstance(masks, Tensor) else type(masks).__name__
        raise TypeError(f"{name} must be a bool tensor, got {kind}")
    if masks.ndim < 2 or (shape[1] != "." and masks.ndim != shape.count(",") + 1):
        raise ValueError(f"{name} must be {shape}, got {tuple(masks.shape)}")


def _check_width(width: int) -> None:
    if width < 1:
        raise ValueError(f"width must be at least 1 px, got {width}")
