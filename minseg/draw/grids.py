"""Pictures of masks on grids: shares by hand, errors over cells, a deconvolution's writes.

Unit 11 draws with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, TRUTH_COLOUR
from minseg.draw.segmentation import draw_boxes, draw_grid, draw_image

LOOKS = {  # way → colour, mark, line: two of them lie on one another
    "rounded, nearest": (POOL_COLOUR, "s", "-"),
    "shares, nearest": (EXACT_COLOUR, "x", "--"),
    "rounded, bilinear": (TRUTH_COLOUR, "D", "-"),
    "shares, bilinear": (ALIGN_COLOUR, "o", "-"),
}


def draw_row(ax: Axes, mask: Tensor, low: float, high: float, cells: int) -> None:
    """A row of pixels (W,) bool above, and the cells of a box [low, high] below, on one axis."""
    width = len(mask)
    for j, inside in enumerate(mask.tolist()):
        colour = ALIGN_COLOUR if inside else "white"
        ax.bar(j, 0.8, 1, 1.1, align="edge", color=colour, alpha=0.55, ec="#444444")
        ax.text(j + 0.5, 1.5, str(int(inside)), ha="center", va="center")
    edges = np.linspace(low, high, cells + 1)
    for k, (a, b) in enumerate(pairwise(edges)):
        ax.bar(a, 0.8, b - a, 0, align="edge", color="none", ec=POOL_COLOUR, lw=2)
        ax.text((a + b) / 2, 0.4, f"cell {k}", ha="center", va="center", color=POOL_COLOUR)
    ax.vlines(edges, 0, 1.9, colors=POOL_COLOUR, linestyles=":", lw=1)
    ax.set(xlim=(-0.1, width + 0.1), ylim=(-0.05, 2.0), xlabel="x, pixels", yticks=[0.4, 1.5])
    ax.set_xticks(range(width + 1))
    ax.set_yticklabels(["cells of the box", "pixels of the mask"])
    ax.tick_params(axis="y", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)


def draw_cells(ax: Axes, image: Tensor, box: Tensor, cells: int, title: str) -> None:
    """A mask (H, W) in its box (4,), with the lines of the cells."""
    x1, y1, x2, y2 = box.tolist()
    draw_image(ax, image, title, limits=(0, 1))
    x, y = np.linspace(x1, x2, cells + 1), np.linspace(y1, y2, cells + 1)
    ax.vlines(x, y1, y2, colors=ALIGN_COLOUR, linewidths=0.7)
    ax.hlines(y, x1, x2, colors=ALIGN_COLOUR, linewidths=0.7)
    draw_boxes(ax, box, ALIGN_COLOUR)


def draw_shares(ax: Axes, shares: Tensor, title: str) -> None:
    """A grid (m, m) of shares from 0, black, to 1, white, with its lines."""
    draw_image(ax, shares, title, limits=(0, 1))
    draw_grid(ax, *shares.shape)


def draw_grid_errors(ax: Axes, sizes: Sequence[int], errors: Mapping[str, Sequence[float]]) -> None:
    """Errors of several ways over the number of cells, both axes logarithmic."""
    for name, row in errors.items():
        colour, mark, line = LOOKS[name]
        ax.loglog(sizes, row, mark + line, color=colour, label=name, markersize=7)
    ax.set(xlabel="cells along a side, m", ylabel="1 − IoU", ylim=(1e-4, 0.3))
    ax.set_xticks(sizes, labels=[str(m) for m in sizes])
    ax.set_yticks([0.001, 0.01, 0.1], labels=["0.001", "0.01", "0.1"])
    ax.minorticks_off()
    ax.grid(axis="y", color="#dddddd")
    ax.legend(loc="lower left", fontsize=9)


def draw_writes(ax: Axes, counts: Tensor, title: str) -> None:
    """How often each place (H, W) is written on, as colours and as numbers."""
    draw_image(ax, counts, title, limits=(0, 6), cmap="Blues")
    draw_grid(ax, *counts.shape)
    for (i, j), count in np.ndenumerate(counts.numpy()):
        ax.text(j + 0.5, i + 0.5, f"{count:.0f}", ha="center", va="center", fontsize=9)
