"""What every launch needs: the sampling rule in one piece, sizes of blocks, the right device."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

import torch
import triton
from torch import Tensor

# a·b + c as one instruction with one rounding. Triton 3.10 no longer does so unless it is asked.
FUSED = {"enable_fp_fusion": True}


class Sampling(NamedTuple):
    """How boxes become samples: `scales` 1/stride of each level, `ratio` 0 for ⌈bin⌉, `aligned`."""

    scales: tuple[float, ...]
    ratio: int
    aligned: bool


def sizes(maps: Sequence[Tensor]) -> dict[str, tuple[float, ...]]:
    """Heights and widths of the levels, (N, H, W, C) each, as arguments of a kernel.

    They travel as floats, which are exact to 2²⁴. Triton compiles a kernel anew for every pattern
    of which integers are multiples of 16 or equal to 1, and with images of any size a pyramid has
    dozens of those; float arguments have no such patterns.
    """
    return {
        "heights": tuple(float(m.shape[1]) for m in maps),
        "widths": tuple(float(m.shape[2]) for m in maps),
    }


def channel_block(channels: int, most: int = 256) -> int:
    """Channels of one program: a power of two, as Triton's vectors must be."""
    return max(min(most, 256, triton.next_power_of_2(channels)), 1)


def row_block(channels: int, columns: int) -> tuple[int, int, int]:
    """Bins, channels and warps of a program that makes one output row.

    A thread has 16 numbers of the row, 4 loads of 16 bytes for each tap, while 8 warps last.
    """
    bins = triton.next_power_of_2(columns)
    lanes = channel_block(channels, most=max(4096 // bins, 16))
    return bins, lanes, min(max(bins * lanes // 512, 1), 8)


def pixel_warps(lanes: int) -> int:
    """Warps of a program that owns a tile of 64 pixels: 64 numbers of the tile for each thread."""
    return min(max(lanes // 32, 1), 8)


def on_device(tensor: Tensor) -> contextlib.AbstractContextManager[object]:
    """Triton launches on the *current* GPU, so make the tensor's GPU the current one."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else contextlib.nullcontext()
