"""Exercise 12.from_polygons: fill polygons by the even-odd rule.

To write: f(polygons, height, width), a list of (n, 2) points x, y, to (height, width) bool: which
pixels have their centre inside one of them. The answer is `from_polygons`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.masks.scanline import from_polygons


def outlines_to_fill(generator: torch.Generator) -> Iterable[tuple[list[Tensor], int, int]]:
    """Corners on centres, crossing sides, level sides, a hole, parts that overlap, nothing."""
    star = torch.tensor([[10.0, 1.0], [15.5, 18.2], [1.2, 7.0], [18.8, 7.3], [4.3, 18.6]])
    square = torch.tensor([[2.0, 2.0], [9.0, 2.0], [9.0, 8.0], [2.0, 8.0]])
    yield [square], 11, 13
    yield [square - 0.5], 10, 9  # centres on all four sides
    yield [star], 20, 21  # the middle is crossed twice
    yield [square, square + torch.tensor([3.0, 4.0])], 14, 12  # two parts that overlap
    yield [torch.tensor([[5.5, 0.5], [9.5, 5.5], [5.5, 10.5], [1.5, 5.5]])], 12, 12
    yield [torch.rand(9, 2, generator=generator, dtype=torch.float64) * 24 - 4], 15, 17
    outer = torch.tensor([[1.0, 1.0], [9.0, 1.0], [9.0, 9.0], [1.0, 9.0], [1.0, 1.0]])
    inner = torch.tensor([[3.0, 3.0], [3.0, 7.0], [7.0, 7.0], [7.0, 3.0], [3.0, 3.0]])
    yield [torch.cat([outer, inner])], 10, 12  # a ring: there and back along a bridge
    yield [], 4, 5


def _fill(
    polygons: list[Tensor],
    height: int,
    width: int,
    *,
    closed: bool = True,
    only_down: bool = False,
    both_ends: bool = False,
    centre: float = 0.5,
    right: bool = False,
    winding: bool = False,
    odd_parts: bool = False,
) -> Tensor:
    """The rule with a switch for each half of it that can be got wrong."""
    y, x = np.mgrid[:height, :width] + centre
    mask = np.zeros((height, width), dtype=bool)
    for polygon in polygons:
        points = polygon.double().numpy()
        turns = np.zeros((height, width), dtype=int)
        closed_up = np.concatenate([points, points[:1]]) if closed else points
        for a, b in pairwise(closed_up):
            (x1, y1), (x2, y2) = (a, b) if only_down or a[1] <= b[1] else (b, a)
            if y1 == y2:
                continue
            rows = (y1 <= y) & ((y <= y2) if both_ends else (y < y2))
            at = x1 + (y - y1) * (x2 - x1) / (y2 - y1)
            turns += (rows & ((at < x) if right else (at <= x))) * (1 if a[1] <= b[1] else -1)
        covered = turns != 0 if winding else turns % 2 == 1
        mask = mask ^ covered if odd_parts else mask | covered
    return torch.from_numpy(mask)


leaves_it_open = partial(_fill, closed=False)
skips_the_sides_up = partial(_fill, only_down=True)
counts_corners_twice = partial(_fill, both_ends=True)
asks_at_the_corners = partial(_fill, centre=0.0)
leaves_out_the_left_edge = partial(_fill, right=True)
counts_turns = partial(_fill, winding=True)
lets_parts_cancel = partial(_fill, odd_parts=True)


def swaps_the_axes(polygons: list[Tensor], height: int, width: int) -> Tensor:
    return from_polygons([polygon.flip(1) for polygon in polygons], height, width)


FROM_POLYGONS = Exercise(
    "12.from_polygons",
    reference=from_polygons,
    cases=outlines_to_fill,
    hints=(
        "From each pixel's centre (j + ½, i + ½) look to the left: how many sides of the polygon "
        "does the ray cross? Odd is inside.",
        "A side from (x1, y1) down to (x2, y2) is crossed if y1 ≤ y < y2 and its x at that height, "
        "x1 + (y - y1)(x2 - x1)/(y2 - y1), is ≤ x. One ≤ and one < let each corner count once.",
        "The last point is joined to the first, level sides are never crossed, and several "
        "polygons are united: mask |= inside.",
    ),
    mistakes={
        "asks_at_the_corners": (
            asks_at_the_corners,
            "You ask whether a pixel's upper left corner is inside, so the mask moves by half a "
            "pixel. Ask at its centre, (j + ½, i + ½).",
        ),
        "leaves_it_open": (
            leaves_it_open,
            "The side from the last point back to the first is missing.",
        ),
        "skips_the_sides_up": (
            skips_the_sides_up,
            "You count only the sides that lead down. One that leads up has y1 > y2: swap its ends "
            "before you ask for y1 ≤ y < y2.",
        ),
        "counts_corners_twice": (
            counts_corners_twice,
            "Where a ray meets a corner you count both of its sides, and inside becomes outside. "
            "Take y1 ≤ y < y2: the upper end belongs to a side, the lower one does not.",
        ),
        "leaves_out_the_left_edge": (
            leaves_out_the_left_edge,
            "A centre exactly on a left side is outside in your version. On a left or top side is "
            "inside, on a right or bottom one outside, so that neighbours share no pixel.",
        ),
        "counts_turns": (
            counts_turns,
            "You count how often the outline winds round a point, and fill where it is not 0. By "
            "the even-odd rule the middle of a five-pointed star that crosses itself is outside.",
        ),
        "lets_parts_cancel": (
            lets_parts_cancel,
            "Even-odd holds within one polygon. Parts are united: where two overlap is inside.",
        ),
        "swaps_the_axes": (
            swaps_the_axes,
            "Points are x, y: the first number counts columns.",
        ),
    },
)
