"""The matching board: predictions to drag, the cost of every pair, and the cheapest pairing.

Three truths, five predictions. Every move shows what pairing each prediction with each truth would
cost, and which pairs together cost least: those learn from one another, the other predictions learn
"no object". All numbers come from `numbers.py` beside this file, that is, from
`minseg.losses.matching`; the browser draws them. Unit 53.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread
from minseg.explore.base.shape_board import ShapeBoard
from minseg.explore.matching_board.numbers import (
    CLASSES,
    OF_RULE,
    PREDICTIONS,
    RULES,
    TRUTHS,
    WEIGHTS,
    numbers,
)


class MatchingBoard(ShapeBoard):
    """The widget. Every setting is a trait: `MatchingBoard(rule="classes")`.

    Traits:
        boxes, kinds, scores: of the predictions; a kind is a class and a form, one of `CLASSES`,
            a score that class's probability. The rest of it is "no object"'s.
        rule: the terms of a cost: "boxes", "classes" or "masks".
        class_weight, box_weight, giou_weight, dice_weight: the terms' weights, from 0 to 10.
        chosen: the prediction whose terms are listed, from 0.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm, _css = script("matching_board", "shapes"), style("matching_board", "shapes")

    classes = t.Tuple(default_value=CLASSES).tag(sync=True)
    rules = t.Dict(default_value=RULES).tag(sync=True)
    truths = t.Tuple(default_value=TRUTHS).tag(sync=True)
    of_rule = t.Dict(default_value=OF_RULE).tag(sync=True)
    rule = t.Enum(tuple(RULES), "boxes").tag(sync=True)
    class_weight = t.Float(WEIGHTS["class"], min=0, max=10).tag(sync=True)
    box_weight = t.Float(WEIGHTS["box"], min=0, max=10).tag(sync=True)
    giou_weight = t.Float(WEIGHTS["giou"], min=0, max=10).tag(sync=True)
    dice_weight = t.Float(WEIGHTS["dice"], min=0, max=10).tag(sync=True)
    chosen = t.Int(0).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        kinds, boxes, scores = zip(*PREDICTIONS, strict=True)
        super().__init__(**{"boxes": boxes, "kinds": kinds, "scores": scores, **traits})
        self._begin("rule", "chosen", *(f"{term}_weight" for term in WEIGHTS))

    @property
    def alt(self) -> str:
        return (
            f"{len(self.boxes)} predicted shapes over {len(TRUTHS)} true ones, and the cost of "
            f"every pair by {RULES[self.rule]}. {self.view['facts']}"
        )

    def picture(self) -> bytes:
        from minseg.explore.matching_board.still import picture

        return picture(self.kinds, self.boxes, self.view, RULES[self.rule])

    @t.validate("chosen")
    def _exists(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 0), len(self.boxes) - 1))

    def answer(self, question: dict[str, Any]) -> None:
        """Shapes that were moved or changed, or another prediction that is asked about."""
        super().answer(question)
        if "chosen" in question:
            self.chosen = int(question["chosen"])

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(
            list(zip(self.kinds, self.boxes, self.scores, strict=True)),
            rule=self.rule,
            weights={term: getattr(self, f"{term}_weight") for term in WEIGHTS},
            chosen=self.chosen,
        )
