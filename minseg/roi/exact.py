"""The exact average over a bin, of which RoIAlign's samples are an estimate.

Bilinear interpolation makes a surface of the feature map, f(x, y) = Σ_ij F[i, j] Λ(x - j) Λ(y - i)
with the hat function Λ(t) = max(0, 1 - |t|). Its average over a bin [x0, x1] × [y0, y1] needs no
sampling, because the hats separate and integrate in closed form:

    average = Σ_ij F[i, j] · A_j(x0, x1) · A_i(y0, y1),     A_k(a, b) = 1/(b - a) ∫_a^b Λ(t - k) dt

RoIAlign with n samples for each axis approaches it as n grows. (Precise RoI pooling, Jiang et al.,
Acquisition of Localization Confidence, 2018, section 3.3, pools like this; the library call is
`mmcv.ops.PrRoIPool`.) Unit 21 uses it as the truth against which RoI pooling and RoIAlign are
measured.

Border rules are RoIAlign's: constant up to one pixel beyond the outermost centres, then 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from minseg.roi.align import feature_box
from minseg.roi.rois import Boxes, as_rois, as_size, check_scale


def roi_average_loop(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    aligned: bool = True,
) -> Tensor:
    """The definition, pixel by pixel: slow, and meant to be read. See `roi_average`."""
    rois, (rows, columns) = as_rois(input, boxes), as_size(output_size)
    height, width = input.shape[2:]
    out = input.new_zeros(len(rois), input.shape[1], rows, columns)
    for k, roi in enumerate(rois):
        x1, y1, w, h = (v.item() for v in feature_box(roi[None], spatial_scale, aligned))
        for p in range(rows):
            for q in range(columns):
                y0, x0 = y1 + p * h / rows, x1 + q * w / columns  # where the bin begins
                for i in range(height):
                    for j in range(width):
                        weight = average_hat(i, y0, y0 + h / rows, height)
                        weight *= average_hat(j, x0, x0 + w / columns, width)
                        if weight > 0:  # 0 · ∞ would be NaN
                            out[k, :, p, q] += weight * input[int(roi[0]), :, i, j]
    return out


def average_hat(pixel: int, start: float, end: float, length: int) -> float:
    """A_k of the formula: how much one pixel of an axis counts in the mean over a stretch of it.

    >>> [average_hat(k, 0.5, 2.5, length=4) for k in range(4)]
    [0.0625, 0.4375, 0.4375, 0.0625]
    """
    low, high = min(start, end), max(start, end)
    cuts = [low, *(c for c in range(-1, length + 1) if low < c < high), high]
    if low == high:
        return _hat_at(pixel, low, length)
    # From one whole number to the next a hat is a straight line: its mean is its middle's value.
    pieces = [(b - a) * _hat_at(pixel, (a + b) / 2, length) for a, b in pairwise(cuts)]
    return sum(pieces) / (high - low)


def _hat_at(pixel: int, t: float, length: int) -> float:
    """The weight of a pixel at position t, with RoIAlign's border rules."""
    if not -1 <= t <= length:
        return 0.0
    return max(0.0, 1 - abs(min(max(t, 0), length - 1) - pixel))


def roi_average(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    aligned: bool = True,
    *,
    validate: bool | None = None,
) -> Tensor:
    """Exact averages of the bilinear surface over each bin.

    Args, errors: as `minseg.roi.roi_align`.

    Returns:
        (K, C, rows, columns), in the dtype of `input` and differentiable with respect to it.
        Pixels that no bin reads may hold anything, infinity and NaN too.

    >>> features = torch.tensor([[[[0.0, 1.0, 4.0, 9.0]]]])
    >>> roi_average(features, torch.tensor([[0, 1.0, 0, 3, 1]]), 1)  # from 0.5 to 2.5 in index x
    tensor([[[[2.7500]]]])
    """
    check_scale(spatial_scale)
    rois, (rows, columns) = as_rois(input, boxes, validate), as_size(output_size)
    height, width = input.shape[2:]
    x1, y1, w, h = feature_box(rois, spatial_scale, aligned)
    wy = _axis_weights(y1, h, rows, height)  # (K, rows, H)
    wx = _axis_weights(x1, w, columns, width)  # (K, columns, W)
    features = input[rois[:, 0].long()].to(wy.dtype)  # (K, C, H, W)
    # Sum over rows and columns: (rows, H) @ (H, W) @ (W, columns) for each RoI and channel.
    with torch.autocast(input.device.type, enabled=False):
        return _weighted(wy[:, None], features, wx[:, None].transpose(2, 3)).to(input.dtype)


def _weighted(wy: Tensor, features: Tensor, wx: Tensor) -> Tensor:
    """wy @ features @ wx, in which a weight of 0 reads nothing: 0 · ∞ is NaN."""
    if features.isfinite().all():
        return wy @ features @ wx
    # Average what is finite; then let each ∞ and NaN into the bins that give it a weight.
    out = wy @ features.masked_fill(~features.isfinite(), 0) @ wx
    kinds = {torch.inf: torch.isposinf, -torch.inf: torch.isneginf, torch.nan: torch.isnan}
    for value, holds in kinds.items():
        out = torch.where(wy @ holds(features).to(wy.dtype) @ wx > 0, out + value, out)
    return out


def _axis_weights(start: Tensor, size: Tensor, bins: int, length: int) -> Tensor:
    """(K, bins, length): how much each pixel of one axis counts in each bin; A_k above."""
    step = size / bins  # (K,) length of a bin
    q = torch.arange(bins + 1, dtype=start.dtype, device=start.device)
    edges = start[:, None] + q * step[:, None]  # (K, bins + 1)
    # The mean over a bin is the difference of the integral at its edges, over its length.
    integral = _integrated_hats(edges, length)  # (K, bins + 1, length)
    thin = step.abs() < 1e-4  # the ratio would lose its digits: read the bin's middle instead
    average = integral.diff(dim=1) / torch.where(thin, 1, step)[:, None, None]
    if thin.any():
        middle = (edges[:, 1:] + edges[:, :-1]) / 2
        average = torch.where(thin[:, None, None], _hats(middle, length), average)
    return average


def _hats(t: Tensor, length: int) -> Tensor:
    """(..., length): the weight of each pixel at positions t, with RoIAlign's border rules."""
    inside = (t >= -1) & (t <= length)
    pixel = torch.arange(length, dtype=t.dtype, device=t.device)
    hat = (1 - (t.clamp(0, length - 1)[..., None] - pixel).abs()).clamp(min=0)
    return hat * inside[..., None]


def _integrated_hats(t: Tensor, length: int) -> Tensor:
    """(..., length): the integral of each pixel's weight from -1 up to t."""
    pixel = torch.arange(length, dtype=t.dtype, device=t.device)
    inner = t.clamp(0, length - 1)[..., None]
    integral = _hat_primitive(inner - pixel) - _hat_primitive(-pixel)
    integral[..., 0] += t.clamp(-1, 0) + 1  # before the first pixel's centre it is constant
    integral[..., -1] += t.clamp(length - 1, length) - (length - 1)  # and after the last's
    return integral


def _hat_primitive(z: Tensor) -> Tensor:
    """∫ Λ from -∞ to z: a smooth step from 0 at -1 over ½ at 0 to 1 at 1."""
    z = z.clamp(-1, 1)
    return torch.where(z < 0, (1 + z) ** 2 / 2, 1 - (1 - z) ** 2 / 2)
