"""Losses that see the overlap of two masks: Dice and IoU: C93 and C104."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from minseg import losses
from minseg.experiments import loss_pair as scene
from minseg.ledger.descent import descend
from minseg.ledger.measured import Measured, seeded
from minseg.metrics import mask_iou


@cache
def _target() -> Tensor:
    """Shares (1, 28, 28) of the cells that an oval covers."""
    fine = (torch.arange(28 * 8) + 0.5) / 8  # eight rows, and columns, to a cell
    oval = torch.hypot(fine[:, None] - 13.7, (fine - 14.2) / 1.3) < 6.3
    return torch.nn.functional.avg_pool2d(oval.double()[None], 8)


def _fitted(squared: bool, smooth: float) -> tuple[Tensor, float]:
    """Free probabilities (1, 28, 28) after 400 steps of a Dice loss; the coefficient reached."""

    def loss(z: Tensor) -> Tensor:
        return losses.dice_loss(z.sigmoid(), _target(), squared=squared, smooth=smooth)

    z = descend(0 * _target(), loss, steps=400)
    return z.sigmoid(), 1 - loss(z).item()


def _share_of_one_pixel(name: str) -> float:
    """Percent of a loss's push that an object of one pixel gets, where every p is ½."""
    dot = scene.nearest(30.5, 20.5, torch.ones(48, 64, dtype=torch.bool), 1)
    start = scene.Prediction(torch.zeros(48, 64), torch.zeros(48, 64))
    push = scene.push(name, start, scene.MaskTruth.of(dot)).abs()
    return 100 * (push[dot].sum() / push.sum()).item()


def c93() -> Measured:
    """Dice loss, for positives only, emphasises overlap and optimises mask quality directly."""
    target, (squares, _), (sums, reached) = _target(), _fitted(True, 1e-3), _fitted(False, 1)
    partly = (target > 0) & (target < 1)
    ends = 100 * ((sums < 0.05) | (sums > 0.95))[partly].double().mean()
    off = (squares - target).abs().max()
    cut = ((sums > 0.5) == (target > reached / 2)).all()
    dice, bce = (_share_of_one_pixel(name) for name in ("Dice, squared", "BCE"))
    return Measured(
        f"squared Dice: p within 0.01 of the target in every cell. Linear: {ends:.0f} % of partly "
        f"covered cells end at 0 or 1, cut at {reached / 2:.2f}. An object of one pixel gets "
        f"{dice:.0f} % of Dice's push, {bce:.2f} % of BCE's.",
        bool(off < 0.01 and ends > 95 and cut) and dice > 10 * bce,
    )


def c104() -> Measured:
    """The mask loss is 1 − IoU of the two masks, or Dice."""
    a, b = torch.rand(2, 50, 48, 64, generator=seeded(1)) < 0.4
    iou = mask_iou(a, b).diagonal().double()
    dice = 1 - losses.dice_loss(a.double(), b, smooth=1e-9)
    truth = scene.MaskTruth.of(scene.disc(28, 24, 12) > 0)
    hard, soft = (scene.push(n, scene.of_mask(a[0]), truth) for n in ("hard IoU", "soft IoU"))
    same = torch.allclose(dice, 2 * iou / (1 + iou), atol=1e-6)
    return Measured(
        f"50 pairs: Dice = 2J/(1 + J) to 1e-6. Pixels with a gradient: {(hard != 0).sum()} from "
        f"IoU of thresholded masks, {(soft != 0).sum()} of {soft.numel()} from soft IoU.",
        same and bool((hard == 0).all() and (soft != 0).all()),
    )
