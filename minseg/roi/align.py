"""RoIAlign: read a fixed grid of features from any box, and round nothing.

A box is cut into PH × PW equal bins. Each bin is read at n × n regularly spaced points, by bilinear
interpolation, and the readings are averaged:

    y_ps = y1 + (p + (s + ½)/n) · bin_h        out[p, q] = mean over s, t of f(x_qt, y_ps)

(He et al., Mask R-CNN, 2017, section 3; border rules as in torchvision's operator, checked against
its recorded outputs). Lesson 05 builds it; lesson 06 takes it to the GPU.

The rules that papers leave out. With `aligned` half a pixel is subtracted, because pixel j's value
sits at its centre j + ½; without, boxes are forced to at least one feature pixel. A sample at an
index below -1 or above the map's size counts as 0, but it counts; nearer ones take the border's
value.
With `sampling_ratio` ≤ 0 each RoI and axis has n = ⌈bin⌉ samples.
A pixel whose weight is 0 is not read: what it holds, infinity and NaN too, changes nothing.

Because position and weight separate into rows and columns, a bin is a bag of pixels whose weights
are products of two short lists: `axis_taps` makes the lists, `sum_bags` does the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.roi.backend import triton_roi_align
from minseg.roi.bag import sum_bags
from minseg.roi.bilinear import bilinear_sample
from minseg.roi.rois import (
    LARGEST_BIN,
    Boxes,
    as_rois,
    as_size,
    check_bins,
    check_scale,
    checks_values,
    pixel_table,
)

MOST_TAPS = 2**24  # at once: 200 MB of indices and weights, and embedding_bag needs as much again


def roi_align_loop(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """The definition, bin by bin: slow, and meant to be read. See `roi_align`."""
    rois, (rows, columns) = as_rois(input, boxes), as_size(output_size)
    check_bins(rois, (rows, columns), spatial_scale, sampling_ratio)
    height, width = input.shape[2:]
    out = input.new_zeros(len(rois), input.shape[1], rows, columns)
    for k, roi in enumerate(rois):
        features = input[int(roi[0])]
        x1, y1, w, h = (v[0] for v in feature_box(roi[None], spatial_scale, aligned))
        for p in range(rows):
            for q in range(columns):
                y = sample_positions(y1 + p * (h / rows), h / rows, sampling_ratio)
                x = sample_positions(x1 + q * (w / columns), w / columns, sampling_ratio)
                total = input.new_zeros(input.shape[1])
                for py in y[(y >= -1) & (y <= height)]:
                    for px in x[(x >= -1) & (x <= width)]:
                        # A neighbour of weight 0 is cut off: it may be infinite, and 0 · ∞ is NaN.
                        near = features[:, : reach(py), : reach(px)]
                        total = total + bilinear_sample(near, px[None], py[None])[:, 0]
                out[k, :, p, q] = total / max(len(y) * len(x), 1)
    return out


def reach(position: Tensor) -> int:
    """How many pixels of an axis a sample needs.

    At a whole number the next one has weight 0 and is cut off: what it holds may be infinite.
    """
    return max(int(position.ceil()), 0) + 1


def sample_positions(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    """(n,) index coordinates of the samples along one side of one bin; none if it runs backwards.

    Args:
        start, size: scalars, the bin's edge and length in feature pixels.
        sampling_ratio: n, or ≤ 0 for ⌈size⌉.
    """
    n = sampling_ratio if sampling_ratio > 0 else max(int(size.ceil()), 0)
    return start + (torch.arange(n, dtype=start.dtype, device=start.device) + 0.5) * size / n


def roi_align(
    input: Tensor,
    boxes: Boxes,
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
    *,
    backend: str = "auto",
    deterministic: bool = False,
    validate: bool | None = None,
) -> Tensor:
    """RoIAlign with torchvision's signature, defaults and semantics; average pooling.

    Args:
        input: (N, C, H, W) floating point. Fastest in channels-last memory format.
        boxes: (K, 5) rows (batch index, x1, y1, x2, y2) in image pixels, or a list of (L, 4).
        output_size: bins, one number or (rows, columns).
        spatial_scale: feature pixels for each image pixel, 1/stride.
        sampling_ratio: samples for each bin and axis; ≤ 0 adapts it to the bin's size, of at most
            2²⁴ feature pixels (a larger bin, where values are not checked, reads nothing).
        aligned: whether to subtract half a pixel, so that features sit at pixel centres. The
            default False is torchvision's, for old models; new ones want True.
        backend: "torch", "triton" or "auto", which is Triton for CUDA tensors and PyTorch for
            others; see `minseg.roi.backend`.
        deterministic: whether a GPU's gradient, too, is the same to the last bit on every run.
            PyTorch's way always is.
        validate: see `minseg.roi.rois.as_rois`.

    Returns:
        (K, C, rows, columns), differentiable with respect to `input`; boxes get no gradient.

    Raises:
        TypeError, ValueError: as `as_rois`, `as_size`, `check_scale` and `check_bins` say.
        ImportError, RuntimeError: if `backend` is "triton" and it is missing or cannot run here.
    """
    check_scale(spatial_scale)
    rois, (rows, columns) = as_rois(input, boxes, validate), as_size(output_size)
    if checks_values(rois, validate):
        check_bins(rois, (rows, columns), spatial_scale, sampling_ratio)
    rule = ((rows, columns), spatial_scale, sampling_ratio, aligned)
    if kernel := triton_roi_align(input, backend):
        return kernel(input, rois, *rule, deterministic=deterministic, validate=False)
    return _align(input, rois, *rule)


def _align(
    input: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """`roi_align` in PyTorch's operations, of checked arguments."""
    rule = (output_size, spatial_scale, sampling_ratio, aligned)
    if rois.dtype != input.dtype:  # half types: as table and weights they would lose too much
        return _align(input.float(), rois, *rule).to(input)
    (_, channels, height, width), (rows, columns) = input.shape, output_size
    x1, y1, w, h = feature_box(rois, spatial_scale, aligned)
    i, wy, all_y = _taps(y1, h, rows, sampling_ratio, height)
    j, wx, all_x = _taps(x1, w, columns, sampling_ratio, width)
    (i, wy), (j, wx) = _merge(i, wy), _merge(j, wx)  # (K, rows, Ty), (K, columns, Tx)
    bags, taps = len(rois) * rows * columns, i.shape[2] * j.shape[2]
    if bags * taps > MOST_TAPS and len(rois) > 1:  # boxes that cover the map many times
        return torch.cat([_align(input, half, *rule) for half in rois.tensor_split(2)])
    row = rois[:, 0].long()[:, None, None] * height + i
    index = (row * width)[:, :, None, :, None] + j[:, None, :, None, :]
    weight = wy[:, :, None, :, None] * wx[:, None, :, None, :]  # (K, rows, columns, Ty, Tx)
    out = sum_bags(pixel_table(input), index.view(bags, taps), weight.view(bags, taps))
    if not (all_y and all_x):
        reads = wy.any(dim=2)[:, :, None] & wx.any(dim=2)[:, None, :]  # (K, rows, columns)
        if not reads.all():  # a bin beyond the map
            out = out.masked_fill(~reads.view(bags, 1), 0)
    return out.view(len(rois), rows, columns, channels).permute(0, 3, 1, 2)


