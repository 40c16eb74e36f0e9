"""The query viewer as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

import torch.nn.functional as F
from matplotlib.axes import Axes

from minseg.draw import MAX_WIDTH, draw_boxes, draw_image, figure, png
from minseg.draw.overlay import draw_outlines
from minseg.experiments.detr_trace import DETRTrace
from minseg.explore.query_viewer.numbers import row, spotlight
from minseg.masks.runs import tight_crop

CHOSEN = "#ffe14d"
MOST = 4  # layers that have room side by side
WIDEST = 420  # pixels of the page for one layer
TITLE = 44  # and above it


def picture(trace: DETRTrace, query: int, head: int | None) -> bytes:
    """A PNG: one query after each layer, the last ones if there are many.

    Args:
        query, head: as in `numbers`.
    """
    layers = list(range(len(trace.looks)))[-MOST:]
    width = min(WIDEST * len(layers), MAX_WIDTH)
    tall = width / len(layers) * trace.size[0] / trace.size[1]
    fig, axes = figure(columns=len(layers), width=width, height=round(tall) + TITLE)
    for ax, layer in zip([axes] if len(layers) == 1 else axes, layers, strict=True):
        said = row(trace, query, layer, head)[0]
        _draw_layer(ax, trace, query, layer, head, f"Layer {layer + 1}: {said}")
    return png(fig)


def _draw_layer(
    ax: Axes, trace: DETRTrace, query: int, layer: int, head: int | None, title: str
) -> None:
    """The image, bright where the query looks, with its box and the outline of its mask."""
    height, width = trace.size
    light = spotlight(trace.look(layer, query, head))[None, None]
    spread = F.interpolate(light, trace.frame)[0, 0, :height, :width]  # a cell is a square
    draw_image(ax, trace.image * spread, title)
    draw_outlines(ax, [tight_crop(trace.masks[layer, query].numpy())])
    draw_boxes(ax, trace.boxes[layer, query], "black", width=4)
    draw_boxes(ax, trace.boxes[layer, query], CHOSEN)
    ax.set(xlim=(0, width), ylim=(height, 0))
