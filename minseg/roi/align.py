"""RoIAlign: read a fixed grid of features from any box, and round nothing.

A box is cut into PH × PW equal bins. Each bin is read at n × n regularly spaced points, by bilinear
interpolation, and the readings are averaged:

    y_ps = y1 + (p + (s + ½)/n) · bin_h        out[p, q] = mean over s, t of f(x_qt, y_ps)

(He et al., Mask R-CNN, 2017, section 3; border rules as in torchvision's operator, checked against
its recorded outputs). Unit 22 builds it; unit 24 takes it to the GPU.

The rules that papers leave out. With `aligned` half a pixel is subtracted, because pixel j's value
sits at its centre j + ½; without, boxes are forced to at least one feature pixel. A sample at an
index below -1 or above the map's size counts as 0, but it counts; nearer ones take the border's
value.
With `sampling_ratio` ≤ 0 each RoI and axis has n = ⌈bin⌉ samples.
A pixel whose weight is 0 is not read: what it holds, infinity and NaN too, changes nothing.

Because position and weight separate into rows and columns, a bin is a bag of pixels whose weights
are products of two short lists: `axis_taps` makes the lists, `sum_bags` does the sum. A *tap* is
one pixel with its weight. The library call is `torchvision.ops.roi_align`.
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
    """How many pixels of an axis a sample needs, from the first on.

    At a whole number the next one has weight 0 and is cut off: what it holds may be infinite.
    """
    return max(int(position.ceil()), 0) + 1


def sample_positions(start: Tensor, size: Tensor, sampling_ratio: int) -> Tensor:
    """(n,) index coordinates of the samples along one side of one bin; none if it runs backwards.

    Args:
        start, size: scalars, the bin's edge and length in feature pixels.
        sampling_ratio: n, or ≤ 0 for ⌈size⌉.

    >>> sample_positions(torch.tensor(1.25), torch.tensor(2.0), sampling_ratio=2)
    tensor([1.7500, 2.7500])
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
        spatial_scale: feature pixels for each image pixel, 1/stride; 0.25 for boxes of an image of
            224 × 224 and features of 56 × 56.
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

    >>> features = torch.arange(16.0).view(1, 1, 4, 4)
    >>> roi = torch.tensor([[0, 0.0, 0, 4, 4]])  # the whole map of image 0
    >>> roi_align(features, roi, 2, sampling_ratio=2, aligned=True)[0, 0]
    tensor([[ 2.5000,  4.5000],
            [10.5000, 12.5000]])
    """
    # What cannot be right is refused here, with the remedy.
    check_scale(spatial_scale)
    rois, size = as_rois(input, boxes, validate), as_size(output_size)
    if checks_values(rois, validate):
        check_bins(rois, size, spatial_scale, sampling_ratio)
    rule = (size, spatial_scale, sampling_ratio, aligned)
    # On a GPU a kernel does the work.
    if kernel := triton_roi_align(input, backend):
        return kernel(input, rois, *rule, deterministic=deterministic, validate=False)
    # float16 and bfloat16: compute in float32, as the RoIs are, and return the input's type.
    return _torch_roi_align(input.to(rois.dtype), rois, *rule).to(input.dtype)


def _torch_roi_align(
    features: Tensor,
    rois: Tensor,
    output_size: tuple[int, int],
    spatial_scale: float,
    sampling_ratio: int,
    aligned: bool,
) -> Tensor:
    """The algorithm in PyTorch's operations; features and RoIs are checked and of one dtype."""
    (_, channels, height, width), (rows, columns) = features.shape, output_size
    x1, y1, box_width, box_height = feature_box(rois, spatial_scale, aligned)  # (K,) each

    # 1. The rows of the map that each bin reads, and with which weights: (K, rows, taps in y).
    i, row_weight, all_rows = _sample_taps(y1, box_height, rows, sampling_ratio, height)
    i, row_weight = _merge_taps(i, row_weight)
    # 2. The columns that it reads: (K, columns, taps in x).
    j, column_weight, all_columns = _sample_taps(x1, box_width, columns, sampling_ratio, width)
    j, column_weight = _merge_taps(j, column_weight)

    bins, taps = len(rois) * rows * columns, i.shape[2] * j.shape[2]
    if bins * taps > MOST_TAPS and len(rois) > 1:  # boxes that cover the map many times: in parts
        rule = (output_size, spatial_scale, sampling_ratio, aligned)
        return torch.cat([_torch_roi_align(features, part, *rule) for part in rois.tensor_split(2)])

    # 3. Pixel (i, j) of image n is row (n · H + i) · W + j of a table of all pixels.
    first_row = rois[:, 0].long()[:, None, None] * height
    index = ((first_row + i) * width)[:, :, None, :, None] + j[:, None, :, None, :]
    # 4. Its weight in a bin is the product of its row's and its column's.
    weight = row_weight[:, :, None, :, None] * column_weight[:, None, :, None, :]
    # 5. One bag of pixels for each bin: (K, rows, columns, taps in y, taps in x) becomes (bins, C).
    out = sum_bags(pixel_table(features), index.view(bins, taps), weight.view(bins, taps))

    if not (all_rows and all_columns):  # a bin of which every sample lies beyond the map is 0
        reads = row_weight.any(dim=2)[:, :, None] & column_weight.any(dim=2)[:, None, :]
        if not reads.all():
            out = out.masked_fill(~reads.view(bins, 1), 0)
    return out.view(len(rois), rows, columns, channels).permute(0, 3, 1, 2)