def feature_box(
    rois: Tensor, spatial_scale: float, aligned: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corner and size (x1, y1, w, h), (K,) each, of RoIs (K, 5) in index coordinates."""
    x1, y1, x2, y2 = (rois[:, 1:] * spatial_scale - (0.5 if aligned else 0.0)).unbind(dim=1)
    w, h = x2 - x1, y2 - y1
    return (x1, y1, w, h) if aligned else (x1, y1, w.clamp(min=1), h.clamp(min=1))


def axis_taps(
    start: Tensor, size: Tensor, bins: int, sampling_ratio: int, length: int
) -> tuple[Tensor, Tensor]:
    """One axis of RoIAlign: which pixels each bin reads, and with which weights.

    Args:
        start, size: (K,) where each box begins and how long it is, in feature pixels.
        bins: how many bins it is cut into. length: pixels of the map along this axis.

    Returns:
        index: (K, bins, T) int64. weight: (K, bins, T); each bin's weights sum to 1, or to less
        where samples fall outside the map. T is twice the most samples a bin has.
    """
    index, weight, _ = _taps(start, size, bins, sampling_ratio, length)
    return _merge(index, weight) if sampling_ratio <= 0 else (index, weight)


def _taps(
    start: Tensor, size: Tensor, bins: int, sampling_ratio: int, length: int
) -> tuple[Tensor, Tensor, bool]:
    """`axis_taps` sample by sample, and whether every sample counts.

    A tap of weight 0 names a pixel that its bin reads anyway, if it reads any: 0 · ∞ is NaN.
    """
    at, live, samples = _positions(start, size, bins, sampling_ratio, length)
    all_live = bool(live.all())
    if not all_live:
        at = torch.where(live, at, at.gather(2, live.byte().argmax(dim=2, keepdim=True)))
    at = at.clamp(0, length - 1).nan_to_num()
    low = at.floor()
    share = live / samples
    right = (at - low) * share
    # The right neighbour is the ceiling and not low + 1: at a whole number its weight is 0.
    index = torch.cat([low, at.ceil()], dim=2).long()
    weight = torch.cat([share - right, right], dim=2)
    return index, weight, all_live


def _positions(
    start: Tensor, size: Tensor, bins: int, sampling_ratio: int, length: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the samples of each bin are, whether they count, and how many the bin has.

    Returns:
        at, live: (K, bins, S) index coordinates and bool. samples: (K, 1, 1), at least 1.
    """
    step = (size / bins)[:, None, None]
    p = torch.arange(bins, dtype=start.dtype, device=start.device)[:, None]
    edge = start[:, None, None] + p * step  # (K, bins, 1)
    if sampling_ratio > 0:
        samples = torch.full_like(step, sampling_ratio)
        s = torch.arange(sampling_ratio, dtype=start.dtype, device=start.device)
        at = edge + (s + 0.5) * step / samples
        return at, (at >= -1) & (at <= length), samples
    n = torch.where((step > 0) & (step <= LARGEST_BIN), step.ceil(), 0)
    samples = n.clamp(min=1)
    s = _near_map(edge, step / samples, n, length)
    at = edge + (s + 0.5) * step / samples
    return at, (at >= -1) & (at <= length) & (s < n), samples


def _near_map(edge: Tensor, gap: Tensor, n: Tensor, length: int) -> Tensor:
    """(K, bins, S): the numbers of the samples that can lie on the map, and perhaps some more.

    Of a box of a thousand times the map these are as few as of one that just covers it.

    Args:
        edge, gap, n: where the bins begin, from sample to sample, and how many those are.
    """
    rounding = 2 + 4 * torch.finfo(edge.dtype).eps * (edge.abs() + n * gap)
    first = ((-1 - rounding - edge) / gap).floor().clamp(min=0).minimum(n).nan_to_num()
    last = ((length + rounding - edge) / gap).ceil().clamp(min=0).minimum(n).nan_to_num()
    most = max(int((last - first).max()), 1) if len(n) else 1
    return first + torch.arange(most, dtype=edge.dtype, device=edge.device)


def _merge(index: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Add up the taps of a bin that read the same pixel, where that makes the lists shorter.

    A bin of 9 px has 9 samples and 18 taps, but only 10 or 11 distinct pixels in a row; two samples
    of a bin below 2 px have 4 taps, but only 3 pixels.
    """
    low = index.amin(dim=2, keepdim=True) if index.numel() else index
    offset = index - low
    span = int(offset.max()) + 1 if index.numel() else 1
    if span >= index.shape[2]:
        return index, weight
    merged = weight.new_zeros(*index.shape[:2], span).scatter_add_(2, offset, weight)
    pixel = low + torch.arange(span, device=index.device)
    return torch.where(merged > 0, pixel, low), merged
