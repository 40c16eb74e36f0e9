"""Pictures of pushes: a column for each wrong mask, a row for each loss; and of six pixels.

Units 14 and 15 draw with them whom a loss pushes. Under each map a bar says which share of the
push falls on pixels that are wrong (dark) and on those that are right already (pale): many small
pushes are white in the map, and may still be most of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from minseg.draw.figure import ALIGN_COLOUR, EXACT_COLOUR, POOL_COLOUR, figure
from minseg.draw.losses import draw_push
from minseg.experiments.loss_pair import disc, of_mask, push
from minseg.experiments.same_pixels import (
    CENTRE,
    RADIUS,
    share_on_right_pixels,
    true_disc,
    wrong_masks,
)

PALE = "#c9c9c9"


def push_table(losses: Sequence[str]) -> Figure:
    """The pushes of some losses on the four wrong masks, each map with its bar."""
    masks = wrong_masks()
    fig, axes = figure(columns=len(masks), rows=len(losses), height=30 + 195 * len(losses))
    for line, loss in zip(np.atleast_2d(axes), losses, strict=True):
        for ax, (name, mask) in zip(line, masks.items(), strict=True):
            _draw_with_bar(ax, loss, mask, name if loss == losses[0] else "")
        line[0].set_ylabel(loss)
    return fig


def _draw_with_bar(ax: Axes, loss: str, mask: Tensor, title: str) -> None:
    draw_push(ax, push(loss, of_mask(mask), true_disc()), disc(*CENTRE, RADIUS), title)
    height, width = mask.shape
    share = share_on_right_pixels(loss, mask)
    for left, part, colour in ((0.0, 1 - share, EXACT_COLOUR), (1 - share, share, PALE)):
        ax.add_patch(Rectangle((left * width, height + 1.5), part * width, 3.5, color=colour))
    ax.set(ylim=(height + 5.5, 0), xlabel=f"{100 * share:.0f} % on right pixels")


def draw_six(axes: Sequence[Axes], pushes: Mapping[str, Tensor], targets: Tensor) -> None:
    """The push on each of a few pixels as bars, blue up and orange down, one panel for each loss.

    Args:
        axes: one for each loss.
        pushes: loss → (n,) push on each pixel.
        targets: (n,) 1 for pixels of the object, whose number is drawn bold.
    """
    most = max(float(push.abs().max()) for push in pushes.values())
    for ax, (name, values) in zip(axes, pushes.items(), strict=True):
        colours = [ALIGN_COLOUR if value > 0 else POOL_COLOUR for value in values.tolist()]
        ax.bar(range(1, len(values) + 1), values, color=colours)
        ax.axhline(0, color=EXACT_COLOUR, linewidth=0.8)
        ax.set(title=name, ylim=(-1.15 * most, 1.15 * most), xticks=range(1, len(values) + 1))
        for label, target in zip(ax.get_xticklabels(), targets.tolist(), strict=True):
            label.set_fontweight("bold" if target else "normal")
        ax.set_xlabel("pixel")
    axes[0].set_ylabel("push on its logit")
