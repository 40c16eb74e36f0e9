"""Pictures of what each part of Mask R-CNN is taught, and of how a box is said to move.

    draw_move        an anchor and its thing, with the four numbers between them
    draw_targets     which anchors, which RoIs, which cells say yes, on one scene
    draw_answer      one RoI on its way to a mask

Yes is blue and solid, no is orange and dashed, neither is grey. Units 40 and 41.
"""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from minseg.data.example import Example
from minseg.draw.figure import ALIGN_COLOUR, POOL_COLOUR, TRUTH_COLOUR, figure
from minseg.draw.segmentation import draw_boxes, draw_image
from minseg.experiments.teaching import Teaching

NEITHER = "#9a9a9a"


def draw_move(anchor: Tensor, box: Tensor) -> Figure:
    """An anchor (4,) and the box (4,) of its thing, whose centre lies to its lower right."""
    fig, ax = figure(width=560, height=340)
    draw_boxes(ax, anchor, ALIGN_COLOUR)
    draw_boxes(ax, box, TRUTH_COLOUR, linestyle="--")
    (xa, ya), (x, y) = ((one[:2] + one[2:]).div(2).tolist() for one in (anchor, box))
    ax.plot([xa, x], [ya, y], "o", color="#333333", ms=5)
    how = {"arrowstyle": "-|>", "lw": 1.6, "color": "#333333", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (x, ya), (xa, ya), arrowprops=how)
    ax.annotate("", (x, y), (x, ya), arrowprops=how)
    ax.text(x - 1, ya - 0.7, f"{x - xa:g} px", ha="right", va="bottom")
    ax.text(x + 1, (ya + y) / 2, f"{y - ya:g} px", ha="left", va="center")
    for one, name, colour in ((anchor, "anchor", ALIGN_COLOUR), (box, "thing", TRUTH_COLOUR)):
        x1, y1, x2, y2 = one.tolist()
        size = f"{name}, {x2 - x1:g} × {y2 - y1:g} px"
        at, side = (x1, "left") if name == "anchor" else (x2, "right")
        ax.text(at, y1 - 1, size, ha=side, va="bottom", color=colour, weight="bold")
    low = (torch.minimum(anchor, box)[:2] - 5).tolist()
    high = (torch.maximum(anchor, box)[2:] + 3).tolist()
    ax.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), aspect="equal", xlabel="x, px")
    ax.set_ylabel("y, px")
    return fig


def draw_targets(scene: Example, taught: Teaching, *, level: int, roi: int) -> Figure:
    """Three panels: the anchors of one level, the RoIs that are drawn, one mask's target.

    Args:
        scene: with `image` (3, H, W) and `instances`. taught: its targets, of this scene alone.
        level: whose anchors are shown. roi: which of the positive RoIs has its mask shown.
    """
    fig, axes = figure(columns=3, height=400)
    first = sum(len(anchors) for anchors in taught.anchors[:level])
    own = slice(first, first + len(taught.anchors[level]))
    _anchors(axes[0], scene.image, taught.anchors[level], taught.yes[0, own], taught.no[0, own])
    draw_boxes(axes[0], scene.instances.boxes, TRUTH_COLOUR, linestyle=":", width=1.5)
    rois, positive = taught.sample.rois[:, 1:], taught.positive
    draw_image(axes[1], scene.image, "RoIs: coin, or background?")
    draw_boxes(axes[1], rois[~positive], POOL_COLOUR, linestyle="--", width=1)
    draw_boxes(axes[1], rois[positive], ALIGN_COLOUR, width=1.8)
    draw_image(axes[2], taught.masks[roi], "one RoI's mask: which cells?", limits=(0, 1))
    count = int(positive.sum())
    notes = (
        "blue: yes. orange: no.\ngrey: not asked. dotted: truth",
        f"blue: {count} positives. orange: {len(rois) - count} others",
        "white: covered. black: not. grey: in part",
    )
    for ax, note in zip(axes, notes, strict=True):
        ax.text(0.5, -0.04, note, transform=ax.transAxes, ha="center", va="top", fontsize=10)
    return fig


def _anchors(ax: Axes, image: Tensor, anchors: Tensor, yes: Tensor, no: Tensor) -> None:
    draw_image(ax, image, "anchors of one level: a thing?")
    centres = anchors.view(-1, 3, 4)[:, 0]
    x, y = (centres[:, :2] + centres[:, 2:]).div(2).unbind(dim=1)
    any_yes, all_no = yes.view(-1, 3).any(dim=1), no.view(-1, 3).all(dim=1)
    asked_nothing = ~any_yes & ~all_no
    ax.plot(x[all_no], y[all_no], ".", color=POOL_COLOUR, ms=3)
    ax.plot(x[asked_nothing], y[asked_nothing], "s", color=NEITHER, ms=3.5)
    ax.plot(x[any_yes], y[any_yes], "o", color=ALIGN_COLOUR, ms=6, mec="white")
    draw_boxes(ax, anchors[yes], ALIGN_COLOUR, width=1.6)


def draw_answer(
    image: Tensor, box: Tensor, grids: tuple[Tensor, Tensor, Tensor], found: Tensor
) -> Figure:
    """One RoI on its way: on the image, as 7 × 7 and 14 × 14 cells, as a mask, pasted.

    Args:
        image: (3, H, W). box: (4,) the RoI.
        grids: how strong its features are, (7, 7) and (14, 14); its mask (28, 28), from 0 to 1.
        found: (H, W) bool, the pasted mask.
    """
    fig, axes = figure(columns=5, height=215)
    draw_image(axes[0], image, "a RoI")
    draw_boxes(axes[0], box, ALIGN_COLOUR)
    titles = ("7 × 7 features", "14 × 14 features", "28 × 28 mask")
    for ax, title, grid in zip(axes[1:4], titles, grids, strict=True):
        draw_image(ax, grid, title)
    pasted = image.clone()
    colour: Any = torch.tensor([0.0, 0.31, 0.78])[:, None]  # ALIGN_COLOUR
    pasted[:, found] = 0.4 * pasted[:, found] + 0.6 * colour
    draw_image(axes[4], pasted, "pasted")
    return fig
