"""Exercise 14.bce_gradient: the gradient of binary cross-entropy by hand.

To write: f(logits, targets), (N, H, W) each, to (N, H, W): the gradient of each mask's own
`mask_bce` by its logits. A test holds the answer, `bce_gradient`, against autograd.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def bce_gradient(logits: Tensor, targets: Tensor) -> Tensor:
    """(N, H, W): the gradient of each mask's `mask_bce` with respect to its logits (N, H, W)."""
    return (logits.sigmoid() - targets) / math.prod(logits.shape[1:])


def logits_and_targets(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """Certain logits, right and wrong, soft targets, two masks, none, one pixel, transposed."""
    yield torch.tensor([[[0.0, 2.0], [-2.0, 4.0]]]), torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    yield torch.tensor([[[30.0, -30.0, 30.0]]]), torch.tensor([[[0.0, 1.0, 1.0]]])
    yield torch.zeros(1, 5, 7), torch.zeros(1, 5, 7)
    logits = 3 * torch.randn(2, 9, 5, generator=generator, dtype=torch.float64)
    targets = torch.rand(2, 9, 5, generator=generator, dtype=torch.float64)
    yield logits, targets
    yield logits.transpose(1, 2), targets.round().transpose(1, 2)
    yield torch.full((3, 1, 1), 0.5), torch.tensor([0.0, 0.3, 1.0]).view(3, 1, 1)
    yield torch.zeros(0, 28, 28), torch.zeros(0, 28, 28)


def points_the_other_way(logits: Tensor, targets: Tensor) -> Tensor:
    return -bce_gradient(logits, targets)


def forgets_the_mean(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.sigmoid() - targets


def averages_over_the_batch(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits.sigmoid() - targets) / max(logits.numel(), 1)


def stops_at_probabilities(logits: Tensor, targets: Tensor) -> Tensor:
    p = logits.sigmoid()
    return bce_gradient(logits, targets) / (p * (1 - p))


def is_that_of_squares(logits: Tensor, targets: Tensor) -> Tensor:
    p = logits.sigmoid()
    return bce_gradient(logits, targets) * p * (1 - p)


def forgets_the_sigmoid(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits - targets) / math.prod(logits.shape[1:])


def thresholds_first(logits: Tensor, targets: Tensor) -> Tensor:
    return ((logits > 0).to(logits.dtype) - targets) / math.prod(logits.shape[1:])


BCE_GRADIENT = Exercise(
    "14.bce_gradient",
    reference=bce_gradient,
    cases=logits_and_targets,
    hints=(
        "Look at the table of six pixels: what are p, t and the push, and how do they fit?",
        "One pixel's term is −t log p − (1 − t) log(1 − p). Its derivative by p is "
        "(p − t) / (p (1 − p)), and that of p by z is p (1 − p).",
        "Their product is p − t. And the loss of a mask is the mean over its own pixels, however "
        "many masks there are.",
    ),
    mistakes={
        "points_the_other_way": (
            points_the_other_way,
            "That is the push, t − p. The gradient points where the loss grows: the other way.",
        ),
        "forgets_the_mean": (
            forgets_the_mean,
            "Your gradient is that of a sum. `mask_bce` averages over the pixels of a mask.",
        ),
        "averages_over_the_batch": (
            averages_over_the_batch,
            "You divide by the pixels of all masks. Each mask has a loss of its own, averaged over "
            "its own pixels.",
        ),
        "stops_at_probabilities": (
            stops_at_probabilities,
            "That is the derivative by p. By the chain rule it is still to be multiplied by that "
            "of p by z, which is p (1 − p).",
        ),
        "is_that_of_squares": (
            is_that_of_squares,
            "The factor p (1 − p) has gone already: it cancels against the logarithm's slope. "
            "With it, a pixel that is confidently wrong would not be pushed at all.",
        ),
        "forgets_the_sigmoid": (
            forgets_the_sigmoid,
            "You compare the logit itself with the target. The sigmoid is missing.",
        ),
        "thresholds_first": (
            thresholds_first,
            "You compare a mask of yes and no with the target. BCE reads p itself: a pixel that is "
            "nearly right is pushed as well, a little.",
        ),
    },
)
