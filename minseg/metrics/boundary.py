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
does far from the truth it never sees. Unit 32.

Distances are Chebyshev's, max(|Δi|, |Δj|), and everything outside the image is background: an
object that is cut by the frame has a boundary there. All of it is as in the authors' code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.masks.checks import check_masks
from minseg.metrics.iou import mask_iou

WIDTHS = (1, 2, 3, 5, 8, 12, 20)  # pixels, of the trimap sweep


def boundary_of_loop(masks: Tensor, *, dilation_ratio: float = 0.02) -> Tensor:
    """The definition, one pixel at a time: slow, and meant to be read. See `boundary_of`."""
    height, width = masks.shape[1:]
    d = band_width((height, width), dilation_ratio)
    band = torch.zeros_like(masks)
    for n, i, j in masks.nonzero().tolist():  # the pixels of the masks
        for row in range(i - d, i + d + 1):
            for column in range(j - d, j + d + 1):
                in_image = 0 <= row < height and 0 <= column < width
                band[n, i, j] |= not in_image or not masks[n, row, column]
    return band


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

    Example:
        >>> boundary_of(torch.ones(1, 4, 5, dtype=torch.bool)).int().tolist()[0]
        [[1, 1, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 1, 1, 1, 1]]
    """
    check_masks("masks", masks, "(N, H, W)")
    d = band_width(masks.shape[-2:], dilation_ratio)
    return masks & ~erode(masks, d)


def boundary_iou(a: Tensor, b: Tensor, *, dilation_ratio: float = 0.02) -> Tensor:
    """(N, M) IoU of the inner bands of masks `a` (N, H, W) and `b` (M, H, W), both bool.

    0 where both masks are empty. Masks thinner than 2d are all band: there it equals mask IoU.

    Example:
        >>> full = torch.ones(1, 8, 8, dtype=torch.bool)
        >>> boundary_iou(full, boundary_of(full)).item()  # blind to what lies inside
        1.0
    """
    return mask_iou(*(boundary_of(masks, dilation_ratio=dilation_ratio) for masks in (a, b)))


def min_iou(a: Tensor, b: Tensor, *, dilation_ratio: float = 0.02) -> Tensor:
    """(N, M) the smaller of mask IoU and boundary IoU: what Boundary AP and PQ match with.

    Example:
        >>> full = torch.ones(1, 8, 8, dtype=torch.bool)
        >>> min_iou(full, boundary_of(full)).item()  # 28 of 64 pixels
        0.4375
    """
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

    Example:
        >>> left = torch.arange(8).expand(1, 8) < 4
        >>> trimap(left, 1).int().tolist()  # one row, which touches the frame: all is near
        [[1, 1, 1, 1, 1, 0, 0, 0]]
    """
    check_masks("masks", masks)
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
        options: `contour_first`, as in `trimap`.

    Returns:
        (W,) float64; NaN where the trimap is empty.

    Example:
        >>> target = torch.zeros(9, 9, dtype=torch.bool)
        >>> target[3:6, 3:6] = True
        >>> trimap_accuracy(dilate(target, 1), target, [1, 2]).numpy().round(2).tolist()
        [0.33, 0.67]
    """
    check_masks("prediction", prediction, "(H, W)")
    check_masks("target", target, "(H, W)")
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

    Example:
        >>> band_width((75, 100), 0.02), band_width((480, 640), 0.02)
        (2, 16)
    """
    if not (dilation_ratio > 0 and math.isfinite(dilation_ratio)):
        raise ValueError(f"dilation_ratio must be a positive number, got {dilation_ratio}")
    return max(1, round(dilation_ratio * math.hypot(*size)))


def erode(masks: Tensor, distance: int) -> Tensor:
    """Pixels of (..., H, W) with nothing but mask within the distance; the frame is an edge.

    Example:
        >>> erode(torch.ones(3, 4, dtype=torch.bool), 1).int().tolist()
        [[0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    return _all_in_window(masks, distance, outside=False)


def dilate(masks: Tensor, distance: int) -> Tensor:
    """Pixels of (..., H, W) with any mask within the distance.

    Example:
        >>> dilate(torch.eye(4, dtype=torch.bool)[:2], 1).int().tolist()
        [[1, 1, 1, 0], [1, 1, 1, 0]]
    """
    return ~_all_in_window(~masks, distance, outside=True)


def _all_in_window(masks: Tensor, distance: int, outside: bool) -> Tensor:
    """Whether all of the (2d + 1)² pixels around each are set: one axis after the other.

    A window of n is two windows of n/2 side by side, or overlapping: log2(n) steps for each axis.
    (The library call is scipy.ndimage.minimum_filter.)
    """
    d = distance
    window = torch.nn.functional.pad(masks, (d, d, d, d), value=outside)  # (..., H + 2d, W + 2d)
    for axis in (-1, -2):
        length = 1  # of the windows so far, the one at k covering k … k + length - 1
        while length < 2 * d + 1:
            step = min(length, 2 * d + 1 - length)
            rest = window.shape[axis] - step
            window = window.narrow(axis, 0, rest) & window.narrow(axis, step, rest)
            length += step
    return window  # (..., H, W)


def _check_width(width: int) -> None:
    if width < 1:
        raise ValueError(f"width must be at least 1 px, got {width}")
