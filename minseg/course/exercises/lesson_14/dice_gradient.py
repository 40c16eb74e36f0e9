"""Exercise 14.dice_gradient: the gradient of the linear Dice loss by hand.

To write: f(logits, targets, smooth), (N, H, W) twice and a number, to (N, H, W): the gradient of
each mask's own 1 − (2Σpt + smooth) / (Σp + Σt + smooth) by its logits, p = σ(z). A test holds the
answer, `dice_gradient`, against autograd.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def dice_gradient(logits: Tensor, targets: Tensor, smooth: float = 1.0) -> Tensor:
    """(N, H, W): the gradient of each mask's linear Dice loss with respect to its logits.

    With D the coefficient that a mask reaches and S the sum below the line, the derivative of D by
    one probability is (2t − D) / S, by the quotient rule; that of p by z is p (1 − p).
    """
    p = logits.sigmoid()
    below = (p + targets).sum((1, 2), keepdim=True) + smooth  # (N, 1, 1)
    reached = (2 * (p * targets).sum((1, 2), keepdim=True) + smooth) / below
    return (reached - 2 * targets) / below * p * (1 - p)


def logits_and_targets(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, float]]:
    """Six pixels, certain logits, no object, soft targets, two sizes of object, no mask."""
    six = torch.tensor([[[-3.0, 1.0, 3.0, -3.0, 0.0, -3.0]]])
    yield six, torch.tensor([[[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]]]), 0.0
    yield torch.tensor([[[30.0, -30.0], [30.0, -2.0]]]), torch.tensor([[[0.0, 1.0], [1.0, 1]]]), 1.0
    yield torch.zeros(1, 5, 7), torch.zeros(1, 5, 7), 1.0
    logits = 2 * torch.randn(2, 9, 5, generator=generator, dtype=torch.float64)
    targets = torch.rand(2, 9, 5, generator=generator, dtype=torch.float64)
    yield logits, targets, 0.5
    small = torch.zeros(2, 9, 5, dtype=torch.float64)
    small[0, 2, 3] = 1
    small[1, 1:8] = 1
    yield logits.transpose(1, 2), small.transpose(1, 2), 1.0
    yield torch.zeros(0, 28, 28), torch.zeros(0, 28, 28), 1.0


def _pieces(z: Tensor, t: Tensor, smooth: float) -> tuple[Tensor, Tensor, Tensor]:
    """p, the sum below the line and the coefficient of each mask."""
    p = z.sigmoid()
    below = (p + t).sum((1, 2), keepdim=True) + smooth
    return p, below, (2 * (p * t).sum((1, 2), keepdim=True) + smooth) / below


def points_the_other_way(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    return -dice_gradient(z, t, smooth)


def stops_at_probabilities(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    _, below, reached = _pieces(z, t, smooth)
    return (reached - 2 * t) / below


def forgets_the_line_below(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    p, below, _ = _pieces(z, t, smooth)
    return -2 * t / below * p * (1 - p)


def forgets_the_two(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    p, below, reached = _pieces(z, t, smooth)
    return (reached - t) / below * p * (1 - p)


def sums_over_the_batch(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    p = z.sigmoid()
    below = (p + t).sum() + smooth
    return ((2 * (p * t).sum() + smooth) / below - 2 * t) / below * p * (1 - p)


def forgets_smooth(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    return dice_gradient(z, t, 1e-12)


def smooths_below_only(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    p, below, reached = _pieces(z, t, smooth)
    return (reached - smooth / below - 2 * t) / below * p * (1 - p)


def is_that_of_squares(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    p = z.sigmoid()
    below = (p * p + t * t).sum((1, 2), keepdim=True) + smooth
    reached = (2 * (p * t).sum((1, 2), keepdim=True) + smooth) / below
    return 2 * (reached * p - t) / below * p * (1 - p)


def divides_by_pixels(z: Tensor, t: Tensor, smooth: float) -> Tensor:
    return dice_gradient(z, t, smooth) / max(z[0].numel() if len(z) else 1, 1)


DICE_GRADIENT = Exercise(
    "14.dice_gradient",
    reference=dice_gradient,
    cases=logits_and_targets,
    hints=(
        "Write D = A / S, with A = 2Σpt + smooth and S = Σp + Σt + smooth. How much do A and S "
        "grow if one p grows by a little?",
        "A grows by 2t, S by 1. The quotient rule: (2t · S − A · 1) / S² = (2t − D) / S.",
        "The loss is 1 − D, so the sign turns round; from p to z there is the factor p (1 − p). "
        "A and S are sums over the pixels of one mask: sum((1, 2), keepdim=True).",
    ),
    mistakes={
        "points_the_other_way": (
            points_the_other_way,
            "That is the push. The loss is one *minus* the coefficient: its gradient is the other "
            "way round.",
        ),
        "stops_at_probabilities": (
            stops_at_probabilities,
            "That is the derivative by p. By the chain rule it is still to be multiplied by that "
            "of p by z, which is p (1 − p).",
        ),
        "forgets_the_line_below": (
            forgets_the_line_below,
            "You let only the sum above the line grow. Each p stands below it as well: that is "
            "what pushes the background down.",
        ),
        "forgets_the_two": (
            forgets_the_two,
            "What two masks share counts twice: the derivative of 2Σpt by one p is 2t, not t.",
        ),
        "sums_over_the_batch": (
            sums_over_the_batch,
            "You sum over all masks. Each mask has a Dice of its own, or else large ones outvote "
            "small ones.",
        ),
        "forgets_smooth": (
            forgets_smooth,
            "You leave `smooth` out. It belongs into both sums, and a small object feels it.",
        ),
        "smooths_below_only": (
            smooths_below_only,
            "You add `smooth` below the line only. The linear form has it above the line too.",
        ),
        "is_that_of_squares": (
            is_that_of_squares,
            "That is the gradient of the squared form, Σp² + Σt². Here it is the linear one.",
        ),
        "divides_by_pixels": (
            divides_by_pixels,
            "You divide by the number of pixels. Dice is no mean: one fraction for the whole mask.",
        ),
    },
)
