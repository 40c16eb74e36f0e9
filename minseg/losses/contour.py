"""Losses that look at outlines: how far the border is, not how much is covered.

Between two sets of points A and B, with d(a, B) the distance from a to the nearest point of B:

    Chamfer     mean_{a∈A} d(a, B) + mean_{b∈B} d(b, A)                 both directions, added
    Hausdorff   max(h(A, B), h(B, A)),    h(A, B) = max_{a∈A} d(a, B)
    HD95        the same with the 95th percentile of each direction instead of its maximum

Neither is the *smallest* distance between the sets, which is 0 as soon as they touch. A contour is
passed as points along it, equally spaced in arclength (`minseg.masks.resample`), or else crowded
stretches count twice. For a predicted probability map p there is the boundary loss,

    −mean(d* · p),    d* the true mask's signed distance, positive inside,

smallest when p is 1 inside and 0 outside; every wrong pixel costs its distance from the true
border, so that a far blob hurts more than a thick edge. (Barrow et al., Chamfer matching, 1977;
Huttenlocher et al., Comparing Images Using the Hausdorff Distance, 1993; Kervadec et al., Boundary
loss, 2019.) Unit 15. For masks rather than points see `minseg.metrics.surface`. Libraries have
`pytorch3d.loss.chamfer_distance`, which squares, and `scipy.spatial.distance.directed_hausdorff`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from minseg.precision import at_least_float32


def chamfer_distance(a: Tensor, b: Tensor, *, squared: bool = False) -> Tensor:
    """Mean distance to the nearest point of the other set, both directions added.

    Args:
        a, b: (…, n, 2) and (…, m, 2) floating point, with the same leading dimensions.
        squared: whether distances are squared before they are averaged, as point cloud code does.

    Returns:
        (…), in the points' unit (or its square), differentiable. Two empty sets are at 0, an empty
        and another one at infinity.

    Raises:
        ValueError: if the points are not (…, n, 2), or the leading dimensions differ.

    >>> a, b = torch.tensor([[0.0, 0], [4, 0]]), torch.tensor([[0.0, 3]])
    >>> chamfer_distance(a, b)  # (3 + 5) / 2 one way, 3 the other
    tensor(7.)
    """
    there, back = _nearest(a, b)
    if squared:
        there, back = there.square(), back.square()
    return _or_empty(a, b, lambda: there.mean(-1) + back.mean(-1))


def hausdorff_of_points(a: Tensor, b: Tensor, *, percentile: float = 100) -> Tensor:
    """The larger of the two directed Hausdorff distances, or of their percentiles.

    Args:
        a, b: as in `chamfer_distance`.
        percentile: of each direction, before the larger one is taken: 100 is Hausdorff's own
            distance, 95 is HD95, which a few stray points do not decide. Linear between points.

    Returns:
        (…), in the points' unit, with a gradient for the few points that decide it; of empty sets
        as `chamfer_distance`.

    Raises:
        ValueError: as `chamfer_distance`; also if the percentile is not in 0 … 100.

    >>> hausdorff_of_points(torch.tensor([[0.0, 0], [4, 0]]), torch.tensor([[0.0, 3]]))
    tensor(5.)
    """
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must be between 0 and 100, got {percentile}")
    there, back = _nearest(a, b)
    share = percentile / 100
    return _or_empty(
        a, b, lambda: torch.maximum(there.quantile(share, dim=-1), back.quantile(share, dim=-1))
    )


def directed_distances_loop(a: Tensor, b: Tensor) -> Tensor:
    """The definition, point by point: (n,) distance of each point of `a` to the nearest of `b`."""
    nearest = []
    for point in a:
        nearest.append(min((point - other).square().sum().sqrt() for other in b))
    return torch.stack(nearest)


def boundary_loss(probabilities: Tensor, distances: Tensor) -> Tensor:
    """Minus the mean of probability × the true mask's signed distance.

    Linear in the probabilities: its gradient is −d*/(H W) whatever is predicted, outward pixels
    down, inward pixels up. It is negative for a good mask, and its smallest value depends on the
    mask; use it beside a region loss such as Dice, which also sees an empty prediction.

    Args:
        probabilities: (N, H, W) floating point.
        distances: (N, H, W), `minseg.masks.signed_distance` of the true masks: pixels, positive
            inside. (The paper's φ has the opposite sign.)

    Returns:
        (N,) losses, in pixels; float32 for half types.

    Raises:
        ValueError: if the shapes differ or are not (N, H, W), or a distance is not finite (an
            empty or full mask has no border: truncate its distances).

    >>> distances = torch.tensor([[[-1.5, -0.5, 0.5, 1.5]]])  # inside are the two pixels right
    >>> right, left = torch.tensor([[[0.0, 0, 1, 1]]]), torch.tensor([[[1.0, 1, 0, 0]]])
    >>> boundary_loss(right, distances), boundary_loss(left, distances)
    (tensor([-0.5000]), tensor([0.5000]))
    """
    if probabilities.ndim != 3 or probabilities.shape != distances.shape:
        raise ValueError(
            f"probabilities and distances must both be (N, H, W), got "
            f"{tuple(probabilities.shape)} and {tuple(distances.shape)}"
        )
    if not distances.isfinite().all():
        raise ValueError("distances must be finite: truncate those of a mask without border")
    return -(at_least_float32(distances) * at_least_float32(probabilities)).mean(dim=(1, 2))


def _nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(…, n) distance of each point of `a` to the nearest of `b`, and (…, m) the other way."""
    for name, points in (("a", a), ("b", b)):
        if points.ndim < 2 or points.shape[-1] != 2:
            raise ValueError(f"{name} must be points (…, n, 2), got {tuple(points.shape)}")
    if a.shape[:-2] != b.shape[:-2]:
        raise ValueError(
            f"a and b must have the same leading dimensions, got {tuple(a.shape)} "
            f"and {tuple(b.shape)}"
        )
    if a.shape[-2] == 0 or b.shape[-2] == 0:
        return a.new_zeros(a.shape[:-1]), b.new_zeros(b.shape[:-1])
    a, b = at_least_float32(a), at_least_float32(b)
    # The quick way, |a|² − 2ab + |b|², loses half of the digits where points coincide.
    pairs = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")  # (…, n, m)
    return pairs.amin(-1), pairs.amin(-2)


def _or_empty(a: Tensor, b: Tensor, distance: Callable[[], Tensor]) -> Tensor:
    """The distance; 0 between two empty sets, infinity if one is empty."""
    if a.shape[-2] and b.shape[-2]:
        return distance()
    return a.new_full(a.shape[:-2], 0.0 if a.shape[-2] == b.shape[-2] else math.inf)
