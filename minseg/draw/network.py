"""One picture of a whole network: Mask R-CNN with what really flows between its parts.

Upper row, from left to right: the image, its features at three resolutions, what the region
proposal network says of each place, its proposals. Lower row: one proposal read as 7 × 7 features,
the boxes that are kept, one of them read as 14 × 14 features, its mask, all masks on the image.
Under each picture stands the shape of the tensor that it shows. Unit 40.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, figure
from minseg.draw.overlay import paint, pixels, rgb
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.models.mask_rcnn.model import BOX_GRID
from minseg.models.mask_rcnn.roi_heads import read_pyramid

WIDTH, HEIGHT = 900, 425  # of the figure in pixels, which are the coordinates below
SIDE = 108  # of a picture
UPPER, LOWER = 40, 288  # top of each row's pictures
FEATURES, BOXES = ALIGN_COLOUR, POOL_COLOUR  # colours of the two roads between the rows


def draw_network(trace: MaskRCNNTrace) -> Figure:
    """The network on one image, whose proposal 0 is followed through the lower row.

    Args:
        trace: of a model with three levels on a square image.
    """
    fig, ax = figure(width=WIDTH, height=HEIGHT)
    ax.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    ax.set_axis_off()
    _first_stage(ax, trace)
    _second_stage(ax, trace)
    _roads(ax)
    ax.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0), aspect="auto")
    return fig


def _first_stage(ax: Axes, trace: MaskRCNNTrace) -> None:
    with torch.no_grad():
        objectness, _ = trace.model.rpn(trace.pyramid)
    sides = [features.shape[-1] for features in trace.pyramid]
    parts = objectness[0].sigmoid().split(trace.anchors)
    best = [p.view(n, n, -1).amax(dim=2) for p, n in zip(parts, sides, strict=True)]
    image = pixels(trace.image)
    channels, size = trace.pyramid[0].shape[1], image.shape[0]
    _put(ax, image, 8, UPPER, "image", f"(3, {size}, {size})")
    norms = [features[0].norm(dim=0) for features in trace.pyramid]
    _put_levels(ax, norms, 208, f"features, {channels} channels")
    _put_levels(ax, best, 474, "A scores, A × 4 moves")
    _put(ax, image, 784, UPPER, "proposals", "(R, 4)")
    _outline(ax, trace.proposal * SIDE / size, 784, UPPER, 0.6)
    _arrow(ax, 122, 202, UPPER, "backbone")
    _arrow(ax, 418, 468, UPPER, "RPN")
    _arrow(ax, 684, 778, UPPER, "best, NMS")


def _second_stage(ax: Axes, trace: MaskRCNNTrace) -> None:
    model, image = trace.model, pixels(trace.image)
    size, channels = image.shape[0], trace.pyramid[0].shape[1]
    roi = F.pad(trace.proposal[:1], (1, 0))  # (1, 5)
    grid = read_pyramid(trace.pyramid, model.strides, roi, BOX_GRID, cells=model.cells)
    _put(ax, grid[0].norm(dim=0), 8, LOWER, "a proposal, read", f"(R, {channels}, 7, 7)")
    boxes = trace.heads.refined[trace.kept]
    _put(ax, image, 202, LOWER, "classes, boxes", "(D,), (D, 4)")
    _outline(ax, boxes * SIDE / size, 202, LOWER, 1.6)
    _put(ax, trace.heads.grid[0], 402, LOWER, "a box, read", f"(D, {channels}, 14, 14)")
    mask = trace.heads.logits[0].sigmoid()
    _put(ax, mask, 602, LOWER, "a mask", "(D, C, 28, 28)")
    canvas = rgb(trace.image, (size, size))
    for found in trace.masks[trace.kept]:
        paint(canvas, found.numpy(), ALIGN_COLOUR, 0.6)
    _put(ax, canvas, 784, LOWER, "masks", f"(D, {size}, {size})")
    _arrow(ax, 122, 196, LOWER, "box head")
    _arrow(ax, 316, 396, LOWER, "RoIAlign")
    _arrow(ax, 516, 596, LOWER, "mask head")
    _arrow(ax, 716, 778, LOWER, "paste")


def _roads(ax: Axes) -> None:
    """What the second stage gets from the first: features, and places to read them."""
    under, over = UPPER + SIDE + 22, LOWER - 32
    feature_road, box_road = under + 12, under + 38
    line: dict[str, Any] = {"lw": 2, "solid_joinstyle": "round"}
    ax.plot([276, 276], [under, feature_road], color=FEATURES, **line)
    ax.plot([28, 28, 458, 458], [over, feature_road, feature_road, over], color=FEATURES, **line)
    ax.plot([838, 838, 92, 92], [under, box_road, box_road, over], color=BOXES, **line)
    for x, colour in ((28, FEATURES), (458, FEATURES), (92, BOXES)):
        ax.plot(x, over, "v", color=colour, ms=6)
    style: dict[str, Any] = {"fontsize": 9.5, "va": "center", "backgroundcolor": "white"}
    ax.text(300, feature_road, "features", color=FEATURES, **style)
    ax.text(540, box_road, "RoIAlign reads them here", color=BOXES, **style)


def _put(
    ax: Axes, picture: Tensor | np.ndarray, x: float, y: float, title: str, shape: str
) -> None:
    """A picture of `SIDE` × `SIDE` with a title above and its tensor's shape below."""
    _image(ax, picture, x, y, SIDE)
    ax.text(x + SIDE / 2, y - 8, title, ha="center", va="bottom", fontsize=9.5)
    ax.text(x + SIDE / 2, y + SIDE + 4, shape, ha="center", va="top", fontsize=9.5, color="#555555")


def _put_levels(ax: Axes, maps: list[Tensor], x: float, title: str) -> None:
    """Maps of three levels side by side, the finest largest, each with its size below."""
    ax.text(x + 101, UPPER - 8, title, ha="center", va="bottom", fontsize=9.5)
    for values, side, at in zip(maps, (88, 60, 36), (x, x + 95, x + 166), strict=True):
        _image(ax, values, at, UPPER + SIDE - side, side)
        n = values.shape[-1]
        style: dict[str, Any] = {"ha": "center", "va": "top", "color": "#555555"}
        ax.text(at + side / 2, UPPER + SIDE + 4, f"{n} × {n}", fontsize=9.5, **style)


def _image(ax: Axes, picture: Tensor | np.ndarray, x: float, y: float, side: float) -> None:
    extent = (x, x + side, y + side, y)
    ax.imshow(np.asarray(picture), extent=extent, cmap="gray", interpolation="nearest")


def _outline(ax: Axes, boxes: Tensor, x: float, y: float, width: float) -> None:
    for x1, y1, x2, y2 in boxes.tolist():
        columns, rows = [x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1]
        ax.plot(np.add(columns, x), np.add(rows, y), color=BOXES, lw=width)


def _arrow(ax: Axes, start: float, end: float, row: float, part: str) -> None:
    """An arrow to the right in the middle of a row, with the part's name above it."""
    y = row + SIDE / 2 + 8
    how = {"arrowstyle": "-|>", "lw": 1.6, "color": EXACT_COLOUR}
    ax.annotate("", (end, y), (start, y), arrowprops=how)
    style: dict[str, Any] = {"ha": "center", "va": "bottom", "weight": "bold", "fontsize": 9.5}
    ax.text((start + end) / 2, y - 6, part, **style)
