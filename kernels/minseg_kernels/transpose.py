"""From planes to pixels: (N, C, H, W) in memory becomes (N, H, W, C).

Our kernels want a pixel's channels side by side; most networks keep each channel as a plane. A
block of 64 pixels × 64 channels is read along the planes, turned round in fast shared memory, and
written along the pixels, so that both sides move whole 16-byte pieces. A map is turned once and
then serves every head that reads it. (Unit 24.)
"""

import triton
import triton.language as tl
from torch import Tensor

from minseg_kernels.launch import on_device


@triton.jit
def planes_to_pixels(
    planes, pixels, PIXELS, C: tl.constexpr, BLOCK: tl.constexpr, LANES: tl.constexpr
):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    c = tl.program_id(1) * LANES + tl.arange(0, LANES)
    n = tl.program_id(2).to(tl.int64)
    source = planes + (n * C + c)[:, None] * PIXELS + p[None, :]
    block = tl.load(source, mask=(c < C)[:, None] & (p < PIXELS)[None, :], other=0.0)
    target = pixels + (n * PIXELS + p)[:, None] * C + c[None, :]
    tl.store(target, tl.trans(block), mask=(p < PIXELS)[:, None] & (c < C)[None, :])


def transpose(planes: Tensor, pixels: Tensor) -> None:
    """Fill `pixels` (N, H, W, C) from `planes` (N, C, H, W); both contiguous, of one dtype."""
    N, C, H, W = planes.shape
    lanes = min(64, triton.next_power_of_2(C))
    with on_device(planes):
        planes_to_pixels[(triton.cdiv(H * W, 64), triton.cdiv(C, lanes), N)](
            planes, pixels, H * W, C=C, BLOCK=64, LANES=lanes, num_warps=4
        )
