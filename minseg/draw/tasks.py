"""One image, four truths: what detection, semantic, instance and panoptic segmentation ask for.

A thing has one colour in all panels that tell things apart, a class one colour in the panel that
does not. Unit 10 opens with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from minseg.data import STUFF
from minseg.draw.figure import ALIGN_COLOUR, INSTANCE_COLOURS, POOL_COLOUR, STUFF_COLOURS
from minseg.draw.overlay import draw_labels, paint
from minseg.draw.segmentation import (
    draw_boxes,
    draw_grid,
    draw_image,
    draw_instances,
    draw_panoptic,
)
from minseg.instances import Instances
from minseg.masks.runs import tight_crop
from minseg.panoptic import decode, from_instances

TITLES = (
    "Detection:\na box for each thing",
    "Semantic: a class\nfor each pixel",
    "Instance: a mask\nfor each thing",
    "Panoptic: one segment\nfor each pixel",
)
TITLE_PAD = 16  # points: the name of a tiny thing at the upper edge stands above the image


def draw_four_truths(
    axes: Sequence[Axes],
    image: Tensor,
    things: Instances,
    behind: Tensor,
    names: Mapping[int, str],
    *,
    titles: bool = False,
) -> None:
    """Four panels in a row.

    Args:
        axes: four.
        image: (3, H, W).
        things: disjoint masks, sorted by label, so that all panels number them alike.
        behind: (H, W) int64, the category of what each pixel would show without things.
        names: category → name.
        titles: whether to say above each panel which task it shows.
    """
    panoptic = from_instances(things, behind=behind)  # (H, W) ids
    draw_named_boxes(axes[0], image, things, names)
    draw_classes(axes[1], decode(panoptic)[0], names)
    draw_instances(axes[2], image, things, alpha=0.8)
    stuff = {c: name for c, name in names.items() if c in STUFF}  # things carry their numbers
    draw_panoptic(axes[3], panoptic, names=stuff)
    for ax, title in zip(axes, TITLES, strict=True):
        ax.set_title(title if titles else "", pad=TITLE_PAD)


def sorted_things(instances: Instances) -> Instances:
    """The same set, by label: the order in which a panoptic map numbers its segments."""
    return instances[instances.labels.argsort(stable=True)]


def draw_named_boxes(ax: Axes, image: Tensor, things: Instances, names: Mapping[int, str]) -> None:
    """The image with a box around each thing, and its class in the middle of it."""
    draw_image(ax, image)
    draw_boxes(ax, things.boxes, "white", width=4)
    draw_boxes(ax, things.boxes, ALIGN_COLOUR)
    crops = [tight_crop(mask) for mask in things.masks.numpy()]
    texts = [names[label] for label in things.labels.tolist()]
    draw_labels(ax, crops, texts, image.shape[1:])


def draw_classes(ax: Axes, semantic: Tensor, names: Mapping[int, str]) -> None:
    """A semantic map (H, W): a colour and a name for each class; things saturated, stuff pale."""
    classes = semantic.unique().tolist()
    masks = [(semantic == c).numpy() for c in classes]
    canvas = np.ones((*semantic.shape, 3))
    for c, mask in zip(classes, masks, strict=True):
        paint(canvas, mask, class_colour(c), 1)
    draw_image(ax, torch.from_numpy(canvas).permute(2, 0, 1))
    draw_labels(ax, [tight_crop(m) for m in masks], [names[c] for c in classes], semantic.shape)


def class_colour(category: int) -> str:
    """Stuff as in a panoptic map; a class of things, a colour from the end of the instances'."""
    if category in STUFF:
        return STUFF_COLOURS[(category - 1) % len(STUFF_COLOURS)]
    return INSTANCE_COLOURS[-category % len(INSTANCE_COLOURS)]


def draw_mask(ax: Axes, mask: Tensor, title: str = "", *, box: Tensor | None = None) -> None:
    """A small mask (H, W) bool pixel by pixel, its columns and rows numbered; and a box (4,).

    With a box the numbers stand at the *edges* of pixels, where boxes are measured; without one in
    the middle of each pixel, as it is indexed.
    """
    height, width = mask.shape
    draw_image(ax, mask.float(), title, limits=(0, 1.7), cmap="Blues")
    draw_grid(ax, height, width, colour="#444444")
    ax.set_axis_on()
    for axis, length in ((ax.xaxis, width), (ax.yaxis, height)):
        edges = np.arange(length + 1.0)
        middles = [(a + b) / 2 for a, b in pairwise(edges)]
        axis.set_ticks(middles if box is None else edges)
        axis.set_ticklabels([str(k) for k in range(length + (box is not None))])
        axis.set_tick_params(length=0 if box is None else 4)
    if box is not None:
        draw_boxes(ax, box, POOL_COLOUR, width=3)


def draw_orders(ax: Axes, losses: Tensor, fitting: Tensor) -> None:
    """A histogram of the losses of many orders, and the one of the order that fits."""
    ax.hist(losses.numpy(), bins=40, range=(0, 1), color="#94a4a2", ec="white")
    height = ax.get_ylim()[1]
    ax.axvline(float(fitting), color=ALIGN_COLOUR, lw=2)
    said = f"the one order of {len(losses)}\nthat fits"
    ax.text(float(fitting) + 0.015, 0.75 * height, said, color=ALIGN_COLOUR, va="center")
    ax.set(xlim=(0, 1), xlabel="loss by index, mean of 1 − IoU", ylabel="orders")
    ax.set_title("One answer, the same truths in all orders")
