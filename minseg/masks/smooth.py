"""Total variation, which measures an outline, and the map nearest to another that has less of it.

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
momentum of Beck & Teboulle, 2009). As ‖D‖² ≤ 8, that is safe whatever w is. Unit 15.
(The library call is skimage.restoration.denoise_tv_chambolle. Its total variation is isotropic, a
sum of √(Δ_y² + Δ_x²), which counts a slanting outline by its length.)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from minseg.masks.checks import check_map, check_numbers, check_probabilities


def total_variation_loop(p: Tensor) -> Tensor:
    """The definition of one map (H, W), one pixel at a time. See `total_variation`."""
    height, width = p.shape
    total = p.new_zeros(())
    for i in range(height):
        for j in range(width):
            if i + 1 < height:
                total = total + (p[i + 1, j] - p[i, j]).abs()
            if j + 1 < width:
                total = total + (p[i, j + 1] - p[i, j]).abs()
    return total


def total_variation(p: Tensor) -> Tensor:
    """The sum of all steps between horizontal and vertical neighbours.

    Args:
        p: (..., H, W) floating point, probabilities or any other values.

    Returns:
        (...), differentiable. Nothing is added at the image's frame.

    Raises:
        TypeError: if p is not floating point. ValueError: if it is not (..., H, W), or holds NaN.

    Example:
        >>> mask = torch.tensor([[0.0, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 0]])
        >>> total_variation(mask).item()  # the pixel edges around two pixels
        6.0
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

    Example:
        >>> p = torch.zeros(6, 6)
        >>> p[1:4, 1:4], p[5, 5] = 1, 1  # a square of 3 px, a speck of 1 px at a corner
        >>> (tv_flow(p, weight=0.2) > 0.5).sum().item(), (tv_flow(p, weight=0.3) > 0.5).sum().item()
        (10, 9)
    """
    check_map("p", p)
    check_probabilities("p", p)
    check_numbers(at_least_0={"weight": weight, "steps": steps})
    z = ahead = [torch.zeros_like(d) for d in _differences(p)]  # one for each pair of neighbours
    t = 1.0
    for _ in range(steps):
        # z climbs by D u / 8 from where its momentum led, and is clamped
        climb = _differences(p - _transposed(*ahead))
        previous = z
        z = [(a + d / 8).clamp(-weight, weight) for a, d in zip(ahead, climb, strict=True)]
        # how far it is carried on: Nesterov's numbers t
        t, t_before = (1 + math.sqrt(1 + 4 * t * t)) / 2, t
        momentum = (t_before - 1) / t
        ahead = [new + momentum * (new - old) for new, old in zip(z, previous, strict=True)]
    return p - _transposed(*z)


def _differences(u: Tensor) -> tuple[Tensor, Tensor]:
    """D u: to the lower and to the right neighbour, (..., H−1, W) and (..., H, W−1)."""
    return u.diff(dim=-2), u.diff(dim=-1)


def _transposed(down: Tensor, right: Tensor) -> Tensor:
    """Dᵀz: each difference is added to its later pixel and taken from its earlier one."""
    pad = torch.nn.functional.pad
    return -pad(down, (0, 0, 1, 1)).diff(dim=-2) - pad(right, (1, 1)).diff(dim=-1)
