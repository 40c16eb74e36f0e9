"""The grid board as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from minseg.draw import INSTANCE_COLOURS, figure, png
from minseg.draw.shapes import Outlined, draw_shapes, draw_table, start_board
from minseg.explore.base.shape_board import HEIGHT, WIDTH
from minseg.explore.base.shapes import outline_in
from minseg.explore.base.values import Box

LINE = "#b0b0b0"


def picture(
    kinds: Sequence[str],
    boxes: Sequence[Box],
    view: dict[str, Any],
    grid: int,
    cell: tuple[int, int],
    decoupled: bool,
) -> bytes:
    """A PNG: the grid with the things over it, and a row for each thing.

    Args:
        kinds, boxes: of the things.
        view: as `numbers` gives it.
        grid, cell, decoupled: as in `numbers`.
    """
    fig, (scene, table) = figure(columns=2, height=400, width_ratios=(3, 2))
    start_board(
        scene, "Filled: cells that a thing owns. Crossed: claimed by several", (HEIGHT, WIDTH)
    )
    _draw_cells(scene, view, grid)
    _draw_chosen(scene, grid, cell, decoupled)
    draw_shapes(
        scene,
        [
            Outlined(outline_in(kind, box), str(k + 1), _colour(k), fill=0.0)
            for k, (kind, box) in enumerate(zip(kinds, boxes, strict=True))
        ],
    )
    _draw_regions(scene, view)
    rows = [[str(k + 1), *row[:3]] for k, row in enumerate(view["rows"])]
    draw_table(table, ["thing", "√(wh)", "claims", "keeps"], rows, "Cells of each thing", first=0.2)
    return png(fig)


def _draw_cells(ax: Axes, view: dict[str, Any], grid: int) -> None:
    high, wide = HEIGHT / grid, WIDTH / grid
    for k in range(1, grid):
        ax.plot([k * wide] * 2, [0, HEIGHT], color=LINE, lw=0.6)
        ax.plot([0, WIDTH], [k * high] * 2, color=LINE, lw=0.6)
    for place, thing in enumerate(view["owner"]):
        if thing >= 0:
            i, j = divmod(place, grid)
            at = (j * wide, i * high)
            ax.add_patch(Rectangle(at, wide, high, fc=_colour(thing), ec="none", alpha=0.6))
    for place in view["contested"]:
        i, j = divmod(place, grid)
        ax.plot([j * wide, (j + 1) * wide], [i * high, (i + 1) * high], color="black", lw=1)
        ax.plot([j * wide, (j + 1) * wide], [(i + 1) * high, i * high], color="black", lw=1)


def _draw_regions(ax: Axes, view: dict[str, Any]) -> None:
    """Centre regions, dotted, each with its centre of mass."""
    for (x1, y1, x2, y2), (x, y) in zip(view["regions"], view["centres"], strict=True):
        ax.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, ec="black", ls=":", lw=1.2))
        ax.plot(x, y, ".", color="black", markersize=4)


def _draw_chosen(ax: Axes, grid: int, cell: tuple[int, int], decoupled: bool) -> None:
    high, wide = HEIGHT / grid, WIDTH / grid
    i, j = cell
    if decoupled:
        ax.add_patch(Rectangle((0, i * high), WIDTH, high, fc="black", alpha=0.12, ec="none"))
        ax.add_patch(Rectangle((j * wide, 0), wide, HEIGHT, fc="black", alpha=0.12, ec="none"))
    ax.add_patch(Rectangle((j * wide, i * high), wide, high, fill=False, ec="black", lw=2.5))


def _colour(thing: int) -> str:
    return INSTANCE_COLOURS[thing % len(INSTANCE_COLOURS)]
