"""Exercise 24.bin: the average over one bin.

To write: a Triton kernel (pixels, bins, out, H, W, C, S, LANES); a row of `bins` is y, height, x,
width, and program i averages S × S samples of bin i. `axis_sample` gives rows and weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_23.language import axis_sample, tl, triton
from minseg.course.exercises.lesson_23.patch import Slips, mistakes_of
from minseg.course.exercises.lesson_23.report import NAN, next_power_of_2, report


@triton.jit
def bin_average(pixels, bins, out, H, W, C, S: tl.constexpr, LANES: tl.constexpr):
    i = tl.program_id(0)
    c = tl.arange(0, LANES)
    y, height = tl.load(bins + i * 4), tl.load(bins + i * 4 + 1)
    x, width = tl.load(bins + i * 4 + 2), tl.load(bins + i * 4 + 3)
    total = tl.zeros([LANES], tl.float32)
    for sy in tl.static_range(S):
        y0, y1, wy0, wy1 = axis_sample(y, height, 0, sy, S, H)
        for sx in tl.static_range(S):
            x0, x1, wx0, wx1 = axis_sample(x, width, 0, sx, S, W)
            total += wy0 * wx0 * tl.load(pixels + (y0 * W + x0) * C + c, mask=c < C)
            total += wy0 * wx1 * tl.load(pixels + (y0 * W + x1) * C + c, mask=c < C)
            total += wy1 * wx0 * tl.load(pixels + (y1 * W + x0) * C + c, mask=c < C)
            total += wy1 * wx1 * tl.load(pixels + (y1 * W + x1) * C + c, mask=c < C)
    tl.store(out + i * C + c, total, mask=c < C)


def bins_to_average(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Two inside the map, one over its border, one wholly outside, where the average is 0."""
    pixels = torch.randn(4, 6, 5, generator=generator)  # and bins of y, height, x, width
    yield pixels, torch.tensor([[0.4, 1.0, 1.3, 1.5], [1.2, 0.8, 0.4, 2.0]])
    yield pixels, torch.tensor([[2.2, 3.0, -1.6, 2.0], [9.0, 1.0, 2.0, 1.0]])
    yield torch.randn(5, 3, 3, generator=generator), torch.tensor([[3.1, 1.0, 0.2, 0.5]])


def launch_bin(kernel: Any, pixels: Tensor, bins: Tensor) -> dict[str, Any]:
    (H, W, C), count = pixels.shape, len(bins)
    out, lanes = torch.full((count, C), NAN), next_power_of_2(C)
    most = (count * (4 + 16 * C), count * C)
    return report(kernel, count, out, most, pixels, bins, out, H, W, C, S=2, LANES=lanes)


SLIPS: Slips = {
    "forgets_mask": (
        {"mask=c < C": "mask=c >= 0"},
        "Your spare lanes touch what belongs to others. Loads and store need mask=c < C.",
    ),
    "divides_again": (
        {"total, mask": "total / (S * S), mask"},
        "You divide by the number of samples, and axis_sample has done so: its weights add up "
        "to 1/S.",
    ),
    "starts_again": (
        {"for sx in": "total = tl.zeros([LANES], tl.float32)\n        for sx in"},
        "Your total starts from 0 at every row of samples, so only the last row is left. Make "
        "it before both loops.",
    ),
    "walks_the_diagonal": (
        {"for sx in tl.static_range(S)": "for sx in tl.static_range(sy, sy + 1)"},
        "You took S samples, along the diagonal. A bin has S × S: all pairs of sy and sx.",
    ),
    "counts_bins": (
        {"height, 0": "height, i", "width, 0": "width, i"},
        "Your bin 0 is right, and the others lie too far on: i chooses the row of `bins`, "
        "which says where that bin starts. As `p`, axis_sample takes 0.",
    ),
    "swaps_axes": (
        {"y, height =": "x, width =", "x, width =": "y, height ="},
        "You took y for x. A row of `bins` is y, height, x, width.",
    ),
    "stores_each_time": (
        {"tl.store(": "        tl.store("},  # inside of both loops
        "The averages are right, but you store after every sample. Keep the total within the "
        "program and store it once: memory is what costs.",
    ),
}

BIN = Exercise(
    "24.bin",
    reference=bin_average,
    cases=bins_to_average,
    probe=launch_bin,
    hints=(
        "Two loops of S samples, `for sy in tl.static_range(S)` and inside it sx. "
        "axis_sample(y, height, 0, sy, S, H) gives both rows and their weights.",
        "Start with total = tl.zeros([LANES], tl.float32), a block of zeros; each sample adds four "
        "loads, weighted wy0 * wx0, wy0 * wx1, wy1 * wx0 and wy1 * wx1. Store once, at the end.",
        "The weights of axis_sample hold the 1/S of the average: nothing is left to divide.",
    ),
    mistakes=mistakes_of(bin_average, SLIPS),
)
