"""The signed distance of a mask: how far each pixel is from the outline, positive inside.

For a pixel with centre x, write d(x) for the distance to the nearest centre of the other kind. The
interface lies half-way between two neighbouring centres, so

    sdf(x) = +(d(x) − ½)  inside the mask,        −(d(x) − ½)  outside        in pixels

Next to a straight border that is ±½, and no pixel is 0: the mask is `sdf > 0`, always. Along
horizontal and vertical borders the value is exact. Round a corner it exceeds the distance to the
staircase of pixel edges by at most (√2 − 1)/2 ≈ 0.21 px: a diagonal neighbour's centre is √2 away,
its corner only √2/2, and ½ is all that is taken off.

The sign is a convention. Most of the level-set and graphics literature, and the boundary loss
(Kervadec et al., 2019), put *minus* inside (Osher & Fedkiw, Level Set Methods, 2003, section 2.4);
mixing the two signs inverts the mask. The slope is 1 almost everywhere, but not on the skeleton,
where two pieces of outline are equally near. Unit 13. (The library call beneath it is
scipy.ndimage.distance_transform_edt, once for the inside and once for the outside.)

The zero crossing lies *between* pixels, and bilinear interpolation finds it there. So a distance
survives a coarser grid better than a mask does: `torch.nn.functional.interpolate(sdf, mode=
"bilinear")` down, again up, then `from_signed_distance`.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from minseg.masks.checks import check_floating, check_masks


def signed_distance_loop(mask: Tensor) -> Tensor:
    """The definition, all pairs of one mask (H, W): meant to be read. See `signed_distance`."""
    height, width = mask.shape
    pixels = [(i, j) for i in range(height) for j in range(width)]
    result = torch.empty(height, width)
    for i, j in pixels:
        others = [math.dist((i, j), (r, c)) for r, c in pixels if mask[r, c] != mask[i, j]]
        distance = min(others, default=math.inf) - 0.5
        result[i, j] = distance if mask[i, j] else -distance
    return result


def signed_distance(masks: Tensor, *, truncate: float | None = None) -> Tensor:
    """How far each pixel is from the outline of its mask, positive inside.

    Args:
        masks: (..., H, W) bool, each transformed alone.
        truncate: clamp to ±truncate pixels; a loss on distances needs it, or else the many far
            pixels outweigh the outline.

    Returns:
        (..., H, W) float32, in pixels. An empty mask is −inf everywhere (−truncate), a full one
        +inf (+truncate). The image's frame is no outline: what lies beyond it is not known.

    Raises:
        TypeError: if masks are not bool.
        ValueError: if masks have fewer than two dimensions, or truncate is not positive.

    Example:
        >>> signed_distance(torch.tensor([[True, True, False, False, False]])).tolist()
        [[1.5, 0.5, -0.5, -1.5, -2.5]]
    """
    check_masks("masks", masks)
    if truncate is not None and not truncate > 0:
        raise ValueError(f"truncate must be a positive number of pixels, got {truncate}")
    height, width = masks.shape[-2:]
    pixels = masks.detach().cpu().numpy().reshape(math.prod(masks.shape[:-2]), height, width)
    result = np.empty(pixels.shape, dtype=np.float32)
    for mask, distance in zip(pixels, result, strict=True):
        _fill_distances(mask, distance)
    distances = torch.from_numpy(result).view(masks.shape).to(masks.device)
    return distances if truncate is None else distances.clamp(-truncate, truncate)


def from_signed_distance(distance: Tensor) -> Tensor:
    """The mask whose distances these are, (..., H, W) bool: where they are positive.

    Args:
        distance: (..., H, W) floating point, positive inside; of the opposite sign, negate it.

    Raises:
        TypeError: if it is not floating point. ValueError: if it holds NaN.

    Example:
        >>> from_signed_distance(torch.tensor([1.5, 0.5, -0.5])).tolist()
        [True, True, False]
    """
    check_floating("distance", distance)
    if distance.isnan().any():
        raise ValueError("distance must be free of NaN: it has no sign")
    return distance > 0


def interpolate_shapes(a: Tensor, b: Tensor, t: float) -> Tensor:
    """A shape between two others: where (1 − t)·sdf(a) + t·sdf(b) is positive.

    A disc between discs about one centre has the radius between theirs. Shapes must overlap for
    this to be of use: half-way between two small discs that lie far apart there is nothing.

    Args:
        a, b: (H, W) bool, neither empty nor full.
        t: 0 gives a, 1 gives b.

    Returns:
        (H, W) bool.

    Raises:
        TypeError: if a mask is not bool.
        ValueError: if shapes differ, a mask has no outline, or t is not between 0 and 1.

    Example:
        >>> short, long = torch.arange(8).expand(2, 1, 8) < torch.tensor([2, 6])[:, None, None]
        >>> interpolate_shapes(short, long, 0.5).int().tolist()
        [[1, 1, 1, 1, 0, 0, 0, 0]]
    """
    for name, mask in (("a", a), ("b", b)):
        check_masks(name, mask)
        if mask.ndim != 2 or mask.all() or not mask.any():
            what = f"shape {tuple(mask.shape)}" if mask.ndim != 2 else "one that is empty or full"
            raise ValueError(f"{name} must be a mask (H, W) with an outline, got {what}")
    if a.shape != b.shape:
        raise ValueError(f"a and b must have one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    if not 0 <= t <= 1:
        raise ValueError(f"t must be between 0 and 1, got {t}")
    return torch.lerp(signed_distance(a), signed_distance(b), t) > 0


def _fill_distances(mask: np.ndarray, distance: np.ndarray) -> None:
    """Fill in the distances of one mask (H, W)."""
    if mask.all() or not mask.any():  # no outline
        distance[:] = np.inf if mask.any() else -np.inf
        return
    distance[:] = 0.5 - _to_others(~mask)  # outside
    # Background nearest to an object's pixel lies in its box or one pixel beyond: look no further.
    box = ndimage.find_objects(mask.view(np.uint8))[0]
    near = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
    # inside
    np.copyto(distance[near], _to_others(mask[near]) - 0.5, where=mask[near])


def _to_others(kind: np.ndarray) -> np.ndarray:
    """How far each pixel of a kind is from the nearest other pixel's centre; 0 for the others."""
    row, column = ndimage.distance_transform_edt(kind, return_distances=False, return_indices=True)
    i, j = np.ogrid[: kind.shape[0], : kind.shape[1]]
    return np.sqrt((row - i) ** 2 + (column - j) ** 2, dtype=np.float32)
