"""The gradient by atomic additions: the forward with its arrows turned round.

What forward reads with weight w, backward adds to with weight w. Programs are as in forward, one
for each output row of a RoI, and RoIs overlap, so several programs add to one pixel at a time: the
additions must be atomic. With lanes as channels they are vectors of four floats, one instruction
for 16 bytes from sm_90 on; torchvision's are scalars scattered over the planes.

float32 addition is not associative and the order of atomics is chance, so two runs differ in
their last bits. `backward_tiles` is deterministic. It also serves the half types: atomics
would need a float32 copy of the gradient first. (Unit 24.)
"""

from collections.abc import Sequence

import triton
import triton.language as tl
from torch import Tensor

from minseg_kernels.geometry import box_edges, pick, pick_size
from minseg_kernels.launch import FUSED, Sampling, on_device, row_block, sizes
from minseg_kernels.samples import walk_samples


@triton.jit
def scatter_pixel(grad, pixels, weight, inside):
    """The backward's tap: give each pixel its share of the bin's gradient, and hand that on."""
    share = weight[:, None] * grad
    tl.atomic_add(pixels, share, mask=(weight != 0.0)[:, None] & inside, sem="relaxed")
    return grad


@triton.jit(do_not_specialize=["images"])
def roi_align_scatter(
    grad_out,
    rois,
    levels,
    grad_features,  # tuple of pointers, one for each level, to (N, H, W, C) float32, zeroed
    heights,
    widths,
    scales,
    images,
    grad_k,  # strides of grad_out
    grad_c,
    grad_h,
    grad_w,
    C: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    ALIGNED: tl.constexpr,
    BINS: tl.constexpr,
    LANES: tl.constexpr,
):
    k, p = tl.program_id(0) // PH, tl.program_id(0) % PH  # which RoI, which row of its bins
    c = tl.program_id(1) * LANES + tl.arange(0, LANES)  # (LANES,) the channels of this block
    level = tl.load(levels + k) if len(grad_features) > 1 else 0
    H, W = pick_size(heights, level), pick_size(widths, level)
    n, y1, bin_h, x1, bin_w = box_edges(rois, k, pick(scales, level), PH, PW, ALIGNED)
    if (n >= 0) & (n < images) & (level >= 0) & (level < len(grad_features)):
        image = pick(grad_features, level) + n.to(tl.int64) * H * W * C
        # Load the gradient of the row: (BINS, LANES).
        inside = (c < C)[None, :]
        q = tl.arange(0, BINS)
        row = grad_out + k.to(tl.int64) * grad_k + p * grad_h
        row += q[:, None] * grad_w + c[None, :] * grad_c
        grad = tl.load(row, mask=(q < PW)[:, None] & inside, other=0.0).to(tl.float32)
        # Walk the samples as forward does, and add where it read.
        walk_samples(
            scatter_pixel, grad, image + c[None, :], inside,
            y1, bin_h, p, x1, bin_w, H, W, C, PW, S, BINS,
        )  # fmt: skip


def backward_atomic(
    grad_out: Tensor,
    rois: Tensor,
    levels: Tensor,
    grad_maps: Sequence[Tensor],
    sampling: Sampling,
) -> None:
    """Add the gradient of `out` (K, C, PH, PW), of any strides, to `grad_maps` (N, H, W, C).

    Args:
        grad_maps: float32, contiguous, one for each level; zeros, or what was summed before.
    """
    K, C, PH, PW = grad_out.shape
    bins, lanes, num_warps = row_block(C, PW)
    with on_device(rois):
        roi_align_scatter[(K * PH, triton.cdiv(C, lanes))](
            grad_out=grad_out,
            rois=rois,
            levels=levels,
            grad_features=tuple(grad_maps),
            **sizes(grad_maps),
            scales=sampling.scales,
            images=len(grad_maps[0]),
            **dict(zip(("grad_k", "grad_c", "grad_h", "grad_w"), grad_out.stride(), strict=True)),
            C=C,
            PH=PH,
            PW=PW,
            S=sampling.ratio,
            ALIGNED=sampling.aligned,
            BINS=bins,
            LANES=lanes,
            num_warps=num_warps,
            **FUSED,
        )
