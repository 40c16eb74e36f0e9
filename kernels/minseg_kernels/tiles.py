"""Which RoIs touch which tile: the lists that make the gradient's order a fixed one.

Maps of all levels are cut into tiles of TY × TX pixels, numbered in one row: level by level, in a
level image by image, in an image row by row. One program looks at all RoIs for one tile and writes
down, in the order of their numbers, those whose samples can come near it:

    lists[tile, 0 … counts[tile] - 1]  =  k, ascending

A vector of RoIs is looked at together; where each hit goes is the number of hits before it, a
cumulative sum. So no atomics are needed, no sort, and the GPU does not wait for the CPU. The test
may let a RoI in that adds nothing, but never leaves one out that does. (Unit 24.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

from minseg_kernels.geometry import adaptive_samples, box_edges, pick, pick_size, reach
from minseg_kernels.launch import FUSED, Sampling, on_device, sizes

TILE = 8  # pixels each way


@triton.jit
def find_tile(tile, first_tiles, heights, widths, images, TY: tl.constexpr, TX: tl.constexpr):
    """Level, image, top row and left column of a tile by its number."""
    level = 0
    for i in tl.static_range(1, len(first_tiles)):
        level += (tile >= first_tiles[i]).to(tl.int32)
    rows = tl.cdiv(pick_size(heights, level), TY)
    columns = tl.cdiv(pick_size(widths, level), TX)
    tile -= pick_size(first_tiles, level)
    return level, tile // (rows * columns), tile // columns % rows * TY, tile % columns * TX


@triton.jit
def near(low, high, start, bin, P: tl.constexpr):
    """Whether a box of P bins has samples near the pixels low to high of an axis."""
    end = start + bin * P
    room = reach(start, bin * P)
    return (tl.minimum(start, end) < high + room) & (tl.maximum(start, end) > low - room)


@triton.jit(do_not_specialize=["images", "K"])
def list_rois(
    rois,
    levels,
    lists,
    counts,
    first_tiles,
    heights,
    widths,
    scales,
    images,
    K,
    PH: tl.constexpr,
    PW: tl.constexpr,
    S: tl.constexpr,
    ALIGNED: tl.constexpr,
    TY: tl.constexpr,
    TX: tl.constexpr,
    BLOCK: tl.constexpr,
):
    tile = tl.program_id(0)
    level, image, y, x = find_tile(tile, first_tiles, heights, widths, images, TY, TX)
    mine = lists + tile.to(tl.int64) * K
    count = 0
    k0 = 0
    while k0 < K:
        # Look at BLOCK RoIs at once: of this image and level, and near the tile?
        k = k0 + tl.arange(0, BLOCK)
        there = tl.minimum(k, K - 1)
        n, y1, bin_h, x1, bin_w = box_edges(rois, there, pick(scales, level), PH, PW, ALIGNED)
        hit = (k < K) & (n == image)
        if len(heights) > 1:
            hit &= tl.load(levels + there) == level
        hit &= near(y, y + TY - 1.0, y1, bin_h, PH) & near(x, x + TX - 1.0, x1, bin_w, PW)
        if S == 0:
            hit &= (adaptive_samples(bin_h) > 0) & (adaptive_samples(bin_w) > 0)
        # A hit's place in the list is the number of hits before it.
        hits = hit.to(tl.int32)
        tl.store(mine + count + tl.cumsum(hits, 0) - hits, k, mask=hit)
        count += tl.sum(hits, 0)
        k0 += BLOCK
    tl.store(counts + tile, count)


class Tiles(NamedTuple):
    """Lists of RoIs: `lists` (tiles, K) and `counts` (tiles,) int32; `first` tile of each level, as
    `launch.sizes` says."""

    lists: Tensor
    counts: Tensor
    first: tuple[float, ...]


def make_tiles(
    rois: Tensor,
    levels: Tensor,
    maps: Sequence[Tensor],
    output_size: tuple[int, int],
    sampling: Sampling,
) -> Tiles:
    """The RoIs of each tile of each level; `maps` (N, H, W, C) say how large the levels are.

    Memory: 4 bytes × tiles × RoIs; 8 MB for two maps of 200 × 304 and 1,000 RoIs.
    """
    images, first = len(maps[0]), [0]
    for _, H, W, _ in (m.shape for m in maps):
        first.append(first[-1] + images * triton.cdiv(H, TILE) * triton.cdiv(W, TILE))
    K, tiles = len(rois), first.pop()
    lists = torch.empty(tiles, K, dtype=torch.int32, device=rois.device)
    counts = torch.empty(tiles, dtype=torch.int32, device=rois.device)
    first_tiles = tuple(float(f) for f in first)
    with on_device(rois):
        list_rois[(tiles,)](
            rois=rois,
            levels=levels,
            lists=lists,
            counts=counts,
            first_tiles=first_tiles,
            **sizes(maps),
            scales=sampling.scales,
            images=images,
            K=K,
            PH=output_size[0],
            PW=output_size[1],
            S=sampling.ratio,
            ALIGNED=sampling.aligned,
            TY=TILE,
            TX=TILE,
            BLOCK=min(1024, max(16, triton.next_power_of_2(K))),
            **FUSED,
        )
    return Tiles(lists, counts, first_tiles)
