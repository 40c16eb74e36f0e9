"""A still picture of Mask R-CNN's stages on one scene, with one RoI marked on all of them.

`StageViewer` shows it where no kernel runs; lesson 08 draws its own from the same parts.
"""

from __future__ import annotations

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_image, draw_instances, figure
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.instances import Instances

CHOSEN, FAINT = "#ffe14d", "#bbbbbb"


def draw_stages(trace: MaskRCNNTrace, chosen: int) -> Figure:
    """Five panels: anchors, proposals, drawn RoIs, boxes, masks; RoI `chosen` in yellow on each."""
    fig, axes = figure(columns=5, height=220)
    for ax, draw in zip(axes, (_anchors, _proposals, _samples, _boxes, _masks), strict=True):
        draw(ax, trace)
    marked = [
        trace.anchor,
        trace.proposal,
        trace.proposal,
        trace.heads.refined,
        trace.heads.refined,
    ]
    height, width = trace.image.shape[1:]
    for ax, boxes in zip(axes, marked, strict=True):
        draw_boxes(ax, boxes[chosen], "black", width=4)
        draw_boxes(ax, boxes[chosen], CHOSEN)
        ax.set(xlim=(0, width), ylim=(height, 0))
    return fig


def _anchors(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, f"{len(trace.anchor)} RoIs' anchors")
    draw_boxes(ax, trace.anchor, ALIGN_COLOUR, width=0.7)


def _proposals(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, "moved: proposals")
    draw_boxes(ax, trace.proposal, ALIGN_COLOUR, width=0.7)


def _samples(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, f"{int((trace.role >= 0).sum())} of {len(trace.role)} drawn")
    draw_boxes(ax, trace.proposal[trace.role == 0], POOL_COLOUR, linestyle="--", width=0.8)
    draw_boxes(ax, trace.proposal[trace.role == 1], ALIGN_COLOUR, width=1.8)


def _boxes(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, f"boxes: {int(trace.kept.sum())} kept")
    draw_boxes(ax, trace.heads.refined[~trace.kept], FAINT, linestyle=":", width=0.8)
    draw_boxes(ax, trace.heads.refined[trace.kept], ALIGN_COLOUR, width=1.8)


def _masks(ax: Axes, trace: MaskRCNNTrace) -> None:
    labels = torch.tensor(trace.model.categories)[trace.heads.best[trace.kept]]
    draw_instances(ax, trace.image, Instances(trace.masks[trace.kept], labels), "masks")
