"""Pictures of signed distances: their heights, and how steep they are, each with its scale.

Unit 13 draws a mask as a landscape with them; the zero level, its coast, is orange.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from torch import Tensor

from minseg.draw.figure import EXACT_COLOUR
from minseg.draw.masks import draw_level
from minseg.masks import signed_distance

EVERY = 5  # pixels of height from one line to the next


def draw_heights(
    fig: Figure, ax: Axes, field: Tensor, title: str = "", *, bar: bool = True
) -> None:
    """Signed distances (H, W): land light, sea dark, a line of equal height every 5 pixels.

    Args:
        fig, ax: where to draw.
        field: (H, W), positive inside.
        title: what to see.
        bar: whether a scale of heights stands beside it.
    """
    height, width = field.shape
    low, high = min(float(field.min()), -1e-6), max(float(field.max()), 1e-6)
    look: dict[str, Any] = {"cmap": "cividis", "norm": TwoSlopeNorm(0, low, high)}
    image = ax.imshow(field, extent=(0, width, height, 0), interpolation="nearest", **look)
    y, x = (np.arange(side) + 0.5 for side in (height, width))
    lines = np.arange(np.ceil(low / EVERY), high / EVERY) * EVERY
    ax.contour(x, y, field.numpy(), lines, colors=EXACT_COLOUR, linewidths=0.5, linestyles="-")
    draw_level(ax, field)
    ax.set(xticks=[], yticks=[], title=title)
    if bar:
        fig.colorbar(image, ax=ax, label="signed distance, px", shrink=0.85)


def draw_steepness(ax: Axes, mask: Tensor, title: str = "") -> Any:
    """The slope of a mask's signed distance: white where it is 1, black where it is level.

    Returns:
        The drawn image, for `fig.colorbar`.
    """
    field = signed_distance(mask)
    height, width = field.shape
    look: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
    image = ax.imshow(steepness(field), extent=(0, width, height, 0), **look)
    draw_level(ax, field)
    ax.set(xticks=[], yticks=[], title=title)
    return image


def steepness(field: Tensor) -> Tensor:
    """The length of the gradient of a field (H, W), from pixel to pixel.

    >>> steepness(torch.arange(4.0).expand(3, 4)).unique()  # a ramp
    tensor([1.])
    """
    return torch.hypot(*torch.gradient(field))
