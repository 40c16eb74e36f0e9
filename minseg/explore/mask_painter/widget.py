"""The mask painter: paint masks that overlap, and watch what each task's answer keeps of them.

One set of masks on a small grid, and three ways to write it down: boxes, a semantic map, a panoptic
map. A panoptic map holds one number for each pixel, so where masks overlap a rule decides which of
them gets the pixel; the painter says which masks can still be read back. State lives in Python:
`painter.paint(0, [(3, 4), (9, 4)])` does what the brush does, and `painter.instances` is the set.
Every number comes from the package; the browser only draws. Unit 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import torch
import traitlets as t

from minseg.explore.base.page import script, style
from minseg.explore.base.widget import Widget
from minseg.explore.mask_painter.numbers import (
    CLASSES,
    HEIGHT,
    LARGEST,
    RULES,
    WIDTH,
    brush,
    example,
    numbers,
)
from minseg.instances import Instances

MOST = 1000  # points of one stroke


class MaskPainter(Widget):
    """The widget.

    Args:
        instances: one mask of 24 × 32 pixels or more, labels of `CLASSES`; `example()` if left
            out.

    Traits:
        labels, scores: one for each mask.
        rule: a pixel that is claimed twice goes to the best "score", or to the last in "order".
        chosen: number of the mask that the brush changes, from 0.
        erasing: whether the brush takes away.
        size: its width in cells.
        view: what the browser draws; made anew whenever something changes.

    Raises:
        ValueError: if there are no masks, or of another size.
        TraitError: if a label is none of `CLASSES`, or a score does not lie between 0 and 1.
    """

    _esm, _css = script("mask_painter"), style("mask_painter")

    grid = t.Tuple(default_value=(HEIGHT, WIDTH)).tag(sync=True)
    classes = t.Dict().tag(sync=True)
    colours: t.List[str] = t.List().tag(sync=True)
    labels = t.Tuple().tag(sync=True)
    scores = t.Tuple().tag(sync=True)
    rule = t.Enum(RULES, "score").tag(sync=True)
    chosen = t.Int(0).tag(sync=True)
    erasing = t.Bool(False).tag(sync=True)
    size = t.Int(3, min=1, max=LARGEST).tag(sync=True)

    def __init__(self, instances: Instances | None = None, **traits: Any) -> None:
        from minseg.draw import INSTANCE_COLOURS

        self._start = example() if instances is None else instances
        height, width = self._start.masks.shape[1:]
        if (height, width) != (HEIGHT, WIDTH) or not len(self._start):
            raise ValueError(
                f"masks must be at least one of {HEIGHT} × {WIDTH}, "
                f"got {len(self._start)} of {height} × {width}"
            )
        self.masks = self._start.masks.clone()
        self._done = 0  # the number of the last stroke that has been painted
        super().__init__(
            classes={str(c): name for c, name in CLASSES.items()},
            colours=INSTANCE_COLOURS,
            labels=tuple(self._start.labels.tolist()),
            scores=tuple(round(s, 2) for s in self._start.scores.tolist()),
            **traits,
        )
        self._follow("labels", "scores", "rule")

    @property
    def instances(self) -> Instances:
        """The painted set, scores and labels as they are now."""
        return Instances(self.masks, torch.tensor(self.labels), torch.tensor(self.scores))

    def paint(
        self,
        mask: int,
        points: Sequence[tuple[int, int]],
        *,
        erase: bool = False,
        size: int | None = None,
    ) -> None:
        """Draw a line of cells (column, row) into a mask, or out of it, with a round brush.

        Raises:
            ValueError: if there is no such mask, or no points.
        """
        if not 0 <= mask < len(self.masks):
            raise ValueError(f"mask must be 0 to {len(self.masks) - 1}, got {mask}")
        if not points:
            raise ValueError("points must be at least one cell (column, row), got none")
        covered = brush(points, self.size if size is None else size, (HEIGHT, WIDTH))
        self.masks[mask] = self.masks[mask] & ~covered if erase else self.masks[mask] | covered
        self._look()

    def clear(self, mask: int) -> None:
        """Empty a mask."""
        self.masks[mask] = False
        self._look()

    def reset(self) -> None:
        """Put masks, labels and scores back to where they were at first."""
        self.masks = self._start.masks.clone()
        with self.hold_trait_notifications():
            self.labels = tuple(self._start.labels.tolist())
            self.scores = tuple(round(s, 2) for s in self._start.scores.tolist())
        self._look()

    @property
    def alt(self) -> str:
        notes = self.view["notes"]
        return (
            f"Painted masks, their boxes, semantic map and panoptic map. {self.view['facts']}; "
            f"the semantic map has {notes['semantic']}."
        )

    def picture(self) -> bytes:
        from minseg.draw import png
        from minseg.draw.answers import draw_answers

        return png(draw_answers(self.instances, self.view["notes"], self.rule, CLASSES))

    @t.validate("labels")
    def _labels_known(self, proposal: dict[str, Any]) -> tuple[int, ...]:
        labels = tuple(int(c) for c in proposal["value"])
        if len(labels) != len(self.masks) or not set(labels) <= set(CLASSES):
            raise t.TraitError(
                f"labels must be {len(self.masks)} of {', '.join(map(str, CLASSES))}, got {labels}"
            )
        return labels

    @t.validate("scores")
    def _scores_in_range(self, proposal: dict[str, Any]) -> tuple[float, ...]:
        scores = tuple(float(v) for v in proposal["value"])
        if len(scores) != len(self.masks) or not all(isfinite(s) and 0 <= s <= 1 for s in scores):
            raise t.TraitError(
                f"scores must be {len(self.masks)} numbers from 0 to 1, got {scores}"
            )
        return scores

    @t.validate("chosen")
    def _chosen_exists(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 0), len(self.masks) - 1))

    def answer(self, question: dict[str, Any]) -> None:
        """Strokes, or a button.

        The browser sends every stroke until a view says that it is done, so that none is lost when
        several wait: those with a number up to `done` have been painted.
        """
        if "reset" in question:
            self.reset()
        for stroke in question.get("strokes", ()):
            if stroke["number"] > self._done:
                self._stroke(stroke)
                self._done = stroke["number"]

    def _stroke(self, stroke: dict[str, Any]) -> None:
        mask = stroke["mask"]
        if not 0 <= mask < len(self.masks):
            return
        if stroke.get("clear"):
            self.masks[mask] = False
            return
        points = [(int(x), int(y)) for x, y in stroke["points"][:MOST]]
        covered = brush(points, min(max(int(stroke["size"]), 1), LARGEST), (HEIGHT, WIDTH))
        self.masks[mask] = torch.where(covered, not stroke["erase"], self.masks[mask])

    def make_view(self) -> dict[str, Any]:
        return {**numbers(self.instances, self.rule), "done": self._done}
