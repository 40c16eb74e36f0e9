"""What rounding a box to the feature grid costs, before anything is run.

A step that rounds a coordinate x (in feature pixels) leaves the error e = x - rounded(x). If x is
spread evenly over the grid, e is uniform: on [0, 1) for the floor, on [-½, ½) for rounding to the
nearest. RoI pooling (Girshick, Fast R-CNN, 2015, section 2.1) rounds twice, first the box, then
the edges of its bins. The sum of n independent uniforms has the Irwin-Hall distribution: with
s = e + r/2, where r of the n steps round to the nearest,

    density(s) = 1/(n-1)! · Σ_k (-1)^k · C(n, k) · max(s - k, 0)^(n-1),    k = 0 … n

One step gives a rectangle, two steps a triangle. Each integration raises the power by one, so the
same sum is the cumulative distribution (n) and the expected shortfall (n+1). Times the stride, the
error is in image pixels. Unit 20 measures all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, factorial, isfinite, sqrt
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from minseg.precision import at_least_float32

MOST_STEPS = 8  # the alternating sum loses digits as n grows; RoI pooling needs 2


class ErrorStatistics(NamedTuple):
    """Mean (the bias), mean absolute value, root mean square and standard deviation of an error."""

    mean: float
    mean_abs: float
    rms: float
    sd: float


def round_half_away(x: Tensor) -> Tensor:
    """Round to the nearest integer, halves away from zero: 0.5 → 1, -0.5 → -1, 2.5 → 3.

    This is C's `round`, which RoI pooling uses. `torch.round` sends halves to the even neighbour
    (0.5 → 0, 2.5 → 2), and `floor(x + 0.5)` fails just below a half, where the sum rounds up.

    >>> round_half_away(torch.tensor([0.5, -0.5, 2.5, 2.4])).tolist()
    [1.0, -1.0, 3.0, 2.0]
    """
    whole = x.trunc()
    return torch.where((x - whole).abs() >= 0.5, whole + x.sign(), whole)


def quantise_box(box: Tensor, rounding: str = "floor") -> Tensor:
    """Put the corners of boxes on the feature grid.

    Args:
        box: (..., 4) floating point, (x1, y1, x2, y2) in feature pixels: image pixels / stride.
        rounding: "floor", or "round" for the nearest integer with halves away from zero.

    Returns:
        (..., 4), whole numbers in the dtype of `box`.

    Raises:
        ValueError: if `box` does not end in 4, is not finite, or `rounding` is neither name.
        TypeError: if `box` is not a floating-point tensor.

    >>> quantise_box(torch.tensor([1.5, 2.9, 7.2, 8.5])).tolist()
    [1.0, 2.0, 7.0, 8.0]
    """
    if not isinstance(box, Tensor) or not box.is_floating_point():
        got = box.dtype if isinstance(box, Tensor) else type(box).__name__
        raise TypeError(f"box must be a floating-point tensor, got {got}")
    if box.ndim == 0 or box.shape[-1] != 4:
        raise ValueError(f"box must be (..., 4): x1, y1, x2, y2; got {tuple(box.shape)}")
    if not box.isfinite().all():
        raise ValueError(f"box must be finite, got {box.tolist()}")
    return _quantise(box, rounding)


def rounding_error(x: Tensor, stride: float = 1.0, rounding: str = "floor") -> Tensor:
    """The error x - rounded(x) that one step leaves at coordinates x (any shape), measured.

    `x` and the error are in image pixels; at stride 1 both are in feature pixels. Half types are
    computed in float32: x / stride, rounded once more, may be on the other side of a whole number.

    >>> rounding_error(torch.tensor([37.0, 48.0]), stride=16)
    tensor([5., 0.])
    """
    _check((rounding,), stride)
    x = at_least_float32(x)
    return x - stride * _quantise(x / stride, rounding)


def expected_error(
    steps: Sequence[str] = ("floor",),
    stride: float = 1.0,
) -> ErrorStatistics:
    """Closed forms for the error left by one or more rounding steps, on one axis.

    Args:
        steps: "floor" or "round" for each step, in order, for example ("round", "floor").
        stride: image pixels in a feature pixel; at 1 the error is in feature pixels.

    Returns:
        The mean is stride · (number of floors)/2 and the SD is stride · √(n/12): the biases of the
        floors add, spreads add in quadrature. Signs follow e = true - rounded, so a floor's error
        is never negative: it moves the edge towards the top left.

    Raises:
        ValueError: if a step has neither name, there is no step or more than `MOST_STEPS`, or
            `stride` is not positive.

    >>> expected_error(("floor",), stride=16).mean, expected_error(("round",), stride=16).mean
    (8.0, 0.0)
    """
    n, low = _check(steps, stride)
    mean, variance = n / 2 + low, n / 12
    zero = torch.tensor(-low, dtype=torch.float64)  # where s = e + r/2 has e = 0
    shortfall = _spline_sum(zero, n, n + 1).item()  # E max(-e, 0)
    rms = sqrt(mean**2 + variance)
    feature_px = (mean, mean + 2 * shortfall, rms, sqrt(variance))
    return ErrorStatistics(*(stride * value for value in feature_px))


def error_density(error: Tensor, steps: Sequence[str] = ("floor",), stride: float = 1.0) -> Tensor:
    """The probability density at each `error` (any shape), per feature pixel or, with `stride`,
    per image pixel: a rectangle after one step, a triangle after two. Arguments as above."""
    n, low = _check(steps, stride)
    s = error.double() / stride - low
    return torch.where(s < n, _spline_sum(s, n, n - 1), 0.0) / stride


def error_distribution(
    steps: Sequence[str] = ("floor",), stride: float = 1.0, bins_per_pixel: int = 20
) -> tuple[Tensor, Tensor]:
    """The whole distribution as an exact histogram, to lay over a measured one.

    Returns:
        edges: (B + 1,) float64 from the smallest error to the largest, B = len(steps) ·
            `bins_per_pixel`. density: (B,) the average density within each bin; together with the
            bins' widths it sums to 1. Arguments and errors as in `expected_error`.
    """
    n, low = _check(steps, stride)
    if bins_per_pixel < 1:
        raise ValueError(f"bins_per_pixel must be at least 1, got {bins_per_pixel}")
    s = torch.arange(n * bins_per_pixel + 1, dtype=torch.float64) / bins_per_pixel
    density = _spline_sum(s, n, n).diff() * bins_per_pixel
    return stride * (s + low), density / stride


def expected_distance(steps: Sequence[str] = ("floor",), stride: float = 1.0) -> float:
    """E √(e_x² + e_y²): how far a corner moves in the plane when both axes are rounded.

    One floor has the closed form (√2 + ln(1 + √2))/3 = 0.765, one rounding half of that. Longer
    chains are integrated by Gauss-Legendre quadrature over the exact density, to about 1e-7.
    """
    n, low = _check(steps, stride)
    node, weight = np.polynomial.legendre.leggauss(48)
    halves = torch.arange(2 * n, dtype=torch.float64)[:, None] / 2
    start = low + halves  # (2n, 1) pieces of ½, so that 0 is an end of one
    error = (start + (torch.from_numpy(node) + 1) / 4).flatten()  # (2n · 48,) of one axis
    mass = error_density(error, steps) * torch.from_numpy(weight).repeat(2 * n) / 4
    return stride * (mass @ torch.hypot(error[:, None], error) @ mass).item()


def simulate_error(
    steps: Sequence[str], n: int, *, generator: torch.Generator, stride: float = 1.0
) -> Tensor:
    """Round n random coordinates and report the errors: (n,) float64, feature pixels × stride.

    The first step rounds a coordinate; each further step rounds a point that lies a random, exact
    offset beyond the rounded one, as the edge of a bin lies inside its box.
    """
    _check(steps, stride)
    error = torch.zeros(n, dtype=torch.float64)
    rounded = torch.zeros(n, dtype=torch.float64)
    for step in steps:
        # A point somewhere beyond what was rounded last, so that errors add up.
        exact = rounded + 64 * torch.rand(n, generator=generator, dtype=torch.float64)
        rounded = _quantise(exact, step)
        error += exact - rounded
    return stride * error


def error_statistics(error: Tensor) -> ErrorStatistics:
    """The four statistics of measured errors (any shape), to hold against `expected_error`."""
    error = error.double()
    return ErrorStatistics(
        error.mean().item(),
        error.abs().mean().item(),
        error.square().mean().sqrt().item(),
        error.std(correction=0).item(),
    )


def whole_pixel_errors(stride: int, rounding: str = "floor") -> Tensor:
    """(stride,) float64: the error in image pixels at each whole image coordinate 0 … stride - 1.

    Annotated boxes often have whole coordinates. Then only `stride` errors occur, all equally
    often: 0 … s-1 under the floor, with mean (s-1)/2 instead of s/2.
    """
    return rounding_error(torch.arange(stride, dtype=torch.float64), stride, rounding)


def shifted_iou(length: float | Tensor, shift: float | Tensor) -> Tensor:
    """IoU of a square box with itself moved by `shift` along both axes.

    The overlap is a square of side L - δ, hence IoU = (L - δ)² / (2L² - (L - δ)²), and 0 once
    |δ| ≥ L. `length` (L > 0) and `shift` (δ) in one unit; floats or tensors that broadcast.

    >>> shifted_iou(10.0, 2.0).item()  # 8² / (2 · 10² − 8²)
    0.47058823529411764
    """
    length = torch.as_tensor(length, dtype=torch.float64)
    if not (length > 0).all():
        raise ValueError(f"length must be positive, got {length.tolist()}")
    shared = (length - torch.as_tensor(shift, dtype=torch.float64).abs()).clamp(min=0) ** 2
    return shared / (2 * length**2 - shared)


def largest_shift(length: float | Tensor, iou: float) -> Tensor:
    """The largest diagonal shift that keeps IoU ≥ `iou`: δ* = L · (1 - √(2τ / (1 + τ))).

    >>> round(largest_shift(10.0, 0.5).item(), 3)
    1.835
    """
    if not 0 <= iou <= 1:
        raise ValueError(f"iou must lie in [0, 1], got {iou}")
    return torch.as_tensor(length, dtype=torch.float64) * (1 - sqrt(2 * iou / (1 + iou)))


def _quantise(x: Tensor, rounding: str) -> Tensor:
    if rounding not in ("floor", "round"):
        raise ValueError(f'rounding must be "floor" or "round", got {rounding!r}')
    return x.floor() if rounding == "floor" else round_half_away(x)


def _spline_sum(s: Tensor, n: int, power: int) -> Tensor:
    """Σ_k (-1)^k C(n, k) max(s - k, 0)^power / power!: see the top of this file."""
    terms = [
        (-1) ** k * comb(n, k) * torch.where(s >= k, (s - k) ** power, 0.0) for k in range(n + 1)
    ]
    return torch.stack(terms).sum(dim=0) / factorial(power)


def _check(steps: Sequence[str], stride: float) -> tuple[int, float]:
    """The number of steps and the smallest error they can leave, in feature pixels."""
    if isinstance(steps, str) or not set(steps) <= {"floor", "round"}:
        raise ValueError(f'steps must be a sequence of "floor" and "round", got {steps!r}')
    if not 1 <= len(steps) <= MOST_STEPS:
        raise ValueError(f"steps must name 1 to {MOST_STEPS} steps, got {len(steps)}")
    if not (isfinite(stride) and stride > 0):
        raise ValueError(f"stride must be positive and finite, got {stride}")
    return len(steps), -sum(step == "round" for step in steps) / 2
