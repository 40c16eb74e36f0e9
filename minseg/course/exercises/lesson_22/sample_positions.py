"""Exercise 22.sample_positions: where RoIAlign samples one side of a bin.

To write: f(start, size, sampling_ratio), scalars, to (n,) positions, each in the middle of its
piece; n = ⌈size⌉ where sampling_ratio ≤ 0. The answer is `sample_positions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.roi.align import sample_positions


def sides_of_bins(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int]]:
    """Fixed and adaptive counts, whole and fractional sizes, tiny and backward bins."""
    yield torch.tensor(1.25), torch.tensor(2.0), 2
    yield torch.tensor(0.0), torch.tensor(3.0), 1
    yield torch.tensor(-0.5), torch.tensor(2.5), 4
    yield torch.tensor(4.3), torch.tensor(2.3), 0  # adaptive: 3 samples
    yield torch.tensor(4.3), torch.tensor(3.0), -1  # adaptive: 3, as the size is whole
    yield torch.tensor(7.1), torch.tensor(0.2), -1  # adaptive: 1
    yield torch.tensor(2.0), torch.tensor(-1.5), 0  # backwards: none
    yield torch.tensor(2.0), torch.tensor(-1.5), 2  # backwards, fixed count: two all the same
    yield (
        5 * torch.rand((), generator=generator).double(),
        3 * torch.rand((), generator=generator).double(),
        3,
    )


def _positions(
    start: Tensor,
    size: Tensor,
    sampling_ratio: int,
    count: Callable[[float], int] = ceil,
    offset: float = 0.5,
    gaps: int = 0,
) -> Tensor:
    """Sample positions with three places to go wrong: how many, where the first, how far apart."""
    n = sampling_ratio if sampling_ratio > 0 else max(count(float(size)), 0)
    return start + (torch.arange(n, dtype=start.dtype) + offset) * size / max(n + gaps, 1)


def starts_on_the_edge(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, offset=0)


def reads_both_edges(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, offset=0, gaps=-1)


def leaves_wide_margins(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, offset=1, gaps=1)


def never_adapts(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, max(sampling_ratio, 1))


def adapts_with_floor(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio, count=floor)


def forgets_the_start(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    return _positions(start, size, sampling_ratio) - start


SAMPLE_POSITIONS = Exercise(
    "22.sample_positions",
    reference=sample_positions,
    cases=sides_of_bins,
    hints=(
        "Cut the bin into n equal pieces. Each sample sits in the middle of its piece.",
        "Piece s begins s · size/n after the start, so its middle is at (s + ½) · size/n.",
        "If sampling_ratio ≤ 0, n is the ceiling of the size, and 0 for a bin that runs backwards.",
    ),
    mistakes={
        "starts_on_the_edge": (
            starts_on_the_edge,
            "Your first sample lies on the bin's edge. Put each in the middle of its piece: "
            "s + ½ in place of s.",
        ),
        "reads_both_edges": (
            reads_both_edges,
            "Your samples reach from edge to edge, so neighbouring bins read the same points. Put "
            "each in the middle of its piece.",
        ),
        "leaves_wide_margins": (
            leaves_wide_margins,
            "You divide by n + 1, so the margins are as wide as the gaps. They are half a gap.",
        ),
        "never_adapts": (
            never_adapts,
            "With sampling_ratio ≤ 0 the number of samples follows the bin: ⌈size⌉.",
        ),
        "adapts_with_floor": (
            adapts_with_floor,
            "You take the floor of the size. A bin of 0.2 pixels would have no sample: take the "
            "ceiling.",
        ),
        "forgets_the_start": (
            forgets_the_start,
            "Your positions are counted from the bin's edge. Add `start`.",
        ),
    },
)
