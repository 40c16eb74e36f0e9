"""The matching board as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from minseg.draw import ALIGN_COLOUR, TRUTH_COLOUR, figure, png
from minseg.draw.shapes import Outlined, draw_shapes, draw_table, start_board
from minseg.explore.base.shape_board import HEIGHT, WIDTH
from minseg.explore.base.shapes import outline_in
from minseg.explore.base.values import Box
from minseg.explore.matching_board.numbers import TRUTHS, letter

NOTHING = "#777777"


def picture(kinds: Sequence[str], boxes: Sequence[Box], view: dict[str, Any], rule: str) -> bytes:
    """A PNG: predictions over truths, and the matrix of costs; view: as `numbers` gives it."""
    fig, (scene, table) = figure(columns=2, height=380, width_ratios=(3, 2))
    start_board(scene, "Green: truths. Blue: who answers. Dashed: “no object”", (HEIGHT, WIDTH))
    shapes = [
        Outlined(outline_in(kind, box), letter(k), TRUTH_COLOUR, width=4)
        for k, (kind, box) in enumerate(TRUTHS)
    ]
    for k, (kind, box) in enumerate(zip(kinds, boxes, strict=True)):
        look = (ALIGN_COLOUR, "-") if view["owner"][k] >= 0 else (NOTHING, "--")
        shapes.append(Outlined(outline_in(kind, box), str(k + 1), *look))
    draw_shapes(scene, shapes)
    _draw_links(scene, boxes, view["pairs"])
    rows = [[str(k + 1), *row] for k, row in enumerate(view["cost"])]
    marked = [(i, j + 1) for i, j in view["pairs"]]
    heads = ["", *(letter(k) for k in range(len(TRUTHS)))]
    draw_table(table, heads, rows, f"Costs by {rule}", marked)
    return png(fig)


def _draw_links(ax: Axes, boxes: Sequence[Box], pairs: Sequence[Sequence[int]]) -> None:
    for i, j in pairs:
        (a, b, c, d), (e, f, g, h) = boxes[i], TRUTHS[j][1]
        ax.plot([(a + c) / 2, (e + g) / 2], [(b + d) / 2, (f + h) / 2], color="black", lw=1)
