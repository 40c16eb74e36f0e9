"""The RoI explorer as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_grid, draw_image, figure, png


def picture(image: Tensor, box: tuple[float, ...], view: dict[str, Any], stride: int) -> bytes:
    """A PNG: the image with what each operator reads, and the three outputs as grey tables.

    Args:
        image: (3, H, W). box: x1, y1, x2, y2 in image pixels. view: as `numbers` gives it.
    """
    fig, axes = figure(columns=4, height=300, width_ratios=[3, 1, 1, 1])
    draw_image(axes[0], image, title="Where each reads")
    height, width = image.shape[1:]
    draw_grid(axes[0], height, width, stride)
    draw_boxes(axes[0], torch.tensor([view["pooled"]["box"]]), colour=POOL_COLOUR)
    draw_boxes(axes[0], torch.tensor([box]), colour=ALIGN_COLOUR)
    xs, ys = view["aligned"]["samples"]
    axes[0].plot(*np.meshgrid(xs, ys), ".", color=ALIGN_COLOUR, markersize=4)
    exact = np.array(view["exact"])
    for axis, name in zip(axes[1:], ("pool", "align", "exact"), strict=True):
        _table(axis, np.array(view[name]), exact.min(), exact.max())
        error = f"\nerror {view['errors'][name]:.3f}" if name in view["errors"] else "\n"
        axis.set_title({"pool": "RoI pooling", "align": "RoIAlign"}.get(name, "exact") + error)
    return png(fig)


def _table(axis: Any, values: np.ndarray, low: float, high: float) -> None:
    axis.imshow(values, cmap="gray", vmin=low - 0.1, vmax=high + 0.1)
    axis.set_axis_off()
    if len(values) <= 4:
        for (i, j), value in np.ndenumerate(values):
            ink = "black" if value > (low + high) / 2 else "white"
            axis.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9, color=ink)
