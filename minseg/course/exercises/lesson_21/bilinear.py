"""Exercise 21.bilinear: read a feature map between its pixels.

To write: f(features, x, y), (C, H, W) and (P,) index coordinates, to (C, P) values; points outside
take the border's value. The answer is `bilinear_sample`. The slope by x and y is compared as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.bilinear import bilinear_sample


def points_to_read(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, Tensor]]:
    """Fractional and whole coordinates, borders, points outside, a map of one pixel, no points."""
    features = torch.randn(2, 4, 6, generator=generator)
    yield features, torch.tensor([1.25, 3.6, 0.1]), torch.tensor([0.75, 2.5, 1.9])
    yield features, torch.tensor([2.0, 2.0, 4.5]), torch.tensor([1.0, 1.5, 2.0])  # whole numbers
    yield features, torch.tensor([4.7, 5.0, 0.0]), torch.tensor([3.0, 2.4, 0.0])  # last row, column
    yield features, torch.tensor([-0.4, 5.8, 2.5]), torch.tensor([1.5, 0.5, 3.9])  # outside
    tall = torch.randn(7, 3, 1, generator=generator, dtype=torch.float64).permute(2, 0, 1)
    yield tall, torch.tensor([0.5, 1.5]).double(), torch.tensor([4.25, 0.5]).double()
    yield torch.randn(3, 1, 1, generator=generator), torch.tensor([0.0]), torch.tensor([0.0])
    yield features, torch.zeros(0), torch.zeros(0)


def value_and_slope(fn: Callable[..., Tensor], features: Tensor, x: Tensor, y: Tensor) -> tuple:
    """What is read at the points, and how it changes with x and with y."""
    x, y = x.requires_grad_(), y.requires_grad_()
    values = fn(features, x, y)
    if not isinstance(values, Tensor) or not values.requires_grad:  # knows nothing of x
        return values, torch.zeros_like(x), torch.zeros_like(y)
    return values, *torch.autograd.grad(values.sum(), (x, y), materialize_grads=True)


def _read(
    features: Tensor,
    x: Tensor,
    y: Tensor,
    step: Callable[[Tensor], Tensor] = lambda t: t.floor() + 1,
    share: Callable[[Tensor], Tensor] = lambda t: t - t.floor(),
) -> Tensor:
    """Bilinear interpolation with two places to go wrong: the second neighbour, its weight."""
    height, width = features.shape[1:]
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    j, i = x.detach().floor().long(), y.detach().floor().long()
    j2 = step(x.detach()).long().clamp(max=width - 1)
    i2 = step(y.detach()).long().clamp(max=height - 1)
    a, b = share(x), share(y)
    upper = (1 - a) * features[:, i, j] + a * features[:, i, j2]
    return (1 - b) * upper + b * ((1 - a) * features[:, i2, j] + a * features[:, i2, j2])


def swaps_xy(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, y, x)


def uses_ceil(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, x, y, step=torch.ceil)


def forgets_half_pixel(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, x - 0.5, y - 0.5)


def swaps_weights(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return _read(features, x, y, share=lambda t: 1 - (t - t.floor()))


def nearest_pixel(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = features.shape[1:]
    i = (y.clamp(0, height - 1) + 0.5).floor().long()
    return features[:, i, (x.clamp(0, width - 1) + 0.5).floor().long()]


def zeros_outside(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    height, width = features.shape[1:]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return bilinear_sample(features, x, y) * inside


def loses_the_gradient(features: Tensor, x: Tensor, y: Tensor) -> Tensor:
    return bilinear_sample(features, x, y).detach()


BILINEAR = Exercise(
    "21.bilinear",
    reference=bilinear_sample,
    cases=points_to_read,
    probe=value_and_slope,
    hints=(
        "First hold x and y inside the map with clamp. Which four pixels surround (x, y)?",
        "j = x.floor() and a = x - j. The left pixels have the weight 1 - a, the right ones a.",
        "Index as features[:, i, j] with whole numbers, .long(). At the last column there is no "
        "j + 1: clamp it to width - 1.",
    ),
    mistakes={
        "swaps_xy": (
            swaps_xy,
            "Your x walks down the rows. Index as features[:, row, column]: y is the row.",
        ),
        "uses_ceil": (
            uses_ceil,
            "All values are right, and the slope is not: at whole numbers floor and ceil are the "
            "same pixel, so your function is flat there. Take low + 1 for the right neighbour.",
        ),
        "forgets_half_pixel": (
            forgets_half_pixel,
            "You took half a pixel off. Here x and y are index coordinates already: pixel j sits "
            "at x = j.",
        ),
        "swaps_weights": (
            swaps_weights,
            "Your weights are the wrong way round. The nearer a pixel, the more it counts: the "
            "left one has 1 - a.",
        ),
        "nearest_pixel": (
            nearest_pixel,
            "You read the nearest pixel. That is rounding again; mix all four by their nearness.",
        ),
        "zeros_outside": (
            zeros_outside,
            "Outside the map you return 0. This function takes the border's value there: clamp x "
            "and y first.",
        ),
        "loses_the_gradient": (
            loses_the_gradient,
            "The values are right, but no gradient reaches x and y. Do the arithmetic on tensors: "
            "float(), .item(), .tolist() and .detach() cut the thread.",
        ),
    },
    tolerance=1e-4,
)
