"""The suppression board: overlapping masks to drag, and what four rules leave of their scores.

Each mask has a class, which is its form, and a score. Every move shows the IoU of every pair, the
scores that greedy NMS, Soft-NMS, Matrix NMS and a naive product leave, and who is kept. All numbers
come from `numbers.py` beside this file, that is, from `minseg.models.suppression`; the browser
draws them. Unit 52.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread
from minseg.explore.base.shape_board import ShapeBoard
from minseg.explore.suppression_board.numbers import CLASSES, PRESETS, RULES, numbers


class SuppressionBoard(ShapeBoard):
    """The widget. Every setting is a trait: `SuppressionBoard(preset="triplets", kernel="linear")`.

    Traits:
        preset: one of `PRESETS`, from which boxes, kinds and scores are taken.
        boxes, kinds, scores: of the masks; a kind is a class and a form, one of `CLASSES`.
        kernel: "gaussian" or "linear", with sigma from 0.5 to 5: what an overlap costs.
        threshold: the IoU above which greedy NMS drops, 0.1 to 0.9.
        keep: the score from which a mask is kept, 0.05 to 0.6.
        rule: one of `RULES`, whose verdict is drawn on the masks.
        chosen: the mask whose rivals are listed, from 0.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm, _css = script("suppression_board", "shapes"), style("suppression_board", "shapes")

    classes = t.Tuple(default_value=CLASSES).tag(sync=True)
    rules = t.Dict(default_value=RULES).tag(sync=True)
    presets = t.Tuple(default_value=tuple(PRESETS)).tag(sync=True)
    preset = t.Enum(tuple(PRESETS), "duplicates and a neighbour").tag(sync=True)
    kernel = t.Enum(("gaussian", "linear"), "gaussian").tag(sync=True)
    sigma = t.Float(2.0, min=0.5, max=5.0).tag(sync=True)
    threshold = t.Float(0.5, min=0.1, max=0.9).tag(sync=True)
    keep = t.Float(0.3, min=0.05, max=0.6).tag(sync=True)
    rule = t.Enum(tuple(RULES), "matrix").tag(sync=True)
    chosen = t.Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        preset = traits.get("preset", "duplicates and a neighbour")
        super().__init__(**{**_shapes_of(preset), **traits})
        if "chosen" not in traits:
            self._start_with_the_third()
        self.observe(self._take_preset, ["preset"])
        self._begin("kernel", "sigma", "threshold", "keep", "rule", "chosen")

    @property
    def alt(self) -> str:
        return (
            f"{len(self.boxes)} overlapping masks and their scores after four rules. "
            f"{self.view['facts']}"
        )

    def picture(self) -> bytes:
        from minseg.explore.suppression_board.still import picture

        return picture(self.kinds, self.boxes, self.scores, self.view, self.rule)

    @t.validate("chosen")
    def _exists(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 0), len(self.boxes) - 1))

    def answer(self, question: dict[str, Any]) -> None:
        """Masks that were moved or changed, or another one that is asked about."""
        super().answer(question)
        if "chosen" in question:
            self.chosen = int(question["chosen"])

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(
            list(zip(self.kinds, self.boxes, self.scores, strict=True)),
            kernel=self.kernel,
            sigma=self.sigma,
            threshold=self.threshold,
            keep=self.keep,
            chosen=self.chosen,
        )

    def _take_preset(self, _change: object) -> None:
        self._start = _shapes_of(self.preset)
        with self.hold_sync():  # the page must not see the boxes of one with the scores of another
            self.chosen = 0
            self.reset()
            self._start_with_the_third()

    def _start_with_the_third(self) -> None:
        """The first that can have two rivals."""
        self.chosen = min(2, len(self.boxes) - 1)


def _shapes_of(preset: str) -> dict[str, tuple[Any, ...]]:
    """Kinds, boxes and scores of a preset; nothing of one that does not exist."""
    if preset not in PRESETS:
        return {}  # the trait itself says what is wrong
    kinds, boxes, scores = zip(*PRESETS[preset], strict=True)
    return {"kinds": kinds, "boxes": boxes, "scores": scores}
