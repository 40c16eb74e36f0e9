"""Pictures of segmentations: an image, its instances, a panoptic map, boxes and a grid.

A picture of a segmentation has two jobs: to show which pixels belong together, and to let a
reader tell the groups apart. So instances are told apart three times over: by colour, by an
outline (black on white, visible on any ground) and by a number. `minseg.draw.overlay` makes the
pieces, `minseg.draw.figure` has the colours. Unit 10 introduces them.

Image axes are in continuous coordinates: pixel (i, j) covers [j, j + 1) × [i, i + 1), so a box of
a mask, a grid line and a sampling point are drawn where the arithmetic says, with no half pixel
to remember.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from torch import Tensor

from minseg.draw.figure import EXACT_COLOUR, INSTANCE_COLOURS, STUFF_COLOURS, VOID_COLOUR
from minseg.draw.overlay import (
    coarse_step,
    draw_labels,
    draw_outlines,
    paint,
    paint_crop,
    pixels,
    rgb,
)
from minseg.instances import Instances
from minseg.masks.runs import Crop, tight_crop
from minseg.panoptic import decode

MOST_DRAWN = 2**21  # pixels of an image, twice as many as a figure has


def draw_image(
    ax: Axes,
    image: Tensor,
    title: str = "",
    *,
    cmap: str = "gray",
    limits: tuple[float, float] | None = None,
) -> None:
    """An image or a feature map in continuous coordinates, each pixel a square.

    Args:
        ax: where to draw.
        image: (3, H, W) float RGB in [0, 1], or (H, W) of any numbers.
        title: what to see.
        cmap: colours for (H, W).
        limits: the values drawn darkest and brightest for (H, W); its own range if left out.

    Raises:
        ValueError: if `image` has another shape.
    """
    low, high = limits if limits is not None else (None, None)
    _draw_canvas(ax, pixels(image), title, cmap=cmap, vmin=low, vmax=high)


def draw_instances(
    ax: Axes, image: Tensor, instances: Instances, title: str = "", *, alpha: float = 0.5
) -> None:
    """An image with its instances: filled, outlined and numbered from 1, in their order.

    Args:
        ax: where to draw.
        image: (3, H, W) float RGB in [0, 1], or (H, W).
        instances: masks (N, H, W); where two overlap, both colours shine through.
        title: what to see.
        alpha: how much of the fill covers the image, 0 to 1.

    Raises:
        ValueError: if `image` has another shape or size.
    """
    masks = instances.masks.cpu().numpy()
    if tuple(image.shape[-2:]) != masks.shape[1:]:
        rgb(image, masks.shape[1:])  # says what is wrong
    draw_crops(ax, image, [tight_crop(mask) for mask in masks], title, alpha=alpha)


def draw_crops(
    ax: Axes, image: Tensor, crops: Sequence[Crop], title: str = "", *, alpha: float = 0.5
) -> None:
    """`draw_instances` with masks as crops: for images of many megapixels.

    Of an image of more than `MOST_DRAWN` pixels some rows and columns are drawn, evenly apart: no
    figure shows more.
    """
    height, width = image.shape[-2:]
    # Choose the rows and columns that are drawn.
    step = coarse_step(height, width, MOST_DRAWN)
    rows, columns = _every(step, height), _every(step, width)
    shown = image if step == 1 else image[..., rows[:, None], columns]
    # Fill each mask, in order.
    canvas = rgb(shown, tuple(shown.shape[-2:]))
    for k, crop in enumerate(crops):
        paint_crop(canvas, crop, rows, columns, _instance_colour(k), alpha)
    _draw_canvas(ax, canvas, title, step)
    # Outlines and numbers come from the whole masks: they do not move with the step.
    draw_outlines(ax, crops)
    draw_labels(ax, crops, [str(k + 1) for k in range(len(crops))], (height, width))


def draw_panoptic(
    ax: Axes,
    panoptic_map: Tensor,
    image: Tensor | None = None,
    names: Mapping[int, str] | None = None,
    title: str = "",
    *,
    max_instances: int = 1000,
) -> None:
    """A panoptic map: stuff pale, things saturated, outlined and numbered, void white.

    A thing's colour goes by its instance number, so that it keeps it from map to map.

    Args:
        ax: where to draw.
        panoptic_map: (H, W) int64 ids, category × max_instances + instance.
        image: (3, H, W), seen through the colours if given.
        names: category id to name; named segments carry it.
        title: what to see.
        max_instances: the encoding's, as in `minseg.panoptic.decode`.

    Raises:
        ValueError: if `panoptic_map` is not (H, W), or `image` has another size.
    """
    if panoptic_map.ndim != 2:
        raise ValueError(f"panoptic_map must be (H, W), got {tuple(panoptic_map.shape)}")
    ids = panoptic_map.cpu().numpy()
    canvas = np.ones((*ids.shape, 3)) if image is None else rgb(image, ids.shape)
    paint(canvas, ids == 0, VOID_COLOUR, 1)
    things: list[Crop] = []  # outlined
    crops: list[Crop] = []  # labelled, as are their texts
    texts: list[str] = []
    segments = panoptic_map[panoptic_map > 0].unique()
    for segment, category, instance in zip(segments, *decode(segments, max_instances), strict=True):
        mask, name = ids == segment.item(), (names or {}).get(int(category), "")
        crops.append(tight_crop(mask))
        if instance > 0:
            colour = _instance_colour(int(instance) - 1)  # the same in every map
            paint(canvas, mask, colour, 0.8 if image is not None else 1)
            things.append(crops[-1])
            name = f"{name} {instance}".strip()
        else:
            paint(canvas, mask, _stuff_colour(int(category)), 0.9 if image is not None else 1)
        texts.append(name)
    _draw_canvas(ax, canvas, title)
    draw_outlines(ax, things)
    draw_labels(ax, crops, texts, panoptic_map.shape)


def draw_boxes(
    ax: Axes, boxes: Tensor, colour: str = EXACT_COLOUR, *, linestyle: str = "-", width: float = 2
) -> None:
    """Outlines of boxes (N, 4) or one box (4,), as (x1, y1, x2, y2) in the axes' coordinates."""
    for x1, y1, x2, y2 in boxes.detach().cpu().reshape(-1, 4).tolist():
        box = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec=colour, ls=linestyle, lw=width)
        ax.add_patch(box)