def feature_box(
    rois: Tensor, spatial_scale: float, aligned: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Corner and size (x1, y1, w, h), (K,) each, of RoIs (K, 5) in index coordinates.

    >>> roi = torch.tensor([[0.0, 8, 16, 24, 48]])
    >>> [v.item() for v in feature_box(roi, 1 / 8, aligned=True)]
    [0.5, 1.5, 2.0, 4.0]
    """
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
        where samples fall outside the map. T is twice the most samples that a bin has.

    >>> index, weight = axis_taps(torch.tensor([1.25]), torch.tensor([4.0]), 2, 2, length=8)
    >>> index[0, 0].tolist(), weight[0, 0].tolist()  # samples at 1.75 and 2.75
    ([1, 2, 2, 3], [0.125, 0.125, 0.375, 0.375])
    """
    index, weight, _ = _sample_taps(start, size, bins, sampling_ratio, length)
    return _merge_taps(index, weight) if sampling_ratio <= 0 else (index, weight)


def _sample_taps(
    start: Tensor, size: Tensor, bins: int, sampling_ratio: int, length: int
) -> tuple[Tensor, Tensor, bool]:
    """`axis_taps` with two taps for each sample, and whether every sample counts.

    A tap of weight 0 names a pixel that its bin reads anyway, if it reads any: 0 · ∞ is NaN.
    """
    position, counts, samples = _bin_samples(start, size, bins, sampling_ratio, length)
    all_count = bool(counts.all())
    if not all_count:  # a sample that does not count stands where the first one does that counts
        first = counts.byte().argmax(dim=2, keepdim=True)
        position = torch.where(counts, position, position.gather(2, first))
    # Up to a pixel beyond the border, the border's value is read.
    position = position.clamp(0, length - 1).nan_to_num()
    # A sample lies between two pixels: the nearer it is to one, the more it takes of it.
    low = position.floor()
    sample_weight = counts / samples  # its share in the mean of the bin: 1/n, or 0
    high_weight = (position - low) * sample_weight
    # The high neighbour is the ceiling and not low + 1: at a whole number its weight is 0.
    index = torch.cat([low, position.ceil()], dim=2).long()  # (K, bins, 2S)
    weight = torch.cat([sample_weight - high_weight, high_weight], dim=2)
    return index, weight, all_count


def _bin_samples(
    start: Tensor, size: Tensor, bins: int, sampling_ratio: int, length: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the samples of each bin are, whether they count, and how many the bin has.

    Returns:
        position, counts: (K, bins, S) index coordinates and bool. samples: (K, 1, 1), at least 1.
    """
    bin_size = (size / bins)[:, None, None]  # (K, 1, 1)
    p = torch.arange(bins, dtype=start.dtype, device=start.device)[:, None]
    bin_start = start[:, None, None] + p * bin_size  # (K, bins, 1)
    if sampling_ratio > 0:
        samples = torch.full_like(bin_size, sampling_ratio)
        s = torch.arange(sampling_ratio, dtype=start.dtype, device=start.device)  # (S,)
        position = bin_start + (s + 0.5) * bin_size / samples
        return position, (position >= -1) & (position <= length), samples
    # An adaptive grid: ⌈bin⌉ samples, none in a bin that runs backwards.
    number = torch.where((bin_size > 0) & (bin_size <= LARGEST_BIN), bin_size.ceil(), 0)
    samples = number.clamp(min=1)
    s = _samples_near_map(bin_start, bin_size / samples, number, length)  # (K, bins, S)
    position = bin_start + (s + 0.5) * bin_size / samples
    return position, (position >= -1) & (position <= length) & (s < number), samples


def _samples_near_map(bin_start: Tensor, spacing: Tensor, number: Tensor, length: int) -> Tensor:
    """(K, bins, S): which of its samples 0 … number - 1 a bin can have on the map, and a few more.

    Of a box of a thousand times the map these are as few as of one that just covers it.

    Args:
        bin_start: (K, bins, 1). spacing: (K, 1, 1) from sample to sample. number: (K, 1, 1).
    """
    # One sample more on either side, and more of them where float32 cannot tell pixels apart.
    eps = torch.finfo(bin_start.dtype).eps
    rounding = 2 + 4 * eps * (bin_start.abs() + number * spacing)
    first = ((-1 - rounding - bin_start) / spacing).floor().clamp(min=0).minimum(number)
    last = ((length + rounding - bin_start) / spacing).ceil().clamp(min=0).minimum(number)
    first, last = first.nan_to_num(), last.nan_to_num()
    most = max(int((last - first).max()), 1) if len(number) else 1
    return first + torch.arange(most, dtype=bin_start.dtype, device=bin_start.device)


def _merge_taps(index: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Add up the taps of a bin that read the same pixel, where that makes the lists shorter.

    A bin of 9 px has 9 samples and 18 taps, but only 10 or 11 distinct pixels in a row; two samples
    of a bin below 2 px have 4 taps, but only 3 pixels.
    """
    # Pixels of a bin lie side by side: number them from the bin's lowest on.
    lowest = index.amin(dim=2, keepdim=True) if index.numel() else index  # (K, bins, 1)
    offset = index - lowest
    span = int(offset.max()) + 1 if index.numel() else 1
    if span >= index.shape[2]:
        return index, weight
    merged = weight.new_zeros(*index.shape[:2], span).scatter_add_(2, offset, weight)
    pixel = lowest + torch.arange(span, device=index.device)
    return torch.where(
        merged > 0, pixel, lowest
    ), merged  # a weight of 0 names a pixel that is read
