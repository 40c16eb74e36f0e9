"""A short outline: total variation, and the map nearest to another that has less of it.

Noise on a probability map has much outline for its area. The anisotropic total variation adds up
all steps between neighbours,

    TV(p) = Σ |p[i+1, j] − p[i, j]| + |p[i, j+1] − p[i, j]|

which for a mask counts the pixel edges between inside and outside. Its gradient flow u_t = −∂TV(u)
cannot be stepped forwards: |·| has a corner exactly where the flow leads, at equal neighbours, and
an explicit step rattles about it. An *implicit* step of any length w from p is a minimisation, in
which w weighs TV against fidelity to p (Rudin, Osher & Fatemi, Nonlinear total variation based
noise removal algorithms, 1992):

    u = argmin ½ Σ (u − p)² + w TV(u)

An a × b rectangle of height 1, which has 2(a + b) edges for ab pixels, sinks by w·2(a + b)/(ab): a
large square hardly notices, a line of one pixel loses 2w. That is why thin parts vanish first.

The solver uses that w|d| = max over |z| ≤ w of z·d. Each pair of neighbours has a z, D takes the
differences, u = p − Dᵀz; z climbs by D u / 8 and is clamped to ±w (Chambolle, 2004; with the
momentum of Beck & Teboulle, 2009). As ‖D‖² ≤ 8, that is safe whatever w is. Lesson 03.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def total_variation(p: Tensor) -> Tensor:
    """The sum of all steps between horizontal and vertical neighbours.

    Args:
        p: (..., H, W) floating point, probabilities or any other values.

    Returns:
        (...), differentiable. Nothing is added at the image's frame.

    Raises:
        TypeError: if p is not floating point. ValueError: if it is not (..., H, W), or holds NaN.
    """
    check_map("p", p)
    down, right = _differences(p)
    return down.abs().sum(dim=(-2, -1)) + right.abs().sum(dim=(-2, -1))


def tv_flow(p: Tensor, *, weight: float, steps: int = 200) -> Tensor:
    """One implicit step of total variation's gradient flow: argmin ½ Σ (u − p)² + weight·TV(u).

    Args:
        p: (..., H, W) probabilities, each map alone.
        weight: length of the step, or price of the outline. Any is stable; the larger, the more
            steps the solver needs.
        steps: of the solver; 0 returns p.

    Returns:
        (..., H, W), within the range of p's values but for rounding. `> 0.5` is the smoothed mask.

    Raises:
        TypeError: if p is not floating point.
        ValueError: if p is not (..., H, W) in [0, 1], or weight or steps are negative.
    """
    check_map("p", p)
    check_probabilities("p", p)
    if not 0 <= weight < math.inf:
        raise ValueError(f"weight must be at least 0, got {weight}")
    if steps < 0:
        raise ValueError(f"steps must be at least 0, got {steps}")
    z = ahead = [torch.zeros_like(d) for d in _differences(p)]
    t = 1.0
    for _ in range(steps):
        climb = _differences(p - _transposed(*ahead))
        previous = z
        z = [(a + d / 8).clamp(-weight, weight) for a, d in zip(ahead, climb, strict=True)]
        t, t_before = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
        momentum = (t_before - 1) / t
        ahead = [new + momentum * (new - old) for new, old in zip(z, previous, strict=True)]
    return p - _transposed(*z)


def check_map(name: str, values: Tensor) -> None:
    """Raise TypeError or ValueError unless this is a floating-point map (..., H, W) without NaN."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise TypeError(f"{name} must be a floating-point tensor, got {kind}")
    if values.ndim < 2:
        raise ValueError(f"{name} must be (..., H, W), got {tuple(values.shape)}")
    if values.isnan().any():
        raise ValueError(f"{name} must be free of NaN")


def check_probabilities(name: str, values: Tensor) -> None:
    """Raise ValueError unless all values are between 0 and 1."""
    if ((values < 0) | (values > 1)).any():
        low, high = values.min().item(), values.max().item()
        raise ValueError(
            f"{name} must be probabilities in [0, 1], got {low:.3g} to {high:.3g}: "
            "of logits, take the sigmoid"
        )


def _differences(u: Tensor) -> tuple[Tensor, Tensor]:
    """D u: to the lower and to the right neighbour, (..., H−1, W) and (..., H, W−1)."""
    return u.diff(dim=-2), u.diff(dim=-1)


def _transposed(down: Tensor, right: Tensor) -> Tensor:
    """Dᵀz: each difference is added to its later pixel and taken from its earlier one."""
    pad = torch.nn.functional.pad
    return -pad(down, (0, 0, 1, 1)).diff(dim=-2) - pad(right, (1, 1)).diff(dim=-1)
