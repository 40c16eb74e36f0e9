"""Pictures of a region being read: its bins, rounded and exact, sampling points and their weights.

Units 20 to 22 draw with them. Orange is RoI pooling, blue is RoIAlign and the exact box, as in the
RoI explorer. Positions on a feature map are continuous: pixel (i, j) covers [j, j + 1) ×
[i, i + 1), so index coordinate u is drawn at u + ½.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, figure
from minseg.draw.segmentation import draw_boxes, draw_grid, draw_image
from minseg.roi import quantise_box, roi_average, roi_pool
from minseg.roi.pool import pool_bins

HALO = [withStroke(linewidth=3, foreground="black")]  # of white figures on a photograph


def box_read(box: Tensor, stride: int) -> Tensor:
    """(..., 4) image pixels: what RoI pooling reads of boxes (..., 4) in image pixels.

    >>> box_read(torch.tensor([37.0, 32.0, 101.4, 96.0]), stride=16).tolist()
    [32.0, 32.0, 112.0, 112.0]
    """
    whole = quantise_box(box / stride, "round")  # feature pixels, the last one inside
    return stride * (whole + torch.tensor([0, 0, 1, 1]))


def reading_figure(image: Tensor, features: Tensor, box: Tensor, stride: int, bins: int) -> Figure:
    """A box on a photograph; then what is inside it, and what RoI pooling reads instead.

    Args:
        image: (3, H, W). features: (1, 1, h, w), its map. box: (4,) in image pixels.
        bins: along each side.
    """
    read, roi = box_read(box, stride), F.pad(box, (1, 0))[None]
    fig, axes = figure(columns=3, height=310, width_ratios=[1.2, 1, 1])
    draw_image(axes[0], image, "A box, and what is read instead")
    draw_grid(axes[0], image.shape[1], image.shape[2], stride)
    draw_boxes(axes[0], box, colour=ALIGN_COLOUR, width=3)
    draw_boxes(axes[0], read, colour=POOL_COLOUR, linestyle="--", width=3)
    _look_at(axes[0], torch.cat([box[:2].minimum(read[:2]), box[2:].maximum(read[2:])]), stride)

    exact = roi_average(features, roi, bins, 1 / stride)[0, 0]
    _draw_crop(axes[1], image, box, exact, "Exact: bin averages", ALIGN_COLOUR)
    pooled = roi_pool(features, roi, bins, 1 / stride)[0, 0]
    _draw_crop(axes[2], image, read, pooled, "RoI pooling: bin maxima", POOL_COLOUR)
    return fig


def _draw_crop(
    ax: Axes, image: Tensor, box: Tensor, values: Tensor, title: str, colour: str
) -> None:
    """What lies in a box, cut into equal bins, with one number in each."""
    x1, y1, x2, y2 = box.tolist()
    draw_image(ax, image, title)
    ax.set(xlim=(x1, x2), ylim=(y2, y1))
    bins = len(values)
    x, y = np.linspace(x1, x2, bins + 1), np.linspace(y1, y2, bins + 1)
    ax.vlines(x, y1, y2, colors=colour, linewidths=3, clip_on=False)
    ax.hlines(y, x1, x2, colors=colour, linewidths=3, clip_on=False)
    for (p, q), value in np.ndenumerate(values.numpy()):
        at = (x[q] + x[q + 1]) / 2, (y[p] + y[p + 1]) / 2
        text = f"{value:.2f}"
        ax.text(*at, text, ha="center", va="center", color="w", fontsize=12, path_effects=HALO)


def _look_at(ax: Axes, box: Tensor, margin: float) -> None:
    x1, y1, x2, y2 = box.tolist()
    ax.set(xlim=(x1 - margin, x2 + margin), ylim=(y2 + margin, y1 - margin))


def draw_axis_bins(ax: Axes, start: float, end: float, bins: int) -> None:
    """One axis of a box, `start` to `end` in feature pixels: exact bins above RoI pooling's."""
    ends = quantise_box(torch.tensor([start, 0, end, 0]), "round")[[0, 2]]
    first, last = pool_bins(ends[:1], ends[1:], bins, length=int(ends[1]) + 9)
    width = (end - start) / bins
    for q in range(bins):
        ax.barh(q - 0.19, width, left=start + q * width, height=0.34, color=ALIGN_COLOUR)
        begin, stop = first[0, q].item(), last[0, q].item()
        ax.barh(q + 0.19, stop - begin, left=begin, height=0.34, color=POOL_COLOUR)
    ax.set(ylim=(bins - 0.4, -0.6), xlim=(ends[0].item() - 1, ends[1].item() + 2))
    ax.set_xticks(np.arange(ends[0].item() - 1, ends[1].item() + 3))
    ax.set_yticks(range(bins), labels=[f"bin {q}" for q in range(bins)])
    ax.grid(axis="x", color="#bbbbbb", linewidth=0.8)
    ax.set_axisbelow(True)


def draw_map(
    ax: Axes, features: Tensor, title: str = "", limits: tuple[float, float] | None = None
) -> None:
    """A small feature map (H, W) as grey squares with the number of each pixel.

    Args:
        ax: where to draw.
        features: (H, W).
        title: what to see.
        limits: the values drawn black and white; the map's own range if left out.
    """
    height, width = features.shape
    low, high = limits or (features.min().item(), features.max().item())
    draw_image(ax, features, title, limits=(low, high))
    draw_grid(ax, height, width)
    digits = 0 if (features == features.round()).all() else 2
    for (i, j), value in np.ndenumerate(features.numpy()):
        text, ink = f"{value:.{digits}f}", "black" if value > (low + high) / 2 else "white"
        ax.text(j + 0.5, i + 0.5, text, color=ink, ha="center", va="center", fontsize=12)
    ax.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -0.1))  # a box on the border is whole


def draw_samples(ax: Axes, x: Sequence[float], y: Sequence[float], colour: str = "white") -> None:
    """Sampling points at all pairs of index coordinates x and y, on a map drawn above."""
    for py in y:
        across = [v + 0.5 for v in x]
        ax.plot(across, [py + 0.5] * len(x), "o", color=colour, mec=EXACT_COLOUR, markersize=8)


def draw_weights(ax: Axes, weights: Tensor, title: str = "") -> None:
    """How much each pixel of a map counts in one bin, (H, W): darker blue is more; 0 is empty."""
    height, width = weights.shape
    draw_image(ax, weights, title, cmap="Blues", limits=(0, 1.3 * weights.max().item()))
    draw_grid(ax, height, width)
    for (i, j), weight in np.ndenumerate(weights.numpy()):
        if weight > 0:
            ax.text(j + 0.5, i + 0.5, f"{weight:.3g}", ha="center", va="center", fontsize=9)
