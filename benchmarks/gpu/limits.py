"""How fast this GPU can move bytes at best: the floors that a kernel's time is held against."""

from __future__ import annotations

from collections.abc import Callable

import torch
import triton
import triton.language as tl
from torch import Tensor


# Arguments of a kernel are pointers and blocks, which have no types that mypy knows.
@triton.jit
def read_blocks(x, out, blocks, REPEAT: tl.constexpr, SIZE: tl.constexpr):  # type: ignore[no-untyped-def]
    """Each program reads REPEAT blocks of a buffer, all over it, and keeps only their sum."""
    program = tl.program_id(0)
    lane = tl.arange(0, SIZE)
    total = tl.zeros([SIZE], tl.float32)
    for i in range(REPEAT):
        block = (program * 7 + i * 131) % blocks
        total += tl.load(x + block * SIZE + lane)
    tl.store(out + program * SIZE + lane, total)


def limits(measure: Callable[[Callable[[], object]], float]) -> dict[str, float]:
    """Bytes a second of a copy through memory, and of reading what the L2 cache holds.

    Args:
        measure: the median milliseconds of a call.
    """
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    source = torch.randn(2**28, device="cuda")  # 1 GiB
    target = torch.empty_like(source)
    copy = measure(lambda: target.copy_(source))
    half_of_l2 = source[: properties.L2_cache_size // 8]
    l2_bytes, l2_time = read_rate(half_of_l2, properties.multi_processor_count, measure)
    return {
        "copy_bytes_per_s": 2 * source.numel() * 4 / copy * 1e3,
        "l2_bytes_per_s": l2_bytes / l2_time * 1e3,
    }


def read_rate(
    x: Tensor, processors: int, measure: Callable[[Callable[[], object]], float]
) -> tuple[int, float]:
    """Bytes that a launch reads of a buffer, and its milliseconds."""
    programs, repeat, size = 16 * processors, 256, 1024
    out = x.new_empty(programs * size)
    blocks = len(x) // size
    time = measure(lambda: read_blocks[(programs,)](x, out, blocks, REPEAT=repeat, SIZE=size))
    return programs * repeat * size * x.element_size(), time
