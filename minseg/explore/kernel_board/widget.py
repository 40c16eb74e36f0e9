"""The kernel board: click a cell, and see its kernel and what it makes of the mask features.

SOLOv2 has written a kernel into every cell of its grids. The board shows that of the chosen cell as
bars, the channels that count most as pictures of what they add, and the mask that all of them, or
only the strongest, draw. State lives in traits: `board.cell = (5, 7); board.count = 3`. Unit 51.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.data import Scene, SceneDataset
from minseg.data.example import Example
from minseg.experiments.solov2_trace import SOLOv2Trace
from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread, to_png
from minseg.explore.base.widget import Widget
from minseg.explore.kernel_board.numbers import levels, numbers
from minseg.models import SOLOv2


class KernelBoard(Widget):
    """The widget.

    Args:
        model: a `SOLOv2` on the CPU.
        scene: with `image` (3, H, W) and `instances`; the first scene of "val" if left out.

    Traits:
        level: the level whose grid is shown, from 0, the finest. cell: (row, column) in it.
        count: how many of the strongest channels draw the mask; all E if left out.
        levels: for each level its grid and how sure each cell is of its likeliest class.
        view: what the browser draws of the chosen cell; made anew whenever something changes.
    """

    _esm, _css = script("kernel_board"), style("kernel_board")

    size = t.Tuple().tag(sync=True)  # (height, width) of the image
    frame = t.Tuple().tag(sync=True)  # of the padded image, which the grids cover
    image_png = t.Bytes().tag(sync=True)
    truths = t.Tuple().tag(sync=True)  # boxes of the things
    channels = t.Int().tag(sync=True)
    levels: t.List[Any] = t.List().tag(sync=True)
    level = t.Int(0).tag(sync=True)
    cell = t.Tuple(t.Int(), t.Int(), default_value=(0, 0)).tag(sync=True)
    count = t.Int(1).tag(sync=True)

    def __init__(self, model: SOLOv2, scene: Example | Scene | None = None, **traits: Any) -> None:
        scene = SceneDataset("val")[0] if scene is None else scene
        self.trace = trace = SOLOv2Trace(model, scene.image, scene.instances)
        level, row, column = trace.place(trace.best_cell())
        start = {"level": level, "cell": (row, column), "count": len(trace.features)}
        if "level" in traits:
            start["cell"] = (0, 0)
        super().__init__(
            size=trace.size,
            frame=trace.frame,
            image_png=to_png(scene.image),
            truths=tuple(trace.truth.boxes.tolist()),
            channels=len(trace.features),
            levels=levels(trace),
        )
        for name, value in {**start, **traits}.items():  # the level first: it bounds the cell
            setattr(self, name, value)
        self._follow("level", "cell", "count")

    def __repr__(self) -> str:
        """The same on every machine, whatever the model has learnt."""
        height, width = self.size
        return (
            f"KernelBoard: SOLOv2's cells on an image of {height} × {width} pixels with "
            f"{len(self.truths)} things."
        )

    @property
    def alt(self) -> str:
        return f"{self!r} One cell's kernel, and the mask that it draws. {self.view['facts']}"

    def picture(self) -> bytes:
        from minseg.explore.kernel_board.still import picture

        return picture(self.trace, self.level, self.cell, self.count)

    @t.validate("level")
    def _has_the_level(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 0), len(self.levels) - 1))

    @t.validate("cell")
    def _in_the_grid(self, proposal: dict[str, Any]) -> tuple[int, ...]:
        last = self.levels[self.level]["grid"] - 1
        return tuple(min(max(place, 0), last) for place in proposal["value"])

    @t.validate("count")
    def _has_so_many(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 1), self.channels))

    @t.observe("level")
    def _same_place(self, change: dict[str, Any]) -> None:
        """On another grid, the cell at the same place of the image."""
        if isinstance(change["old"], int) and self.levels:
            before, now = (self.levels[change[one]]["grid"] for one in ("old", "new"))
            self.cell = tuple(int((place + 0.5) * now / before) for place in self.cell)

    def answer(self, question: dict[str, Any]) -> None:
        """Another cell, the next that sees something, or other channels."""
        if question.get("next"):
            now = self.trace.cell(self.level, *self.cell)
            level, row, column = self.trace.place(self.trace.next_cell(now))
            self.level, self.cell = level, (row, column)
        if "cell" in question:
            self.cell = tuple(question["cell"])
        if "count" in question:
            self.count = int(question["count"])

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(self.trace, self.trace.cell(self.level, *self.cell), self.count)
