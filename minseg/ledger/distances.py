"""Masks as landscapes: the signed distance to the outline, and level sets: C33 to C35, C37."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from minseg.experiments import representation_limits as limits
from minseg.experiments.representations import THINGS, parts_and_holes, specimen
from minseg.ledger.measured import Measured, mean_sd, seeded
from minseg.masks import chan_vese, from_signed_distance, signed_distance
from minseg.metrics import mask_iou


def c33() -> Measured:
    """A signed distance is positive inside the object, negative outside."""
    masks = torch.stack([specimen(thing) for thing in THINGS])
    d = signed_distance(masks)
    same = (d > 0).eq(masks).flatten(1).all(1).sum()
    flipped = mask_iou(masks, from_signed_distance(-d)).diagonal().max()
    return Measured(
        f"d > 0 gives {same} of {len(masks)} masks back; with the other sign IoU is {flipped:.0f}. "
        f"The smallest |d| is {d.abs().min():.1f} px.",
        bool(same == len(masks) and flipped == 0 and d.abs().min() == 0.5),
    )


def c34() -> Measured:
    """A signed distance is smooth and differentiable."""
    ring = specimen("ring")
    d = signed_distance(ring)
    slope = torch.hypot(*torch.gradient(d))
    radius = torch.cartesian_prod(*[torch.arange(96) - 47.5] * 2).norm(dim=1).view(96, 96)
    crease = radius[(slope < 0.9) & (d > 3)]
    middle = (radius[ring].min() + radius[ring].max()) / 2
    return Measured(
        f"the slope of a ring's distance falls from {slope.median():.2f} to "
        f"{slope[d > 3].min():.2f} at radii of {crease.min():.1f} to {crease.max():.1f} px; "
        f"half-way between its two outlines is {middle:.1f}.",
        bool(abs(crease.mean() - middle) < 0.2 and (crease - middle).abs().max() < 1),
    )


@cache
def _smooth() -> tuple[Tensor, Tensor]:
    """Five smooth masks (5, 256, 256), and their distances."""
    masks = limits.smooth_masks(5)
    return masks, signed_distance(masks)


def c35() -> Measured:
    """Distance maps regularise, suit many resolutions, and an L1 loss on them will do."""
    masks, d = _smooth()
    as_mask = limits.shrunk_iou(masks, masks.float(), 0.5)
    shares = limits.shrunk_iou(masks, masks.float(), 0.5, area=True)
    whole, cut = (limits.shrunk_iou(masks, d.clamp(-tau, tau), 0) for tau in (999, 2))
    answer = torch.zeros_like(d, requires_grad=True)
    (answer - d).abs().sum().backward()  # the loss of the notes
    assert answer.grad is not None
    pull, band = answer.grad.abs(), d.abs() < 2
    return Measured(
        f"8 times smaller: IoU {as_mask:.3f} as a mask, {shares:.3f} as shares, {whole:.3f} as "
        f"distances, {cut:.3f} if these are cut off at 2 px. L1's gradient has size "
        f"{pull.max():.0f} at every pixel: the 2 px along the outline, {band.double().mean():.1%} "
        f"of the image, get {pull[band].sum() / pull.sum():.1%} of it.",
        whole > shares > cut > as_mask and bool((pull == 1).all()),
    )


def c37() -> Measured:
    """Level set methods segment with signed distances."""
    y, x = (torch.arange(length) + 0.5 for length in (64, 96))
    left, right, seed = ((x - c).square() + (y[:, None] - 32).square() for c in (30, 66, 48))
    two = (left < 15**2) | (right < 13**2)
    parts, found = [], []
    for number in range(5):  # one seed between two discs, in five noises
        image = 0.2 + 0.6 * two + 0.1 * torch.randn(64, 96, generator=seeded(number))
        phi = chan_vese(image, seed < 10**2, steps=120)
        parts.append(parts_and_holes(phi > 0)[0])
        found.append(mask_iou(two[None], (phi > 0)[None]).item())
    return Measured(
        f"from one seed between two discs, in five noises: {parts} parts after 120 steps, IoU "
        f"{mean_sd(found, 3)}.",
        parts == [2] * 5 and min(found) > 0.97,
    )
