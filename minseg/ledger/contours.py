"""Losses that see outlines and distances: C30 to C32 and C36."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from minseg import losses
from minseg.experiments import loss_pair as scene
from minseg.ledger.descent import descend, enlarge
from minseg.ledger.measured import Measured
from minseg.losses.contour import directed_distances_loop
from minseg.masks import from_polygons, signed_distance
from minseg.metrics import mask_iou


def c30() -> Measured:
    """The Chamfer distance is the min-distance between two point sets."""
    s = torch.linspace(-10, 10, 81, dtype=torch.float64)  # a point every quarter pixel
    across, down = torch.stack([s, 0 * s], dim=1), torch.stack([0 * s, s], dim=1)
    smallest = torch.cdist(across, down).min().item()
    chamfer = losses.chamfer_distance(across, down).item()
    return Measured(
        f"two lines of 20 px that cross: smallest distance {smallest:.0f}, Chamfer {chamfer:.1f} "
        "px, the mean of |s| twice.",
        smallest == 0 and abs(chamfer - 2 * s.abs().mean().item()) < 1e-9 and chamfer > 10,
    )


def _rim(mask: Tensor) -> Tensor:
    """The outermost pixels of a mask, as points (n, 2)."""
    return (mask & (signed_distance(mask) < 1)).nonzero().double()


def c31() -> Measured:
    """The Hausdorff distance is a max min-distance measure."""
    alone = torch.zeros(96, 128, dtype=torch.bool)
    alone[20:50, 20:70] = True
    stray = alone.clone()
    stray[70:73, 90:93] = True
    rims = _rim(stray), _rim(alone)
    largest, hd95 = (losses.hausdorff_of_points(*rims, percentile=k).item() for k in (100, 95))
    one_way = directed_distances_loop(*rims[::-1]).max().item()
    iou = mask_iou(alone[None], stray[None]).item()
    return Measured(
        f"a rectangle and a stray blob of 3 × 3 px: IoU {iou:.3f}, Hausdorff {largest:.1f} px, "
        f"HD95 {hd95:.0f}, the other way alone {one_way:.0f}.",
        iou > 0.99 and abs(largest - 32.53) < 0.01 and hd95 == 0 and one_way == 0,
    )


@cache
def _disc() -> Tensor:
    return scene.disc(28, 24, 12) > 0


def _drawn(parameters: Tensor) -> Tensor:
    """A polygon of 64 corners on a circle x, y, radius, filled: yes or no for each pixel."""
    x, y, radius = parameters.tolist()
    angle = torch.arange(64, dtype=torch.float64) * (2 * torch.pi / 64)
    return from_polygons(
        [torch.stack([x + radius * angle.cos(), y + radius * angle.sin()], dim=1)], 48, 64
    )


def c32() -> Measured:
    """A contour can be trained on the IoU of the mask that it encloses."""

    def area_loss(parameters: Tensor) -> Tensor:  # the same circle, filled softly, τ = 1 px
        soft = scene.disc(*parameters).sigmoid()
        return losses.soft_iou_loss(soft[None], _disc()[None])

    first = torch.tensor([36.1, 18.2, 7.03])  # x, y, radius of a poor guess
    nudged = (_drawn(first) != _drawn(first + 0.001)).sum().item()
    slope = torch.autograd.functional.jacobian(area_loss, first)[0]
    last = descend(first, area_loss)
    found = [mask_iou(_drawn(one)[None], _disc()[None]).item() for one in (first, last)]
    return Measured(
        f"drawn hard, a nudge of 0.001 px changes {nudged} pixels. Drawn softly the loss has a "
        f"slope of {slope[0]:.3f} a px along x; 100 steps take IoU {found[0]:.2f} to "
        f"{found[1]:.2f}.",
        nudged == 0 and bool((slope != 0).all()) and found[1] > 0.95 > found[0],
    )


def _fit(truth: scene.MaskTruth, start: float, tau: float | None) -> float:
    """IoU of the mask of 8 × 11 free distances, all `start` at first, after 200 steps."""
    target = truth.distances[None]
    fit = descend(
        torch.full((1, 8, 11), start),
        lambda w: losses.signed_distance_loss(enlarge(w, 48, 64), target, truncate=tau),
        steps=200,
    )
    return mask_iou(enlarge(fit, 48, 64) > 0, truth.mask[None]).item()


def c36() -> Measured:
    """The loss of a signed distance field is L1 over pixels."""
    shape = torch.maximum(scene.disc(24, 24, 11), scene.disc(40, 18, 7)) > 0
    truth = scene.MaskTruth.of(shape & ~(scene.disc(30, 34, 6) > 0))  # a body, an arm and a bay
    moved = signed_distance(torch.roll(truth.mask, 4, dims=1))[None].requires_grad_()
    near, iou = {}, {}
    for tau in (1, None):
        loss = losses.signed_distance_loss(moved, truth.distances[None], truncate=tau).sum()
        near[tau] = 100 * scene.share_near(torch.autograd.grad(loss, moved)[0][0], truth, 3)
        iou[tau] = _fit(truth, 0.0, tau)
    dead, alive = _fit(truth, 6.0, 4), _fit(truth, 6.0, None)
    return Measured(
        f"uncut, {near[None]:.0f} % of the gradient lie within 3 px of the outline, and 200 steps "
        f"reach IoU {iou[None]:.2f}; cut at τ = 1 px, {near[1]:.0f} % and {iou[1]:.2f}. Started at "
        f"6 px, uncut it reaches {alive:.2f}; cut at 4 it stays at {dead:.2f}.",
        near[1] > 60 > 25 > near[None] and min(iou[None], alive) > 0.93 and dead < 0.5,
    )
