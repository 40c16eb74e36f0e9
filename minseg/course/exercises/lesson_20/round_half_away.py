"""Exercise 20.round_half_away: round as C does, and as RoI pooling does.

To write: f(x), floating point of any shape, to the nearest whole numbers, halves away from zero.
The answer is `round_half_away`. Adding a half is not exact: 0.49999997 tells.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.quantisation import round_half_away


def numbers_to_round(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Halves of both signs, the last number below a half, large values, odd shapes, both dtypes."""
    yield (torch.tensor([0.5, 1.5, 2.5, 3.5]),)
    yield (torch.tensor([-0.5, -1.5, -2.5, -0.2, -0.7]),)
    yield (torch.tensor([0.49999997, -0.49999997, 8388609.0]),)  # adding 0.5 is no longer exact
    yield (torch.zeros(0, 4),)
    yield (40 * torch.rand(3, 5, generator=generator, dtype=torch.float64).T - 20,)


def half_to_even(x: Tensor) -> Tensor:
    return x.round()


def adds_half_and_floors(x: Tensor) -> Tensor:
    return (x + 0.5).floor()


def adds_half_to_the_size(x: Tensor) -> Tensor:
    return x.sign() * (x.abs() + 0.5).floor()


def half_towards_zero(x: Tensor) -> Tensor:
    return x.sign() * (x.abs() - 0.5).ceil()


def truncates(x: Tensor) -> Tensor:
    return x.trunc()


def floors(x: Tensor) -> Tensor:
    return x.floor()


ROUND_HALF_AWAY = Exercise(
    "20.round_half_away",
    reference=round_half_away,
    cases=numbers_to_round,
    hints=(
        "Split x into its whole part, x.trunc(), and the rest. Both are exact.",
        "When the size of the rest is at least a half, one more whole step is needed.",
        "That step goes away from zero: it has the sign of x.",
    ),
    mistakes={
        "half_to_even": (
            half_to_even,
            "torch.round sends a half to the even neighbour: 2.5 becomes 2. C's round, which RoI "
            "pooling uses, makes it 3.",
        ),
        "adds_half_and_floors": (
            adds_half_and_floors,
            "floor(x + 0.5) moves every half up. Below zero, up is towards zero: -0.5 must become "
            "-1, not 0.",
        ),
        "adds_half_to_the_size": (
            adds_half_to_the_size,
            "Right on paper. But 0.49999997 + 0.5 is not a float32, and rounds up to 1 before you "
            "take the floor. Compare the rest of x with 0.5 instead of adding.",
        ),
        "half_towards_zero": (
            half_towards_zero,
            "Your halves go towards zero. They have to go away from it: 0.5 becomes 1.",
        ),
        "truncates": (truncates, "You cut the rest off. 0.7 is nearer to 1 than to 0."),
        "floors": (floors, "That is the floor: it never moves a number up."),
    },
)
