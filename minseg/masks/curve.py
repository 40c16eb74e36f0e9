"""A closed curve as points: checked, and spaced evenly along its length.

A parametric curve r(t), 0 ≤ t ≤ 1, is closed when r(1) = r(0). An outline as it comes has many
points where the mask has many pixels and few along a straight side, so its index is a poor t. The
arclength s, the way walked along the curve, is the same for every sampling of it:

    s_0 = 0,   s_{i+1} = s_i + |p_{i+1} - p_i|,   L = s_n the perimeter;     t = s / L

Fourier descriptors and B-splines (`minseg.masks.fourier`, `minseg.masks.bspline`) begin with it.
Cutting a corner between two samples is all that is lost: on a polygon the error is at most half the
distance L / count between two samples. Unit 12 uses it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

LARGEST = 1e150  # the product of two coordinates must not overflow


def as_points(polygon: Tensor | np.ndarray, name: str = "polygon") -> np.ndarray:
    """(n, 2) float64 x, y of one polygon; ValueError unless it has that shape and is finite."""
    if isinstance(polygon, Tensor):
        polygon = polygon.detach().cpu().numpy()
    points = np.asarray(polygon, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"{name} must be (n, 2) points x, y, got {points.shape}")
    if not (np.abs(points) < LARGEST).all():  # false for NaN, too
        raise ValueError(f"{name} must have finite coordinates below {LARGEST:g}")
    return points


def resample(polygon: Tensor | np.ndarray, count: int) -> Tensor:
    """Points equally spaced in arclength along a closed polygon.

    Args:
        polygon: (n, 2) x, y in pixels, n ≥ 1; the last point is joined to the first.
        count: how many points to return, at least 1.

    Returns:
        (count, 2) float64, beginning at the first point of `polygon`. A polygon without length is
        one place, returned `count` times.

    Raises:
        ValueError: if `polygon` is not (n, 2), has no point or one that is not finite, or `count`
            is below 1.

    Example:
        >>> square = torch.tensor([[0, 0], [4, 0], [4, 4], [0, 4]])
        >>> resample(square, 8).int().tolist()
        [[0, 0], [2, 0], [4, 0], [4, 2], [4, 4], [2, 4], [0, 4], [0, 2]]
    """
    points = as_points(polygon)
    if len(points) == 0 or count < 1:
        raise ValueError(f"resample needs a point and a count of 1, got {len(points)} and {count}")
    closed = np.concatenate([points, points[:1]])  # (n + 1, 2)
    # s at each of them, and the s at which points are wanted
    walked = np.concatenate([[0.0], np.hypot(*np.diff(closed, axis=0).T).cumsum()])
    at = walked[-1] * np.arange(count) / count
    return torch.from_numpy(np.stack([np.interp(at, walked, axis) for axis in closed.T], axis=1))
