"""A still picture of Mask R-CNN's stages on one scene, with one RoI marked on all of them.

`StageViewer` shows it where no kernel runs; lesson 08 draws its own from the same parts.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_image, draw_instances, figure
from minseg.experiments.mask_rcnn_trace import Walk
from minseg.instances import Instances

CHOSEN, FAINT = "#ffe14d", "#bbbbbb"


def draw_stages(walk: Walk, chosen: int) -> Figure:
    """Five panels: anchors, proposals, drawn RoIs, boxes, masks; RoI `chosen` in yellow on each."""
    fig, axes = figure(columns=5, height=220)
    for ax, draw in zip(axes, (_anchors, _proposals, _samples, _boxes, _masks), strict=True):
        draw(ax, walk)
    marked = [walk.anchor, walk.proposal, walk.proposal, walk.heads.refined, walk.heads.refined]
    height, width = walk.image.shape[1:]
    for ax, boxes in zip(axes, marked, strict=True):
        draw_boxes(ax, boxes[chosen], "black", width=4)
        draw_boxes(ax, boxes[chosen], CHOSEN)
        ax.set(xlim=(0, width), ylim=(height, 0))
    return fig


def _anchors(ax: Axes, walk: Walk) -> None:
    draw_image(ax, walk.image, f"{len(walk.anchor)} RoIs' anchors")
    draw_boxes(ax, walk.anchor, ALIGN_COLOUR, width=0.7)


def _proposals(ax: Axes, walk: Walk) -> None:
    draw_image(ax, walk.image, "moved: proposals")
    draw_boxes(ax, walk.proposal, ALIGN_COLOUR, width=0.7)


def _samples(ax: Axes, walk: Walk) -> None:
    draw_image(ax, walk.image, f"{int((walk.role >= 0).sum())} of {len(walk.role)} drawn")
    draw_boxes(ax, walk.proposal[walk.role == 0], POOL_COLOUR, linestyle="--", width=0.8)
    draw_boxes(ax, walk.proposal[walk.role == 1], ALIGN_COLOUR, width=1.8)


def _boxes(ax: Axes, walk: Walk) -> None:
    draw_image(ax, walk.image, f"boxes: {int(walk.kept.sum())} kept")
    draw_boxes(ax, walk.heads.refined[~walk.kept], FAINT, linestyle=":", width=0.8)
    draw_boxes(ax, walk.heads.refined[walk.kept], ALIGN_COLOUR, width=1.8)


def _masks(ax: Axes, walk: Walk) -> None:
    labels = torch.tensor(walk.model.categories)[walk.heads.best[walk.kept]]
    draw_instances(ax, walk.image, Instances(walk.masks[walk.kept], labels), "masks")
