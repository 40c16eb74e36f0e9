"""Exercise 15.sdf_l1: compare distances, up to a limit.

To write: f(predictions, targets, truncate), (N, H, W) distances, to (N,) mean absolute differences
after both are cut off at ±truncate. The answer is `signed_distance_loss`; its gradient counts too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise, call_with_option
from minseg.losses import signed_distance_loss


def distances_to_compare(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, float]]:
    """Both sides of the cut, opposite signs, two masks, an infinite target, transposed."""
    yield torch.tensor([[[0.5, -3.0], [7.0, -9.0]]]), torch.tensor([[[1.5, 2.0], [9.0, 8.0]]]), 4.0
    predictions = 5 * torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    targets = 5 * torch.randn(2, 5, 6, generator=generator, dtype=torch.float64)
    yield predictions, targets, 3.0
    yield predictions.transpose(1, 2), targets.transpose(1, 2), 1.5
    yield predictions, targets, 100.0
    yield torch.tensor([[[-2.0, 1.0, 0.5]]]), torch.full((1, 1, 3), -torch.inf), 2.5
    yield torch.full((1, 2, 2), 6.0), torch.full((1, 2, 2), -6.0), 4.0  # wrong, and no gradient


def value_and_gradient(
    fn: Callable[..., Any], predictions: Tensor, targets: Tensor, truncate: float
) -> tuple[Any, Any]:
    """The losses, and the gradient of their sum by the predictions."""
    predictions = predictions.clone().requires_grad_()
    value = call_with_option(fn, predictions, targets, truncate=truncate)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return value, None
    return value, torch.autograd.grad(value.sum(), predictions)[0]


def cuts_the_target_only(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d - t.clamp(-cut, cut)).abs().mean((1, 2))


def cuts_the_prediction_only(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(-cut, cut) - t).abs().mean((1, 2))


def cuts_the_difference(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d - t).abs().clamp(max=cut).mean((1, 2))


def cuts_one_side(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(max=cut) - t.clamp(max=cut)).abs().mean((1, 2))


def cuts_nothing(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d - t).abs().mean((1, 2))


def averages_the_band(d: Tensor, t: Tensor, cut: float) -> Tensor:
    near = (t.abs() < cut).to(d)
    difference = (d.clamp(-cut, cut) - t.clamp(-cut, cut)).abs()
    return (near * difference).sum((1, 2)) / near.sum((1, 2)).clamp(min=1)


def forgets_the_sign(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.abs().clamp(max=cut) - t.abs().clamp(max=cut)).abs().mean((1, 2))


def squares(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(-cut, cut) - t.clamp(-cut, cut)).square().mean((1, 2))


def sums(d: Tensor, t: Tensor, cut: float) -> Tensor:
    return (d.clamp(-cut, cut) - t.clamp(-cut, cut)).abs().sum((1, 2))


SDF_L1 = Exercise(
    "15.sdf_l1",
    reference=signed_distance_loss,
    cases=distances_to_compare,
    probe=value_and_gradient,
    hints=(
        "`clamp(-truncate, truncate)` holds a tensor within a band. Which of the two needs it?",
        "Both. Then the mean of the absolute differences, over all pixels of each mask.",
        "Your own `clamp` takes care of the gradient: it has slope 0 where it holds something "
        "back.",
    ),
    mistakes={
        "cuts_the_target_only": (
            cuts_the_target_only,
            "You cut the target only. A prediction of 9 where 8 is true and both are beyond the "
            "cut would be punished for its 9.",
        ),
        "cuts_the_prediction_only": (
            cuts_the_prediction_only,
            "You cut the prediction only. Where the truth lies beyond the cut, nothing that is "
            "predicted can be right.",
        ),
        "cuts_the_difference": (
            cuts_the_difference,
            "You cut the difference. Then two distances beyond the cut that differ by little count "
            "in full, where they should cost nothing.",
        ),
        "cuts_one_side": (
            cuts_one_side,
            "You cut large positive distances only. Outside distances are negative, and most "
            "pixels are outside.",
        ),
        "cuts_nothing": (cuts_nothing, "You do not cut. Far pixels have most of the votes."),
        "averages_the_band": (
            averages_the_band,
            "You average over the band around the true outline only. A blob far away from it would "
            "cost nothing: all pixels count, cut off.",
        ),
        "forgets_the_sign": (
            forgets_the_sign,
            "You compare sizes without signs, so that inside and outside look alike.",
        ),
        "squares": (
            squares,
            "You square the differences. L1 takes their absolute values.",
        ),
        "sums": (
            sums,
            "You sum over the pixels. The loss is their mean.",
        ),
    },
)
