"""How good an edge is: bands, trimaps, surface distances: C117 to C121."""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.data import coins_truth
from minseg.ledger.measured import Measured
from minseg.metrics import (
    average_symmetric_surface_distance,
    boundary_iou,
    mask_iou,
    surface_distances,
    trimap,
    trimap_accuracy,
)
from minseg.metrics.boundary import band_width, erode


def _large_square(side: int, x: int = 20) -> Tensor:
    """(1, 480, 640) bool: an image in which COCO's band is 16 pixels wide."""
    mask = torch.zeros(1, 480, 640, dtype=torch.bool)
    mask[:, 20 : 20 + side, x : x + side] = True
    return mask


def c117() -> Measured:
    """Boundary IoU extracts the boundaries of both masks and takes their IoU."""
    pairs = [(_large_square(side), _large_square(side, 21)) for side in (40, 400)]
    thin = [boundary_iou(*pair, dilation_ratio=0.001).item() for pair in pairs]
    wide = boundary_iou(*pairs[1]).item()
    full = _large_square(400)
    hollow = full & ~erode(full, 16)
    iou, edge = mask_iou(full, hollow).item(), boundary_iou(full, hollow).item()
    return Measured(
        f"shift by 1 px: {thin[0]:.3f} for a square of 40 or 400 px with d = 1, {wide:.3f} with "
        f"d = {band_width((480, 640), 0.02)}, COCO's width here. A hollow square: boundary IoU "
        f"{edge:.0f}, mask IoU {iou:.2f}.",
        thin[0] == thin[1]
        and abs(thin[0] - 1 / 3) < 1e-9
        and edge == 1
        and iou < 0.2
        and wide > 0.9,
    )


def c118() -> Measured:
    """Boundary IoU is more sensitive to errors of the boundary than mask IoU."""
    squares = [_large_square(side) for side in (8, 16, 32, 48, 400)]
    pairs = [(square, erode(square, 2)) for square in squares]
    mask, edge = ([iou(a, b).item() for a, b in pairs] for iou in (mask_iou, boundary_iou))
    return Measured(
        f"2 px eroded, band of 16 px: equal up to a side of 32 px, {mask[2]:.2f}; at 400 px mask "
        f"IoU is {mask[4]:.2f}, boundary IoU {edge[4]:.2f}, as at 48 px.",
        mask[:3] == edge[:3] and abs(edge[4] - edge[3]) < 0.01 and mask[4] - edge[4] > 0.15,
    )


def c119() -> Measured:
    """The trimap is dilate(b, w) − erode(b, w) of the true boundary b."""
    target = torch.zeros(100, 100, dtype=torch.bool)
    target[20:80, 20:80] = True
    eroded = erode(target & ~erode(target, 1), 2).sum()
    formula, usual = (trimap(target, 2, contour_first=first) for first in (True, False))
    alarm = target.clone()
    alarm[:12, :12] = True  # far from the square
    blind = trimap_accuracy(alarm, target)[:5].min()
    return Measured(
        f"a square of 60 px, w = 2: the eroded boundary has {eroded} px, so that the formula gives "
        f"a band of {formula.sum()} px; it holds all {usual.sum()} px of the usual one, and a ring "
        f"inside. A false alarm of 144 px, far away: accuracy {blind:.0f} at all widths up to 8.",
        bool(eroded == 0 and not (usual & ~formula).any() and formula.sum() == 1180 and blind == 1),
    )


def c120() -> Measured:
    """ASSD is half the sum of the mean distances from each surface to the other."""
    target, corner = torch.zeros(2, 100, 100, dtype=torch.bool)
    target[20:80, 20:80], corner[20:26, 20:26] = True, True
    there, back = surface_distances(corner, target)
    averaged, pooled = (
        average_symmetric_surface_distance(corner, target, pooled=p) for p in (False, True)
    )
    return Measured(
        f"{len(there)} pixels at {there.mean():.2f} px on average, {len(back)} at "
        f"{back.mean():.1f}: ASSD {averaged:.1f} by averaging the means, {pooled:.1f} pooled.",
        bool(abs(averaged - 22.1) < 0.1 and abs(pooled - 39.7) < 0.1),
    )


def c121() -> Measured:
    """Surface distances measure geometry, complement IoU, and use a distance transform."""
    coin = coins_truth().masks[9]
    moved = torch.roll(coin, 3, dims=1)
    a, b = ((mask & ~erode(mask, 1)).nonzero().double() for mask in (coin, moved))
    brute = torch.cdist(a, b).amin(dim=1)  # all pairs, 8 neighbours
    fast, four = (surface_distances(coin, moved, connectivity=c)[0] for c in (2, 1))
    return Measured(
        f"a coin moved by 3 px: distance transform and all {len(fast)} × {len(b)} pairs "
        f"agree to 1e-9. With 4 neighbours the surface has {len(four)} pixels.",
        torch.allclose(brute, fast, atol=1e-9) and len(four) < len(fast),
    )
