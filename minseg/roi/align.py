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

Because position and weight separate into rows and columns, a bin is a bag of pixels whose weights
are products of two short lists: `axis_taps` makes the lists, `weighted_bag` does the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.roi.backend import triton_roi_align
from minseg.roi.bag import weighted_bag
from minseg.roi.bilinear import bilinear_sample
from minseg.roi.rois import Boxes, as_rois, as_size, check_scale, pixel_table


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
                        total = total + bilinear_sample(features, px[None], py[None])[:, 0]
                out[k, :, p, q] = total / max(len(y) * len(x), 1)
    return out


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
        sampling_ratio: samples for each bin and axis; ≤ 0 adapts it to the bin's size.
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
        TypeError, ValueError: as `as_rois`, `as_size` and `check_scale` say.
        ImportError, RuntimeError: if `backend` is "triton" and it is missing or cannot run here.
    """
    check_scale(spatial_scale)
    rois, (rows, columns) = as_rois(input, boxes, validate), as_size(output_size)
    rule = ((rows, columns), spatial_scale, sampling_ratio, aligned)
    if kernel := triton_roi_align(input, backend):
        return kernel(input, rois, *rule, deterministic=deterministic, validate=False)
    if rois.dtype != input.dtype:  # half types: as table and weights they would lose too much
        return roi_align(input.float(), rois, *rule, backend="torch", validate=False).to(input)
    _, channels, height, width = input.shape
    x1, y1, w, h = feature_box(rois, spatial_scale, aligned)
    i, wy = _merge(*axis_taps(y1, h, rows, sampling_ratio, height))  # (K, rows, Ty)
    j, wx = _merge(*axis_taps(x1, w, columns, sampling_ratio, width))  # (K, columns, Tx)
    row = rois[:, 0].long()[:, None, None] * height + i
    index = (row * width)[:, :, None, :, None] + j[:, None, :, None, :]
    weight = wy[:, :, None, :, None] * wx[:, None, :, None, :]  # (K, rows, columns, Ty, Tx)
    bags, taps = len(rois) * rows * columns, i.shape[2] * j.shape[2]
    out = weighted_bag(pixel_table(input), index.view(bags, taps), weight.view(bags, taps))
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
    step = (size / bins)[:, None, None]
    n = step.ceil() if sampling_ratio <= 0 else torch.full_like(step, sampling_ratio)
    most = sampling_ratio if sampling_ratio > 0 else max(int(n.max()), 1) if len(n) else 1
    s = torch.arange(most, dtype=start.dtype, device=start.device)
    p = torch.arange(bins, dtype=start.dtype, device=start.device)[:, None]
    samples = n.clamp(min=1)
    at = start[:, None, None] + p * step + (s + 0.5) * step / samples  # (K, bins, most)
    live = (at >= -1) & (at <= length)
    if sampling_ratio <= 0:
        live &= s < n
        at = torch.where(live, at, at[..., :1])  # dead samples read no pixel of their own
    at = at.clamp(0, length - 1).nan_to_num()
    low = at.floor()
    share = live / samples
    right = (at - low) * share
    index = torch.cat([low, (low + 1).clamp(max=length - 1)], dim=2).long()
    weight = torch.cat([share - right, right], dim=2)
    return _merge(index, weight) if sampling_ratio <= 0 else (index, weight)


def _merge(index: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Add up the taps of a bin that read the same pixel, where that makes the lists shorter.

    A bin of 9 px has 9 samples and 18 taps, but only 10 or 11 distinct pixels in a row; two samples
    of a bin below 2 px have 4 taps, but only 3 pixels.
    """
    low = index.amin(dim=2, keepdim=True) if index.numel() else index
    span = int((index - low).max()) + 1 if index.numel() else 1
    if span >= index.shape[2]:
        return index, weight
    merged = weight.new_zeros(*index.shape[:2], span).scatter_add_(2, index - low, weight)
    pixel = low + torch.arange(span, device=index.device)
    return torch.where(merged > 0, pixel, low), merged
