"""A still picture of Mask R-CNN's stages on one scene, with one RoI marked on all of them.

`StageViewer` shows it where no kernel runs.
"""

from __future__ import annotations

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_image, draw_instances, figure
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.instances import Instances

CHOSEN, FAINT = "#ffe14d", "#bbbbbb"


def draw_stages(trace: MaskRCNNTrace, chosen: int) -> Figure:
    """Anchors, proposals, drawn RoIs, boxes, masks, a legend; RoI `chosen` in yellow on each."""
    fig, axes = figure(columns=3, rows=2, height=620)
    marked = (
        (_anchors, trace.anchor),
        (_proposals, trace.proposal),
        (_samples, trace.proposal),
        (_boxes, trace.heads.refined),
        (_masks, trace.heads.refined),
    )
    for ax, (draw, boxes) in zip(axes.flat, marked, strict=False):
        draw(ax, trace)
        _mark(ax, trace, boxes[chosen])
    _legend(axes[1, 2], chosen)
    return fig


def _mark(ax: Axes, trace: MaskRCNNTrace, box: Tensor) -> None:
    draw_boxes(ax, box, "black", width=4)
    draw_boxes(ax, box, CHOSEN)
    height, width = trace.image.shape[1:]
    ax.set(xlim=(0, width), ylim=(height, 0))


def _anchors(ax: Axes, trace: MaskRCNNTrace) -> None:
    """Those of all RoIs would be a tangle: only those whose RoIs are kept in the end."""
    draw_image(ax, trace.image, f"1. Anchors of the {int(trace.kept.sum())} that are kept")
    draw_boxes(ax, trace.anchor[trace.kept], ALIGN_COLOUR, width=1.2)


def _proposals(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, f"2. All {len(trace.proposal)} proposals")
    draw_boxes(ax, trace.proposal, ALIGN_COLOUR, width=0.6)


def _samples(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, f"3. The {int((trace.role >= 0).sum())} that would train")
    draw_boxes(ax, trace.proposal[trace.role == 0], POOL_COLOUR, linestyle="--", width=0.8)
    draw_boxes(ax, trace.proposal[trace.role == 1], ALIGN_COLOUR, width=1.8)


def _boxes(ax: Axes, trace: MaskRCNNTrace) -> None:
    draw_image(ax, trace.image, f"4. Class and box: {int(trace.kept.sum())} are kept")
    draw_boxes(ax, trace.heads.refined[~trace.kept], FAINT, linestyle=":", width=0.8)
    draw_boxes(ax, trace.heads.refined[trace.kept], ALIGN_COLOUR, width=1.8)


def _masks(ax: Axes, trace: MaskRCNNTrace) -> None:
    labels = torch.tensor(trace.model.categories)[trace.heads.best[trace.kept]]
    draw_instances(ax, trace.image, Instances(trace.masks[trace.kept], labels), "5. Masks")


def _legend(ax: Axes, chosen: int) -> None:
    ax.set_axis_off()
    lines: dict[str, dict[str, Any]] = {
        f"RoI {chosen + 1}, followed through": {"color": CHOSEN, "lw": 3},
        "a box; solid and thick: positive, kept": {"color": ALIGN_COLOUR, "lw": 1.8},
        "would train as background": {"color": POOL_COLOUR, "ls": "--"},
        "dropped": {"color": "#888888", "ls": ":"},
    }
    handles = [Line2D([], [], label=label, **style) for label, style in lines.items()]
    ax.legend(handles=handles, loc="center", fontsize=10, frameon=False)
