"""Exercise 20.fpn_level: the pyramid level that reads a box.

To write: f(boxes), (N, 4) in image pixels, to (N,) int64 levels from 2 to 5. The answer is
`fpn_level` (Lin et al., Feature Pyramid Networks, 2017, equation 1).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from minseg.boxes import fpn_level
from minseg.course.exercise import Exercise


def boxes_of_all_sizes(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Sizes on both sides of each change of level, beyond both ends, long and flat boxes, none."""
    sides = torch.tensor([8.0, 55.9, 56.1, 111.9, 112.1, 223.9, 224.1, 447.9, 448.1, 2000.0])
    corner = 500 * torch.rand(len(sides), 2, generator=generator)
    yield (torch.tensor([[0.0, 0.0, 30.0, 900.0], [10.0, 40.0, 700.0, 60.0]]),)
    yield (torch.cat([corner, corner + sides[:, None]], dim=1),)
    yield (torch.zeros(0, 4),)
    width_height = 4 + 600 * torch.rand(20, 2, generator=generator, dtype=torch.float64)
    yield (torch.cat([0 * width_height, width_height], dim=1),)


def _level(size: Tensor) -> Tensor:
    return (4 + torch.log2(size / 224)).floor().clamp(2, 5).long()


def _sides(boxes: Tensor) -> Tensor:
    return boxes[:, 2:] - boxes[:, :2]


def forgets_clamp(boxes: Tensor) -> Tensor:
    return (4 + torch.log2(_sides(boxes).prod(dim=1).sqrt() / 224)).floor().long()


def takes_area(boxes: Tensor) -> Tensor:
    return _level(_sides(boxes).prod(dim=1))


def natural_logarithm(boxes: Tensor) -> Tensor:
    size = _sides(boxes).prod(dim=1).sqrt()
    return (4 + torch.log(size / 224)).floor().clamp(2, 5).long()


def nearest_level(boxes: Tensor) -> Tensor:
    size = _sides(boxes).prod(dim=1).sqrt()
    return (4 + torch.log2(size / 224)).round().clamp(2, 5).long()


def longest_side(boxes: Tensor) -> Tensor:
    return _level(_sides(boxes).amax(dim=1))


def corners_as_size(boxes: Tensor) -> Tensor:
    return _level(boxes[:, 2:].prod(dim=1).sqrt())


FPN_LEVEL = Exercise(
    "20.fpn_level",
    reference=fpn_level,
    cases=boxes_of_all_sizes,
    hints=(
        "A box is (x1, y1, x2, y2): its size is the root of width times height.",
        "Each doubling of the size is one level up: log2 counts doublings.",
        "Take the floor first, clamp the result to 2 … 5, and return int64.",
    ),
    mistakes={
        "forgets_clamp": (
            forgets_clamp,
            "The pyramid has levels 2 to 5 only. Very small boxes read level 2, very large ones 5.",
        ),
        "takes_area": (
            takes_area,
            "You compared the area with 224. Compare the size, the root of width × height.",
        ),
        "natural_logarithm": (
            natural_logarithm,
            "Levels differ by factors of two, so the logarithm is to base 2.",
        ),
        "nearest_level": (
            nearest_level,
            "You rounded to the nearest level. The rule takes the floor: a 223 px box is still 3.",
        ),
        "longest_side": (
            longest_side,
            "You used the longer side. The rule uses √(w·h), so a long flat box counts as small.",
        ),
        "corners_as_size": (
            corners_as_size,
            "The last two numbers are the lower right corner, not a size: subtract the first two.",
        ),
    },
)
