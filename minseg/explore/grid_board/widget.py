"""The grid board: things to drag over SOLO's grid, whose cells light up and are fought over.

Each thing lights the cells that the middle of it touches. Drag two together and they claim the
same cell; choose a cell and see which channel holds its mask, or which two, if rows and columns are
decoupled. All numbers come from `numbers.py` beside this file, that is, from
`minseg.models.solo.grid`; the browser draws them. Unit 50.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.draw import INSTANCE_COLOURS
from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread
from minseg.explore.base.shape_board import ShapeBoard
from minseg.explore.grid_board.numbers import RANGES, THINGS, numbers

LEAST, MOST = 3, 24  # cells each way


class GridBoard(ShapeBoard):
    """The widget. Every setting is a trait: `GridBoard(grid=6, decoupled=True)`.

    Traits:
        boxes, kinds: of the things, in an image of 160 × 240 pixels; the cells are as wide as that
            makes them.
        grid: S, 3 to 24 cells each way. epsilon: of the centre region, 0 to 1.
        sizes: one of `RANGES`, what the grid takes.
        decoupled: whether the chosen cell is shown as a row and a column.
        cell: (row, column) of the chosen cell.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm, _css = script("grid_board", "shapes"), style("grid_board", "shapes")

    colours: t.List[str] = t.List().tag(sync=True)
    ranges = t.Tuple(default_value=tuple(RANGES)).tag(sync=True)
    grid = t.Int(12, min=LEAST, max=MOST).tag(sync=True)
    epsilon = t.Float(0.2, min=0, max=1).tag(sync=True)
    sizes = t.Enum(tuple(RANGES), "of all sizes").tag(sync=True)
    decoupled = t.Bool(False).tag(sync=True)
    cell = t.Tuple(t.Int(), t.Int(), default_value=(4, 2)).tag(sync=True)

    moved = ("boxes", "kinds")

    def __init__(self, **traits: Any) -> None:
        kinds, boxes = zip(*THINGS, strict=True)
        shapes = {"boxes": boxes, "kinds": kinds, "colours": INSTANCE_COLOURS}
        super().__init__(**{**shapes, **traits})
        self.cell = self.cell  # within the grid
        self._begin("grid", "epsilon", "sizes", "decoupled", "cell")

    @property
    def alt(self) -> str:
        return (
            f"{len(self.boxes)} things over a grid; the cells that each owns have its colour. "
            f"{self.view['facts']} {self.view['cell']}"
        )

    def picture(self) -> bytes:
        from minseg.explore.grid_board.still import picture

        return picture(self.kinds, self.boxes, self.view, self.grid, self.cell, self.decoupled)

    @t.validate("cell")
    def _in_the_grid(self, proposal: dict[str, Any]) -> tuple[int, int]:
        i, j = proposal["value"]
        return min(max(i, 0), self.grid - 1), min(max(j, 0), self.grid - 1)

    @t.observe("grid")
    def _keep_the_cell(self, _change: object) -> None:
        self.cell = self.cell  # within the new grid

    def answer(self, question: dict[str, Any]) -> None:
        """Things that were moved or changed, or another cell that is asked about."""
        super().answer(question)
        if "cell" in question:
            self.cell = tuple(question["cell"])

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(
            list(zip(self.kinds, self.boxes, strict=True)),
            grid=self.grid,
            epsilon=self.epsilon,
            sizes=self.sizes,
            decoupled=self.decoupled,
            cell=self.cell,
        )
