"""A disc with a thin arm, its noisy prediction, and two photographs that may save the arm.

Total variation prices outline and never looks at a photograph; a CRF looks. In the second
photograph the arm has the background's colour. Unit 15 compares what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from minseg.experiments.loss_pair import HEIGHT, WIDTH, disc
from minseg.masks import mean_field_crf, tv_flow
from minseg.metrics import mask_iou

NOISE = 1.3  # of the logits, which are ±1


@dataclass(frozen=True, eq=False)
class ThinArm:
    """A true mask (H, W), its arm, a noisy prediction, and photographs (3, H, W)."""

    thing: Tensor
    arm: Tensor
    noisy: Tensor
    photo: Tensor
    photo_without_arm: Tensor


def thin_arm(seed: int) -> ThinArm:
    """With noise of its own for each seed.

    >>> one = thin_arm(seed=0)
    >>> int(one.arm.sum()), int(one.thing.sum())
    (46, 430)
    """
    lots = torch.Generator().manual_seed(seed)
    body, arm = disc(24, 24, 11) > 0, torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    arm[22:24, 34:58] = True
    arm &= ~body
    thing = body | arm
    noise = NOISE * torch.randn(HEIGHT, WIDTH, generator=lots)
    noisy = (torch.where(thing, 1.0, -1.0) + noise).sigmoid()
    grain = 0.1 * torch.randn(3, HEIGHT, WIDTH, generator=lots)
    photo, hidden = (torch.where(mask, 0.7, 0.3) + grain for mask in (thing, body))
    return ThinArm(thing, arm, noisy, photo, hidden)


def cleaned(one: ThinArm) -> dict[str, Tensor]:
    """Name → mask (H, W) bool: the prediction as it is, and after three ways to clean it."""
    maps = {
        "noisy prediction": one.noisy,
        "TV": tv_flow(one.noisy, weight=0.2),
        "CRF": mean_field_crf(one.noisy, one.photo, theta_beta=0.2),
        "CRF, arm not seen": mean_field_crf(one.noisy, one.photo_without_arm, theta_beta=0.2),
    }
    return {name: p > 0.5 for name, p in maps.items()}


def told(one: ThinArm, mask: Tensor) -> tuple[float, float]:
    """IoU with the true mask, and which share of the arm is left."""
    iou = mask_iou(mask[None], one.thing[None]).item()
    return iou, (mask & one.arm).sum().item() / int(one.arm.sum())
