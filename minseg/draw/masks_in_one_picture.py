"""Part 1 in one picture: four ways to write a mask down, four ways to tell it that it is wrong.

The last unit of the part ends with it.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minseg.draw.figure import TRUTH_COLOUR, figure
from minseg.draw.landscape import draw_heights
from minseg.draw.losses import draw_outline, draw_push
from minseg.draw.masks import draw_errors
from minseg.draw.outline_arrows import draw_arrows
from minseg.experiments.loss_pair import disc, of_mask, outline_points, push
from minseg.experiments.representations import specimen, write
from minseg.experiments.same_pixels import CENTRE, RADIUS, true_disc, wrong_masks
from minseg.masks import signed_distance


def part_one() -> Figure:
    """Two rows of four: a coin written down, and a wrong disc judged."""
    fig, axes = figure(columns=4, rows=2, height=430)
    _draw_ways(fig, axes[0])
    _draw_losses(axes[1])
    return fig


def _draw_ways(fig: Figure, axes: list[Axes]) -> None:
    coin = specimen("coin")
    for ax, (kind, budget, title) in zip(
        axes,
        (
            ("grid of shares", 10, "11: a grid of shares"),
            ("polygon", 2, "12: corners"),
            ("Fourier", 3, "12: circles"),
        ),
        strict=False,
    ):
        one = write(coin, kind, budget)
        draw_errors(ax, coin, one.mask, one.outline, one.marks, title, one.grid)
    draw_heights(fig, axes[3], signed_distance(coin), "13: a landscape", bar=False)


def _draw_losses(axes: list[Axes]) -> None:
    mask, true = wrong_masks()["a far blob"], disc(*CENTRE, RADIUS)
    for ax, (loss, title) in zip(
        axes,
        (
            ("BCE", "14, BCE: each pixel"),
            ("Dice, linear", "14, Dice: two groups"),
            ("boundary", "15, boundary: how far"),
        ),
        strict=False,
    ):
        draw_push(ax, push(loss, of_mask(mask), true_disc()), true, title)
    height, width = mask.shape
    points = outline_points(signed_distance(mask))
    draw_arrows(axes[3], points, true_disc().outline, "15, Hausdorff: farthest")
    draw_outline(axes[3], true, TRUTH_COLOUR)
    axes[3].set(xlim=(0, width), ylim=(height, 0))
