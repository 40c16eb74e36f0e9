"""The PQ playground: spoil a perfect panoptic map, segment by segment, and watch PQ follow.

Drag a segment of the prediction, or click it and merge, split, erode, grow, relabel or delete it.
The quality, the parts of the loss and the fate of each segment follow at once. State lives in
Python: `playground.edit("erode", 1001)` does what the button does, and `playground.prediction` is
the map. Every number comes from `minseg.metrics`; the browser only draws. Unit 33.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets as t
from torch import Tensor

from minseg.data import STUFF, THINGS, make_scene
from minseg.experiments import panoptic_edits
from minseg.explore.base.page import script, style
from minseg.explore.base.values import point_inside
from minseg.explore.base.widget import Widget
from minseg.explore.pq_playground.numbers import PanopticView, numbers
from minseg.metrics.pq import panoptic_quality
from minseg.metrics.pq_errors import panoptic_errors
from minseg.metrics.pq_matching import Categories, match_segments

EDITS: dict[str, Callable[..., Tensor]] = {
    "merge": panoptic_edits.merge,
    "split": panoptic_edits.split,
    "erode": panoptic_edits.shrink,
    "grow": panoptic_edits.grow,
    "relabel": panoptic_edits.relabel,
    "delete": panoptic_edits.delete,
    "move": panoptic_edits.move,
}
UNDO = 100  # edits that can be taken back


class PQPlayground(Widget):
    """The widget.

    Args:
        target: (H, W) integer ids, the truth; a synthetic scene of 96 × 128 if left out.
        prediction: (H, W) ids to start from; the truth itself if left out.
        things, stuff: category id to name.
        max_instances: the divisor of the ids.

    Traits:
        selected: id of the segment that edits change, 0 for none.
        merging: whether the next click merges a segment into the selected one.
        truth, view: what the browser draws; `view` is made anew after each edit.

    Raises:
        TypeError, ValueError: as `minseg.metrics.panoptic_quality` says of the two maps.
    """

    _esm, _css = script("pq_playground"), style("pq_playground")

    size = t.Tuple().tag(sync=True)  # (height, width)
    truth = t.Dict().tag(sync=True)
    selected = t.Int(0).tag(sync=True)
    merging = t.Bool(False).tag(sync=True)

    def __init__(
        self,
        target: Tensor | None = None,
        prediction: Tensor | None = None,
        *,
        things: Mapping[int, str] | None = None,
        stuff: Mapping[int, str] | None = None,
        max_instances: int = 1000,
    ) -> None:
        if target is None:
            target = make_scene(9, (96, 128), count=(5, 6)).panoptic
        self.things = dict(things or list(THINGS.items())[:3])
        self.stuff = dict(STUFF if stuff is None else stuff)
        self.max_instances = max_instances
        self.target, self.start = target, target if prediction is None else prediction
        self.prediction = self.start
        self._drawing = PanopticView(self.things, self.stuff, max_instances)
        self._past: list[Tensor] = []
        self._held: tuple[int, Tensor] | None = None  # what is dragged, and the map before
        self._measure()
        super().__init__(size=tuple(target.shape))
        draw = self._drawing
        self.truth = {"png": draw.png(target), "segments": draw.segments(target)}
        self._said = "Choose a segment of the prediction."
        self._follow()

    def edit(self, name: str, segment: int | None = None, *more: int) -> None:
        """Change one segment, as a button does.

        Args:
            name: one of `EDITS`. "merge" takes the id of the segment to swallow, "relabel" a
                category (the next of its kind if left out), "move" dx and dy.
            segment: its id; the selected one if left out.

        Raises:
            ValueError: if there is no such edit, or the prediction has no such segment.
        """
        if name not in EDITS:
            raise ValueError(f"name must be one of {', '.join(EDITS)}, got {name!r}")
        segment = self.selected if segment is None else segment
        if name == "relabel":
            more = (*(more or (self._next_category(segment),)), self.max_instances)
        if name == "split":
            more = (self.max_instances,)
        before = self.prediction
        changed = EDITS[name](before, segment, *more)
        if name == "relabel" and self.selected == segment:
            self.selected = int(changed[before == segment][0])
        self._remember()
        other = f" with {self._drawing.name(more[0])}" if name == "merge" else ""
        self._become(changed, f"{name} {self._drawing.name(segment)}{other}")

    def undo(self) -> None:
        """Take back the last edit; nothing happens if there is none."""
        if self._past:
            self._become(self._past.pop(), "undo")

    def reset(self) -> None:
        """Go back to the map at the start; this can be taken back, too."""
        self._remember()
        self._become(self.start, "reset")

    @property
    def alt(self) -> str:
        q = self.quality
        return (
            f"A true and a predicted panoptic map side by side, a table of their quality, PQ "
            f"{q.pq:.3f}, SQ {q.sq:.3f}, RQ {q.rq:.3f}, and a bar with the causes of the loss."
        )

    def picture(self) -> bytes:
        from minseg.explore.pq_playground.still import picture

        names = self._drawing.names
        return picture(self.target, self.prediction, names, self.quality.pq, self.view["parts"])

    # ---- What a message of the browser does

    def answer(self, question: dict[str, Any]) -> None:
        """A click, a key or a drag."""
        try:
            self._do(question)
        except ValueError as error:
            self._say(str(error))

    def _do(self, question: dict[str, Any]) -> None:
        action = question["do"]
        if not self.selected and action in (*EDITS, "drag"):
            self._say("Choose a segment of the prediction first.")
        elif action == "point":
            x, y = question["at"]
            height, width = self.size
            j, i = point_inside((int(x), int(y)), (height - 1, width - 1))
            self._choose(int(self.prediction[int(i), int(j)]))
        elif action == "step":
            self._step(question["by"])
        elif action == "drag":
            self._drag(question["by"])
        elif action == "merge":
            self.merging = not self.merging
            self._say("Now click what it is to swallow." if self.merging else "")
        elif action in ("undo", "reset"):
            getattr(self, action)()
        else:
            self.edit(action, None, *question.get("more", ()))

    def _choose(self, segment: int) -> None:
        """Select a segment, or merge it into the selected one that waits for it."""
        self._held = None
        if self.merging and segment not in (0, self.selected):
            self.merging = False
            self.edit("merge", self.selected, segment)
            return
        self.merging, self.selected = False, segment
        self._say("")

    def _step(self, by: int) -> None:
        """Select the next segment; while merging, swallow the neighbour in reading order."""
        ids = [segment["id"] for segment in self.view["segments"]]
        if ids:
            here = ids.index(self.selected) if self.selected in ids else -(by > 0)
            self._choose(ids[(here + by) % len(ids)])

    def _drag(self, by: tuple[int, int]) -> None:
        """Move the selected segment to `by` from where the drag began: each step starts there."""
        if self._held is None or self._held[0] != self.selected:
            self._held = self.selected, self.prediction
            self._remember()
        segment, before = self._held
        moved = panoptic_edits.move(before, segment, *(int(v) for v in by))
        self._become(moved, f"move {self._drawing.name(segment)} by {tuple(by)}", held=True)

    def _next_category(self, segment: int) -> int:
        category = segment // self.max_instances
        kind = sorted(self.things if category in self.things else self.stuff)
        return kind[(kind.index(category) + 1) % len(kind)] if category in kind else category

    # ---- What is measured, and what is drawn

    def _remember(self) -> None:
        self._past = [*self._past, self.prediction][-UNDO:]

    def _become(self, prediction: Tensor, said: str, held: bool = False) -> None:
        before = self.quality.pq
        self.prediction = prediction
        if not held:
            self._held = None
        self._measure()
        self._say(f"{said.capitalize()}: PQ {before:.3f} → {self.quality.pq:.3f}")

    def _measure(self) -> None:
        options: dict[str, Any] = {"things": self.things, "stuff": self.stuff}
        options["max_instances"] = self.max_instances
        self.quality = panoptic_quality([self.prediction], [self.target], **options)
        self.errors = panoptic_errors([self.prediction], [self.target], **options)
        categories = Categories(**options)
        self.matching = match_segments(self.prediction, self.target, categories)

    def _say(self, said: str) -> None:
        self._said = said
        self._look()

    def make_view(self) -> dict[str, Any]:
        shown = numbers(self._drawing, self.prediction, self.matching, self.quality, self.errors)
        if self.selected not in {one["id"] for one in shown["segments"]}:
            self.selected, self.merging = 0, False  # it was swallowed or deleted
        chosen = self._drawing.name(self.selected) if self.selected else "nothing"
        return {
            **shown,
            "chosen": chosen,
            "said": self._said,
            "facts": f"Selected: {chosen}. {self._said}",
            "undo": len(self._past),
        }
