"""What is compared in unit 23: not only a kernel's result, but how it moved memory.

A learner writes a kernel; it is launched in the interpreter under guard. Judged are the result,
reads and writes outside of the tensors, and how many numbers were loaded and stored. Sizes are odd,
so that a missing mask shows.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from minseg.kernel_trace import launch

NAN = float("nan")  # what `out` holds before a launch: what no program wrote differs


def next_power_of_2(number: int) -> int:
    """A block's size for so many numbers: Triton's vectors are powers of two.

    Example:
        >>> [next_power_of_2(n) for n in (1, 3, 4, 5)]
        [1, 4, 4, 8]
    """
    return 1 << (number - 1).bit_length()


def report(
    kernel: Any, programs: int, out: Tensor, most: tuple[int, int], *args: Any, **constants: int
) -> dict[str, Any]:
    """Launch a kernel, and say what came of it.

    Args:
        kernel: as `check` wraps it.
        programs: how many are launched.
        out: what the kernel fills, one of `args`.
        most: how many numbers it may load, and store.

    Raises:
        NotImplementedError: if it touched nothing: not attempted yet.
    """
    trace = launch(kernel.__wrapped__, (programs,), *args, **constants)
    if not trace.accesses:
        raise NotImplementedError
    loads, stores = (
        f"within {limit}" if made <= limit else f"{made}, where {limit} are enough"
        for made, limit in zip((trace.count("load"), trace.count("store")), most, strict=True)
    )
    return {"touched outside": trace.outside, "out": out, "loads": loads, "stores": stores}
