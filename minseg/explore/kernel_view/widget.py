"""One program of the RoIAlign kernel at a time: what it reads, what it writes, how many bytes.

The package's real kernel, `minseg_kernels.forward`, runs in Triton's interpreter while
`kernel_trace` takes notes, so what is drawn is what the kernel did. Program number k·PH + p makes
row p of RoI k. Step through its loads: each is one instruction, which reads one pixel for every bin
of the row, with all channels. Lesson 06 uses it; it needs Triton with TRITON_INTERPRET=1.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets as t

from minseg.explore.base.page import script
from minseg.explore.base.widget import Still
from minseg.kernel_trace import Trace, watch

ROWS, COLUMNS, CHANNELS = 9, 14, 64  # the map, in pixels and float32 numbers a pixel
BINS = 3  # each way
SMALLEST = 1.0  # feature pixels: the least width and height of a box
NUMBER = 4  # bytes


class KernelView(Still, anywidget.AnyWidget):
    """The widget. Every setting is a trait: `KernelView(program=4, load=2)`.

    Traits:
        boxes: the RoIs, (x1, y1, x2, y2) each, in feature pixels, inside a map of 9 × 14.
        program: 0 to 3·K - 1, which program is shown.
        load: 0 shows all loads of the program, 1 and up one of them.
        samples: 1 or 2 sampling points a bin and axis.
        state: what the browser draws, made anew from the others whenever one of them changes.
    """

    _esm = script("kernel_view")
    _css = Path(__file__).with_name("style.css")

    boxes = t.Tuple().tag(sync=True)
    program = t.Int(0).tag(sync=True)
    load = t.Int(0).tag(sync=True)
    samples = t.Enum((1, 2), 2).tag(sync=True)
    size = t.Tuple((ROWS, COLUMNS)).tag(sync=True)
    state = t.Dict().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        boxes = ((1.2, 0.8, 6.3, 5.4), (4.6, 2.9, 10.9, 7.7), (9.4, 5.3, 14.0, 9.0))
        self._features = torch.arange(float(ROWS * COLUMNS * CHANNELS))
        self._traces: dict[tuple[Any, ...], list[list[list[int]]]] = {}
        super().__init__(**{"boxes": boxes, **traits})
        self.observe(self._look, ["boxes", "program", "load", "samples"])
        self.on_msg(self._asked)
        self._look()

    @property
    def alt(self) -> str:
        k, p = divmod(self.program, BINS)
        return (
            f"A map of {ROWS} by {COLUMNS} pixels with {len(self.boxes)} RoIs, the pixels that "
            f"program {self.program} reads for row {p} of RoI {k}, each with how often, and the "
            f"bytes that the program and all programs move beside the floor."
        )

    def loads(self, program: int) -> list[list[int]]:
        """What the kernel read: for each load, the pixel of each bin, row · 14 + column; -1: none.

        A load whose weight is 0 in every bin moves nothing, and is not listed.
        """
        k, p = divmod(program, BINS)
        return self._reads(self.boxes[k])[p]

    def bytes_moved(self) -> dict[str, int]:
        """Bytes: asked for and written by this program and by all, and the least possible."""
        every = [self.loads(i) for i in range(BINS * len(self.boxes))]
        asked = [sum(pixel >= 0 for load in loads for pixel in load) for loads in every]
        touched = [{pixel for load in loads for pixel in load} - {-1} for loads in every]
        pixel, out = CHANNELS * NUMBER, BINS * CHANNELS * NUMBER
        return {
            "asked": asked[self.program] * pixel,
            "distinct": len(touched[self.program]) * pixel,
            "written": out,
            "all asked": sum(asked) * pixel,
            "all distinct": len(set.union(*touched)) * pixel,
            "all written": len(every) * out,
        }

    def picture(self) -> bytes:
        from minseg.draw import ALIGN_COLOUR, POOL_COLOUR, draw_boxes, draw_grid, figure, png

        fig, (ax, bars) = figure(columns=2, height=330, width_ratios=(3, 2))
        k, p = divmod(self.program, BINS)
        counts = torch.zeros(ROWS * COLUMNS, dtype=torch.int64)
        for load in self.state["shown"]:
            for pixel in load:
                counts[pixel] += pixel >= 0
        ax.imshow(
            counts.view(ROWS, COLUMNS).numpy(), extent=(0, COLUMNS, ROWS, 0), cmap="Oranges", vmax=8
        )
        draw_grid(ax, ROWS, COLUMNS, 1)
        for pixel in counts.nonzero().flatten().tolist():
            at = (pixel % COLUMNS + 0.5, pixel // COLUMNS + 0.5)
            ax.annotate(str(int(counts[pixel])), at, ha="center", va="center", fontsize=8)
        for number, box in enumerate(self.boxes):
            style = "-" if number == k else ":"
            draw_boxes(ax, torch.tensor(box), colour=ALIGN_COLOUR, linestyle=style)
        ax.set_title(f"Program {self.program} makes row {p} of RoI {k}: pixels it reads")
        names, numbers, of_the_floor = zip(*self.state["table"], strict=True)
        drawn = bars.barh(names, [float(share) for share in of_the_floor], color=POOL_COLOUR)
        bars.bar_label(drawn, [f" {number}" for number in numbers], fontsize=8)
        bars.invert_yaxis()
        bars.margins(x=0.3)
        bars.set(xlabel="of the floor", title="Bytes")
        return png(fig)

    @t.validate("boxes")
    def _inside(self, proposal: dict[str, Any]) -> tuple[tuple[float, ...], ...]:
        boxes = tuple(tuple(float(v) for v in box) for box in proposal["value"])
        for box in boxes:
            if len(box) != 4 or not all(map(isfinite, box)):
                raise t.TraitError(f"boxes must be four finite numbers x1, y1, x2, y2, got {box}")
        if not 1 <= len(boxes) <= 5:
            raise t.TraitError(f"boxes must be 1 to 5 RoIs, got {len(boxes)}")
        return tuple(map(_into_the_map, boxes))

    @t.validate("program")
    def _known(self, proposal: dict[str, Any]) -> int:
        if not 0 <= proposal["value"] < BINS * len(self.boxes):
            raise t.TraitError(
                f"program must be 0 to {BINS * len(self.boxes) - 1}, got {proposal['value']}"
            )
        return int(proposal["value"])

    def _reads(self, box: tuple[float, ...]) -> list[list[list[int]]]:
        """For each row of bins of a RoI, its loads; the kernel runs once for each new RoI."""
        key = (box, self.samples)
        if key not in self._traces:
            while len(self._traces) >= 40:  # enough for a drag's last moments
                del self._traces[next(iter(self._traces))]
            trace = self._run(box)
            self._traces[key] = [_pixels(trace, p) for p in range(BINS)]
        return self._traces[key]

    def _run(self, box: tuple[float, ...]) -> Trace:
        from minseg_kernels.forward import forward
        from minseg_kernels.launch import Sampling

        features = self._features.view(1, ROWS, COLUMNS, CHANNELS)
        out = torch.empty(1, BINS, BINS, CHANNELS).permute(0, 3, 1, 2)
        rois, level = torch.tensor([[0.0, *box]]), torch.zeros(1, dtype=torch.int32)
        with watch({"features": features}) as trace:
            forward([features], rois, level, out, Sampling((1.0,), self.samples, True))
        return trace

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """A question of the browser, answered by exactly one new state."""
        with self.hold_sync():
            if "box" in content:
                boxes = list(self.boxes)
                boxes[int(content["roi"]) % len(boxes)] = tuple(content["box"])
                self.boxes = tuple(boxes)
            self.state = {**self.state, "answers": content.get("n", 0)}

    def _look(self, _change: object = None) -> None:
        loads = self.loads(self.program)
        shown = loads[self.load - 1 : self.load] if 0 < self.load <= len(loads) else loads
        self.state = {
            "loads": len(loads),
            "shown": shown,
            "line": self._line(loads, shown),
            "table": self._table(),
            "answers": self.state.get("answers", 0),
        }

    def _line(self, loads: list[list[int]], shown: list[list[int]]) -> str:
        k, p = divmod(self.program, BINS)
        who = f"Program {self.program} = {k} · {BINS} + {p}: row {p} of RoI {k}. "
        if shown is loads or len(shown) != 1:
            return who + f"{len(loads)} loads, independent of one another."
        places = [f"({i // COLUMNS}, {i % COLUMNS})" for i in shown[0] if i >= 0]
        numbers = len(places) * CHANNELS
        return (
            who + f"Load {self.load} of {len(loads)} reads, a pixel (row, column) for each bin, "
            f"{' '.join(places)}: {numbers} numbers, {numbers * NUMBER} bytes."
        )

    def _table(self) -> list[list[str]]:
        moved = self.bytes_moved()
        floor = moved["all distinct"] + moved["all written"]
        rows = [
            ("this program asks for", moved["asked"]),
            ("… in distinct pixels", moved["distinct"]),
            ("… and writes", moved["written"]),
            ("all programs, in and out", moved["all asked"] + moved["all written"]),
            ("the floor", floor),
        ]
        return [[name, f"{count:,}", f"{count / floor:.2f}"] for name, count in rows]


def _into_the_map(box: tuple[float, ...]) -> tuple[float, ...]:
    x1, y1 = min(max(box[0], 0.0), COLUMNS - SMALLEST), min(max(box[1], 0.0), ROWS - SMALLEST)
    x2, y2 = min(max(box[2], x1 + SMALLEST), COLUMNS), min(max(box[3], y1 + SMALLEST), ROWS)
    return x1, y1, x2, y2


def _pixels(trace: Trace, row: int) -> list[list[int]]:
    """Loads of one program as pixel numbers, one for each bin, -1 where it reads nothing."""
    found = []
    for access in trace.accesses:
        if access.program[0] == row:
            pixel = access.element[:BINS, 0] // CHANNELS
            found.append(torch.where(access.active[:BINS, 0], pixel, -1).tolist())
    return found
