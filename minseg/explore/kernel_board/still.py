"""The kernel board as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from torch import Tensor

from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_image, figure, png
from minseg.draw.overlay import draw_outlines, paint, rgb
from minseg.experiments.solov2_trace import SOLOv2Trace
from minseg.explore.base.colours import signed
from minseg.explore.kernel_board.numbers import kernel_weights
from minseg.masks.runs import tight_crop

CHOSEN = "#ffe14d"
SHOWN = 3  # of the strongest channels


def picture(trace: SOLOv2Trace, level: int, place: tuple[int, int], count: int) -> bytes:
    """A PNG: the cell and its mask, the kernel as bars, and what three channels add.

    Args:
        level, place: the cell, (row, column) in the level's grid.
        count: how many of the strongest channels draw the mask.
    """
    cell = trace.cell(level, *place)
    terms = trace.terms(cell)  # (E, h, w)
    order = trace.strongest(terms)
    fig, axes = figure(columns=3, rows=2, height=560)
    _draw_cell(axes[0, 0], trace, level, place)
    found = trace.mask(trace.partial(terms, order, count))
    _draw_mask(axes[0, 1], trace, found.mask, f"The mask, by {count} channels")
    weights = kernel_weights(trace.kernels[cell])
    colours = [ALIGN_COLOUR if weight > 0 else POOL_COLOUR for weight in weights.tolist()]
    axes[0, 2].bar(range(len(weights)), weights.tolist(), color=colours)
    axes[0, 2].set(title="The cell's kernel", xlabel="channel")
    for ax, e in zip(axes[1], order[:SHOWN].tolist(), strict=False):
        title = f"Channel {e} adds: blue up"
        draw_image(ax, signed(terms[e] - terms[e].mean()), title)
    return png(fig)


def _draw_cell(ax: Axes, trace: SOLOv2Trace, level: int, place: tuple[int, int]) -> None:
    grid, (height, width) = trace.model.grids[level], trace.frame
    draw_image(ax, trace.image, f"A cell of {grid} × {grid}")
    high, wide = height / grid, width / grid
    ax.vlines([k * wide for k in range(1, grid)], 0, height, colors="white", lw=0.6)
    ax.hlines([k * high for k in range(1, grid)], 0, width, colors="white", lw=0.6)
    at = place[1] * wide, place[0] * high
    ax.add_patch(Rectangle(at, wide, high, fc=CHOSEN, ec="black", lw=2))
    ax.set(xlim=(0, trace.size[1]), ylim=(trace.size[0], 0))


def _draw_mask(ax: Axes, trace: SOLOv2Trace, mask: Tensor, title: str) -> None:
    canvas = rgb(trace.image, trace.size)
    paint(canvas, mask.numpy(), CHOSEN, 0.5)
    ax.imshow(canvas, extent=(0, trace.size[1], trace.size[0], 0), interpolation="nearest")
    draw_outlines(ax, [tight_crop(mask.numpy())])
    ax.set_axis_off()
    ax.set_title(title)
