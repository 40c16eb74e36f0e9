"""The bands of boundary IoU as a still picture, for where there is no kernel to run the widget."""

from __future__ import annotations

from matplotlib.patches import Patch
from torch import Tensor

from minseg.draw import figure, png


def picture(canvas: Tensor, title: str) -> bytes:
    """A PNG: the masks with their bands, (H, W, 3) uint8, a title, and what each colour means."""
    from minseg.explore.boundary_band.widget import COLOURS, WORDS

    fig, ax = figure(width=780, height=480)
    height, width = canvas.shape[:2]
    ax.imshow(canvas.numpy(), extent=(0, width, height, 0), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)
    hues = {name: tuple(v / 255 for v in colour) for name, colour in COLOURS.items()}
    patches = [Patch(color=hues[name], label=words) for name, words in WORDS.items()]
    fig.legend(handles=patches, loc="outside right center", frameon=False)
    return png(fig)
