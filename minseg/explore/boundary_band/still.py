"""The bands of boundary IoU as a still picture, for where there is no kernel to run the widget."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.patches import Patch
from torch import Tensor

from minseg.draw import figure, png


def picture(canvas: Tensor, title: str, key: Mapping[str, tuple[int, int, int]]) -> bytes:
    """A PNG: the masks with their bands, (H, W, 3) uint8, a title, and the colour of each word."""
    fig, ax = figure(width=780, height=480)
    height, width = canvas.shape[:2]
    ax.imshow(canvas.numpy(), extent=(0, width, height, 0), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title, parse_math=False)  # a name of the user's may have dollar signs
    patches = [
        Patch(color=(red / 255, green / 255, blue / 255), label=words)
        for words, (red, green, blue) in key.items()
    ]
    fig.legend(handles=patches, loc="outside right center", frameon=False)
    return png(fig)
