"""Draw a mask with a few control points: drag them, and see which pixels the curve covers.

The curve is the closed cubic B-spline of `minseg.masks.bspline`; a pixel belongs to the mask if its
centre lies inside (`from_polygons`). "Fit" puts the controls where least squares wants them, so
that one can try to beat it: what it minimises is a distance between points, not IoU. Unit 12.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import Any

import torch
import traitlets as t

from minseg.experiments.representations import SIZE, THINGS, ring_of, specimen
from minseg.explore.base.page import script, style
from minseg.explore.base.values import Point, finite, point_inside
from minseg.explore.base.widget import Widget
from minseg.explore.spline_editor.numbers import curve_and_mask, numbers
from minseg.masks import fit_bspline

FEWEST, MOST = 4, 40  # control points
MARGIN = 16  # pixels around the image: the controls of a curve within it may lie outside
START = tuple((48 + 30 * cos(k * pi / 4), 48 + 30 * sin(k * pi / 4)) for k in range(8))


class SplineEditor(Widget):
    """The widget: `SplineEditor(thing="star")`, or with `controls=((x, y), …)`.

    Traits:
        thing: one of `THINGS`, the mask to be drawn.
        controls: 4 to 40 points (x, y) in pixels, in the image of 96 × 96 or within 16 of it.
        view: what the browser draws; made anew whenever one of the others changes.
    """

    _esm, _css = script("spline_editor"), style("spline_editor")

    size = t.Int(SIZE).tag(sync=True)
    margin = t.Int(MARGIN).tag(sync=True)
    things = t.Tuple(THINGS).tag(sync=True)
    limits = t.Tuple((FEWEST, MOST)).tag(sync=True)
    thing = t.Enum(THINGS, "coin").tag(sync=True)
    controls = t.Tuple(START).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._follow("thing", "controls")

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

        curve, mask = curve_and_mask(self.controls)
        marks = torch.tensor(self.controls)
        fig, ax = figure(width=420, height=440)
        title = f"IoU {self.view['iou']:.3f} with {len(self.controls)} control points"
        draw_errors(ax, specimen(self.thing), mask, [curve], marks, title)
        ax.set(xlim=(-MARGIN, SIZE + MARGIN), ylim=(SIZE + MARGIN, -MARGIN))
        return png(fig)

    @t.validate("controls")
    def _points_nearby(self, proposal: dict[str, Any]) -> tuple[Point, ...]:
        points = [finite("each of controls", point, 2) for point in proposal["value"]]
        if not FEWEST <= len(points) <= MOST:
            raise t.TraitError(f"controls must be {FEWEST} to {MOST} points, got {len(points)}")
        return tuple(point_inside(point, (SIZE, SIZE), MARGIN) for point in points)

    def answer(self, question: dict[str, Any]) -> None:
        """New places, or a wish."""
        if "controls" in question:
            self.controls = tuple(question["controls"])
        if "fit" in question:
            self.fit()
        if "add" in question:
            self.add(question["add"])
        if "remove" in question:
            self.remove(question["remove"])

    def make_view(self) -> dict[str, Any]:
        return numbers(self.thing, self.controls)
