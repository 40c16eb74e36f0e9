"""Exercise 24.roi: RoIAlign.

To write: a Triton kernel (pixels, rois, out, scale, H, W, C, PH, PW, S, BINS, LANES) on maps
(N, H, W, C); program k · PH + p makes row p of RoI k, all PW bins and C channels at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from minseg.course.exercise import Exercise
from minseg.course.exercises.lesson_23.language import axis_sample, box_edges, tl, triton
from minseg.course.exercises.lesson_23.patch import Slips, mistakes_of
from minseg.course.exercises.lesson_23.report import NAN, next_power_of_2, report

PH, PW, S, SCALE = 2, 3, 2, 0.5


@triton.jit
def roi_rows(
    pixels,
    rois,
    out,
    scale,
    H,
    W,
    C,
    PH: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    BINS: tl.constexpr,
    LANES: tl.constexpr,
):
    k, p = tl.program_id(0) // PH, tl.program_id(0) % PH  # which RoI, which row of its bins
    n, y, bin_h, x, bin_w = box_edges(rois, k, scale, PH, PW, True)
    q, c = tl.arange(0, BINS), tl.arange(0, LANES)
    inside = (q < PW)[:, None] & (c < C)[None, :]
    image = pixels + n * H * W * C + c[None, :]
    total = tl.zeros([BINS, LANES], tl.float32)
    for sy in tl.static_range(S):
        y0, y1, wy0, wy1 = axis_sample(y, bin_h, p, sy, S, H)  # numbers
        for sx in tl.static_range(S):
            x0, x1, wx0, wx1 = axis_sample(x, bin_w, q, sx, S, W)  # vectors: an entry for each bin
            total += (wy0 * wx0)[:, None] * tl.load(image + ((y0 * W + x0) * C)[:, None], inside)
            total += (wy0 * wx1)[:, None] * tl.load(image + ((y0 * W + x1) * C)[:, None], inside)
            total += (wy1 * wx0)[:, None] * tl.load(image + ((y1 * W + x0) * C)[:, None], inside)
            total += (wy1 * wx1)[:, None] * tl.load(image + ((y1 * W + x1) * C)[:, None], inside)
    row = out + ((k * PH + p) * PW + q)[:, None] * C + c[None, :]
    tl.store(row, total, mask=inside)


def rois_to_align(generator: torch.Generator) -> Iterable[tuple[Tensor, ...]]:
    """Two images of stride 2, a box over the border, a tiny one, three channels and one."""
    pixels = torch.randn(2, 5, 7, 3, generator=generator)  # (N, H, W, C)
    yield pixels, torch.tensor([[1.0, 2.4, 1.2, 10.8, 6.6], [0.0, -5.0, 3.4, 5.0, 8.2]])
    yield pixels[:1].contiguous(), torch.tensor([[0.0, 1.5, 2.5, 12.0, 9.5]])
    yield pixels[..., :1].contiguous(), torch.tensor([[1.0, 3.0, 3.0, 4.0, 4.0]])


def launch_roi(kernel: Any, pixels: Tensor, rois: Tensor) -> dict[str, Any]:
    (_, H, W, C), K = pixels.shape, len(rois)
    out = torch.full((K, PH, PW, C), NAN)
    most = (K * PH * (5 + 4 * S * S * PW * C), K * PH * PW * C)
    args = (pixels, rois, out, SCALE, H, W, C)
    blocks = {"BINS": next_power_of_2(PW), "LANES": next_power_of_2(C)}
    return report(kernel, K * PH, out, most, *args, PH=PH, PW=PW, S=S, **blocks)


SLIPS: Slips = {
    "forgets_mask_of_bins": (
        {"q < PW": "q >= 0"},
        "You have BINS lanes for PW bins, and the spare ones write into the next row. Mask "
        "with q < PW as well as c < C.",
    ),
    "forgets_mask_of_channels": (
        {"c < C": "c >= 0"},
        "You mask the bins and not the channels: lanes beyond C belong to the next pixel.",
    ),
    "drops_batch_index": (
        {"pixels + n * H * W * C": "pixels"},
        "You read every RoI from image 0. box_edges returns the image n: it begins n * H * W "
        "* C numbers further on.",
    ),
    "mixes_roi_and_row": (
        {"k, p =": "p, k ="},
        "You took the RoI for the row. Programs 0 … PH - 1 make the rows of RoI 0: divide by "
        "PH for the RoI, and the rest is the row.",
    ),
    "first_row_only": (
        {"bin_h, p": "bin_h, 0"},
        "All rows of a RoI are alike: you sample the first row of bins each time. The y side "
        "of axis_sample takes p.",
    ),
    "forgets_scale": (
        {"k, scale, PH": "k, 1.0, PH"},
        "Boxes are in image pixels, the map is coarser. Hand `scale` on to box_edges.",
    ),
    "forgets_half_pixel": (
        {"PW, True": "PW, False"},
        "Half a pixel is missing: call box_edges with ALIGNED = True.",
    ),
}

ROI = Exercise(
    "24.roi",
    reference=roi_rows,
    cases=rois_to_align,
    probe=launch_roi,
    hints=(
        "k = tl.program_id(0) // PH is the RoI, p = tl.program_id(0) % PH the row of its bins. "
        "box_edges(rois, k, scale, PH, PW, True) gives n, y, bin_h, x, bin_w.",
        "Let q = tl.arange(0, BINS) be the bins of the row and c the channels: blocks of shape "
        "[BINS, LANES]. x[:, None] stands for bins, c[None, :] for channels, and the mask is "
        "(q < PW)[:, None] & (c < C)[None, :].",
        "It is the kernel of 24.bin with p in place of 0 for y, q for x, image n at "
        "pixels + n * H * W * C, and the result at ((k * PH + p) * PW + q) * C + c.",
    ),
    mistakes=mistakes_of(roi_rows, SLIPS),
)
