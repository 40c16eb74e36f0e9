"""Draw a mask with a few control points: drag them, and see which pixels the curve covers.

The curve is the closed cubic B-spline of `minseg.masks.bspline`; a pixel belongs to the mask if its
centre lies inside (`from_polygons`). "Fit" puts the controls where least squares wants them, so
that one can try to beat it: what it minimises is a distance between points, not IoU. Lesson 02.
"""

from __future__ import annotations

from math import cos, isfinite, pi, sin
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets as t

from minseg.experiments.representations import SIZE, THINGS, ring_of, specimen
from minseg.explore.base.page import script
from minseg.explore.base.svg_path import curve_path, errors_paths
from minseg.explore.base.widget import Still
from minseg.masks import fit_bspline, from_bspline, from_polygons
from minseg.metrics import boundary_iou, mask_iou

Point = tuple[float, float]
FEWEST, MOST = 4, 40  # control points
MARGIN = 16  # pixels around the image: the controls of a curve within it may lie outside
SAMPLES = 512  # points of the curve
START = tuple((48 + 30 * cos(k * pi / 4), 48 + 30 * sin(k * pi / 4)) for k in range(8))


def explain(thing: str, controls: tuple[Point, ...]) -> dict[str, Any]:
    """What the browser draws of a specimen and control points (x, y) in pixels.

    Returns:
        Paths `kept`, `missed`, `added`, `curve`; `iou`, `boundary_iou`, `facts`.
    """
    truth = specimen(thing)
    curve = from_bspline(torch.tensor(controls, dtype=torch.float64), SAMPLES)
    mask = from_polygons([curve], SIZE, SIZE)
    iou = mask_iou(truth[None], mask[None]).item()
    at_boundary = boundary_iou(truth[None], mask[None]).item()
    return {
        **errors_paths(truth, mask),
        "curve": curve_path([curve]),
        "iou": iou,
        "boundary_iou": at_boundary,
        "facts": f"{len(controls)} control points, {8 * len(controls)} bytes: "
        f"IoU {iou:.3f}, boundary IoU {at_boundary:.3f}",
    }


class SplineEditor(Still, anywidget.AnyWidget):
    """The widget: `SplineEditor(thing="star")`, or with `controls=((x, y), …)`.

    Traits:
        thing: one of `THINGS`, the mask to be drawn.
        controls: 4 to 40 points (x, y) in pixels, in the image of 96 × 96 or within 16 of it.
        view: what the browser draws; made anew whenever one of the others changes.
    """

    _esm = script("spline_editor")
    _css = Path(__file__).with_name("style.css")

    size = t.Int(SIZE).tag(sync=True)
    margin = t.Int(MARGIN).tag(sync=True)
    things = t.Tuple(THINGS).tag(sync=True)
    limits = t.Tuple((FEWEST, MOST)).tag(sync=True)
    thing = t.Enum(THINGS, "coin").tag(sync=True)
    controls = t.Tuple(START).tag(sync=True)
    view = t.Dict().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.observe(self._look, ["thing", "controls"])
        self.on_msg(self._asked)
        self._look()

    def fit(self) -> None:
        """Put the controls where least squares wants them: the same number, along the outline."""
        ring = ring_of(specimen(self.thing))
        self.controls = tuple(map(tuple, fit_bspline(ring, len(self.controls)).tolist()))

    def add(self, after: int) -> None:
        """One more control, half-way from one (by its number) to the next."""
        if len(self.controls) < MOST and 0 <= after < len(self.controls):
            (x1, y1), (x2, y2) = self.controls[after], self.controls[after + 1 - len(self.controls)]
            new = ((x1 + x2) / 2, (y1 + y2) / 2)
            self.controls = (*self.controls[: after + 1], new, *self.controls[after + 1 :])

    def remove(self, number: int) -> None:
        """One control less; four stay."""
        if len(self.controls) > FEWEST and 0 <= number < len(self.controls):
            self.controls = (*self.controls[:number], *self.controls[number + 1 :])

    @property
    def alt(self) -> str:
        return f"A {self.thing} drawn by a closed curve. {self.view['facts']}."

    def picture(self) -> bytes:
        from minseg.draw import figure, png
        from minseg.draw.masks import draw_errors

        curve = from_bspline(torch.tensor(self.controls, dtype=torch.float64), SAMPLES)
        mask = from_polygons([curve], SIZE, SIZE)
        marks = torch.tensor(self.controls)
        fig, ax = figure(width=420, height=440)
        title = f"IoU {self.view['iou']:.3f} with {len(self.controls)} control points"
        draw_errors(ax, specimen(self.thing), mask, [curve], marks, title)
        ax.set(xlim=(-MARGIN, SIZE + MARGIN), ylim=(SIZE + MARGIN, -MARGIN))
        return png(fig)

    @t.validate("controls")
    def _points_nearby(self, proposal: dict[str, Any]) -> tuple[Point, ...]:
        points = tuple(tuple(float(v) for v in point) for point in proposal["value"])
        if not FEWEST <= len(points) <= MOST:
            raise t.TraitError(f"controls must be {FEWEST} to {MOST} points, got {len(points)}")
        for point in points:
            if len(point) != 2 or not all(map(isfinite, point)):
                raise t.TraitError(f"controls must be two finite numbers each, got {point}")
        low, high = float(-MARGIN), float(SIZE + MARGIN)
        return tuple((min(max(x, low), high), min(max(y, low), high)) for x, y in points)

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """New places, or a wish, from the browser, answered by one new `view`."""
        if "n" not in content:
            return  # a nudge, see page.js
        with self.hold_sync():
            if "controls" in content:
                self.controls = tuple(content["controls"])
            if content.get("fit"):
                self.fit()
            if "add" in content:
                self.add(content["add"])
            if "remove" in content:
                self.remove(content["remove"])
            self._look(answers=content["n"])

    def _look(self, _change: object = None, answers: int = -1) -> None:
        view = explain(self.thing, self.controls)
        self.view = {**view, "answers": answers, "drawn": self.view.get("drawn", 0) + 1}
