"""Exercise 12.from_fourier: draw an outline with turning arrows.

To write: f(descriptor, samples), (2K + 1,) complex coefficients ordered from -K to K, to
(samples, 2) points x, y at t = 0, 1/samples, …. The answer is `from_fourier`.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.masks.fourier import from_fourier


def descriptors_to_draw(generator: torch.Generator) -> Iterable[tuple[Tensor, int]]:
    """A circle, an ellipse off the origin, random shapes, few and many points, only a centre."""
    yield torch.tensor([0, 0, 1], dtype=torch.complex128), 4
    yield torch.tensor([3j, 10 + 20j, 8], dtype=torch.complex128), 7
    for terms, samples in ((9, 32), (5, 3), (21, 50)):
        parts = torch.randn(2, terms, generator=generator, dtype=torch.float64)
        yield torch.complex(parts[0], parts[1]), samples
    yield torch.tensor([5 - 2j], dtype=torch.complex128), 3


def _orders(descriptor: Tensor) -> Tensor:
    return torch.arange(len(descriptor)) - len(descriptor) // 2


def _turn(descriptor: Tensor, orders: Tensor, times: Tensor) -> Tensor:
    z = torch.exp(2j * torch.pi * times[:, None] * orders) @ descriptor.to(torch.complex128)
    return torch.stack([z.real, z.imag], dim=1)


def _times(samples: int) -> Tensor:
    return torch.arange(samples, dtype=torch.float64) / samples


def turns_backwards(descriptor: Tensor, samples: int) -> Tensor:
    return _turn(descriptor, -_orders(descriptor), _times(samples))


def begins_at_order_zero(descriptor: Tensor, samples: int) -> Tensor:
    return _turn(descriptor, torch.arange(len(descriptor)), _times(samples))


def takes_the_average(descriptor: Tensor, samples: int) -> Tensor:
    return from_fourier(descriptor, samples) / samples


def ends_where_it_began(descriptor: Tensor, samples: int) -> Tensor:
    times = torch.linspace(0, 1, samples, dtype=torch.float64)
    return _turn(descriptor, _orders(descriptor), times)


def forgets_the_circle(descriptor: Tensor, samples: int) -> Tensor:
    return _turn(descriptor, _orders(descriptor), _times(samples) / (2 * torch.pi))


def drops_the_negative(descriptor: Tensor, samples: int) -> Tensor:
    half = len(descriptor) // 2
    return _turn(descriptor[half:], torch.arange(half + 1), _times(samples))


def forgets_the_centre(descriptor: Tensor, samples: int) -> Tensor:
    kept = descriptor * (_orders(descriptor) != 0)
    return from_fourier(kept, samples)


def returns_rows_first(descriptor: Tensor, samples: int) -> Tensor:
    return from_fourier(descriptor, samples).flip(1)


FROM_FOURIER = Exercise(
    "12.from_fourier",
    reference=from_fourier,
    cases=descriptors_to_draw,
    hints=(
        "Point n of N lies at t = n / N. Every coefficient c_k is an arrow that has turned k times "
        "t of a full circle: c_k · exp(2πi k t). Add them up.",
        "The orders are torch.arange(len(c)) - len(c) // 2, from -K to K.",
        "torch.exp(2j * torch.pi * torch.outer(t, k)) is an (N, 2K + 1) matrix; `@ descriptor`, "
        "then stack real and imaginary part.",
    ),
    mistakes={
        "turns_backwards": (
            turns_backwards,
            "Your arrows turn the other way. To write down one uses exp(-2πi kt), to read again "
            "exp(+2πi kt).",
        ),
        "begins_at_order_zero": (
            begins_at_order_zero,
            "You take the coefficients as c_0, c_1, c_2 …. They go from c_-K to c_K, with c_0 in "
            "the middle.",
        ),
        "takes_the_average": (
            takes_the_average,
            "Your outline is too small by the number of points. The division by N was done when "
            "the descriptor was made.",
        ),
        "ends_where_it_began": (
            ends_where_it_began,
            "Your last point repeats the first: t must stop before 1. Use n / N, not linspace(0, "
            "1, N).",
        ),
        "forgets_the_circle": (
            forgets_the_circle,
            "A full turn is 2π, and your arrows stop after one radian.",
        ),
        "drops_the_negative": (
            drops_the_negative,
            "You leave the negative orders out. c_1 alone draws a circle; an ellipse needs c_-1.",
        ),
        "forgets_the_centre": (
            forgets_the_centre,
            "Your outline is centred at 0. c_0 is its place: it turns 0 times, so it is added "
            "everywhere.",
        ),
        "returns_rows_first": (
            returns_rows_first,
            "You return y, x. The real part is x, and comes first.",
        ),
    },
)