def draw_grid(
    ax: Axes, height: float, width: float, stride: float = 1, colour: str = "#888888"
) -> None:
    """The cells of a feature map over an image of (height, width): a line at every stride."""
    columns, rows = np.arange(0, width + 1e-9, stride), np.arange(0, height + 1e-9, stride)
    lines = [[(x, 0), (x, height)] for x in columns] + [[(0, y), (width, y)] for y in rows]
    ax.add_collection(LineCollection(lines, colors=colour, linewidths=0.6, alpha=0.8))
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)


def _instance_colour(k: int) -> str:
    return INSTANCE_COLOURS[k % len(INSTANCE_COLOURS)]


def _stuff_colour(category: int) -> str:
    return STUFF_COLOURS[(category - 1) % len(STUFF_COLOURS)]


def _every(step: int, length: int) -> np.ndarray:
    """The middle of each `step` pixels of an axis; of the last ones, if fewer, one of them."""
    return np.minimum(np.arange(step // 2, length + step // 2, step), length - 1)


def _draw_canvas(ax: Axes, canvas: np.ndarray, title: str, step: int = 1, **options: Any) -> None:
    """Draw pixels, each of which stands for step × step of the image."""
    height, width = canvas.shape[0] * step, canvas.shape[1] * step
    ax.imshow(canvas, extent=(0, width, height, 0), interpolation="nearest", **options)
    ax.set_axis_off()
    ax.set_title(title)
