"""Pictures of shapes that can be dragged, and a table of numbers beside them.

The boards of units 50 to 53 draw with them what is shown where no kernel runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from torch import Tensor

from minseg.draw.ap import BADGE, MIDDLE

ROW = 0.105  # of the axes: how far one row of a table is below the one before
MARK = "#cfe0fa"  # behind a cell that is marked


def start_board(ax: Axes, title: str, size: tuple[int, int]) -> None:
    """An empty board of `size` (H, W) in pixels, y downwards."""
    height, width = size
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal", facecolor="#f4f4f4")
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set_visible(False)


class Outlined(NamedTuple):
    """A shape to draw: (n, 2) corners x, y in the axes' units, its name, and how it looks."""

    corners: Tensor
    name: str
    colour: str
    linestyle: str = "-"
    width: float = 2
    fill: float = 0.08  # how much of the colour is inside


def draw_shapes(ax: Axes, shapes: Sequence[Outlined]) -> None:
    """Shapes with their names on their outlines, each where no other name stands."""
    taken: list[tuple[float, float]] = []
    for corners, name, colour, linestyle, width, fill in shapes:
        points = corners.tolist()
        outline: dict[str, Any] = {"ec": colour, "ls": linestyle, "lw": width}
        ax.add_patch(Polygon(points, fc="none", **outline))
        ax.add_patch(Polygon(points, fc=colour, ec="none", alpha=fill))
        if not name:
            continue
        x, y = max(points, key=lambda at: min((math.dist(at, p) for p in taken), default=0.0))
        taken.append((x, y))
        ax.text(x, y, name, fontsize=10, color=colour, bbox=BADGE, **MIDDLE)


def draw_table(
    ax: Axes,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str,
    marked: Sequence[tuple[int, int]] = (),
    *,
    first: float = 0.08,
) -> None:
    """A table of texts: heads above the columns, some cells marked.

    Args:
        ax: where to draw; nothing else is in it.
        heads: of the columns. rows: texts, as many as heads in each.
        title: what to see.
        marked: (row, column) of the cells with a ground of their own.
        first: how wide the first column is, as a share of the axes; the others share the rest.
    """
    ax.set_axis_off()
    ax.set(xlim=(0, 1), ylim=(1, 0), title=title)
    step = (1 - first) / max(len(heads) - 1, 1)
    places = [first / 2, *(first + step * (k + 0.5) for k in range(len(heads) - 1))]
    for x, head in zip(places, heads, strict=True):
        ax.text(x, 0.05, head, fontsize=10, weight="bold", ha="center", va="center")
    for i, row in enumerate(rows):
        for j, (x, cell) in enumerate(zip(places, row, strict=True)):
            ground = {"boxstyle": "round,pad=0.2", "fc": MARK, "ec": "none"}
            style: dict[str, Any] = {"bbox": ground} if (i, j) in marked else {}
            ax.text(x, 0.05 + ROW * (i + 1), cell, fontsize=10, ha="center", va="center", **style)
