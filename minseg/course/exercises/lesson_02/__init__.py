"""Exercises of lesson 02: crop by area, fill a polygon, turn circles, measure distances."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.masks.distance import signed_distance
from minseg.masks.fourier import from_fourier
from minseg.masks.grid import to_grid
from minseg.masks.scanline import from_polygons

# 02.to_grid


def masks_to_crop(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor, int]]:
    """Boxes on, between and beyond pixels, cells larger and smaller than a pixel, none at all."""
    masks = torch.rand(2, 9, 12, generator=generator) > 0.4
    masks[1, 2:7, 3:5] = True
    yield masks, torch.tensor([[0.0, 0.0, 12.0, 9.0], [2.0, 1.0, 10.0, 8.0]]), 3
    yield masks, torch.tensor([[2.5, 1.25, 9.0, 6.5], [3.3, 0.2, 4.1, 8.6]]), 4
    yield masks, torch.tensor([[-3.0, -2.0, 6.0, 4.0], [8.5, 6.0, 15.0, 13.5]]), 5  # reach out
    yield masks[:, 1:].mT, torch.tensor([[1.0, 2.0, 5.0, 11.0], [0.5, 0.5, 8.0, 9.25]]), 7
    yield masks[:1], torch.tensor([[4.0, 3.0, 6.0, 5.0]]), 8  # cells smaller than a pixel
    yield masks[:0], torch.zeros(0, 4), 4


def _read(masks: Tensor, boxes: Tensor, size: int, *, at: float) -> Tensor:
    """Each mask at one point of each cell of its box, see `_points`."""
    pairs = zip(masks, boxes.tolist(), strict=True)
    grids = [_points(mask, box, size, at=at) for mask, box in pairs]
    return torch.stack(grids) if grids else torch.zeros(0, size, size)


def _points(mask: Tensor, box: list[float], size: int, *, at: float) -> Tensor:
    """The mask at one point of each cell, at this share of its sides; 0 outside of the image."""
    x1, y1, x2, y2 = box
    cell = torch.arange(size, dtype=torch.float64) + at
    i = (y1 + cell * (y2 - y1) / size).floor().long()
    j = (x1 + cell * (x2 - x1) / size).floor().long()
    rows, columns = ((k >= 0) & (k < n) for k, n in zip((i, j), mask.shape, strict=True))
    values = mask[i.clamp(0, mask.shape[0] - 1)][:, j.clamp(0, mask.shape[1] - 1)]
    return (values & rows[:, None] & columns).float()


def reads_the_centres(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return _read(masks, boxes, size, at=0.5)


def reads_the_corners(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return _read(masks, boxes, size, at=0.0)


def rounds_the_box(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes.round(), size)


def swaps_x_and_y(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes[:, [1, 0, 3, 2]], size)


def turns_the_grid(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes, size).mT


def takes_any_touch(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return (to_grid(masks, boxes, size) > 0).float()


def thresholds(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks, boxes, size, binary=True)


def forgets_the_outside(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    height, width = masks.shape[-2:]
    limit = torch.tensor([width, height, width, height])
    return to_grid(masks, torch.minimum(boxes.clamp(min=0), limit), size)


def counts_pixels(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Area in pixels, not yet divided by the cell's."""
    cells = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / size**2
    return to_grid(masks, boxes, size) * cells[:, None, None]


def uses_the_first_mask(masks: Tensor, boxes: Tensor, size: int) -> Tensor:
    return to_grid(masks[:1].expand(len(boxes), *masks.shape[1:]), boxes, size)


