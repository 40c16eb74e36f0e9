"""Exercise 43.balance: weights that make all gradients equally long.

To write: f(gradients, primary, eps), (K, P) and the number of a row, to (K,) weights; the primary
one's is exactly 1. A test holds the answer, `balance`, against `gradient_balance`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def balance(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    """(K,) weights by which all gradients become as long as the primary one.

    Args:
        gradients: (K, P), one row for each loss. primary: the row whose weight stays 1.
        eps: added to each norm that is divided by.
    """
    norms = gradients.norm(dim=1)
    weights = norms[primary] / (norms + eps)
    weights[primary] = 1.0
    return weights


def rows_of_gradients(generator: torch.Generator) -> Iterable[tuple[Tensor, int, float]]:
    """Norms far apart, a primary that is not the first, one that is 0, a large eps, float64."""
    yield torch.tensor([[3.0, 4.0], [0.0, -10.0], [0.06, 0.08]]), 0, 1e-8
    yield torch.tensor([[3.0, -4.0, 0.0], [6.0, 2.0, 3.0]]), 1, 1e-8
    yield torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]), 0, 1e-3  # reaches no parameter
    yield torch.tensor([[0.0, 0.0], [5.0, 12.0]]), 0, 1e-8
    yield torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, -1.0]]), 1, 0.5
    many = torch.randn(7, 5, generator=generator, dtype=torch.float64).T  # not contiguous
    yield many * torch.logspace(-3, 3, 5, dtype=torch.float64)[:, None], 2, 1e-8


def _norms_by(gradients: Tensor, norms: Tensor, primary: int, eps: float) -> Tensor:
    weights = norms[primary] / (norms + eps)
    weights[primary] = 1.0
    return weights


def turns_it_over(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    norms = gradients.norm(dim=1)
    return norms / (norms[primary] + eps)


def squares_the_norms(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return _norms_by(gradients, gradients.square().sum(dim=1), primary, eps)


def adds_up_sizes(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return _norms_by(gradients, gradients.abs().sum(dim=1), primary, eps)


def takes_the_largest(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return _norms_by(gradients, gradients.abs().amax(dim=1), primary, eps)


def always_takes_the_first(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return balance(gradients, 0, eps)


def divides_by_nothing(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return balance(gradients, primary, 0.0)


def moves_the_primary(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    norms = gradients.norm(dim=1)
    return norms[primary] / (norms + eps)


def makes_them_unit(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    return 1 / (gradients.norm(dim=1) + eps)


def aligns_them(gradients: Tensor, primary: int, eps: float = 1e-8) -> Tensor:
    along = gradients @ gradients[primary]
    weights = along[primary] / (along + eps)
    weights[primary] = 1.0
    return weights


BALANCE = Exercise(
    "43.balance",
    reference=balance,
    cases=rows_of_gradients,
    hints=(
        "gradients.norm(dim=1) is the length of each row.",
        "λ = norms[primary] / (norms + eps). What should the weight of the primary loss be?",
        "Where the primary gradient is 0, all other weights are 0, and its own is still 1.",
    ),
    mistakes={
        "turns_it_over": (
            turns_it_over,
            "Your fraction is upside down: a loss that pulls hard should get a small weight.",
        ),
        "squares_the_norms": (
            squares_the_norms,
            "You divide squared norms. The square root is missing.",
        ),
        "adds_up_sizes": (
            adds_up_sizes,
            "You add up absolute values. The length is the root of the sum of squares.",
        ),
        "takes_the_largest": (
            takes_the_largest,
            "You compare the largest entries. The length takes all entries into account.",
        ),
        "always_takes_the_first": (
            always_takes_the_first,
            "You compare with the first loss. Compare with the one that `primary` names.",
        ),
        "divides_by_nothing": (
            divides_by_nothing,
            "A loss may not reach the shared parameters at all. Add eps to the norm that you "
            "divide by.",
        ),
        "moves_the_primary": (
            moves_the_primary,
            "The primary loss should keep a weight of exactly 1: not 1 less a little for eps, "
            "and not 0 where its gradient is.",
        ),
        "makes_them_unit": (
            makes_them_unit,
            "You make every gradient 1 long. They should be as long as the primary one.",
        ),
        "aligns_them": (
            aligns_them,
            "You compare how far the gradients go along the primary one. Balancing compares "
            "lengths; it leaves directions alone.",
        ),
    },
)
