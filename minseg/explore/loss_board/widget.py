"""The loss board: one predicted disc to drag over a true one, and twelve opinions on it.

Every move shows the value of all losses, how much each has changed since a mark was set, and the
push of one of them: where it would raise the network's output, where lower it. All numbers come
from `minseg.losses`, by way of `loss_scene`; the browser draws them. Lesson 03.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, log2
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets as t
from torch import Tensor

from minseg.draw.losses import block_marks
from minseg.experiments.loss_pair import (
    HEIGHT,
    LOSSES,
    OF_DISTANCES,
    OF_LOGITS,
    WIDTH,
    WITH_A_PUSH,
    MaskTruth,
    Prediction,
    disc,
    evaluate,
    push,
    share_near,
)
from minseg.explore.base.page import script
from minseg.explore.base.png import one_thread
from minseg.explore.base.widget import Still

Disc = tuple[float, float, float]  # x, y, radius in pixels

TRUE_DISC: Disc = (28, 24, 12)
DISCS: tuple[Disc, Disc] = ((33, 22, 9), (57, 41, 3))  # the predicted one, and the far blob
SMALLEST, LARGEST = 1.5, 20.0  # pixels: radii
STEPS = 3.0  # a bar ends where a loss is 2³ times, or an eighth of, what it was


class LossBoard(Still, anywidget.AnyWidget):
    """The widget. Every setting is a trait: `LossBoard(loss="boundary", blob=True)`.

    Traits:
        discs: (x, y, radius) of the predicted disc and of the blob, to be dragged.
        blob, hole: whether the prediction has a second blob, and a hole a third as wide as it.
        softness: pixels over which the predicted probability goes from 0.5 to 0.73.
        loss: whose push is drawn, one of `minseg.experiments.loss_pair.WITH_A_PUSH`.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm = script("loss_board")
    _css = Path(__file__).with_name("style.css")

    size = t.Tuple(default_value=(HEIGHT, WIDTH)).tag(sync=True)
    truth = t.Tuple(default_value=TRUE_DISC).tag(sync=True)
    losses = t.Tuple(default_value=WITH_A_PUSH).tag(sync=True)
    discs = t.Tuple(default_value=DISCS).tag(sync=True)
    blob = t.Bool(False).tag(sync=True)
    hole = t.Bool(False).tag(sync=True)
    softness = t.Float(1.0, min=0.25, max=4.0).tag(sync=True)
    loss = t.Enum(WITH_A_PUSH, "BCE").tag(sync=True)
    view = t.Dict().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._target = MaskTruth.of(disc(*TRUE_DISC) > 0)
        self._least = _least(self._target)
        self._mark = evaluate(self.prediction, self._target)
        self._start = self.discs, self.blob, self.hole, self.softness
        self.observe(self._look, ["discs", "blob", "hole", "softness", "loss"])
        self.on_msg(self._asked)
        self._look()

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
        from minseg.draw import ALIGN_COLOUR, TRUTH_COLOUR, draw_image, figure, png
        from minseg.draw.losses import draw_outline, draw_push

        prediction = self.prediction
        fig, (left, right) = figure(columns=2, height=330)
        title = "Predicted (dark), the truth's outline wide"
        draw_image(left, prediction.logits.sigmoid(), title, cmap="Greys", limits=(-0.1, 1.4))
        draw_outline(left, disc(*TRUE_DISC), TRUTH_COLOUR, width=3)
        draw_outline(left, prediction.distances, ALIGN_COLOUR)
        field = push(self.loss, prediction, self._target)
        draw_push(right, field, disc(*TRUE_DISC), f"Where {self.loss} pushes: + up, − down")
        return png(fig)

    @t.validate("discs")
    def _discs_inside(self, proposal: dict[str, Any]) -> tuple[Disc, ...]:
        discs = tuple(tuple(float(v) for v in one) for one in proposal["value"])
        if len(discs) != 2 or not all(len(d) == 3 and all(map(isfinite, d)) for d in discs):
            raise t.TraitError(f"discs must be two of three finite numbers each, got {discs}")
        return tuple(
            (min(max(x, 0.0), WIDTH), min(max(y, 0.0), HEIGHT), min(max(r, SMALLEST), LARGEST))
            for x, y, r in discs
        )

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """New places from the browser, or a button; answered by one new `view`."""
        if "n" not in content:
            return  # a nudge, see page.js
        with self.hold_sync():
            if content.get("reset"):
                self.reset()
            if content.get("mark"):
                self.mark()
            for trait in ("discs", "softness"):
                if trait in content:
                    setattr(self, trait, content[trait])
            drawn = self.view["drawn"] + 1  # every change has been looked at: send it once
            self.view = {**self.view, "answers": content["n"], "drawn": drawn}

    @one_thread()
    def _look(self, _change: object = None) -> None:
        prediction = self.prediction
        values = evaluate(prediction, self._target)
        field = push(self.loss, prediction, self._target)
        most = float(field.abs().max())
        near = share_near(field, self._target)
        wrong = int(((prediction.logits > 0) != self._target.mask).sum())
        told = f"{near:.0%} of its push is within 2 px of the outline" if most else "no push at all"
        x, y, radius = self.discs[0]
        facts = (
            f"Disc at ({x:.1f}, {y:.1f}), radius {radius:.1f}: {wrong} pixels wrong. "
            f"{self.loss} {values[self.loss]:.3f}: {told}."
        )
        self.view = {
            "rows": [_row(name, values, self._mark, self._least) for name in LOSSES],
            "probability": _bytes(255 * prediction.logits.sigmoid()),
            "field": _bytes(128 + 127 * field / (most or 1.0)),
            "marks": block_marks(field),
            "most": f"{most:.2g}",
            "unit": "logit" if self.loss in OF_LOGITS else "distance",
            "facts": facts,
            "answers": -1,
            "drawn": self.view.get("drawn", 0) + 1,
        }


def _least(truth: MaskTruth) -> dict[str, float]:
    """The least value of every loss: 0, but for the boundary loss, whose gain is negative."""
    gain = float(truth.distances.clamp(min=0).mean())
    return {name: -gain if name == "boundary" else 0.0 for name in LOSSES}


def _row(
    name: str, values: Mapping[str, float], mark: Mapping[str, float], least: Mapping[str, float]
) -> dict[str, Any]:
    """A loss's value, its change since the mark, and the doublings between the two as a bar."""
    now, before = values[name] - least[name], mark[name] - least[name]
    doublings = 0.0 if now == before else log2(max(now, 1e-9) / max(before, 1e-9))
    pixels = name not in OF_LOGITS or name == "boundary"
    change = round(values[name] - mark[name], 3) + 0.0  # never −0
    return {
        "name": name,
        "value": f"{values[name]:.3f}{' px' if pixels else ''}".replace("-", "−"),
        "change": f"{change:+.3f}".replace("-", "−"),
        "bar": min(max(doublings / STEPS, -1.0), 1.0),
        "pushes": name in OF_LOGITS or name in OF_DISTANCES,
    }


def _bytes(values: Tensor) -> bytes:
    return values.round().clamp(0, 255).to(torch.uint8).numpy().tobytes()
