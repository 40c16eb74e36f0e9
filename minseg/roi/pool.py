"""RoI pooling: round the box to whole pixels, round its bins again, take the maximum.

    x1, y1, x2, y2 = round(scale · box)              first rounding, halves away from zero
    w = max(x2 - x1 + 1, 1)                          the ends are inclusive
    bin q = [⌊q · w/Q⌋, ⌈(q + 1) · w/Q⌉) + x1        second rounding: neighbouring bins may overlap
    out[p, q] = max of the features in bin p × bin q, 0 if the bin is empty

(Girshick, Fast R-CNN, 2015, section 2.1; the rules are those of torchvision's operator.) The first
rounding moves the left edge by up to half a feature pixel and the right one, end included, by half
to one and a half: 24 image pixels at stride 16. Unit 20 works out what that costs, unit 21
shows it beside RoIAlign. The library call is `torchvision.ops.roi_pool`.

Like RoIAlign this is a bag of pixels for each bin, here with a maximum in place of a weighted sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.roi.align import roi_align
from minseg.roi.quantisation import round_half_away
from minseg.roi.rois import Boxes, as_rois, as_size, check_scale, pixel_table


def roi_pool_loop(
    input: Tensor, boxes: Boxes, output_size: int | Sequence[int], spatial_scale: float = 1.0
) -> Tensor:
    """The definition, bin by bin: slow, and meant to be read. See `roi_pool`."""
    rois, (rows, columns) = as_rois(input, boxes), as_size(output_size)
    height, width = input.shape[2:]
    out = input.new_zeros(len(rois), input.shape[1], rows, columns)
    for k, roi in enumerate(rois):
        x1, y1, x2, y2 = round_half_away(roi[1:] * spatial_scale)
        bin_h = max(y2 - y1 + 1, torch.ones_like(y1)) / rows
        bin_w = max(x2 - x1 + 1, torch.ones_like(x1)) / columns
        for p in range(rows):
            top = min(max(int(y1 + (p * bin_h).floor()), 0), height)
            bottom = min(max(int(y1 + ((p + 1) * bin_h).ceil()), 0), height)
            for q in range(columns):
                left = min(max(int(x1 + (q * bin_w).floor()), 0), width)
                right = min(max(int(x1 + ((q + 1) * bin_w).ceil()), 0), width)
                if top < bottom and left < right:
                    inside = input[int(roi[0]), :, top:bottom, left:right]
                    out[k, :, p, q] = inside.flatten(1).max(dim=1).values
    return out


def roi_pool(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    *,
    validate: bool | None = None,
) -> Tensor:
    """RoI pooling with torchvision's signature, defaults and semantics.

    Args:
        input: (N, C, H, W) floating point.
        boxes: (K, 5) rows (batch index, x1, y1, x2, y2) in image pixels, or a list of (L, 4).
        output_size: bins, one number or (rows, columns).
        spatial_scale: feature pixels for each image pixel, 1/stride.
        validate: see `minseg.roi.rois.as_rois`.

    Returns:
        (K, C, rows, columns), differentiable with respect to `input`: the gradient goes to the
        largest pixel of each bin, to the first in row-major order where several are equal.

    Raises:
        TypeError, ValueError: as `as_rois`, `as_size` and `check_scale` say.

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi_pool(features, torch.tensor([[0, 0.0, 0, 2.6, 3]]), 2)[0, 0]  # 2.6 is rounded to 3
    tensor([[ 5.,  7.],
            [13., 15.]])
    """
    check_scale(spatial_scale)
    rois, (rows, columns) = as_rois(input, boxes, validate), as_size(output_size)
    _, channels, height, width = input.shape
    # First rounding: the box, to whole feature pixels.
    x1, y1, x2, y2 = round_half_away(rois[:, 1:] * spatial_scale).unbind(dim=1)  # (K,) each
    # Second rounding: its bins, outwards.
    top, bottom = pool_bins(y1, y2, rows, height)  # (K, rows) each
    left, right = pool_bins(x1, x2, columns, width)  # (K, columns) each
    # The maximum of each bin: one bag of pixels for each, and an empty bag gives 0.
    first_row = rois[:, 0].long() * height
    index, start = _pixels_of(first_row, top, bottom, left, right, width)
    out = F.embedding_bag(index, pixel_table(input), start, mode="max")  # (K · rows · columns, C)
    return out.view(len(rois), rows, columns, channels).permute(0, 3, 1, 2)


def pool_bins(first: Tensor, last: Tensor, bins: int, length: int) -> tuple[Tensor, Tensor]:
    """One axis of RoI pooling: where each bin begins and ends, in whole pixels of the map.

    Args:
        first, last: (K,) the rounded ends of each box, inclusive. bins: how many.
        length: pixels of the map along this axis.

    Returns:
        begin, end: (K, bins) int64; bin q holds pixels begin … end - 1, none if they are equal.

    >>> begin, end = pool_bins(torch.tensor([1.0]), torch.tensor([5.0]), 2, length=8)
    >>> begin.tolist(), end.tolist()  # five pixels: the middle one is in both bins
    ([[1, 3]], [[4, 6]])
    """
    # The order of these operations is torchvision's: it decides which way 3 · (7/3) rounds.
    step = ((last - first + 1).clamp(min=1) / bins)[:, None]
    q = torch.arange(bins, dtype=first.dtype, device=first.device)
    begin = first[:, None] + (q * step).floor()
    end = first[:, None] + ((q + 1) * step).ceil()
    return begin.clamp(0, length).long(), end.clamp(0, length).long()


def _pixels_of(
    first_row: Tensor, top: Tensor, bottom: Tensor, left: Tensor, right: Tensor, width: int
) -> tuple[Tensor, Tensor]:
    """The table rows of every bin's pixels, bin after bin, each bin row by row.

    Args:
        first_row: (K,) the first row of each RoI's image, counted over the whole batch.

    Returns:
        index: (sum of the bins' sizes,) int64. start: (bins in all,) where each bin begins in it.
    """
    tall, wide = (bottom - top).clamp(min=0), (right - left).clamp(min=0)
    size = (tall[:, :, None] * wide[:, None, :]).flatten()  # (bins,) pixels of each bin
    start = size.cumsum(0) - size
    # Of each bin: the table row of its upper left pixel, and how many pixels it is wide.
    corner = ((first_row[:, None] + top) * width)[:, :, None] + left[:, None, :]
    across = wide[:, None, :].expand(-1, top.shape[1], -1)

    def for_each_pixel(of_bin: Tensor) -> Tensor:
        return of_bin.flatten().repeat_interleave(size)

    # Of each pixel: its number in its bin, and from that its row and column there.
    number = torch.arange(int(size.sum()), device=top.device) - for_each_pixel(start)
    across = for_each_pixel(across)
    return for_each_pixel(corner) + number // across * width + number % across, start


def roi_warp(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
) -> Tensor:
    """Half way: the box is rounded as RoI pooling does, then read by bilinear interpolation.

    This is RoIWarp as Mask R-CNN compares it (He et al., 2017, table 2c). It gains next to nothing
    over RoI pooling: what matters is not to round the box, not how its inside is read. Arguments,
    result and errors as `roi_align` with `aligned=True`.
    """
    check_scale(spatial_scale)
    rois = as_rois(input, boxes)
    rounded = torch.cat([rois[:, :1], round_half_away(rois[:, 1:] * spatial_scale)], dim=1)
    return roi_align(input, rounded, output_size, 1.0, sampling_ratio, aligned=True)
