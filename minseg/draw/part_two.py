"""Part 2 of the course in one picture: what rounding moves, what RoIAlign reads, rows of memory."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, POOL_COLOUR, figure
from minseg.draw.segmentation import draw_boxes, draw_grid, draw_image

AROUND = 40  # pixels of the image shown beside the box
POINTS = (torch.arange(6) + 0.5) / 6  # along an axis: 3 bins of 2 sampling points


def draw_part_two(image: Tensor, box: Tensor, rounded: Tensor, stride: int) -> Figure:
    """A box with its rounded form, the same box with sampling points, and programs with their rows.

    Args:
        image: (3, H, W).
        box, rounded: (4,) in image pixels.
        stride: of the feature map whose cells are drawn.
    """
    fig, (left, middle, right) = figure(columns=3, height=310)
    for ax, title in (
        (left, "20, 21: rounding moves a box"),
        (middle, "21, 22: RoIAlign does not"),
    ):
        draw_image(ax, image, title)
        draw_grid(ax, image.shape[1], image.shape[2], stride)
        draw_boxes(ax, box, colour=ALIGN_COLOUR)
        ax.set(xlim=(box[0] - AROUND, box[2] + AROUND), ylim=(box[3] + AROUND, box[1] - AROUND))
    draw_boxes(left, rounded, colour=POOL_COLOUR)
    xs, ys = (box[k] + POINTS * (box[k + 2] - box[k]) for k in (0, 1))
    middle.plot(*(v.flatten() for v in torch.meshgrid(xs, ys, indexing="xy")), ".", c=ALIGN_COLOUR)
    for program in range(4):
        starts = torch.arange(4) * 16 + (0, 5, 10, 2)[program]
        right.barh(program, 4, left=starts, color=ALIGN_COLOUR)
    right.set(xlim=(0, 64), xlabel="memory", yticks=range(4), ylabel="program", xticks=[])
    right.set_title("23, 24: rows of memory")
    return fig
