"""The answer keys of unit 14 that are no functions of the package, against autograd."""

import torch

from minseg.course.exercises.lesson_14 import bce_gradient as bce
from minseg.course.exercises.lesson_14 import dice_gradient as dice
from minseg.losses import dice_loss, mask_bce


def test_bce_by_hand_is_autograds():
    for logits, targets in bce.logits_and_targets(torch.Generator().manual_seed(1)):
        logits = logits.requires_grad_()
        (due,) = torch.autograd.grad(mask_bce(logits, targets).sum(), logits)
        torch.testing.assert_close(bce.bce_gradient(logits.detach(), targets), due)


def test_dice_by_hand_is_autograds():
    for logits, targets, smooth in dice.logits_and_targets(torch.Generator().manual_seed(1)):
        logits = logits.requires_grad_()
        loss = dice_loss(logits.sigmoid(), targets, squared=False, smooth=smooth)
        (due,) = torch.autograd.grad(loss.sum(), logits)
        torch.testing.assert_close(dice.dice_gradient(logits.detach(), targets, smooth), due)
