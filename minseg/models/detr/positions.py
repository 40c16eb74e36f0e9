"""Positions: attention does not know where a token lies, so its place is written into it.

Attention sums over a set: if all places changed seats, every query would read the same. So each
token carries a code of its place, waves of several lengths along x and along y. For x as a share of
the image's width, with k = 0 … d/4 − 1,

    sin(2π x · 4 / 20^(4k/d)),    cos(2π x · 4 / 20^(4k/d))

and the same for y. The shortest wave is a quarter of the image; the product of two codes depends
on the distance alone, Σ cos(2π Δ · 4 / 20^(4k/d)), and is largest where it is 0. (Vaswani et al.,
Attention Is All You Need, 2017, section 3.5; for images Carion et al., End-to-End Object Detection
with Transformers, 2020, appendix A.4.) DETR has 1 for 4 and 10000 for 20: with 64 channels instead
of 256 most of its waves would be longer than any image. Unit 54.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SHORTEST, RATIO = 0.25, 20.0  # the shortest wave in images; how much longer the longest would be


def cell_centres(sizes: Tensor, shape: Sequence[int], stride: int) -> Tensor:
    """Where the cells of a map lie, as a share of each image's own width and height.

    Args:
        sizes: (B, 2) each image's own height and width, in pixels.
        shape: (h, w) of the map. stride: pixels a cell, each way.

    Returns:
        (B, h, w, 2) x, y; above 1 in the padding.

    >>> cell_centres(torch.tensor([[8, 16]]), (1, 2), 8)[0, 0].tolist()
    [[0.25, 0.5], [0.75, 0.5]]
    """
    rows, columns = (torch.arange(n, device=sizes.device) + 0.5 for n in shape)
    y, x = torch.meshgrid(rows * stride, columns * stride, indexing="ij")  # (h, w) pixels
    height, width = sizes.float().unbind(dim=1)
    return torch.stack([x / width[:, None, None], y / height[:, None, None]], dim=3)


def real_cells(sizes: Tensor, shape: Sequence[int], stride: int) -> Tensor:
    """(B, h · w) bool: whether a cell holds a pixel of its image, row by row. Arguments as above.

    >>> real_cells(torch.tensor([[8, 9]]), (1, 3), 8)
    tensor([[ True,  True, False]])
    """
    rows, columns = (torch.arange(n, device=sizes.device) * stride for n in shape)
    height, width = sizes[:, :1], sizes[:, 1:]
    return ((rows < height)[:, :, None] & (columns < width)[:, None, :]).flatten(1)


def sine_code(points: Tensor, channels: int) -> Tensor:
    """The code of each point.

    Args:
        points: (…, 2) x, y as shares of the image.
        channels: of the code, a multiple of 4.

    Returns:
        (…, channels): sines and cosines of x, then those of y.

    Raises:
        ValueError: if `channels` is no multiple of 4.

    >>> sine_code(torch.zeros(1, 2), 4)
    tensor([[0., 1., 0., 1.]])
    """
    if channels < 4 or channels % 4:
        raise ValueError(f"channels must be a multiple of 4, got {channels}")
    waves = channels // 4
    k = torch.arange(waves, device=points.device)
    lengths = SHORTEST * RATIO ** (k / waves)  # (waves,) in images
    angles = 2 * math.pi * points[..., None] / lengths  # (…, 2, waves)
    return torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(-2)


def spread(points: int) -> Tensor:
    """Points that lie about evenly in an image, however many.

    Multiples of two irrational numbers, without their whole parts; the two are the powers of the
    root of x³ = x + 1 that leave the least room between neighbours (Roberts, The Unreasonable
    Effectiveness of Quasirandom Sequences, 2018).

    Returns:
        (points, 2) x, y in (0, 1).

    >>> spread(3)
    tensor([[0.2549, 0.0698],
            [0.0098, 0.6397],
            [0.7646, 0.2095]])
    """
    root = 1.324717957244746
    k = torch.arange(1, points + 1, dtype=torch.float64)[:, None]
    return (0.5 + k / torch.tensor([root, root**2], dtype=torch.float64)).frac().float()
