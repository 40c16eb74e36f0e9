"""Exercise 21.pool_bins: the bins of RoI pooling along one axis.

To write: f(first, last, bins, length), (K,) rounded ends, both inside, and the map's size, to
(begin, end), (K, bins) int64: bin q holds the pixels begin … end - 1. The answer is `pool_bins`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.pool import pool_bins
from minseg.roi.quantisation import round_half_away


def ends_to_divide(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int, int]]:
    """Bins that overlap, that fit, more bins than pixels, inverted boxes, boxes over both edges."""
    yield torch.tensor([2.0]), torch.tensor([6.0]), 2, 20  # 5 pixels, 2 bins
    yield torch.tensor([3.0]), torch.tensor([8.0]), 3, 20  # 6 pixels, 3 bins
    yield torch.tensor([4.0]), torch.tensor([5.0]), 4, 20  # fewer pixels than bins
    yield torch.tensor([7.0, 5.0]), torch.tensor([4.0, 5.0]), 2, 20  # inverted; one pixel
    yield torch.tensor([-3.0, 15.0, 30.0]), torch.tensor([4.0, 24.0, 35.0]), 3, 20  # outside
    first = torch.randint(0, 30, (9,), generator=generator).double()
    yield first, first + torch.arange(9.0).double() * 2, 7, 40
    yield torch.zeros(0), torch.zeros(0), 3, 20


def _bins(
    first: Tensor,
    last: Tensor,
    bins: int,
    length: int,
    *,
    end: Callable[[Tensor], Tensor] = torch.ceil,
    extra: int = 1,
    least: int = 1,
    inside: bool = True,
    corner: bool = True,
) -> tuple[Tensor, Tensor]:
    """The bins of RoI pooling, with a switch for each rule that can be forgotten."""
    step = ((last - first + extra).clamp(min=least) / bins)[:, None]
    q = torch.arange(bins, dtype=first.dtype)
    start = first[:, None] * corner
    begin, stop = start + (q * step).floor(), start + end((q + 1) * step)
    if inside:
        begin, stop = begin.clamp(0, length), stop.clamp(0, length)
    return begin.long(), stop.long()


forgets_plus_one = partial(_bins, extra=0)
floors_the_end = partial(_bins, end=torch.floor)
includes_the_end = partial(_bins, end=lambda t: t.ceil() - 1)
rounds_the_end = partial(_bins, end=round_half_away)
forgets_the_border = partial(_bins, inside=False)
lets_boxes_vanish = partial(_bins, least=-10_000)
forgets_the_corner = partial(_bins, corner=False)


POOL_BINS = Exercise(
    "21.pool_bins",
    reference=pool_bins,
    cases=ends_to_divide,
    hints=(
        "How many pixels are there from 2 to 6, if both are inside? Never let it be fewer than 1.",
        "With w pixels and P bins, bin q begins ⌊q·w/P⌋ pixels after `first` and ends "
        "⌈(q + 1)·w/P⌉ after it.",
        "(K, 1) times (bins,) gives (K, bins). Last of all clamp both to 0 … length, and .long().",
    ),
    mistakes={
        "forgets_plus_one": (
            forgets_plus_one,
            "From first to last, both inside, there are last - first + 1 pixels. You lost one.",
        ),
        "floors_the_end": (
            floors_the_end,
            "You take the floor of the end too, so bins tile the box. RoI pooling takes the "
            "ceiling there, and neighbours may share a pixel.",
        ),
        "includes_the_end": (
            includes_the_end,
            "Your `end` is the last pixel of the bin. It is to be one further, as in a slice: "
            "begin … end - 1.",
        ),
        "rounds_the_end": (
            rounds_the_end,
            "The end of a bin is its ceiling, not the nearest whole number.",
        ),
        "forgets_the_border": (
            forgets_the_border,
            "A box may reach beyond the map. Clamp begin and end to 0 … length, or you will read "
            "pixels that are not there.",
        ),
        "lets_boxes_vanish": (
            lets_boxes_vanish,
            "When last < first the width is zero or negative. It counts as 1 pixel: use "
            "clamp(min=1).",
        ),
        "forgets_the_corner": (
            forgets_the_corner,
            "Your bins begin at 0. They begin at `first`: add it.",
        ),
    },
)
