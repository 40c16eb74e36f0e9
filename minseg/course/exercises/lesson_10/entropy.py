"""Exercise 10.entropy: how many bits a function's value carries.

To write: f(values), (W,) int64, the value in each of W equally likely worlds, to a float. The
answer is `entropy`, with which one measures how much each kind of segmentation tells.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise


def entropy(values: Tensor) -> float:
    """Bits that a function's value carries, if all worlds are equally likely.

    values: (W,) int64, the function's value in each world. H = -Σ p log2 p over distinct values.
    """
    counts = values.unique(return_counts=True)[1].double()
    p = counts / counts.sum()
    return -(p * p.log2()).sum().item() + 0.0  # + 0.0: never minus zero


def values_in_worlds(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """A coin, a loaded one, a constant, all different, large and negative numbers, one world."""
    yield (torch.tensor([0, 1, 0, 1]),)
    yield (torch.tensor([5, 5, 5, 2]),)
    yield (torch.tensor([7, 7, 7]),)
    yield (torch.arange(10) * 10**12,)
    yield (torch.randint(-3, 4, (200,), generator=generator),)
    yield (torch.tensor([3]),)


def _probabilities(values: Tensor) -> Tensor:
    counts = values.unique(return_counts=True)[1].double()
    return counts / counts.sum()


def in_nats(values: Tensor) -> float:
    p = _probabilities(values)
    return -(p * p.log()).sum().item()


def counts_values(values: Tensor) -> float:
    return torch.tensor(len(values.unique())).double().log2().item()


def counts_worlds(values: Tensor) -> float:
    return torch.tensor(len(values)).double().log2().item()


def forgets_the_minus(values: Tensor) -> float:
    return -entropy(values)


def forgets_the_weights(values: Tensor) -> float:
    return -_probabilities(values).log2().sum().item()


def mean_over_values(values: Tensor) -> float:
    return entropy(values) / len(values.unique())


def counts_what_never_occurs(values: Tensor) -> float:
    """bincount / W: 0 · log2 0 is NaN, and it refuses negative and huge numbers."""
    if values.min() < 0 or values.max() > 1000:
        raise RuntimeError("bincount needs small numbers that are not negative")
    p = values.bincount().double() / len(values)
    return -(p * p.log2()).sum().item()


def share_of_the_most(values: Tensor) -> float:
    p = _probabilities(values)
    return entropy(values) / torch.tensor(max(len(p), 2)).double().log2().item()


ENTROPY = Exercise(
    "10.entropy",
    reference=entropy,
    cases=values_in_worlds,
    hints=(
        "values.unique(return_counts=True) says how often each value occurs; over the number of "
        "worlds that is its probability.",
        "A value of probability p tells you -log2 p bits. What do you learn on average?",
        "p = counts / counts.sum(), and the answer is -(p * p.log2()).sum().item().",
    ),
    mistakes={
        "in_nats": (
            in_nats,
            "You take the natural logarithm, which gives nats. Bits need the base 2: a fair coin "
            "has 1 bit.",
        ),
        "counts_values": (
            counts_values,
            "You count the distinct values, as if all were equally likely. Weigh each by how many "
            "worlds lead to it.",
        ),
        "counts_worlds": (
            counts_worlds,
            "You count the worlds, not what the function makes of them: two worlds with the same "
            "value cannot be told apart by it.",
        ),
        "forgets_the_minus": (
            forgets_the_minus,
            "Logarithms of probabilities are negative, entropies are not: a minus is missing.",
        ),
        "forgets_the_weights": (
            forgets_the_weights,
            "You add up -log2 p without weights. A value is only met with probability p, so "
            "multiply each by its p.",
        ),
        "mean_over_values": (
            mean_over_values,
            "You average over the values. The average is already in the sum: its weights p add up "
            "to 1.",
        ),
        "counts_what_never_occurs": (
            counts_what_never_occurs,
            "You count numbers that never occur: p is 0, and 0 · log2 0 gives NaN. `unique` counts "
            "only what occurs, negative numbers too.",
        ),
        "share_of_the_most": (
            share_of_the_most,
            "You divide by the most that so many values could carry. That is a share between 0 "
            "and 1; asked are bits.",
        ),
    },
)
