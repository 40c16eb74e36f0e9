"""Choose the back end of RoIAlign: PyTorch's own operations, or the Triton kernels.

Tensors on a CUDA GPU go to `minseg_kernels`, others to PyTorch. Triton exists for Linux only and
its import takes a while, so it is looked for when a call asks for it, not before. (Unit 24.)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from torch import Tensor

BACKENDS = ("auto", "torch", "triton")
_said: set[str] = set()  # problems that were warned of: once each is enough


def triton_roi_align(input: Tensor, backend: str) -> Callable[..., Tensor] | None:
    """The operator of `minseg_kernels`, where this call should use it; None for PyTorch.

    Args:
        input: the features. backend: "torch", "triton", or "auto": Triton for CUDA tensors if it
        can take them, else PyTorch, which is said once in a warning.

    Raises:
        ValueError: if there is no such backend.
        ImportError, RuntimeError, TypeError, ValueError: if "triton" is asked for and missing, or
            the device, dtype or size is not one it can take.
    """
    if backend == "torch" or (backend == "auto" and not input.is_cuda):
        return None
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}; got {backend!r}")
    # What, if anything, speaks against the kernels?
    try:
        import minseg_kernels
    except ImportError as missing:
        problem: Exception | None = ImportError(
            f"the Triton kernels cannot be imported ({missing}): on Linux, pip install triton"
        )
    else:
        problem = minseg_kernels.obstacle([input])
    if problem is None:
        return minseg_kernels.roi_align
    # "triton" was asked for and fails; "auto" falls back on PyTorch and says so.
    if backend == "triton":
        raise problem
    if str(problem) not in _said:
        _said.add(str(problem))
        warnings.warn(f"RoIAlign uses PyTorch: {problem}", RuntimeWarning, stacklevel=3)
    return None
