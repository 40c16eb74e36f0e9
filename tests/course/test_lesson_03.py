"""The answer key of lesson 03 that is no function of the package, against autograd."""

import torch

from minseg.course.exercises.lesson_03.bce_gradient import bce_gradient, logits_and_targets
from minseg.losses import mask_bce


def test_gradient_by_hand_is_autograds():
    for logits, targets in logits_and_targets(torch.Generator().manual_seed(1)):
        logits = logits.requires_grad_()
        (due,) = torch.autograd.grad(mask_bce(logits, targets).sum(), logits)
        torch.testing.assert_close(bce_gradient(logits.detach(), targets), due)
