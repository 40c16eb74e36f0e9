"""RoIAlign as a PyTorch operator: `minseg::roi_align`, with its gradient.

Kernels know pointers; PyTorch wants an operator. Registered with `torch.library`, the launch
becomes one node that torch.compile keeps whole (`register_fake` tells it shape and strides
without running anything), autograd knows its gradient (`register_autograd`), and autocast leaves
the dtype alone: bfloat16 features in, bfloat16 out, with sums in float32 in between.

One operator serves single maps and pyramids, as one kernel does. (Unit 24.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from minseg.roi.rois import Boxes, as_rois, as_size, check_bins, checks_values
from minseg_kernels.backward_atomic import backward_atomic
from minseg_kernels.backward_tiles import backward_tiles
from minseg_kernels.forward import forward
from minseg_kernels.launch import Sampling
from minseg_kernels.support import as_index, check_levels, obstacle
from minseg_kernels.transpose import transpose


def roi_align(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
    *,
    deterministic: bool = False,
    validate: bool | None = None,
) -> Tensor:
    """RoIAlign of one map: arguments, result and errors as `minseg.roi.roi_align` has them."""
    return roi_align_fpn(
        [input],
        boxes,
        None,
        output_size,
        [spatial_scale],
        sampling_ratio,
        aligned,
        deterministic=deterministic,
        validate=validate,
    )


def roi_align_fpn(
    features: Sequence[Tensor],
    boxes: Boxes,
    levels: Tensor | None,
    output_size: int | Sequence[int],
    spatial_scales: Sequence[float],
    sampling_ratio: int = -1,
    aligned: bool = False,
    *,
    deterministic: bool = False,
    validate: bool | None = None,
) -> Tensor:
    """RoIAlign of a feature pyramid, each RoI from its own level, all in one launch.

    Args:
        features: maps (N, C, H_l, W_l), one for each level, of one dtype: float32, float16 or
            bfloat16. Fastest in channels-last memory format; others are turned round first.
        boxes: (K, 5) rows (batch index, x1, y1, x2, y2) in image pixels, or a list of (L, 4).
        levels: (K,) integers, an index of `features` for each RoI. None with a single level.
        output_size: bins, one number or (rows, columns).
        spatial_scales: 1/stride of each level.
        sampling_ratio, aligned: as in `minseg.roi.roi_align`.
        deterministic: whether the gradient is the same to the last bit on every run. It always is
            for half types, and where `torch.use_deterministic_algorithms` asks for it.
        validate: see `minseg.roi.rois.as_rois`. A RoI that is not checked and names an image or
            level which does not exist gives NaN.

    Returns:
        (K, C, rows, columns) in the dtype of the features, channels-last in memory where the
        first level is; differentiable with respect to the features.

    Raises:
        TypeError, ValueError: as `minseg.roi.roi_align`, and if levels do not fit one another.
        RuntimeError: if the device cannot run the kernels (see `minseg_kernels.support`).
    """
    check_levels(features, spatial_scales)
    rois, (rows, columns) = as_rois(features[0], boxes, validate), as_size(output_size)
    if problem := obstacle(features):
        raise problem
    index = as_index(levels, rois, len(features), validate)
    ratio = max(sampling_ratio, 0)
    if checks_values(rois, validate):
        of_each = rois.new_tensor(spatial_scales)[index.long(), None]  # (K, 1), or (1, 1)
        check_bins(rois, (rows, columns), of_each, ratio)
    rois, scales = rois.float().contiguous(), [float(s) for s in spatial_scales]
    return _roi_align(
        list(features), rois, index, rows, columns, scales, ratio, aligned, deterministic
    )


@torch.library.custom_op("minseg::roi_align", mutates_args=())
def _roi_align(
    features: Sequence[Tensor],
    rois: Tensor,
    levels: Tensor,
    rows: int,
    columns: int,
    scales: Sequence[float],
    ratio: int,
    aligned: bool,
    deterministic: bool,
) -> Tensor:
    out = _empty_output(features, rois, rows, columns)
    if out.numel():
        sampling = Sampling(tuple(scales), ratio, aligned)
        forward([_pixel_map(f) for f in features], rois, levels, out, sampling)
    return out


@_roi_align.register_fake
def _(features, rois, levels, rows, columns, scales, ratio, aligned, deterministic):
    return _empty_output(features, rois, rows, columns)


def _empty_output(features: Sequence[Tensor], rois: Tensor, rows: int, columns: int) -> Tensor:
    """Memory for (K, C, rows, columns), laid out as the first level is."""
    first = features[0]
    if first.is_contiguous():
        return first.new_empty(len(rois), first.shape[1], rows, columns)
    return first.new_empty(len(rois), rows, columns, first.shape[1]).permute(0, 3, 1, 2)


def _pixel_map(features: Tensor) -> Tensor:
    """(N, H, W, C) contiguous: a view of channels-last features, else a copy."""
    pixels = features.permute(0, 2, 3, 1)
    if pixels.is_contiguous() or not features.is_contiguous():
        return pixels.contiguous()
    pixels = torch.empty(pixels.shape, dtype=features.dtype, device=features.device)
    transpose(features, pixels)
    return pixels


@torch.library.custom_op("minseg::roi_align_backward", mutates_args=())
def _roi_align_backward(
    grad: Tensor,
    rois: Tensor,
    levels: Tensor,
    sizes: Sequence[int],
    images: int,
    scales: Sequence[float],
    ratio: int,
    aligned: bool,
    deterministic: bool,
) -> list[Tensor]:
    """Gradients of the features, channels-last; `sizes` is H, W of each level in one row."""
    sampling = Sampling(tuple(scales), ratio, aligned)
    maps = _empty_maps(grad, sizes, images)
    fixed = deterministic or torch.are_deterministic_algorithms_enabled()
    if not grad.numel():
        for m in maps:
            m.zero_()
    elif fixed or grad.dtype != torch.float32:
        backward_tiles(grad, rois, levels, maps, sampling)
    else:
        for m in maps:
            m.zero_()
        backward_atomic(grad, rois, levels, maps, sampling)
    return [m.permute(0, 3, 1, 2) for m in maps]


@_roi_align_backward.register_fake
def _(grad, rois, levels, sizes, images, scales, ratio, aligned, deterministic):
    return [m.permute(0, 3, 1, 2) for m in _empty_maps(grad, sizes, images)]


def _empty_maps(grad: Tensor, sizes: Sequence[int], images: int) -> list[Tensor]:
    """Memory for a map (N, H, W, C) of each level."""
    sides = zip(sizes[::2], sizes[1::2], strict=True)
    return [grad.new_empty(images, H, W, grad.shape[1]) for H, W in sides]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    features, rois, levels, _, _, *rule = inputs
    ctx.save_for_backward(rois, levels)
    ctx.sizes = [side for f in features for side in f.shape[2:]]
    ctx.images, ctx.rule = features[0].shape[0], rule


def _gradient(ctx: Any, grad: Tensor) -> tuple[Any, ...]:
    rois, levels = ctx.saved_tensors
    maps = _roi_align_backward(grad, rois, levels, ctx.sizes, ctx.images, *ctx.rule)
    return (maps, *[None] * 8)


def _remember_backward(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    grad, rois, levels, _, _, *rule = inputs
    ctx.save_for_backward(rois, levels)
    ctx.bins, ctx.rule = grad.shape[2:], rule


def _gradient_of_gradient(ctx: Any, maps: list[Tensor]) -> tuple[Any, ...]:
    """The gradient is linear in `grad`, and its transpose is the forward."""
    rois, levels = ctx.saved_tensors
    return (_roi_align(list(maps), rois, levels, *ctx.bins, *ctx.rule), *[None] * 8)


_roi_align.register_autograd(_gradient, setup_context=_remember)
_roi_align_backward.register_autograd(_gradient_of_gradient, setup_context=_remember_backward)
