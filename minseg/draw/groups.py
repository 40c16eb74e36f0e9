"""Masks on an image in groups: a colour and an entry of the legend for each group. Unit 31."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from torch import Tensor

from minseg.draw.figure import INSTANCE_COLOURS
from minseg.draw.overlay import draw_outlines, paint, rgb
from minseg.masks.runs import tight_crop

COLOURS = [INSTANCE_COLOURS[k] for k in (0, 1, 2, 9)]  # told apart by outline and legend as well


def draw_groups(
    ax: Axes, image: Tensor, groups: Mapping[str, Tensor], title: str = "", *, alpha: float = 0.6
) -> None:
    """An image with masks, those of one group in one colour, and a legend at the figure's foot.

    Args:
        ax: where to draw.
        image: (3, H, W) float RGB in [0, 1], or (H, W).
        groups: name → masks (N, H, W) bool; at most four groups, later ones on top.
        title: what to see.
        alpha: how much of the fill covers the image, 0 to 1.

    Raises:
        ValueError: if there are more than four groups.
    """
    if len(groups) > len(COLOURS):
        raise ValueError(f"groups must be at most {len(COLOURS)}, got {len(groups)}")
    canvas = rgb(image, tuple(image.shape[-2:]))
    patches = []
    for (name, masks), colour in zip(groups.items(), COLOURS, strict=False):
        for mask in masks.numpy():
            paint(canvas, mask, colour, alpha)
        patches.append(Patch(color=colour, label=f"{name}: {len(masks)}"))
    height, width = canvas.shape[:2]
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest")
    ax.set_axis_off()
    ax.set_title(title)
    draw_outlines(ax, [tight_crop(mask) for masks in groups.values() for mask in masks.numpy()])
    ax.figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
