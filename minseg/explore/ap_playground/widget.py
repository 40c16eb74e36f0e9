"""The AP playground: ten detections to drag and to score, and the curve that they make.

Every move is judged as COCO judges it: by decreasing score each detection takes the free truth
with the highest IoU, the rest are false positives, and precision over recall gives average
precision. All numbers come from `numbers.py` beside this file, that is, from `minseg.metrics`; the
browser draws them. Unit 30.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.explore.ap_playground.numbers import (
    DETECTIONS,
    HEIGHT,
    RULES,
    SCORES,
    TRUTHS,
    WIDTH,
    Box,
    numbers,
)
from minseg.explore.base.page import script, style
from minseg.explore.base.values import box_inside, finite
from minseg.explore.base.widget import Widget

SMALLEST = 8.0  # image pixels, the least side of a box


class APPlayground(Widget):
    """The widget. Every setting is a trait: `APPlayground(threshold=0.75, crowd=True)`.

    Traits:
        truths: boxes (x1, y1, x2, y2) in an image of 240 × 320 pixels, called A, B, ….
        detections: as many boxes as you like, to be dragged; kept inside the image.
        scores: one for each detection, from 0 to 1.
        threshold: 0.5 to 0.95. rule: "raw", "all", "101" or "11". crowd: whether the last truth
            is a crowd.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm, _css = script("ap_playground"), style("ap_playground")

    size = t.Tuple(default_value=(HEIGHT, WIDTH)).tag(sync=True)
    truths = t.Tuple(default_value=TRUTHS).tag(sync=True)
    detections = t.Tuple(default_value=DETECTIONS).tag(sync=True)
    scores = t.Tuple(default_value=SCORES).tag(sync=True)
    threshold = t.Float(0.5, min=0.5, max=0.95).tag(sync=True)
    rule = t.Enum(tuple(RULES), "101").tag(sync=True)
    crowd = t.Bool(False).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        if len(self.scores) != len(self.detections) or not self.truths:
            raise ValueError(
                f"scores must be one for each detection, and truths at least one, got "
                f"{len(self.scores)} scores, {len(self.detections)} detections and "
                f"{len(self.truths)} truths"
            )
        self._start = self.detections, self.scores
        self._follow("detections", "scores", "threshold", "rule", "crowd")

    def reset(self) -> None:
        """Put detections and scores back to where they were at first."""
        with self.hold_trait_notifications():
            self.detections, self.scores = self._start

    @property
    def alt(self) -> str:
        return f"Detections over truths, and their precision-recall curve. {self.view['facts']}."

    def picture(self) -> bytes:
        from minseg.explore.ap_playground.still import picture

        return picture(self.truths, self.detections, self.view, self.rule)

    @t.validate("detections", "truths")
    def _boxes_inside(self, proposal: dict[str, Any]) -> tuple[Box, ...]:
        name = f"each of {proposal['trait'].name}"
        boxes = (finite(name, box, 4) for box in proposal["value"])
        return tuple(box_inside(box, (HEIGHT, WIDTH), SMALLEST) for box in boxes)

    @t.validate("scores")
    def _scores_in_range(self, proposal: dict[str, Any]) -> tuple[float, ...]:
        scores = tuple(float(v) for v in proposal["value"])
        if not all(0 <= score <= 1 for score in scores):
            raise t.TraitError(f"scores must lie between 0 and 1, got {scores}")
        return scores

    def answer(self, question: dict[str, Any]) -> None:
        """New places or scores, or a button."""
        if question.get("reset"):
            self.reset()
        for trait in ("detections", "scores"):
            if trait in question and len(question[trait]) == len(self.detections):
                setattr(self, trait, tuple(question[trait]))

    def make_view(self) -> dict[str, Any]:
        return numbers(
            self.detections,
            self.scores,
            self.truths,
            threshold=self.threshold,
            rule=self.rule,
            crowd=self.crowd,
        )
