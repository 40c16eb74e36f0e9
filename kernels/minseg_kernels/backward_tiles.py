"""Deterministic gradient: each tile of the map sums its RoIs in a fixed order.

Atomics add in whatever order programs happen to arrive. Here the roles are swapped, as in a
rasteriser: a program owns a tile of pixels, goes through the RoIs that touch it (`tiles`), always
in the same order, and writes each gradient once. The same bits on every run; no buffer of zeros
beforehand; sums in float32 whatever the type that is stored.

Weights separate into rows and columns, which makes a RoI cheap. With bins (p, q) of gradient g

    t[x] = Σ_q wx[q, x] · g[p, q]          grad[y, x] += wy[p, y] · t[x]

each with all channels of the block, and p and q only over bins that reach the tile. A weight of 0
adds nothing, also of an infinite gradient: a predicate on the multiplication. (Unit 24.)
"""

from collections.abc import Sequence

import triton
import triton.language as tl
from torch import Tensor

from minseg_kernels.geometry import bins_within, box_edges, pick, pick_size, pixel_weights
from minseg_kernels.launch import FUSED, Sampling, channel_block, on_device, pixel_warps, sizes
from minseg_kernels.tiles import TILE, find_tile, make_tiles


@triton.jit
def gather_row(
    grad_row,  # pointer to channel lanes (LANES,) of bin (p, 0)
    x,
    x1,
    bin_w,
    W,
    inside,
    C: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    TX: tl.constexpr,
    LANES: tl.constexpr,
):
    """t (TX, LANES): the gradients of one row of bins, spread over the columns from x on."""
    total = tl.zeros([TX, LANES], tl.float32)
    q, end = bins_within(x * 1.0, x + TX - 1.0, x1, bin_w, PW)
    while q < end:
        grad = tl.load(grad_row + q * C, mask=inside, other=0.0).to(tl.float32)
        weight = pixel_weights(x * 1.0, TX, x1, bin_w, q, W, S)[:, None]
        total = tl.where(weight != 0.0, total + weight * grad[None, :], total)
        q += 1
    return total


@triton.jit(do_not_specialize=["images", "K"])
def roi_align_gather(
    grad_out,  # (K, PH, PW, C)
    rois,
    lists,
    counts,
    grad_features,  # tuple of pointers, one for each level, to (N, H, W, C)
    first_tiles,
    heights,
    widths,
    scales,
    images,
    K,
    C: tl.constexpr,
    PH: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    ALIGNED: tl.constexpr,
    TY: tl.constexpr,
    TX: tl.constexpr,
    LANES: tl.constexpr,
):
    # Which tile of which map, and which channels.
    tile = tl.program_id(0)
    c = tl.program_id(1) * LANES + tl.arange(0, LANES)
    inside = c < C
    level, image, y, x = find_tile(tile, first_tiles, heights, widths, images, TY, TX)
    H, W = pick_size(heights, level), pick_size(widths, level)
    scale = pick(scales, level)
    # The RoIs that touch the tile, in ascending order: this fixes the order of the sum.
    total = tl.zeros([TY, TX, LANES], tl.float32)
    mine = lists + tile.to(tl.int64) * K
    count = tl.load(counts + tile)
    i = 0
    while i < count:
        k = tl.load(mine + i)
        _, y1, bin_h, x1, bin_w = box_edges(rois, k, scale, PH, PW, ALIGNED)
        # Only the rows of bins that reach the tile.
        p, end = bins_within(y * 1.0, y + TY - 1.0, y1, bin_h, PH)
        while p < end:
            row = grad_out + (k.to(tl.int64) * PH + p) * PW * C + c
            t = gather_row(row, x, x1, bin_w, W, inside, C, PW, S, TX, LANES)
            weight = pixel_weights(y * 1.0, TY, y1, bin_h, p, H, S)[:, None, None]
            total = tl.where(weight != 0.0, total + weight * t[None, :, :], total)
            p += 1
        i += 1
    # Write each pixel of the tile once.
    rows = (y + tl.arange(0, TY))[:, None, None]
    columns = (x + tl.arange(0, TX))[None, :, None]
    pixels = (image.to(tl.int64) * H + rows) * W + columns
    grad_map = pick(grad_features, level)
    tl.store(
        grad_map + pixels * C + c[None, None, :],
        total.to(grad_map.dtype.element_ty),
        mask=(rows < H) & (columns < W) & inside[None, None, :],
    )


def backward_tiles(
    grad_out: Tensor,
    rois: Tensor,
    levels: Tensor,
    grad_maps: Sequence[Tensor],
    sampling: Sampling,
) -> None:
    """Write the gradient of `out` into each level's `grad_maps` (N, H, W, C), every element once.

    Args:
        grad_out: (K, C, PH, PW), any strides; one copy is made unless it is channels-last.
        grad_maps: contiguous; what they hold is overwritten.
    """
    K, C, PH, PW = grad_out.shape
    tiles = make_tiles(rois, levels, grad_maps, (PH, PW), sampling)
    lanes = channel_block(C, most=128)
    with on_device(rois):
        roi_align_gather[(len(tiles.counts), triton.cdiv(C, lanes))](
            grad_out=grad_out.permute(0, 2, 3, 1).contiguous(),
            rois=rois,
            lists=tiles.lists,
            counts=tiles.counts,
            grad_features=tuple(grad_maps),
            first_tiles=tiles.first,
            **sizes(grad_maps),
            scales=sampling.scales,
            images=len(grad_maps[0]),
            K=K,
            C=C,
            PH=PH,
            PW=PW,
            S=sampling.ratio,
            ALIGNED=sampling.aligned,
            TY=TILE,
            TX=TILE,
            LANES=lanes,
            num_warps=pixel_warps(lanes),
            **FUSED,
        )
