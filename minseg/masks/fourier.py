"""Fourier descriptors: an outline as a sum of circles that turn at whole speeds.

Read the closed curve as complex numbers, z(t) = x(t) + i y(t), 0 ≤ t < 1, sampled N times:

    c_k = 1/N Σ_n z_n e^(-2πi kn/N)               z(t) ≈ Σ_k c_k e^(2πi kt),   k = -K … K

c_0 is the curve's centre, c_1 a circle walked once, and c_1 with c_-1 an ellipse; the others add
finer shape. Moving, scaling, turning and starting elsewhere change c_k in a known way:

    z + a:  c_0 + a       s z:  s c_k       e^(iθ) z:  e^(iθ) c_k       z(t + τ):  e^(2πi kτ) c_k

so a descriptor can be made free of them, see `normalise` (Granlund, Fourier Preprocessing for Hand
Print Character Recognition, 1972; Kuhl & Giardina, Elliptic Fourier Features, 1982).

The error is at most what is left out, Σ_{|k|>K} |c_k|. A curve that has K terms and is sampled in
its own parameter comes back exactly; by arclength the same curve has more terms, but falling fast.
At a corner c_k falls as 1/k², so the error is O(1/K): doubling K halves it.

A descriptor holds one ring: of a mask with holes or several parts, `largest_ring(to_polygons(…))`.
Unit 12 measures all this. (The library call for the sum is torch.fft.fft; pyefd has descriptors
in Kuhl & Giardina's real form.)
"""

from __future__ import annotations

import cmath

import numpy as np
import torch
from torch import Tensor

from minseg.masks.curve import as_points, resample
from minseg.masks.polygon import polygon_area

__all__ = ["fourier_descriptor", "from_fourier", "normalise", "resample"]


def fourier_descriptor(
    polygon: Tensor | np.ndarray, harmonics: int, *, samples: int | None = 512
) -> Tensor:
    """The coefficients c_-K … c_K of a closed outline.

    Args:
        polygon: (n, 2) x, y in pixels, one ring. It is walked so that `polygon_area` is not
            negative, which makes c_1 the large circle, and from its first point.
        harmonics: K, at least 0. It may exceed the number of points.
        samples: N, points equally spaced in arclength; at least 2K + 1 are taken. None takes the
            points as they are, for a curve that is already sampled evenly in its own parameter.

    Returns:
        (2K + 1,) complex128, ordered from -K to K, in pixels.

    Raises:
        ValueError: if `polygon` is not a ring as above or has no point, K is negative, or with
            `samples=None` the points are fewer than the 2K + 1 unknowns.

    Example:
        >>> turn = torch.arange(8) * torch.pi / 4
        >>> circle = torch.stack([5 + 2 * turn.cos(), 3 + 2 * turn.sin()], dim=1)
        >>> fourier_descriptor(circle, 1, samples=None).abs().numpy().round(2).tolist()
        [0.0, 5.83, 2.0]
    """
    if harmonics < 0:
        raise ValueError(f"harmonics must be 0 or more, got {harmonics}")
    terms = 2 * harmonics + 1
    ring = torch.from_numpy(as_points(polygon))
    if samples is not None:
        ring = resample(ring, max(samples, terms))
    elif len(ring) < terms:
        raise ValueError(f"polygon has {len(ring)} points, K = {harmonics} needs {terms}")
    if polygon_area(ring) < 0:
        ring = torch.cat([ring[:1], ring[1:].flip(0)])
    coefficients = torch.fft.fft(torch.complex(ring[:, 0], ring[:, 1])) / len(ring)
    return coefficients[_orders(terms)]  # negative k counts from the end, as in any index


