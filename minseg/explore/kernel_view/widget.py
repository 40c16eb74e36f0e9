"""One program of the RoIAlign kernel at a time: what it reads, what it writes, how many bytes.

What is drawn is what the package's real kernel did in Triton's interpreter, see `numbers.py` beside
this file. Step through its loads, drag the RoIs. Unit 24 uses it; it needs Triton with
TRITON_INTERPRET=1.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.explore.base.page import script, style
from minseg.explore.base.values import Box, box_inside, finite
from minseg.explore.base.widget import Widget
from minseg.explore.kernel_view.numbers import (
    BINS,
    COLUMNS,
    ROWS,
    Load,
    bytes_moved,
    numbers,
    rows_of_loads,
)

SMALLEST = 1.0  # feature pixels: the least width and height of a box
MOST = 5  # RoIs
KEPT = 40  # RoIs whose loads are remembered: enough for a drag's last moments


class KernelView(Widget):
    """The widget. Every setting is a trait: `KernelView(program=4, load=2)`.

    Traits:
        boxes: the RoIs, (x1, y1, x2, y2) each, in feature pixels, inside a map of 9 × 14.
        program: 0 to 3·K - 1, which program is shown.
        load: 0 shows all loads of the program, 1 and up one of them.
        samples: 1 or 2 sampling points a bin and axis.
        view: what the browser draws, made anew from the others whenever one of them changes.
    """

    _esm, _css = script("kernel_view"), style("kernel_view")

    boxes = t.Tuple().tag(sync=True)
    program = t.Int(0).tag(sync=True)
    load = t.Int(0).tag(sync=True)
    samples = t.Enum((1, 2), 2).tag(sync=True)
    size = t.Tuple((ROWS, COLUMNS)).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        boxes = ((1.2, 0.8, 6.3, 5.4), (4.6, 2.9, 10.9, 7.7), (9.4, 5.3, 14.0, 9.0))
        self._traces: dict[tuple[Any, ...], list[list[Load]]] = {}
        super().__init__(**{"boxes": boxes, **traits})
        self._follow("boxes", "program", "load", "samples")

    @property
    def alt(self) -> str:
        k, p = divmod(self.program, BINS)
        return (
            f"A map of {ROWS} by {COLUMNS} pixels with {len(self.boxes)} RoIs, the pixels that "
            f"program {self.program} reads for row {p} of RoI {k}, each with how often, and the "
            f"bytes that the program and all programs move beside the floor."
        )

    def loads(self, program: int) -> list[Load]:
        """What the kernel read: for each load, the pixel of each bin, row · 14 + column; -1: none.

        A load whose weight is 0 in every bin moves nothing, and is not listed.
        """
        k, p = divmod(program, BINS)
        return self._reads(self.boxes[k])[p]

    def bytes_moved(self) -> dict[str, int]:
        """Bytes: asked for and written by this program and by all, and the least possible."""
        return bytes_moved(self._every(), self.program)

    def picture(self) -> bytes:
        from minseg.explore.kernel_view.still import picture

        return picture(self.boxes, self.program, self.view)

    @t.validate("boxes")
    def _inside(self, proposal: dict[str, Any]) -> tuple[Box, ...]:
        boxes = [finite("each of boxes", box, 4) for box in proposal["value"]]
        if not 1 <= len(boxes) <= MOST:
            raise t.TraitError(f"boxes must be 1 to {MOST} RoIs, got {len(boxes)}")
        return tuple(box_inside(box, (ROWS, COLUMNS), SMALLEST) for box in boxes)

    @t.validate("program")
    def _known(self, proposal: dict[str, Any]) -> int:
        if not 0 <= proposal["value"] < BINS * len(self.boxes):
            raise t.TraitError(
                f"program must be 0 to {BINS * len(self.boxes) - 1}, got {proposal['value']}"
            )
        return int(proposal["value"])

    def answer(self, question: dict[str, Any]) -> None:
        """A RoI moved."""
        if "box" in question:
            boxes = list(self.boxes)
            boxes[int(question["roi"]) % len(boxes)] = tuple(question["box"])
            self.boxes = tuple(boxes)

    def make_view(self) -> dict[str, Any]:
        return numbers(self._every(), self.program, self.load)

    def _every(self) -> list[list[Load]]:
        """The loads of each program."""
        return [loads for box in self.boxes for loads in self._reads(box)]

    def _reads(self, box: Box) -> list[list[Load]]:
        """For each row of bins of a RoI, its loads; the kernel runs once for each new RoI."""
        key = (box, self.samples)
        if key not in self._traces:
            while len(self._traces) >= KEPT:
                del self._traces[next(iter(self._traces))]
            self._traces[key] = rows_of_loads(box, self.samples)
        return self._traces[key]
