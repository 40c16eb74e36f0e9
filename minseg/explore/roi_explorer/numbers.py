"""Everything the RoI explorer shows, as numbers: what each operator reads, and what it answers.

The same box is put through RoI pooling, RoIAlign and the exact average of the bilinear surface
between its pixels. Beside the outputs stand the places that were read: the rounded box and its
bins, the sampling points, the four neighbours of one point. All arithmetic is `minseg.roi`'s; this
file asks it and turns its answers into *image* pixels, ready to draw. Unit 21.

Index coordinate u of a feature map with stride s is drawn at (u + ½) · s: a feature sits at its
pixel's centre.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.explore.base.values import rounded
from minseg.roi import bilinear_sample, quantise_box, roi_align, roi_average, roi_pool
from minseg.roi.align import feature_box, sample_positions
from minseg.roi.bilinear import neighbours
from minseg.roi.pool import pool_bins

SWEEP_STEPS = 81  # positions along a sweep of two feature pixels
DECIMALS = 4  # of what is sent


class Settings(NamedTuple):
    """What can be switched. `rounding` and `inclusive` are RoI pooling's, the rest RoIAlign's."""

    stride: int = 16
    output_size: int = 3
    sampling_ratio: int = 2
    aligned: bool = True
    rounding: str = "round"
    inclusive: bool = True  # whether the last rounded pixel belongs to the box: the "+ 1"


def feature_map(image: Tensor, stride: int) -> Tensor:
    """Stand-in for a backbone: the mean brightness of each stride × stride cell.

    Args:
        image: (3, H, W) in [0, 1].

    Returns:
        (1, 1, ⌈H/stride⌉, ⌈W/stride⌉) float32 in [0, 1].
    """
    brightness = image.mean(dim=0)[None, None]
    return F.avg_pool2d(brightness, stride, ceil_mode=True, count_include_pad=False)


def near(box: tuple[float, ...], size: tuple[int, int]) -> tuple[float, ...]:
    """The part of an image to look at: its shape is the image's, and the box takes a third of it.

    Args:
        box: x1, y1, x2, y2 in image pixels. size: (height, width) of the image.

    >>> near((16.0, 24.0, 32.0, 40.0), size=(192, 192))
    (0.0, 8.0, 48.0, 56.0)
    """
    height, width = size
    x1, y1, x2, y2 = box
    share = min(3 * max((x2 - x1) / width, (y2 - y1) / height), 1)
    w, h = share * width, share * height
    left = min(max((x1 + x2 - w) / 2, 0), width - w)
    top = min(max((y1 + y2 - h) / 2, 0), height - h)
    return left, top, left + w, top + h


def rounded_box(boxes: Tensor, settings: Settings) -> Tensor:
    """(K, 4) whole feature pixels x1, y1, x2, y2, ends inclusive, of boxes in image pixels."""
    whole = quantise_box(boxes / settings.stride, settings.rounding)
    if not settings.inclusive:
        whole = whole - torch.tensor([0.0, 0, 1, 1], dtype=whole.dtype)
    return whole


def outputs(features: Tensor, boxes: Tensor, settings: Settings) -> dict[str, Tensor]:
    """What RoI pooling, RoIAlign and the exact average answer: (K, P, P) each.

    Args:
        features: (1, 1, h, w). boxes: (K, 4) in image pixels, finite (checked by the widget).
    """
    size, scale = settings.output_size, 1 / settings.stride
    image = torch.zeros(len(boxes), 1, dtype=boxes.dtype)
    rois = torch.cat([image, boxes], dim=1)
    whole = torch.cat([image, rounded_box(boxes, settings)], dim=1)
    ratio, aligned = settings.sampling_ratio, settings.aligned
    return {
        "pool": roi_pool(features, whole, size, validate=False)[:, 0],
        "align": roi_align(features, rois, size, scale, ratio, aligned, validate=False)[:, 0],
        "exact": roi_average(features, rois, size, scale, validate=False)[:, 0],
    }


def numbers(
    features: Tensor,
    box: tuple[float, ...],
    point: tuple[float, ...],
    settings: Settings,
    sweeping: bool = False,
) -> dict[str, Any]:
    """One state of the explorer as plain lists and numbers; positions are in image pixels.

    Args:
        features: (1, 1, h, w). box: x1, y1, x2, y2. point: x, y, where the surface is read.
        sweeping: whether to add `sweep`.
    """
    boxes = torch.tensor([box], dtype=torch.float32)
    out = outputs(features, boxes, settings)
    errors = {name: (out[name] - out["exact"]).abs().mean().item() for name in ("pool", "align")}
    view = {
        **{name: rounded(values[0], DECIMALS) for name, values in out.items()},
        "errors": errors,
        "pooled": _pooled(features, boxes, settings),
        "aligned": _aligned(features, boxes, settings),
        "point": _point(features, point, settings.stride),
        "facts": f"Mean error: RoI pooling {errors['pool']:.4f}, RoIAlign {errors['align']:.4f}.",
    }
    return {**view, "sweep": sweep(features, box, settings)} if sweeping else view


def _pooled(features: Tensor, boxes: Tensor, settings: Settings) -> dict[str, Any]:
    """Where RoI pooling reads: the rounded box, its bins, and how far each edge has moved."""
    x1, y1, x2, y2 = rounded_box(boxes, settings).unbind(dim=1)
    height, width = features.shape[2:]
    rows = torch.stack(pool_bins(y1, y2, settings.output_size, height), dim=2)[0]  # (P, 2)
    columns = torch.stack(pool_bins(x1, x2, settings.output_size, width), dim=2)[0]
    snapped = torch.stack([x1, y1, x2 + 1, y2 + 1], dim=1)[0]  # pixel x2 ends at x2 + 1
    return {
        "box": rounded(snapped * settings.stride, DECIMALS),
        "rows": (rows * settings.stride).tolist(),
        "columns": (columns * settings.stride).tolist(),
        "offset": rounded(snapped - boxes[0] / settings.stride, DECIMALS),
    }


def _aligned(features: Tensor, boxes: Tensor, settings: Settings) -> dict[str, Any]:
    """Where RoIAlign reads: its bins' edges, its samples, and how far each edge has moved."""
    rois, size, stride = F.pad(boxes, (1, 0)), settings.output_size, settings.stride
    x1, y1, w, h = feature_box(rois, 1 / stride, settings.aligned)
    axes, edges = {}, {}
    for name, start, extent in (("columns", x1, w), ("rows", y1, h)):
        steps = torch.arange(size + 1) * (extent / size) + start
        edges[name] = (steps + 0.5) * stride
        samples = [
            sample_positions(edge, extent[0] / size, settings.sampling_ratio) for edge in steps[:-1]
        ]
        axes[name] = (torch.cat(samples) + 0.5) * stride
    corners = [edges["columns"][0], edges["rows"][0], edges["columns"][-1], edges["rows"][-1]]
    return {
        "rows": rounded(edges["rows"], DECIMALS),
        "columns": rounded(edges["columns"], DECIMALS),
        "samples": [rounded(axes["columns"], DECIMALS), rounded(axes["rows"], DECIMALS)],
        "offset": rounded((torch.stack(corners) - boxes[0]) / stride, DECIMALS),
    }