def from_fourier_loop(descriptor: Tensor, samples: int = 256) -> Tensor:
    """The definition, one point and one circle at a time, to be read. See `from_fourier`."""
    harmonics = len(descriptor) // 2
    outline = []
    for n in range(samples):
        z = 0j
        for k in range(-harmonics, harmonics + 1):
            turn = cmath.exp(2j * cmath.pi * k * n / samples)  # e^(2πi kt) at t = n / samples
            z += descriptor[k + harmonics].item() * turn
        outline.append((z.real, z.imag))
    return torch.tensor(outline, dtype=torch.float64)


def from_fourier(descriptor: Tensor, samples: int = 256) -> Tensor:
    """The outline that coefficients c_-K … c_K describe.

    Args:
        descriptor: (2K + 1,) complex, ordered from -K to K.
        samples: how many points, equally spaced in t.

    Returns:
        (samples, 2) float64 x, y, beginning at t = 0.

    Raises:
        ValueError: if the number of coefficients is even, or `samples` is below 1.

    Example:
        >>> circle = torch.tensor([0, 5 + 3j, 2])  # c_-1, c_0, c_1: centre (5, 3), radius 2
        >>> from_fourier(circle, 4).round().tolist()
        [[7.0, 3.0], [5.0, 5.0], [3.0, 3.0], [5.0, 1.0]]
    """
    orders = _orders(_check(descriptor))
    if samples < 1:
        raise ValueError(f"samples must be 1 or more, got {samples}")
    turns = torch.outer(torch.arange(samples), orders) % samples  # whole turns change nothing
    angle = 2 * torch.pi * turns.double() / samples  # (samples, 2K + 1)
    z = torch.polar(torch.ones_like(angle), angle) @ descriptor.to(torch.complex128)
    return torch.stack([z.real, z.imag], dim=1)


def normalise(descriptor: Tensor) -> Tensor:
    """The shape alone: free of place, size, rotation and starting point.

    c_0 becomes 0 and |c_1| becomes 1. One rotation θ and one start τ can make two coefficients
    real and positive: c_1 and the largest other one, c_m. The start that does so is one of |m - 1|
    (an ellipse looks alike from both its ends); the one whose first point lies farthest right is
    taken. Two outlines of one shape, anyhow moved, scaled, turned and begun, come out the same.

    Args:
        descriptor: (2K + 1,) complex with K ≥ 1 and c_1 ≠ 0.

    Returns:
        (2K + 1,) complex128 without a unit.

    Raises:
        ValueError: if it has not that shape, or c_1 is 0: a curve that is no ring has no size.

    Example:
        >>> ellipse = torch.tensor([1, 7 + 9j, 4])
        >>> normalise(ellipse).abs().tolist()
        [0.25, 0.0, 1.0]
    """
    orders = _orders(_check(descriptor))
    c = descriptor.to(torch.complex128, copy=True)
    first = len(c) // 2 + 1
    if len(c) < 3 or not c[first].abs() > 0:
        raise ValueError("descriptor must have K of at least 1 and a c_1 that is not 0")
    # free of place and size
    c[first - 1] = 0
    c = c / c[first].abs()
    # the largest other coefficient
    others = c.abs()
    others[first] = 0
    m = int(others.argmax())
    if others[m] == 0:  # a circle, the same from everywhere
        return c * (c[first].conj() * (orders == 1))
    # the starts at which both are real and positive, and the first point farthest right
    steps = int(orders[m]) - 1
    one, other = c[first].angle().item(), c[m].angle().item()
    starts = [(one - other + 2 * torch.pi * turn) / steps for turn in range(abs(steps))]
    candidates = [c * torch.exp(1j * ((orders - 1).double() * start - one)) for start in starts]
    return max(candidates, key=lambda candidate: candidate.sum().real.item())


def _orders(terms: int) -> Tensor:
    """-K … K of 2K + 1 terms."""
    return torch.arange(terms) - terms // 2


def _check(descriptor: Tensor) -> int:
    """How many coefficients there are, or a ValueError."""
    if descriptor.ndim != 1 or len(descriptor) % 2 == 0:
        raise ValueError(f"descriptor must be (2K + 1,), got {tuple(descriptor.shape)}")
    return len(descriptor)
