"""The segmenter as a still picture: the photograph with masks and boxes, and the scores beside it.

Unit 00 draws its first picture from the same parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from minseg.draw import (
    ALIGN_COLOUR,
    EXACT_COLOUR,
    INSTANCE_COLOURS,
    POOL_COLOUR,
    draw_boxes,
    draw_image,
    figure,
)
from minseg.draw.overlay import draw_outlines, paint, rgb
from minseg.explore.segmenter.numbers import BINS, Look, histogram, missed_things, on_a_thing
from minseg.masks.runs import tight_crop

LOOKS = {  # what a box tells → colour and line
    "mask on a coin": ("white", "-"),
    "mask on no coin": (POOL_COLOUR, "-"),
    "coin that is missed": ("white", ":"),
}
GROUND = "#555555"  # behind the legend: its lines are white, as on the photograph


def draw_look(look: Look, threshold: float) -> Figure:
    """Two panels: the picture with what is shown of it, and the histogram of all scores."""
    fig, (left, right) = figure(columns=2, height=380, width_ratios=(1.5, 1))
    draw_found(left, look, threshold)
    draw_scores(right, look, threshold)
    return fig


def draw_found(ax: Axes, look: Look, threshold: float) -> None:
    """The picture with the masks and boxes of at least this score, and boxes of missed things."""
    above = look.found.scores >= threshold
    right = on_a_thing(look)
    masks = look.found.masks.numpy()
    canvas = rgb(look.image, tuple(look.image.shape[1:]))
    shown = above.nonzero()[:, 0].tolist()
    for k in reversed(shown):  # the best on top
        paint(canvas, masks[k], INSTANCE_COLOURS[k % len(INSTANCE_COLOURS)], 0.5)
    draw_image(
        ax,
        torch.from_numpy(canvas).permute(2, 0, 1),
        f"Masks with a score of at least {threshold:.2f}",
    )
    draw_outlines(ax, [tight_crop(masks[k]) for k in shown])
    missed = [] if look.truth is None else missed_things(look, threshold)
    boxes = [look.found.boxes[above & right], look.found.boxes[above & ~right]]
    boxes.append(look.found.boxes[:0] if look.truth is None else look.truth.boxes[missed])
    for some, (colour, line) in zip(boxes, LOOKS.values(), strict=True):
        draw_boxes(ax, some, "black", linestyle=line, width=2.6)
        draw_boxes(ax, some, colour, linestyle=line, width=1.4)
    if look.truth is not None:
        _add_legend(ax)


def _add_legend(ax: Axes) -> None:
    """What the three kinds of boxes tell, below the picture."""
    lines = [Line2D([], [], color=c, linestyle=s, linewidth=2) for c, s in LOOKS.values()]
    below: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.01), "ncols": 3}
    legend = ax.legend(lines, list(LOOKS), fontsize=9, labelcolor="white", **below)
    legend.get_frame().set_facecolor(GROUND)


def draw_scores(ax: Axes, look: Look, threshold: float) -> None:
    """The histogram of scores: those on a thing below, those on none above; the threshold."""
    right, wrong = np.array(histogram(look)).T  # (BINS,) each
    left, known = np.arange(BINS) / BINS, look.truth is not None
    bar: dict[str, Any] = {"width": 1 / BINS, "align": "edge", "ec": "white"}
    ax.bar(left, right, color=ALIGN_COLOUR, label="on a coin" if known else "a mask", **bar)
    if known:
        ax.bar(left, wrong, bottom=right, color=POOL_COLOUR, hatch="///", label="on none", **bar)
    ax.axvline(threshold, color=EXACT_COLOUR, linewidth=2)
    ax.set(xlim=(0, 1), xlabel="score", ylabel="masks", title="All scores, and the threshold")
    ax.set_ylim(0, max((right + wrong).max() * 1.25, 1))
    ax.legend(loc="upper center", fontsize=9, ncols=2)
