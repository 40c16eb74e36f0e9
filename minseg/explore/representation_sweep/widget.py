"""A mask on a budget: choose a way to write it down, move the budget, and see what comes back.

The picture shows the mask that is read again, the pixels that it has lost or gained, and the
outline between the pixels; the curve is the price list, IoU over bytes. Writing and reading are
the package's (`minseg.experiments.representations`), the browser draws. Units 11 and 13.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.experiments.representations import KINDS, SIZE, THINGS, specimen, sweep
from minseg.explore.base.page import script, style
from minseg.explore.base.widget import Widget
from minseg.explore.representation_sweep.numbers import exact_bytes, numbers


class RepresentationSweep(Widget):
    """The widget: `RepresentationSweep(thing="ring", kind="polygon", step=5)`.

    Traits:
        thing: one of `THINGS`. kind: one of `KINDS`.
        step: which of the representation's budgets, 0 the smallest; beyond the last, the last.
        view: what the browser draws; made anew whenever one of the others changes.
    """

    _esm, _css = script("representation_sweep"), style("representation_sweep")

    size = t.Int(SIZE).tag(sync=True)
    things = t.Tuple(THINGS).tag(sync=True)
    kinds = t.Tuple(tuple(KINDS)).tag(sync=True)
    thing = t.Enum(THINGS, "star").tag(sync=True)
    kind = t.Enum(tuple(KINDS), "binary grid").tag(sync=True)
    step = t.Int(9, min=0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._follow("thing", "kind", "step")

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

    def answer(self, question: dict[str, Any]) -> None:
        """A new step."""
        if "step" in question:
            self.step = max(int(question["step"]), 0)

    def make_view(self) -> dict[str, Any]:
        return numbers(self.thing, self.kind, self.step)