def _point(features: Tensor, point: tuple[float, ...], stride: int) -> dict[str, Any]:
    """The four neighbours of one point, their weights, and the sum they make."""
    height, width = features.shape[2:]
    x, y = (torch.tensor([v / stride - 0.5]) for v in point)
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)
    (j,), (i,), (j2,), (i2,) = (t.tolist() for t in neighbours(x, y, height, width))
    a, b = x.item() - j, y.item() - i
    corners = [(i, j, 1 - a, 1 - b), (i, j2, a, 1 - b), (i2, j, 1 - a, b), (i2, j2, a, b)]
    values = [features[0, 0, row, column].item() for row, column, _, _ in corners]
    names = ("(1-a)(1-b)", "a(1-b)", "(1-a)b", "ab")
    symbols = (f"{n}·F[{r},{c}]" for n, (r, c, _, _) in zip(names, corners, strict=True))
    products = (
        f"{wx:.2f}·{wy:.2f}·{v:.3f}" for (_, _, wx, wy), v in zip(corners, values, strict=True)
    )
    value = bilinear_sample(features[0], x, y).item()
    return {
        "at": [(x.item() + 0.5) * stride, (y.item() + 0.5) * stride],
        "neighbours": [
            [(column + 0.5) * stride, (row + 0.5) * stride, wx * wy]
            for row, column, wx, wy in corners
        ],
        "equation": [
            f"f({x.item():.2f}, {y.item():.2f}) = {' + '.join(symbols)},  a = {a:.2f}, b = {b:.2f}",
            f"= {' + '.join(products)} = {value:.3f}",
        ],
    }


def sweep(features: Tensor, box: tuple[float, ...], settings: Settings) -> dict[str, Any]:
    """Slide the box one feature pixel to the left and to the right; read the middle bin.

    Returns:
        "shift" in feature pixels, and the middle bin's "pool", "align" and "exact" at each.
    """
    shift = torch.linspace(-1, 1, SWEEP_STEPS)
    moved = torch.tensor(box) + (shift * settings.stride)[:, None] * torch.tensor([1.0, 0, 1, 0])
    middle = settings.output_size // 2
    values = outputs(features, moved, settings)
    series = {name: rounded(value[:, middle, middle], DECIMALS) for name, value in values.items()}
    return {"shift": rounded(shift, DECIMALS), **series}