TO_GRID = Exercise(
    "02.to_grid",
    reference=to_grid,
    cases=masks_to_crop,
    hints=(
        "How much of cell k lies in pixel j, along one axis? The length that two intervals share: "
        "(min of the right ends - max of the left ends), at least 0.",
        "Divide that length by the cell's, and you have a matrix A (cells × pixels) for x, another "
        "for y. What lies outside the image belongs to no pixel, and so adds nothing.",
        "What a cell and a pixel share is a product of lengths: grid = A_y @ mask.float() @ A_x.T.",
    ),
    mistakes={
        "reads_the_centres": (
            reads_the_centres,
            "You read the mask at the centre of each cell, a yes or no. Ask for the share of the "
            "cell's *area* that the mask covers.",
        ),
        "reads_the_corners": (
            reads_the_corners,
            "You read the mask at the upper left corner of each cell, so all masks move by half a "
            "cell. Ask for the share of the cell's area.",
        ),
        "rounds_the_box": (
            rounds_the_box,
            "Right for boxes of whole pixels. You round the others, and lesson 04 is about what "
            "that costs: let a cell begin inside a pixel.",
        ),
        "swaps_x_and_y": (
            swaps_x_and_y,
            "You take the box as y1, x1, y2, x2. It is x1, y1, x2, y2, and x counts columns.",
        ),
        "turns_the_grid": (
            turns_the_grid,
            "Your grid is transposed: its first index is the row, which goes with y.",
        ),
        "takes_any_touch": (
            takes_any_touch,
            "A cell counts fully as soon as the mask touches it, so your objects grow. Return the "
            "share, between 0 and 1.",
        ),
        "thresholds": (
            thresholds,
            "Your shares are right, but you round them to 0 or 1. Keep the fractions: they know "
            "where in the cell the outline runs.",
        ),
        "forgets_the_outside": (
            forgets_the_outside,
            "You cut the box off at the image's frame, so that its cells become smaller. Keep the "
            "box: what lies outside is background.",
        ),
        "counts_pixels": (
            counts_pixels,
            "You return areas in pixels. Divide by the area of a cell.",
        ),
        "uses_the_first_mask": (
            uses_the_first_mask,
            "Every box of yours reads the first mask. Box n belongs to mask n.",
        ),
    },
)

# 02.from_polygons


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
    ring = torch.tensor([[1.0, 1.0], [9.0, 1.0], [9.0, 9.0], [1.0, 9.0], [1.0, 1.0],
                         [3.0, 3.0], [3.0, 7.0], [7.0, 7.0], [7.0, 3.0], [3.0, 3.0]])  # fmt: skip
    yield [ring], 10, 12  # there and back along a bridge
    yield [], 4, 5


def _fill(
    polygons: list[Tensor],
    height: int,
    width: int,
    *,
    centre: float = 0.5,
    closed: bool = True,
    only_down: bool = False,
    both_ends: bool = False,
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


def _fill_that(**changes: Any) -> Callable[..., Tensor]:
    def fill_with_a_mistake(polygons: list[Tensor], height: int, width: int) -> Tensor:
        return _fill(polygons, height, width, **changes)

    return fill_with_a_mistake


def swaps_the_axes(polygons: list[Tensor], height: int, width: int) -> Tensor:
    return from_polygons([polygon.flip(1) for polygon in polygons], height, width)


FROM_POLYGONS = Exercise(
    "02.from_polygons",
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
            _fill_that(centre=0.0),
            "You ask whether a pixel's upper left corner is inside, so the mask moves by half a "
            "pixel. Ask at its centre, (j + ½, i + ½).",
        ),
        "leaves_it_open": (
            _fill_that(closed=False),
            "The side from the last point back to the first is missing.",
        ),
        "skips_the_sides_up": (
            _fill_that(only_down=True),
            "You count only the sides that lead down. One that leads up has y1 > y2: swap its ends "
            "before you ask for y1 ≤ y < y2.",
        ),
        "counts_corners_twice": (
            _fill_that(both_ends=True),
            "Where a ray meets a corner you count both of its sides, and inside becomes outside. "
            "Take y1 ≤ y < y2: the upper end belongs to a side, the lower one does not.",
        ),
        "leaves_out_the_left_edge": (
            _fill_that(right=True),
            "A centre exactly on a left side is outside in your version. On a left or top side is "
            "inside, on a right or bottom one outside, so that neighbours share no pixel.",
        ),
        "counts_turns": (
            _fill_that(winding=True),
            "You count how often the outline winds round a point, and fill where it is not 0. By "
            "the even-odd rule the middle of a five-pointed star that crosses itself is outside.",
        ),
        "lets_parts_cancel": (
            _fill_that(odd_parts=True),
            "Even-odd holds within one polygon. Parts are united: where two overlap is inside.",
        ),
        "swaps_the_axes": (
            swaps_the_axes,
            "Points are x, y: the first number counts columns.",
        ),
    },
)

# 02.from_fourier


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
    "02.from_fourier",
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

# 02.signed_distance


def masks_to_measure(generator: torch.Generator) -> Iterable[tuple[Tensor]]:
    """Corners and diagonals, a single pixel, one at the frame, a batch, views, empty and full."""
    square = torch.zeros(9, 11, dtype=torch.bool)
    square[3:7, 2:8] = True
    yield (square,)
    lonely = torch.zeros(5, 7, dtype=torch.bool)
    lonely[1, 5] = True
    yield (lonely,)
    yield (~square[2:, 3:].T,)
    yield (torch.rand(2, 8, 7, generator=generator) > 0.6,)
    edge = torch.zeros(6, 8, dtype=torch.bool)
    edge[:, :3] = True  # cut off by the image
    yield (edge,)
    yield (torch.stack([torch.zeros(3, 4), torch.ones(3, 4)]).bool(),)


