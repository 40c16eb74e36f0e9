"""Read a feature map between its pixels.

The value at a fractional point is the average of the four pixels around it, each weighted by how
near it is:

    f(x, y) = Σ_ij  F[i, j] · max(0, 1 - |x - j|) · max(0, 1 - |y - i|)

RoIAlign (He et al., Mask R-CNN, 2017, section 3) is built from nothing else. Unit 21 takes it
apart. Here x and y are *index* coordinates: pixel (i, j) sits at x = j, y = i. A continuous image
coordinate u, in which the same pixel covers [j, j + 1), is x = u - 0.5: unit 22's half pixel.

Library calls are `scipy.ndimage.map_coordinates(…, order=1, mode="nearest")` and, in coordinates
from -1 to 1, `torch.nn.functional.grid_sample(…, padding_mode="border", align_corners=True)`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.precision import at_least_float32


def bilinear_sample_loop(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The definition, one point at a time: slow, and meant to be read. See `bilinear_sample`."""
    height, width = features.shape[-2:]
    points = []
    for px, py in zip(x.tolist(), y.tolist(), strict=True):
        px, py = min(max(px, 0.0), width - 1.0), min(max(py, 0.0), height - 1.0)  # border repeats
        j, i = int(px), int(py)
        j2, i2 = min(j + 1, width - 1), min(i + 1, height - 1)
        a, b = px - j, py - i  # how far to the right neighbour, to the lower one
        upper = (1 - a) * features[:, i, j] + a * features[:, i, j2]
        lower = (1 - a) * features[:, i2, j] + a * features[:, i2, j2]
        points.append((1 - b) * upper + b * lower)
    return torch.stack(points, dim=1) if points else features.new_zeros(len(features), 0)


def bilinear_sample(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Values of a feature map at fractional points.

    Args:
        features: (C, H, W), floating point.
        x, y: (P,) index coordinates in feature pixels; points outside take the border's value.

    Returns:
        (C, P), differentiable with respect to `features`, `x` and `y`; of half types in float32,
        since bfloat16 has no 511 to clamp to. At an integer coordinate the derivative is the one
        towards the right (lower) neighbour: the neighbour is low + 1, not ceil, which would be the
        same pixel twice and a derivative of zero (claim C44, measured in notebook 92).

    Raises:
        TypeError: if an argument is not floating point.
        ValueError: if `features` is not (C, H, W) with pixels, or `x` and `y` are not finite
            vectors of one length.

    >>> features = torch.tensor([[[0.0, 1.0], [10.0, 11.0]]])
    >>> bilinear_sample(features, x=torch.tensor([0.25, 9.0]), y=torch.tensor([0.5, 9.0]))
    tensor([[ 5.2500, 11.0000]])
    """
    features, x, y = _checked(features, x, y)
    height, width = features.shape[-2:]
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)  # the border repeats
    j, i, j2, i2 = neighbours(x, y, height, width)  # (P,) each
    a, b = x - j, y - i  # how far to the right neighbour, to the lower one
    upper = (1 - a) * features[:, i, j] + a * features[:, i, j2]  # (C, P)
    lower = (1 - a) * features[:, i2, j] + a * features[:, i2, j2]
    return (1 - b) * upper + b * lower


def neighbours(x: Tensor, y: Tensor, height: int, width: int) -> tuple[Tensor, ...]:
    """Columns and rows (j, i, j2, i2), int64, of the pixels around points inside the map.

    (i, j) is the upper left one, (i2, j2) the lower right; at the last column or row there is no
    further neighbour, and the border pixel stands in for it.
    """
    j, i = x.detach().floor().long(), y.detach().floor().long()
    return j, i, (j + 1).clamp(max=width - 1), (i + 1).clamp(max=height - 1)


def _checked(features: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    """The arguments in float32 or wider; ValueError or TypeError if they do not fit."""
    if features.ndim != 3 or 0 in features.shape[1:]:
        raise ValueError(
            f"features must be (C, H, W), got {tuple(features.shape)}: for a batch, index one image"
        )
    for name, value in (("features", features), ("x", x), ("y", y)):
        if not value.is_floating_point():
            raise TypeError(f"{name} must be floating point, got {value.dtype}")
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"x and y must be vectors of one length, got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    if x.device.type == "cpu" and not (x.isfinite().all() and y.isfinite().all()):
        raise ValueError("x and y must be finite, got NaN or infinity")
    return at_least_float32(features), at_least_float32(x), at_least_float32(y)
