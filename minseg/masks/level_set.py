"""An outline that moves, splits and merges: the zero level of a function φ over the image.

A polygon that has to become two must be cut by hand. Let the outline be {φ = 0} instead, with φ > 0
inside, and it divides by itself where a valley of φ sinks below 0. Chan and Vese (Active contours
without edges, 2001, section III) move it until two constants, c1 inside and c2 outside, explain the
image I best by a short outline: gradient descent on

    μ·Length{φ=0} + ν·Area{φ>0} + λ1 ∫ H_ε(φ) (I − c1)² + λ2 ∫ (1 − H_ε(φ)) (I − c2)²      is

    φ_t = δ_ε(φ) [ μ div(∇φ/‖∇φ‖) − ν − λ1 (I − c1)² + λ2 (I − c2)² ]

    H_ε(z) = ½ (1 + (2/π) atan(z/ε)),    δ_ε = H_ε' = (ε/π) / (ε² + z²)

c1 and c2 are the means of I weighted by H_ε(φ) and by 1 − H_ε(φ). No edge is looked for, so blurred
objects are found as well as sharp ones. δ_ε is small far away from the outline: what the start does
not touch is found late or never. Unit 13. (The library call is skimage.segmentation.chan_vese.)
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from minseg.masks.checks import check_finite_map, check_numbers
from minseg.masks.distance import signed_distance


def chan_vese(
    image: Tensor,
    start: Tensor,
    *,
    steps: int,
    mu: float = 0.05,
    nu: float = 0.0,
    lambda1: float = 1.0,
    lambda2: float = 1.0,
    epsilon: float = 1.0,
    step_size: float = 30.0,
    reinitialise_every: int = 10,
) -> Tensor:
    """Move an outline until the image is nearly constant on either side of it.

    Args:
        image: (H, W) floating point. The weights suit values in [0, 1].
        start: (H, W) bool, neither empty nor full, or φ as an earlier call returned it.
        steps: how many; 0 returns the start as φ.
        mu, nu, lambda1, lambda2: what length, area, and misfit inside and outside cost.
        epsilon: half the width in pixels of the band that moves.
        step_size: time a step takes. Any is stable; the larger, the sooner it is there, and the
            easier noise catches it. Curvature slows a step down, as it is taken from its end.
        reinitialise_every: after how many steps φ is made a distance again; 0 for never.

    Returns:
        φ (H, W) of the image's dtype. `phi > 0` is the mask.

    Raises:
        TypeError: if image is not floating point, or start neither that nor bool.
        ValueError: if shapes differ, values are not finite, or a number is out of its range.

    Example:
        >>> image = torch.zeros(8, 8)
        >>> image[2:6, 2:6] = 1
        >>> phi = chan_vese(image, start=image.cumsum(dim=1) > 3, steps=20)
        >>> torch.equal(phi > 0, image > 0)
        True
    """
    phi = _check(image, start)
    weights = {"mu": mu, "lambda1": lambda1, "lambda2": lambda2}
    check_numbers(
        at_least_0={"steps": steps, **weights, "reinitialise_every": reinitialise_every},
        positive={"epsilon": epsilon, "step_size": step_size},
    )
    if not math.isfinite(nu):
        raise ValueError(f"nu must be finite, got {nu}")
    for step in range(steps):
        # the two constants that explain the image best
        inside = 0.5 + torch.atan(phi / epsilon) / math.pi  # H_ε(φ)
        c1 = (inside * image).sum() / inside.sum()
        c2 = ((1 - inside) * image).sum() / (1 - inside).sum()
        # what moves the outline: area, misfit, curvature
        force = -nu - lambda1 * (image - c1) ** 2 + lambda2 * (image - c2) ** 2
        delta = epsilon / math.pi / (epsilon**2 + phi**2)
        neighbours, total = _curvature(phi)
        # One step. μ div(∇φ/‖∇φ‖) = μ (neighbours − total·φ). With φ itself from the *next* time,
        # as in the paper, the step averages and cannot blow up. Where it stops is the same.
        pace = step_size * delta
        phi = (phi + pace * (mu * neighbours + force)) / (1 + pace * mu * total)
        if reinitialise_every and (step + 1) % reinitialise_every == 0:
            phi = reinitialise(phi)
    return phi


def reinitialise(phi: Tensor) -> Tensor:
    """Make φ a signed distance again and leave its zero level where it is, between pixels too.

    Next to the outline, φ/‖∇φ‖ is the distance and ∇φ the direction to a foot point on it. All
    other pixels measure to the nearest foot point, to about 0.1 px.

    Args:
        phi: (H, W) floating point, positive inside.

    Returns:
        (H, W) of the same dtype, with the same signs. A φ without zero level comes back as it is.

    Raises:
        TypeError: if phi is not floating point. ValueError: if it is not (H, W) or not finite.

    Example:
        >>> steep = torch.tensor([[7.0, 3, -3, -9]])  # crosses 0 half-way between two pixels
        >>> reinitialise(steep).tolist()
        [[1.5, 0.5, -0.5, -1.5]]
    """
    check_finite_map("phi", phi)
    inside = phi > 0
    if inside.all() or not inside.any():
        return phi.clone()
    values, mask = phi.detach().double().cpu().numpy(), inside.cpu().numpy()
    # the pixels beside the outline, and the slope of φ at each, row by row and column by column
    near = np.zeros(mask.shape, dtype=bool)
    slopes = []
    for axis in (0, 1):
        edge = [(1, 1) if a == axis else (0, 0) for a in (0, 1)]
        crossed = np.pad(np.diff(mask, axis=axis), edge)  # between each pixel and the one before it
        steps = np.pad(np.diff(values, axis=axis), edge)
        before, after = np.delete(steps, -1, axis), np.delete(steps, 0, axis)
        near |= np.delete(crossed, -1, axis) | np.delete(crossed, 0, axis)
        steeper = np.where(abs(before) > abs(after), before, after)  # never 0 beside the outline
        slopes.append(steeper)
    # their foot points on the outline
    gradient = np.stack(slopes, axis=-1)[near]  # (n, 2)
    offset = values[near][:, None] * gradient / (gradient**2).sum(axis=1, keepdims=True)
    feet = np.argwhere(near) - offset  # (n, 2)
    # every pixel's distance to the nearest one
    distance = cKDTree(feet).query(np.argwhere(np.ones_like(mask)))[0].reshape(mask.shape)
    distance[near] = np.hypot(*offset.T)  # by its own foot point: the zero level must not move
    return torch.from_numpy(np.where(mask, distance, -distance)).to(phi)


def _curvature(phi: Tensor) -> tuple[Tensor, Tensor]:
    """div(∇φ/‖∇φ‖) as Σ_n w_n (φ_n − φ) over 4 neighbours: (Σ_n w_n φ_n, Σ_n w_n).

    The weight of a pair is 1/‖∇φ‖, from its own difference and the central one across it. Pairs
    that leave the image have none, so φ is flat across the frame.
    """
    neighbours, weights = torch.zeros_like(phi), torch.zeros_like(phi)
    for axis in (0, 1):
        f = phi.movedim(axis, 0)  # pairs are rows i and i + 1 of f
        across = torch.nn.functional.pad(f[None], (1, 1), mode="replicate")[0]
        across = (across[:, 2:] - across[:, :-2]) / 2
        weight = (1e-6 + f.diff(dim=0) ** 2 + across[:-1] ** 2).rsqrt()
        total, weighted = weights.movedim(axis, 0), neighbours.movedim(axis, 0)
        total[:-1] += weight
        total[1:] += weight
        weighted[:-1] += weight * f[1:]
        weighted[1:] += weight * f[:-1]
    return neighbours, weights


def _check(image: Tensor, start: Tensor) -> Tensor:
    """φ of the start."""
    check_finite_map("image", image)
    if isinstance(start, Tensor) and start.dtype == torch.bool:
        if start.all() or not start.any():
            raise ValueError("start must have an outline, got a mask that is empty or full")
        start = signed_distance(start)
    check_finite_map("start", start)
    if start.shape != image.shape:
        got = f"{tuple(image.shape)} and {tuple(start.shape)}"
        raise ValueError(f"image and start must have one shape, got {got}")
    return start.detach().to(image)