def _each(masks: Tensor, one: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """A function of one mask with an outline, on all; others as they should be."""
    result = signed_distance(masks)
    for index in np.ndindex(tuple(masks.shape[:-2])):
        mask = masks[index].numpy()
        if mask.any() and not mask.all():
            result[index] = torch.from_numpy(np.asarray(one(mask), dtype=np.float32))
    return result


def _edt(mask: np.ndarray) -> np.ndarray:
    return ndimage.distance_transform_edt(mask)


def forgets_the_half(masks: Tensor) -> Tensor:
    return _each(masks, lambda mask: _edt(mask) - _edt(~mask))


def minus_inside(masks: Tensor) -> Tensor:
    return -signed_distance(masks)


def inside_only(masks: Tensor) -> Tensor:
    return _each(masks, lambda mask: np.maximum(_edt(mask) - 0.5, 0))


def has_no_sign(masks: Tensor) -> Tensor:
    return signed_distance(masks).abs()


def adds_the_half(masks: Tensor) -> Tensor:
    return _each(masks, lambda mask: _edt(mask) - _edt(~mask) - 0.5)


def walks_the_streets(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        near, far = (ndimage.distance_transform_cdt(m, "taxicab") for m in (mask, ~mask))
        return np.where(mask, near - 0.5, 0.5 - far)

    return _each(masks, one)


def moves_like_a_king(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        near, far = (ndimage.distance_transform_cdt(m, "chessboard") for m in (mask, ~mask))
        return np.where(mask, near - 0.5, 0.5 - far)

    return _each(masks, one)


def walls_the_image(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        return np.where(mask, _edt(np.pad(mask, 1))[1:-1, 1:-1] - 0.5, 0.5 - _edt(~mask))

    return _each(masks, one)


def measures_to_the_rim(masks: Tensor) -> Tensor:
    def one(mask: np.ndarray) -> np.ndarray:
        rim = mask & ~ndimage.binary_erosion(mask, border_value=1)
        return np.where(mask, 1, -1) * _edt(~rim)

    return _each(masks, one)


SIGNED_DISTANCE = Exercise(
    "02.signed_distance",
    reference=signed_distance,
    cases=masks_to_measure,
    hints=(
        "For a pixel inside: the distance to the nearest centre outside, less ½. For one outside: "
        "minus the distance to the nearest centre inside, plus ½.",
        "Small masks allow the definition: torch.cdist of all centres inside and outside. Or "
        "scipy.ndimage.distance_transform_edt(mask), which gives each True the distance to the "
        "nearest False.",
        "d = np.where(mask, edt(mask) - 0.5, 0.5 - edt(~mask)), a mask at a time. An empty mask "
        "has no outline: -inf everywhere; a full one +inf.",
    ),
    mistakes={
        "forgets_the_half": (
            forgets_the_half,
            "You measure to the nearest pixel of the other kind. The outline runs half a pixel "
            "before it: take ½ off, on both sides.",
        ),
        "minus_inside": (
            minus_inside,
            "Your distances have the other sign. Both conventions exist; here the inside is "
            "positive, so that the mask is d > 0.",
        ),
        "inside_only": (
            inside_only,
            "Outside you return 0. There the distance to the outline counts too, as a negative "
            "number: it says how far a wrong pixel is off.",
        ),
        "has_no_sign": (
            has_no_sign,
            "Your distances have no sign, so nobody can tell inside from outside.",
        ),
        "adds_the_half": (
            adds_the_half,
            "You take ½ off everywhere. Outside the distance is negative, and half a pixel nearer "
            "means *adding* ½.",
        ),
        "walks_the_streets": (
            walks_the_streets,
            "You add rows and columns (taxicab distance). Take the straight line, √(Δx² + Δy²).",
        ),
        "moves_like_a_king": (
            moves_like_a_king,
            "A diagonal step has length 1 in your version (chessboard distance). It is √2.",
        ),
        "walls_the_image": (
            walls_the_image,
            "You count the image's frame as background. Where an object is cut off by the frame, "
            "its outline is not known, so it does not count.",
        ),
        "measures_to_the_rim": (
            measures_to_the_rim,
            "You measure to the outermost pixels of the mask, which therefore get 0, and 0 is not "
            "inside. The outline lies between pixels.",
        ),
    },
)

EXERCISES = (TO_GRID, FROM_POLYGONS, FROM_FOURIER, SIGNED_DISTANCE)
