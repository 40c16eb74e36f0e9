"""B-splines: a smooth outline drawn by a few control points.

A closed uniform cubic B-spline has m control points P_0 … P_{m-1} and m segments. On segment s,
with t from 0 to 1,

    r(t) = Σ_{a=0}^{3} B_a(t) P_{s+a-1}
    B(t) = 1/6 [(1 - t)³,  3t³ - 6t² + 4,  -3t³ + 3t² + 3t + 1,  t³]

with indices modulo m (de Boor, A Practical Guide to Splines, 1978, chapter IX). The four weights
sum to 1, so moving, turning or stretching the controls does the same to the curve; value, slope and
curvature are continuous where segments meet. The curve passes near its controls, not through them,
and a control moves only the four segments that it is part of: unlike a Fourier coefficient, which
moves all of the curve.

The error of the best fit: O(h⁴) for a smooth outline, where h = perimeter / m is the length of a
segment, and O(h) at a corner, which a curve of continuous slope has to round off. One ring only: of
a mask with holes or several parts, `largest_ring(to_polygons(…))`. Unit 12 measures it.
(The library calls are scipy.interpolate.splprep(per=True), which also chooses where knots lie, and
scipy.interpolate.BSpline.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minseg.masks.curve import as_points, resample


def fit_bspline(polygon: Tensor | np.ndarray, controls: int, *, samples: int = 512) -> Tensor:
    """The control points whose curve lies nearest to an outline.

    Point i of N, equally spaced in arclength, is compared with the curve at parameter i m / N; the
    curve depends linearly on its controls, so least squares gives the best ones at once.

    Args:
        polygon: (n, 2) x, y in pixels, one ring.
        controls: m, at least 4.
        samples: N; at least 2m are taken.

    Returns:
        (controls, 2) float64 x, y in pixels.

    Raises:
        ValueError: if `controls` is below 4, or `polygon` is not a ring as above or has no point.

    Example:
        >>> square = torch.tensor([[0, 0], [8, 0], [8, 8], [0, 8]])
        >>> fit_bspline(square, 4).numpy().round(1).tolist()  # controls lie outside of the curve
        [[-0.9, -0.9], [8.9, -0.9], [8.9, 8.9], [-0.9, 8.9]]
    """
    if controls < 4:
        raise ValueError(f"controls must be 4 or more: a segment needs four, got {controls}")
    points = resample(polygon, max(samples, 2 * controls))
    solution = np.linalg.lstsq(_weights(len(points), controls), points.numpy(), rcond=None)[0]
    return torch.from_numpy(solution)


def from_bspline_loop(controls: Tensor | np.ndarray, samples: int = 256) -> Tensor:
    """The definition, one point of the curve at a time, to be read. See `from_bspline`."""
    points = as_points(controls, "controls").tolist()
    curve = []
    for i in range(samples):
        segment, rest = divmod(i * len(points), samples)
        x = y = 0.0
        for a, weight in enumerate(bspline_basis(rest / samples).tolist()):
            control_x, control_y = points[(segment + a - 1) % len(points)]
            x += weight * control_x
            y += weight * control_y
        curve.append((x, y))
    return torch.tensor(curve, dtype=torch.float64)


def from_bspline(controls: Tensor | np.ndarray, samples: int = 256) -> Tensor:
    """The curve of control points (m, 2), m ≥ 4, at parameters i m / samples.

    Returns:
        (samples, 2) float64 x, y. Point 0 lies where P_0 counts most: (P_{m-1} + 4 P_0 + P_1) / 6.

    Raises:
        ValueError: if `controls` is not (m, 2), has fewer than 4 points or one that is not finite,
            or `samples` is below 1.

    Example:
        >>> square = torch.tensor([[0, 0], [6, 0], [6, 6], [0, 6]])
        >>> from_bspline(square, 4).tolist()
        [[1.0, 1.0], [5.0, 1.0], [5.0, 5.0], [1.0, 5.0]]
    """
    points = as_points(controls, "controls")
    if len(points) < 4 or samples < 1:
        raise ValueError(f"needs 4 controls and a sample or more, got {len(points)} and {samples}")
    return torch.from_numpy(_weights(samples, len(points)) @ points)


def bspline_basis(t: Tensor | np.ndarray | float) -> Tensor:
    """(..., 4) float64: the weights of the four controls around a segment at t in [0, 1].

    Example:
        >>> (6 * bspline_basis(torch.tensor([0, 1]))).tolist()
        [[1.0, 4.0, 1.0, 0.0], [0.0, 1.0, 4.0, 1.0]]
    """
    t = torch.as_tensor(t, dtype=torch.float64)
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    return torch.stack(weights, dim=-1) / 6


def _weights(samples: int, controls: int) -> np.ndarray:
    """(samples, controls): how much each control counts at each point of the curve."""
    along = np.arange(samples) * controls  # in units of 1 / samples: whole, so never rounded
    segment, rest = np.divmod(along, samples)
    weights = np.zeros((samples, controls))
    basis = bspline_basis(rest / samples).numpy()  # (samples, 4)
    for a in range(4):
        weights[np.arange(samples), (segment + a - 1) % controls] += basis[:, a]
    return weights
