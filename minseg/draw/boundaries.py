"""Pictures of metrics that look at outlines: a trimap, nearest points, and a table of verdicts.

Unit 32 draws with them what each metric sees and what it does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, POOL_COLOUR, TRUTH_COLOUR
from minseg.draw.overlay import draw_outlines, paint
from minseg.masks.runs import tight_crop
from minseg.metrics.boundary import erode, trimap

NEAR, WRONG, SHADE = "#cfe0f7", POOL_COLOUR, "#dddddd"


def draw_trimap(ax: Axes, truth: Tensor, prediction: Tensor, width: int, title: str = "") -> None:
    """The band around a true outline, both sides, and the pixels in it that are wrong.

    Args:
        ax: where to draw.
        truth, prediction: (H, W) bool.
        width: of the band on either side, in pixels.
        title: what to see.
    """
    band = trimap(truth, width)
    canvas = np.ones((*truth.shape, 3))
    paint(canvas, truth.numpy(), SHADE, 1)
    paint(canvas, band.numpy(), NEAR, 1)
    paint(canvas, (band & (truth ^ prediction)).numpy(), WRONG, 1)
    _show(ax, canvas, title)
    draw_outlines(ax, [tight_crop(truth.numpy())])
    patches = [
        Patch(color=NEAR, label="in the trimap"),
        Patch(color=WRONG, label="in it, and wrong"),
        Patch(color=SHADE, label="the truth's inside"),
    ]
    ax.figure.legend(handles=patches, loc="outside lower left", ncols=3, frameon=False)


def draw_nearest(
    ax: Axes,
    truth: Tensor,
    prediction: Tensor,
    *,
    back: bool = False,
    every: int = 8,
    title: str = "",
) -> None:
    """From some outline pixels of one mask an arrow to the nearest outline pixel of the other.

    Args:
        ax: where to draw.
        truth, prediction: (H, W) bool; neither is empty. The truth is green, the other orange.
        back: arrows go from the truth to the prediction, not from the prediction to the truth.
        every: an arrow for each of so many outline pixels.
        title: what to see.
    """
    starts, ends = (_outline_pixels(mask) for mask in (prediction, truth))  # (P, 2), (Q, 2)
    if back:
        starts, ends = ends, starts
    nearest = ends[torch.cdist(starts, ends).argmin(dim=1)]  # (P, 2)
    canvas = np.ones((*truth.shape, 3))
    for mask, colour in ((truth, TRUTH_COLOUR), (prediction, POOL_COLOUR)):
        paint(canvas, mask.numpy(), colour, 0.2)
    for mask, colour in ((truth, TRUTH_COLOUR), (prediction, POOL_COLOUR)):
        paint(canvas, (mask & ~erode(mask, 1)).numpy(), colour, 1)
    _show(ax, canvas, title)
    for (y, x), (y2, x2) in zip(starts[::every].tolist(), nearest[::every].tolist(), strict=True):
        arrow = {"arrowstyle": "->", "color": ALIGN_COLOUR, "lw": 1, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (x2, y2), (x, y), arrowprops=arrow)


def draw_verdicts(
    ax: Axes,
    table: Mapping[str, Sequence[float]],
    columns: Sequence[str],
    *,
    smaller_is_better: Sequence[str] = (),
    title: str = "",
) -> None:
    """A table of numbers, shaded in each column from white, the best, to orange, the worst.

    Args:
        ax: where to draw.
        table: for each row, by its name, one number for each column.
        columns: their names.
        smaller_is_better: the columns in which a small number is a good one.
        title: what to see.
    """
    values = np.array(list(table.values()))  # (rows, columns)
    signs = np.array([1 if name in smaller_is_better else -1 for name in columns])
    # How many rows are better, by more than a rounding error.
    faults = (values * signs).round(9)
    rank = (faults[:, None] > faults[None]).sum(axis=1)  # (rows, columns)
    ax.pcolormesh(rank, cmap="Oranges", vmin=0, vmax=1.5 * len(values), edgecolors="white", lw=2)
    for (i, j), value in np.ndenumerate(values):
        ax.text(j + 0.5, i + 0.5, f"{value:.2f}", ha="center", va="center")
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(table)) + 0.5, list(table))
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ax.xaxis.tick_top()
    ax.spines[:].set_visible(False)
    ax.set_title(title, pad=12)


def _outline_pixels(mask: Tensor) -> Tensor:
    """(P, 2) float centres (y, x) of a mask's outermost pixels, in continuous coordinates."""
    return (mask & ~erode(mask, 1)).nonzero() + 0.5


def _show(ax: Axes, canvas: np.ndarray, title: str) -> None:
    height, width = canvas.shape[:2]
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)
