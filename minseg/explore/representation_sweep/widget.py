"""A mask on a budget: choose a way to write it down, move the budget, and see what comes back.

The picture shows the mask that is read again, the pixels that it has lost or gained, and the
outline between the pixels; the curve is the price list, IoU over bytes. Writing and reading are
the package's (`minseg.experiments.representations`), the browser draws. Lesson 02.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from minseg.experiments.representations import (
    KINDS,
    SIZE,
    THINGS,
    Written,
    parts_and_holes,
    specimen,
    sweep,
)
from minseg.explore.base.page import script
from minseg.explore.base.svg_path import curve_path, errors_paths
from minseg.explore.base.widget import Still
from minseg.masks import encode_rle


@cache
def exact_bytes(thing: str) -> int:
    """Bytes of a specimen's compressed run lengths, which lose nothing."""
    return len(encode_rle(specimen(thing), compressed=True)["counts"])


@cache
def explain(thing: str, kind: str, step: int) -> dict[str, Any]:
    """What the browser draws of a specimen, a representation and a step of its budgets.

    Returns:
        Paths `kept`, `missed`, `added`, `outline`; `marks`, points; `grid`; `points`, one
        (bytes, IoU, boundary IoU) a step; `step`, which of them; `exact`, bytes of the run
        lengths; `what`, `rows`, `facts`, texts.
    """
    truth, steps = specimen(thing), sweep(thing, kind)
    step = min(max(step, 0), len(steps) - 1)
    now = steps[step]
    return {
        **errors_paths(truth, now.mask),
        "outline": curve_path(now.outline),
        "marks": [[round(v, 2) for v in mark] for mark in now.marks.tolist()],
        "grid": list(now.grid),
        "points": [[one.size, one.iou, one.boundary_iou] for one in steps],
        "step": step,
        "exact": exact_bytes(thing),
        "what": now.what,
        "rows": [
            ["bytes", str(now.size)],
            ["IoU", f"{now.iou:.3f}"],
            ["boundary IoU", f"{now.boundary_iou:.3f}"],
            ["the mask has", _topology(*parts_and_holes(truth))],
            ["what comes back has", _topology(*parts_and_holes(now.mask))],
        ],
        "facts": f"{thing} as {kind}, {_facts(now)}",
    }


def _facts(now: Written) -> str:
    return f"{now.what}: {now.size} bytes, IoU {now.iou:.3f}, boundary IoU {now.boundary_iou:.3f}"


def _topology(parts: int, holes: int) -> str:
    return f"{parts} part{'s' * (parts != 1)}, {holes} hole{'s' * (holes != 1)}"


class RepresentationSweep(Still, anywidget.AnyWidget):
    """The widget: `RepresentationSweep(thing="ring", kind="polygon", step=5)`.

    Traits:
        thing: one of `THINGS`. kind: one of `KINDS`.
        step: which of the representation's budgets, 0 the smallest; beyond the last, the last.
        view: what the browser draws; made anew whenever one of the others changes.
    """

    _esm = script("representation_sweep")
    _css = Path(__file__).with_name("style.css")

    size = t.Int(SIZE).tag(sync=True)
    things = t.Tuple(THINGS).tag(sync=True)
    kinds = t.Tuple(tuple(KINDS)).tag(sync=True)
    thing = t.Enum(THINGS, "star").tag(sync=True)
    kind = t.Enum(tuple(KINDS), "binary grid").tag(sync=True)
    step = t.Int(9, min=0).tag(sync=True)
    view = t.Dict().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.observe(self._look, ["thing", "kind", "step"])
        self.on_msg(self._asked)
        self._look()

    @property
    def alt(self) -> str:
        return f"A mask written down and read again. {self.view['facts']}."

    def picture(self) -> bytes:
        from minseg.draw import figure, png
        from minseg.draw.masks import draw_errors, draw_price

        steps = sweep(self.thing, self.kind)
        now = steps[self.view["step"]]
        fig, (left, right) = figure(columns=2, height=360, width_ratios=(1, 1.2))
        truth = specimen(self.thing)
        draw_errors(left, truth, now.mask, now.outline, now.marks, now.what, now.grid)
        draw_price(right, {self.kind: steps}, exact_bytes(self.thing), now)
        right.legend(loc="lower right", fontsize=9)
        return png(fig)

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """A new step from the browser, answered by one new `view`."""
        if "n" not in content:
            return  # a nudge, see page.js
        with self.hold_sync():
            if "step" in content:
                self.step = max(int(content["step"]), 0)
            self._look(answers=content["n"])

    def _look(self, _change: object = None, answers: int = -1) -> None:
        view = explain(self.thing, self.kind, self.step)
        self.view = {**view, "answers": answers, "drawn": self.view.get("drawn", 0) + 1}
