"""A picture of painted masks and of the three answers that can be made from them.

Unit 10 draws its first example with it, and `MaskPainter` its picture for pages without a kernel.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure

from minseg.draw.figure import figure
from minseg.draw.segmentation import draw_boxes, draw_grid, draw_instances, draw_panoptic
from minseg.instances import Instances
from minseg.panoptic import decode, encode, from_instances


def draw_answers(
    instances: Instances,
    notes: Mapping[str, str],
    rule: str = "score",
    names: Mapping[int, str] | None = None,
) -> Figure:
    """Four panels: the masks, their boxes, the semantic map and the panoptic map.

    Args:
        instances: masks of one image.
        notes: what to say of "boxes", "semantic" and "panoptic".
        rule: which mask keeps a pixel claimed twice: the higher "score", or the later in "order".
        names: category id to name.
    """
    height, width = instances.masks.shape[1:]
    order = None if rule == "score" else torch.arange(len(instances))
    ids = from_instances(instances, priority=order)
    category = decode(ids)[0]
    blank = torch.ones(3, height, width)
    fig, axes = figure(columns=4, height=225)
    draw_instances(axes[0], blank, instances, "Masks")
    draw_boxes(axes[1], instances.boxes)
    semantic = encode(category, torch.zeros_like(category))
    draw_panoptic(axes[2], semantic, names=names, title=f"Semantic map:\n{notes['semantic']}")
    draw_panoptic(axes[3], ids, names=names, title=f"Panoptic map:\n{notes['panoptic']}")
    axes[1].set_title(f"Boxes:\n{notes['boxes']}")
    for ax in axes:
        draw_grid(ax, height, width)
        ax.set(aspect="equal")
    axes[1].set_axis_off()
    return fig
