"""Exercise 23.sample: bilinear interpolation of all channels at once.

To write: a Triton kernel (pixels, x, y, out, H, W, C, LANES) on a map (H, W, C); program i reads at
index coordinates (x[i], y[i]), held to the border. It is 21.bilinear, one point for each program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_23.language import tl, triton
from minseg.course.exercises.lesson_23.patch import Slips, mistakes_of
from minseg.course.exercises.lesson_23.report import NAN, next_power_of_2, report


@triton.jit
def sample(pixels, x, y, out, H, W, C, LANES: tl.constexpr):
    i = tl.program_id(0)
    c = tl.arange(0, LANES)
    px = tl.minimum(tl.maximum(tl.load(x + i), 0.0), W - 1.0)
    py = tl.minimum(tl.maximum(tl.load(y + i), 0.0), H - 1.0)
    x0, y0 = px.to(tl.int32), py.to(tl.int32)  # not negative, so this is the floor
    x1, y1 = tl.minimum(x0 + 1, W - 1), tl.minimum(y0 + 1, H - 1)
    a, b = px - x0, py - y0
    value = (1 - b) * (1 - a) * tl.load(pixels + (y0 * W + x0) * C + c, mask=c < C)
    value += (1 - b) * a * tl.load(pixels + (y0 * W + x1) * C + c, mask=c < C)
    value += b * (1 - a) * tl.load(pixels + (y1 * W + x0) * C + c, mask=c < C)
    value += b * a * tl.load(pixels + (y1 * W + x1) * C + c, mask=c < C)
    tl.store(out + i * C + c, value, mask=c < C)


def points_to_sample(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Between pixels, on the last row and column, outside the map; maps higher than wide."""
    pixels = torch.randn(4, 6, 5, generator=generator)  # (H, W, C): channels-last
    yield pixels, torch.tensor([1.25, 3.6]), torch.tensor([0.75, 1.5])
    yield pixels, torch.tensor([4.75, 5.0, -0.4]), torch.tensor([2.5, 3.0, 3.8])
    yield torch.randn(5, 2, 3, generator=generator), torch.tensor([0.3]), torch.tensor([3.9])


def launch_sample(kernel: Any, pixels: Tensor, x: Tensor, y: Tensor) -> dict[str, Any]:
    (H, W, C), points = pixels.shape, len(x)
    out, lanes = torch.full((points, C), NAN), next_power_of_2(C)
    most = (points * (2 + 4 * C), points * C)
    return report(kernel, points, out, most, pixels, x, y, out, H, W, C, LANES=lanes)


SLIPS: Slips = {
    "forgets_mask": (
        {"mask=c < C": "mask=c >= 0"},
        "Your spare lanes read into the next pixel, and write over the next row of `out`. "
        "Give loads and store mask=c < C.",
    ),
    "runs_off_the_map": (
        {
            "tl.minimum(x0 + 1, W - 1)": "x0 + 1",
            "tl.minimum(y0 + 1, H - 1)": "y0 + 1",
        },
        "At the last row or column there is no neighbour, and you read what lies behind. Its "
        "weight is 0, but on a GPU the read itself may be an error, and 0 · NaN is NaN: "
        "tl.minimum(x0 + 1, W - 1).",
    ),
    "swaps_xy": (
        {"x + i": "y + i", "y + i": "x + i"},
        "You took x for y. y chooses the row, so it is y that is multiplied by W.",
    ),
    "swaps_weights": (
        {"a, b = px - x0, py - y0": "a, b = 1 - (px - x0), 1 - (py - y0)"},
        "Your weights are the wrong way round: the nearer a pixel, the more it counts. The "
        "left one has 1 - a.",
    ),
    "nearest_pixel": (
        {
            "px.to(": "(px + 0.5).to(",
            "py.to(": "(py + 0.5).to(",
            "a, b = px - x0, py - y0": "a, b = 0.0, 0.0",
        },
        "You read the nearest pixel only. Interpolation mixes the four around the point.",
    ),
    "forgets_channels": (
        {") * C + c": ") + c"},
        "Your pixels begin one number apart. Each is C numbers long: (row * W + column) * C.",
    ),
    "reads_planes": (
        {") * C + c": ") + c * H * W"},
        "You read NCHW, where the channels of a pixel lie H * W apart. This map is (H, W, C): "
        "they lie side by side, at (row * W + column) * C + c.",
    ),
    "steps_by_height": (
        {"y0 * W": "y0 * H", "y1 * W": "y1 * H"},
        "You step from row to row by H pixels. A row is W pixels long.",
    ),
    "forgets_half_pixel": (
        {
            "tl.load(x + i)": "tl.load(x + i) - 0.5",
            "tl.load(y + i)": "tl.load(y + i) - 0.5",
        },
        "You took half a pixel off. Here x and y are index coordinates already: pixel j sits "
        "at x = j.",
    ),
}

SAMPLE = Exercise(
    "23.sample",
    reference=sample,
    cases=points_to_sample,
    probe=launch_sample,
    hints=(
        "Hold x within 0 … W - 1 with tl.minimum and tl.maximum, y alike. px.to(tl.int32) cuts "
        "off the fraction, which is the floor of a number that is not negative.",
        "Pixel (row, column) of the map begins at (row * W + column) * C. The right neighbour is "
        "tl.minimum(x0 + 1, W - 1), the lower one alike.",
        "Four loads of all channels, each with mask=c < C, with the weights (1-b)(1-a), (1-b)a, "
        "b(1-a) and ba, where a = px - x0 and b = py - y0.",
    ),
    mistakes=mistakes_of(sample, SLIPS),
)
