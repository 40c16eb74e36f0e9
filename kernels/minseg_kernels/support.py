"""What the kernels can take, and the plain words for what they cannot."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
from torch import Tensor

from minseg.roi.rois import check_scale
from minseg_kernels.forward import roi_align_forward

# Triton decides when a kernel is defined whether the interpreter will run it.
INTERPRETED = not isinstance(roi_align_forward, triton.JITFunction)
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
OLDEST = (8, 0)  # compute capability: bfloat16 and what Triton is tested on


def obstacle(features: Sequence[Tensor]) -> Exception | None:
    """Why the kernels cannot take these maps, each (N, C, H, W); None if they can.

    The exception is returned, not raised, since the caller may prefer another backend: TypeError
    for a dtype, ValueError for a size, RuntimeError for a device. Each names the remedy.
    """
    first = features[0]
    if first.dtype not in DTYPES:
        return TypeError(
            f"the Triton kernels take float32, float16 and bfloat16, got {first.dtype}: "
            'convert the features, or use backend="torch"'
        )
    if max(f[0].numel() if len(f) else 0 for f in features) >= 2**31:
        return ValueError(
            "the Triton kernels number the values of one image with 32 bits, "
            'and these maps have 2**31 or more: use backend="torch", or fewer channels at a time'
        )
    if max(max(f.shape[2:]) for f in features) > 2**24:
        return ValueError(
            "the Triton kernels place samples in float32, which ends at 2**24 pixels a side, "
            'and these maps have more: use backend="torch"'
        )
    if first.device.type == "cpu" and not INTERPRETED:
        return RuntimeError(
            "the Triton kernels run on GPUs, and these tensors are on the CPU: move them, use "
            'backend="torch", or set TRITON_INTERPRET=1 in the environment before Python starts '
            "(or before the first import of minseg_kernels) to run the interpreter"
        )
    if first.device.type not in ("cpu", "cuda"):
        return RuntimeError(
            f'the Triton kernels run on CUDA GPUs, got {first.device}: use backend="torch"'
        )
    if first.is_cuda and torch.version.hip is None and capability(first.device.index) < OLDEST:
        return RuntimeError(
            f"the Triton kernels need compute capability {OLDEST[0]}.{OLDEST[1]} (Ampere, 2020), "
            f'{first.device} has {capability(first.device.index)}: use backend="torch"'
        )
    return None


@torch.compiler.assume_constant_result
def capability(device: int) -> tuple[int, int]:
    """A GPU's compute capability; a constant for torch.compile, which need not look inside."""
    return torch.cuda.get_device_capability(device)


def check_levels(features: Sequence[Tensor], spatial_scales: Sequence[float]) -> None:
    """Raise TypeError or ValueError unless the maps are the levels of one pyramid."""
    if isinstance(features, Tensor) or not features:
        raise TypeError("features must be a list of maps (N, C, H, W), one for each level")
    if len(spatial_scales) != len(features):
        raise ValueError(
            f"expected {len(features)} spatial_scales, one for each level; "
            f"got {len(spatial_scales)}"
        )
    for scale in spatial_scales:
        check_scale(scale)
    for i, level in enumerate(features[1:], 1):
        for what in ("ndim", "dtype", "device"):
            if getattr(level, what) != getattr(features[0], what):
                raise ValueError(
                    f"features[{i}] must have the {what} of features[0], "
                    f"{getattr(features[0], what)}, got {getattr(level, what)}"
                )
        if level.shape[:2] != features[0].shape[:2] or 0 in level.shape[2:]:
            raise ValueError(
                f"features[{i}] must be (N, C, H, W) with N, C = {tuple(features[0].shape[:2])} "
                f"and pixels, got {tuple(level.shape)}"
            )


def as_index(levels: Tensor | None, rois: Tensor, count: int, validate: bool | None) -> Tensor:
    """Levels as (K,) int32 on the device of the RoIs, checked as `as_rois` checks its values."""
    if levels is None:
        if count != 1:
            raise ValueError(f"levels must be given: there are {count} of them")
        return torch.zeros(1, dtype=torch.int32, device=rois.device)  # never read
    if levels.shape != rois.shape[:1] or levels.is_floating_point():
        raise ValueError(
            f"expected {len(rois)} integer levels, one for each RoI; "
            f"got {tuple(levels.shape)} of {levels.dtype}"
        )
    if levels.device != rois.device:
        raise ValueError(f"levels must be on {rois.device} as the boxes are, got {levels.device}")
    check = validate or (validate is None and levels.device.type == "cpu")
    if check and len(levels) and not 0 <= int(levels.min()) <= int(levels.max()) < count:
        raise ValueError(
            f"levels must be from 0 to {count - 1}, got {int(levels.min())} to {int(levels.max())}"
        )
    return levels.to(torch.int32).contiguous()
