"""Exercises of lesson 04: rounding, its bias and its spread, and what a shift costs in IoU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import torch
from torch import Tensor

from minseg.boxes import fpn_level
from minseg.course.exercise import Exercise
from minseg.roi.quantisation import round_half_away, shifted_iou

# 04.round_half_away


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
    "04.round_half_away",
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

# 04.bias_and_spread


def bias_and_spread(steps: Sequence[str], stride: float) -> tuple[float, float]:
    """Mean and SD of the error, in image pixels, after these rounding steps."""
    mean = sum(0.5 if step == "floor" else 0.0 for step in steps)  # biases add
    variance = len(steps) / 12  # independent variances add, whichever way a step rounds
    return stride * mean, stride * sqrt(variance)


def chains_of_steps(generator: torch.Generator) -> Iterable[tuple[tuple[str, ...], float]]:
    """One step, two alike, two unlike in either order, three; strides that are not 1."""
    yield ("floor",), 1
    yield ("floor",), 16
    yield ("round",), 8
    yield ("floor", "floor"), 4
    yield ("round", "round"), 32
    yield ("round", "floor"), 16
    yield ("floor", "round", "floor"), 0.5


def forgets_stride(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return bias_and_spread(steps, 1)


def spreads_add(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return bias_and_spread(steps, stride)[0], stride * len(steps) / sqrt(12)


def gives_variance(steps: Sequence[str], stride: float) -> tuple[float, float]:
    mean, sd = bias_and_spread(steps, stride)
    return mean, sd**2


def every_step_costs_half(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return stride * len(steps) / 2, bias_and_spread(steps, stride)[1]


def gives_rms(steps: Sequence[str], stride: float) -> tuple[float, float]:
    mean, sd = bias_and_spread(steps, stride)
    return mean, sqrt(mean**2 + sd**2)


def stride_under_the_root(steps: Sequence[str], stride: float) -> tuple[float, float]:
    return bias_and_spread(steps, stride)[0], sqrt(stride * len(steps) / 12)


BIAS_AND_SPREAD = Exercise(
    "04.bias_and_spread",
    reference=bias_and_spread,
    cases=chains_of_steps,
    hints=(
        "Do one step in feature pixels first, with the mean and the variance of a uniform error.",
        "A floor's error is uniform on [0, 1), a rounding's on [-½, ½): both have variance 1/12.",
        "Means add and variances add. Take the root at the end, then multiply both by the stride.",
    ),
    mistakes={
        "forgets_stride": (
            forgets_stride,
            "That is in feature pixels. One feature pixel is `stride` image pixels wide.",
        ),
        "spreads_add": (
            spreads_add,
            "Standard deviations of independent errors do not add, their squares do: two steps "
            "spread √2 times as much as one, not twice.",
        ),
        "gives_variance": (
            gives_variance,
            "The second number is a variance, in squared pixels. The SD is its root.",
        ),
        "every_step_costs_half": (
            every_step_costs_half,
            "Only a floor has a bias. Rounding to the nearest goes up as often as down, so its "
            "mean error is 0.",
        ),
        "gives_rms": (
            gives_rms,
            "That is the RMS, which has the bias in it: RMS² = mean² + SD². Leave the mean out.",
        ),
        "stride_under_the_root": (
            stride_under_the_root,
            "A length that is `stride` times longer has a variance `stride`² times larger. Scale "
            "the SD by the stride itself, outside of the root.",
        ),
    },
)

# 04.shifted_iou


def boxes_and_shifts(generator: torch.Generator) -> Iterable[tuple[Tensor, Tensor]]:
    """No shift, small, exactly the side, beyond it, to the upper left; sides that differ."""
    side = torch.tensor(32.0, dtype=torch.float64)
    yield side, torch.tensor([0.0, 1.0, 4.0, 8.0, 16.0], dtype=torch.float64)
    yield side, torch.tensor([-1.0, -16.0], dtype=torch.float64)
    yield side, torch.tensor([31.9, 32.0, 40.0, 500.0], dtype=torch.float64)
    sides = 1 + 99 * torch.rand(6, generator=generator, dtype=torch.float64)
    yield sides, sides * torch.rand(6, generator=generator, dtype=torch.float64)


def moves_one_axis(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift.abs()).clamp(min=0)
    return shared / (2 * length - shared)


def counts_overlap_twice(length: Tensor, shift: Tensor) -> Tensor:
    return (length - shift.abs()).clamp(min=0) ** 2 / (2 * length**2)


def divides_by_one_box(length: Tensor, shift: Tensor) -> Tensor:
    return (length - shift.abs()).clamp(min=0) ** 2 / length**2


def forgets_that_boxes_part(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift.abs()) ** 2
    return shared / (2 * length**2 - shared)


def types_the_formula(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift) ** 2
    return shared / (2 * length**2 - shared)


def forgets_the_sign(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length - shift).clamp(min=0) ** 2
    return shared / (2 * length**2 - shared)


def subtracts_a_square(length: Tensor, shift: Tensor) -> Tensor:
    shared = (length**2 - shift**2).clamp(min=0)
    return shared / (2 * length**2 - shared)


SHIFTED_IOU = Exercise(
    "04.shifted_iou",
    reference=shifted_iou,
    cases=boxes_and_shifts,
    hints=(
        "Draw two equal squares, one moved right and down. What shape do they share?",
        "They share a square of side L - δ. The union is both areas less what they share.",
        "What if δ is negative, or larger than L? The shared side must not fall below 0.",
    ),
    mistakes={
        "moves_one_axis": (
            moves_one_axis,
            "That moves the box along one axis. Both axes are rounded, so it moves along both, "
            "and the shared area is (L - δ)².",
        ),
        "counts_overlap_twice": (
            counts_overlap_twice,
            "The sum of both areas counts the overlap twice. The union counts it once.",
        ),
        "divides_by_one_box": (
            divides_by_one_box,
            "You divided by the area of one box: that is the share of it which is covered. IoU "
            "divides by the union.",
        ),
        "types_the_formula": (
            types_the_formula,
            "The formula holds for shifts from 0 to L. Take the size of a negative shift, and let "
            "the shared side not fall below 0.",
        ),
        "forgets_that_boxes_part": (
            forgets_that_boxes_part,
            "Once the shift exceeds the side the boxes are apart, but the square of a negative "
            "side is positive again. Clamp the side at 0 before you square it.",
        ),
        "forgets_the_sign": (
            forgets_the_sign,
            "A shift to the upper left is negative, and your overlap grows. Take its size.",
        ),
        "subtracts_a_square": (
            subtracts_a_square,
            "What stays covered is not L² - δ²: the shift uncovers two strips of L·δ that share "
            "a corner of δ². So L² - 2Lδ + δ² = (L - δ)² is left.",
        ),
    },
)

# 04.fpn_level


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
    "04.fpn_level",
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

EXERCISES = (ROUND_HALF_AWAY, BIAS_AND_SPREAD, SHIFTED_IOU, FPN_LEVEL)
