"""Pixels that are judged one by one, and what makes neighbours agree: C19 to C21.

A disc stretches out a thin arm; its probabilities drown in noise, drawn five times.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from minseg import losses
from minseg.experiments import loss_pair as scene
from minseg.ledger.measured import Measured, mean_sd, seeded
from minseg.masks import mean_field_crf, total_variation, tv_flow
from minseg.metrics import mask_iou

SEEDS = range(5)


def c19() -> Measured:
    """Each pixel is classified on its own."""
    target = (scene.disc(28, 24, 12) > 0).flatten()
    logits = 2 * scene.disc(30, 24, 12).flatten()
    order = torch.randperm(48 * 64, generator=seeded(0))
    bce, outline = [], []
    for z, t in ((logits, target), (logits[order], target[order])):
        bce.append(losses.mask_bce(z.view(1, 48, 64), t.view(1, 48, 64)).item())
        outline.append(total_variation((z > 0).float().view(48, 64)).sum().item())
    return Measured(
        f"shuffled, BCE stays {bce[1]:.3f}; the outline grows from {outline[0]:.0f} to "
        f"{outline[1]:.0f} pixel edges.",
        abs(bce[0] - bce[1]) < 1e-6 and outline[1] > 10 * outline[0],
    )


@cache
def _noisy(seed: int) -> Tensor:
    """Probabilities (48, 64) of the disc and its arm, in noise."""
    body, arm, _ = scene.disc_with_an_arm()
    noise = torch.randn(48, 64, generator=seeded(seed))
    return (torch.where(body | arm, 1.0, -1.0) + 1.3 * noise).sigmoid()


def _judge(p: Tensor) -> tuple[float, float, float]:
    """IoU, percent of the arm that is left, and pixel edges of the outline."""
    body, arm, _ = scene.disc_with_an_arm()
    mask = p > 0.5
    iou = mask_iou(mask[None], (body | arm)[None]).item()
    left = 100 * (mask & arm).sum().item() / arm.sum().item()
    return iou, left, total_variation(mask.float()).item()


def _by_crf(photo_of: Tensor, **options: Any) -> list[tuple[float, float, float]]:
    """`_judge` of a CRF's answers, for a photograph in which the mask `photo_of` can be seen."""
    grain = 0.1 * torch.randn(3, 48, 64, generator=seeded(1))
    photo = torch.where(photo_of, 0.7, 0.3) + grain
    return [_judge(mean_field_crf(_noisy(seed), photo, **options)) for seed in SEEDS]


def c20() -> Measured:
    """Consistency can be added by a conditional random field."""
    body, arm, _ = scene.disc_with_an_arm()
    before = [_judge(_noisy(seed)) for seed in SEEDS]
    seen = _by_crf(body | arm, theta_beta=0.2)  # colours 0.2 apart are still alike
    hidden = _by_crf(body, theta_beta=0.2)  # the arm looks like the background
    smooth = _by_crf(body | arm, appearance=0, smoothness=5)  # without a look at the photograph
    arms = [mean_sd((one[1] for one in rows), 0) for rows in (seen, hidden, smooth)]
    return Measured(
        f"five noises: IoU {mean_sd(one[0] for one in before)} before, "
        f"{mean_sd(one[0] for one in seen)} after, with {arms[0]} % of the arm. If the arm looks "
        f"like the background, {arms[1]} % are left; with too much smoothness, {arms[2]} %.",
        min(one[0] for one in seen) > 0.9 > 0.6 > max(one[0] for one in before)
        and min(one[1] for one in seen) > 60 > 30 > max(one[1] for one in (*hidden, *smooth)),
    )


def c21() -> Measured:
    """Consistency can be added by spatial regularisers or structured prediction."""
    swept = {w: [_judge(tv_flow(_noisy(s), weight=w)) for s in SEEDS] for w in (0, 0.15, 0.2, 0.4)}
    iou = {w: mean_sd((one[0] for one in rows), 2) for w, rows in swept.items()}
    arm = {w: mean_sd((one[1] for one in rows), 0) for w, rows in swept.items()}
    edges = {w: mean_sd((one[2] for one in rows), 0) for w, rows in swept.items()}
    return Measured(
        f"five noises: IoU {iou[0]} without, {iou[0.15]} at w = 0.15. Of the arm {arm[0.15]} % are "
        f"left, {arm[0.2]} % at 0.2, {arm[0.4]} % at 0.4. The outline falls from {edges[0]} to "
        f"{edges[0.4]} pixel edges.",
        min(one[0] for one in swept[0.15]) > 0.8 > 0.6 > max(one[0] for one in swept[0])
        and max(one[1] for one in swept[0.4]) < 10 < min(one[1] for one in swept[0.15]),
    )
