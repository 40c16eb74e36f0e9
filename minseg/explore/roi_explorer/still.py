"""The RoI explorer as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.draw import (
    ALIGN_COLOUR,
    EXACT_COLOUR,
    POOL_COLOUR,
    draw_boxes,
    draw_grid,
    draw_image,
    figure,
    png,
)

TITLES = {
    "pool": ("RoI pooling", POOL_COLOUR),
    "align": ("RoIAlign", ALIGN_COLOUR),
    "exact": ("exact average", EXACT_COLOUR),
}


def picture(
    image: Tensor,
    box: tuple[float, ...],
    view: dict[str, Any],
    stride: int,
    window: tuple[float, ...],
) -> bytes:
    """A PNG: the image with what each operator reads, and the three outputs as grey tables.

    Args:
        image: (3, H, W). box: x1, y1, x2, y2 in image pixels. view: as `numbers` gives it.
        window: x1, y1, x2, y2, the part of the image that is shown.
    """
    fig, axes = figure(columns=4, height=350, width_ratios=[2.4, 1, 1, 1])
    draw_image(axes[0], image, title="Where each one reads")
    height, width = image.shape[1:]
    draw_grid(axes[0], height, width, stride)
    draw_boxes(
        axes[0], torch.tensor([view["pooled"]["box"]]), colour=POOL_COLOUR, linestyle="--", width=3
    )
    draw_boxes(axes[0], torch.tensor([box]), colour=ALIGN_COLOUR, width=3)
    xs, ys = view["aligned"]["samples"]
    axes[0].plot(*np.meshgrid(xs, ys), ".", color=ALIGN_COLOUR, mec="white", mew=0.5, markersize=8)
    x1, y1, x2, y2 = window
    axes[0].set(xlim=(x1, x2), ylim=(y2, y1))
    exact = np.array(view["exact"])
    for axis, name in zip(axes[1:], ("pool", "align", "exact"), strict=True):
        _table(axis, np.array(view[name]), exact.min(), exact.max())
        error = f"error {view['errors'][name]:.3f}" if name in view["errors"] else "the truth"
        title, colour = TITLES[name]
        axis.set_title(f"{title}\n{error}", color=colour)
    return png(fig)


def _table(axis: Any, values: np.ndarray, low: float, high: float) -> None:
    axis.imshow(values, cmap="gray", vmin=low - 0.1, vmax=high + 0.1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set(visible=True, color="#666666")
    edges = np.arange(len(values) + 1) - 0.5
    axis.vlines(edges, edges[0], edges[-1], colors="#666666", linewidths=0.6)
    axis.hlines(edges, edges[0], edges[-1], colors="#666666", linewidths=0.6)
    if len(values) <= 4:
        for (i, j), value in np.ndenumerate(values):
            ink = "black" if value > (low + high) / 2 else "white"
            axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9, color=ink)
