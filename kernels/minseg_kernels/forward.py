"""RoIAlign forward: each output number is a weighted bag of pixels, and lanes are channels.

Maps are channels-last, so the C numbers of a pixel lie side by side, and reading a pixel is one
wide, aligned load for all threads: a thread takes 16 bytes, a warp 512. One program makes one
output row of one RoI, for one block of channels:

    program (k·PH + p, b)  →  out[k, p, 0 … PW - 1, channels of block b]

A feature pyramid takes no launch for each level. A program gets *all* levels, as a tuple, and
picks the one its RoI belongs to; a single map is a pyramid of one level. (He et al., Mask R-CNN,
2017, section 3; Lin et al., Feature Pyramid Networks, 2017, section 4.2. Unit 24.)
"""

from collections.abc import Sequence

import triton
import triton.language as tl
from torch import Tensor

from minseg_kernels.geometry import box_edges, pick, pick_size
from minseg_kernels.launch import FUSED, Sampling, on_device, row_block, sizes
from minseg_kernels.samples import walk_samples


@triton.jit
def add_pixel(total, pixels, weight, inside):
    """The forward's tap. A weight of 0 reads nothing, so no NaN leaks in from an unused pixel."""
    value = tl.load(pixels, mask=(weight != 0.0)[:, None] & inside, other=0.0)
    return total + weight[:, None] * value.to(tl.float32)


@triton.jit(do_not_specialize=["images"])
def roi_align_forward(
    features,  # tuple of pointers, one for each level, to (N, H, W, C)
    heights,
    widths,
    scales,
    rois,
    levels,
    out,
    images,
    out_k,  # strides of out
    out_c,
    out_h,
    out_w,
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
    # The level that this RoI reads, and the box on it.
    level = tl.load(levels + k) if len(features) > 1 else 0
    H, W = pick_size(heights, level), pick_size(widths, level)
    n, y1, bin_h, x1, bin_w = box_edges(rois, k, pick(scales, level), PH, PW, ALIGNED)
    # Where its image begins in memory.
    known = (n >= 0) & (n < images) & (level >= 0) & (level < len(features))
    image = pick(features, level) + tl.where(known, n, 0).to(tl.int64) * H * W * C
    # Sum up what the samples of all bins of the row read.
    inside = (c < C)[None, :]
    total = tl.zeros([BINS, LANES], tl.float32)
    total = walk_samples(
        add_pixel, total, image + c[None, :], inside, y1, bin_h, p, x1, bin_w, H, W, C, PW, S, BINS
    )
    total += tl.where(known, 0.0, float("nan"))  # a RoI of no image: never other memory
    # Write the row, without the bins and channels that only fill up to powers of two.
    q = tl.arange(0, BINS)
    row = out + k.to(tl.int64) * out_k + p * out_h + q[:, None] * out_w + c[None, :] * out_c
    tl.store(row, total.to(out.dtype.element_ty), mask=(q < PW)[:, None] & inside)


def forward(
    maps: Sequence[Tensor], rois: Tensor, levels: Tensor, out: Tensor, sampling: Sampling
) -> None:
    """Fill `out` (K, C, PH, PW), of any strides, from channels-last `maps` (N, H, W, C).

    Args:
        maps: one for each level. rois: (K, 5) float32, contiguous.
        levels: (K,) int32, an index of `maps` for each RoI.
    """
    K, C, PH, PW = out.shape
    bins, lanes, num_warps = row_block(C, PW)
    with on_device(rois):
        roi_align_forward[(K * PH, triton.cdiv(C, lanes))](
            features=tuple(maps),
            **sizes(maps),
            scales=sampling.scales,
            rois=rois,
            levels=levels,
            out=out,
            images=len(maps[0]),
            **dict(zip(("out_k", "out_c", "out_h", "out_w"), out.stride(), strict=True)),
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
