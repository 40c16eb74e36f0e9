"""The suppression board as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minseg.draw import ALIGN_COLOUR, figure, png
from minseg.draw.shapes import Outlined, draw_shapes, draw_table, start_board
from minseg.explore.base.shape_board import HEIGHT, WIDTH
from minseg.explore.base.shapes import outline_in
from minseg.explore.base.values import Box
from minseg.explore.suppression_board.numbers import RULES

DROPPED = "#777777"


def picture(
    kinds: Sequence[str],
    boxes: Sequence[Box],
    scores: Sequence[float],
    view: dict[str, Any],
    rule: str,
) -> bytes:
    """A PNG: the masks, those that a rule drops dashed, and a table of all rules' scores.

    Args:
        kinds, boxes, scores: of the masks.
        view: as `numbers` gives it.
        rule: whose verdict is drawn.
    """
    fig, (scene, table) = figure(columns=2, height=380, width_ratios=(3, 2))
    start_board(scene, f"Solid: kept by the rule “{RULES[rule]}”", (HEIGHT, WIDTH))
    draw_shapes(
        scene,
        [
            Outlined(outline_in(kind, box), str(k + 1), *_look(view["kept"][rule][k]))
            for k, (kind, box) in enumerate(zip(kinds, boxes, strict=True))
        ],
    )
    rows, marked = [], []
    for k, score in enumerate(scores):
        rows.append([str(k + 1), f"{score:.2f}", *(view["after"][name][k] for name in RULES)])
        marked += [(k, 2 + c) for c, name in enumerate(RULES) if view["kept"][name][k]]
    draw_table(
        table, ["", "score", *RULES.values()], rows, "Scores after; kept ones marked", marked
    )
    return png(fig)


def _look(kept: bool) -> tuple[str, str]:
    return (ALIGN_COLOUR, "-") if kept else (DROPPED, "--")
