"""The base of boards with shapes to drag: `GridBoard`, `SuppressionBoard`, `MatchingBoard`.

A shape is a kind (`minseg.explore.base.shapes.OUTLINES`) in a box. Where shapes stand for answers
of a network, each has a score too, and its kind is its class. `shapes.js` is the page's half.
"""

from __future__ import annotations

from typing import Any

import traitlets as t
from torch import Tensor

from minseg.explore.base.shapes import OUTLINES, shape_masks, unit_paths
from minseg.explore.base.values import Box, box_inside, finite
from minseg.explore.base.widget import Widget

HEIGHT, WIDTH = 160, 240  # image pixels
SMALLEST = 8.0  # image pixels, the least side of a box


class ShapeBoard(Widget):
    """A widget with shapes to drag.

    Traits:
        boxes: (x1, y1, x2, y2) of each shape in an image of 160 × 240 pixels; kept inside.
        classes: which of `minseg.explore.base.shapes.OUTLINES` the board has.
        kinds: which of them each shape is.
        scores: a number from 0 to 1 for each shape, where a board has scores.
    """

    size = t.Tuple(default_value=(HEIGHT, WIDTH)).tag(sync=True)
    paths = t.Dict(default_value=unit_paths()).tag(sync=True)
    classes = t.Tuple(default_value=tuple(OUTLINES)).tag(sync=True)
    boxes = t.Tuple().tag(sync=True)
    kinds = t.Tuple().tag(sync=True)
    scores = t.Tuple().tag(sync=True)

    moved: tuple[str, ...] = ("boxes", "kinds", "scores")  # what the page may send

    def _begin(self, *traits: str) -> None:
        """At the end of `__init__`: check that the shapes are whole, and follow the traits."""
        counts = [len(getattr(self, name)) for name in self.moved]
        if len(set(counts)) > 1 or not counts[0]:
            raise ValueError(f"{', '.join(self.moved)} must be alike in number, got {counts}")
        self._start = self._shapes()
        self._follow(*self.moved, *traits)

    def reset(self) -> None:
        """Put all shapes back to where they were at first."""
        self._put(self._start)

    @property
    def masks(self) -> Tensor:
        """(N, H, W) bool: the pixels of each shape."""
        return shape_masks(self.kinds, self.boxes, (HEIGHT, WIDTH))

    def answer(self, question: dict[str, Any]) -> None:
        """Shapes that were moved or changed, or all put back."""
        if question.get("reset"):
            self.reset()
        news = {name: tuple(question[name]) for name in self.moved if name in question}
        if news and all(len(values) == len(self.boxes) for values in news.values()):
            self._put(news)

    def _shapes(self) -> dict[str, tuple[Any, ...]]:
        return {name: getattr(self, name) for name in self.moved}

    def _put(self, shapes: dict[str, tuple[Any, ...]]) -> None:
        with self.hold_trait_notifications():  # a view of half of them would be of no scene
            for name, values in shapes.items():
                setattr(self, name, values)

    @t.validate("boxes")
    def _boxes_inside(self, proposal: dict[str, Any]) -> tuple[Box, ...]:
        boxes = (finite("each of boxes", box, 4) for box in proposal["value"])
        return tuple(box_inside(box, (HEIGHT, WIDTH), SMALLEST) for box in boxes)

    @t.validate("kinds")
    def _kinds_known(self, proposal: dict[str, Any]) -> tuple[str, ...]:
        unknown = [kind for kind in proposal["value"] if kind not in self.classes]
        if unknown:
            raise t.TraitError(f"kinds must be among {self.classes}, got {unknown[0]!r}")
        return tuple(proposal["value"])

    @t.validate("scores")
    def _scores_in_range(self, proposal: dict[str, Any]) -> tuple[float, ...]:
        scores = tuple(float(score) for score in proposal["value"])
        if not all(0 <= score <= 1 for score in scores):
            raise t.TraitError(f"scores must lie between 0 and 1, got {scores}")
        return scores
