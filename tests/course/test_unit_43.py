"""The answer keys of unit 43 that are no functions of the package, against those that are."""

import torch

from minseg.course.exercises.lesson_43.balance import balance, rows_of_gradients
from minseg.course.exercises.lesson_43.uncertainty import losses_and_variances, uncertainty
from minseg.losses import UncertaintyWeights, gradient_balance


def test_uncertainty_is_that_of_the_module():
    for losses, s, regression in losses_and_variances(torch.Generator().manual_seed(1)):
        kinds = {
            f"{k}": "regression" if yes else "classification"
            for k, yes in enumerate(regression.tolist())
        }
        module = UncertaintyWeights(kinds).to(losses)
        module.log_variance.data.copy_(s)
        due = module(dict(zip(kinds, losses, strict=True)))
        torch.testing.assert_close(uncertainty(losses, s, regression), torch.stack([*due.values()]))


def test_balance_is_gradient_balance():
    """A loss g·θ has the gradient g."""
    for gradients, primary, eps in rows_of_gradients(torch.Generator().manual_seed(1)):
        shared = torch.ones_like(gradients[0]).requires_grad_()
        losses = {f"{k}": row @ shared for k, row in enumerate(gradients)}
        due = gradient_balance(losses, [shared], f"{primary}", eps=eps)
        torch.testing.assert_close(balance(gradients, primary, eps), torch.stack([*due.values()]))
