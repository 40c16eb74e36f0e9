"""The loss board: one predicted disc to drag over a true one, and twelve losses of the two.

Every move shows the value of all losses, how much each has changed since a mark was set, and the
push of one of them: where it would raise the network's output, where lower it. All numbers come
from `minseg.losses`, by way of `minseg.experiments.loss_pair`; the browser draws them. Unit 14.
"""

from __future__ import annotations

from typing import Any

import torch
import traitlets as t

from minseg.experiments.loss_pair import (
    HEIGHT,
    LOSSES,
    WIDTH,
    WITH_A_PUSH,
    MaskTruth,
    Prediction,
    disc,
    evaluate,
)
from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread
from minseg.explore.base.values import finite, point_inside
from minseg.explore.base.widget import Widget
from minseg.explore.loss_board.numbers import TRUE_DISC, Disc, numbers

DISCS: tuple[Disc, Disc] = ((33, 22, 9), (57, 41, 3))  # the predicted one, and the far blob
SMALLEST, LARGEST = 1.5, 20.0  # pixels: radii


class LossBoard(Widget):
    """The widget. Every setting is a trait: `LossBoard(loss="boundary", blob=True)`.

    Traits:
        losses: which of `minseg.experiments.loss_pair.LOSSES` have a row, all if left out.
        discs: (x, y, radius) of the predicted disc and of the blob, to be dragged.
        blob, hole: whether the prediction has a second blob, and a hole a third as wide as it.
        softness: pixels over which the predicted probability goes from 0.5 to 0.73.
        loss: whose push is drawn, one of `minseg.experiments.loss_pair.WITH_A_PUSH`.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm, _css = script("loss_board"), style("loss_board")

    size = t.Tuple(default_value=(HEIGHT, WIDTH)).tag(sync=True)
    truth = t.Tuple(default_value=TRUE_DISC).tag(sync=True)
    losses = t.Tuple(default_value=LOSSES).tag(sync=True)
    discs = t.Tuple(default_value=DISCS).tag(sync=True)
    blob = t.Bool(False).tag(sync=True)
    hole = t.Bool(False).tag(sync=True)
    softness = t.Float(1.0, min=0.25, max=4.0).tag(sync=True)
    loss = t.Enum(WITH_A_PUSH, "BCE").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._target = MaskTruth.of(disc(*TRUE_DISC) > 0)
        self._mark = evaluate(self.prediction, self._target)
        self._start = self.discs, self.blob, self.hole, self.softness
        self._follow("discs", "blob", "hole", "softness", "loss", "losses")

    @property
    def prediction(self) -> Prediction:
        """What the network is supposed to have put out."""
        x, y, radius = self.discs[0]
        distances = disc(x, y, radius)
        if self.hole:
            distances = torch.minimum(distances, -disc(x, y, radius / 3))
        if self.blob:
            distances = torch.maximum(distances, disc(*self.discs[1]))
        return Prediction(distances / self.softness, distances)

    def mark(self) -> None:
        """Compare with the present state from now on."""
        self._mark = evaluate(self.prediction, self._target)
        self._look()

    def reset(self) -> None:
        """Put everything back to where it was at first; the mark too."""
        with self.hold_trait_notifications():
            self.discs, self.blob, self.hole, self.softness = self._start
        self.mark()

    @property
    def alt(self) -> str:
        return f"A predicted disc over a true one, and the push of a loss. {self.view['facts']}"

    def picture(self) -> bytes:
        from minseg.explore.loss_board.still import picture

        return picture(self.prediction, self._target, self.loss)

    @t.validate("discs")
    def _discs_inside(self, proposal: dict[str, Any]) -> tuple[Disc, ...]:
        discs = [finite("each of discs", one, 3) for one in proposal["value"]]
        if len(discs) != 2:
            raise t.TraitError(f"discs must be two of (x, y, radius), got {len(discs)}")
        return tuple(
            (*point_inside((x, y), (HEIGHT, WIDTH)), min(max(radius, SMALLEST), LARGEST))
            for x, y, radius in discs
        )

    @t.validate("losses")
    def _losses_known(self, proposal: dict[str, Any]) -> tuple[str, ...]:
        unknown = [name for name in proposal["value"] if name not in LOSSES]
        if unknown or not proposal["value"]:
            wrong = ", ".join(map(str, unknown)) or "none"
            raise t.TraitError(f"losses must be some of {', '.join(LOSSES)}, got {wrong}")
        return tuple(proposal["value"])

    def answer(self, question: dict[str, Any]) -> None:
        """New places, another edge, or a button."""
        if "reset" in question:
            self.reset()
        if "mark" in question:
            self.mark()
        for trait in ("discs", "softness"):
            if trait in question:
                setattr(self, trait, question[trait])

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        pair = self.prediction, self._target
        return numbers(self.discs[0], *pair, self._mark, self.loss, self.losses)
