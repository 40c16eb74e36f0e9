"""The balance board: five losses meet in one backbone; drag their weights and see what they do.

Each loss's gradient on the backbone is computed once. After that any weights cost nothing, as all
that is shown follows from lengths and angles: how much of the pull is whose, which losses a step
along the weighted sum would lower or raise, and by how much. A button takes the step and measures.
State lives in traits: `board.weights = {"class": 10}; board.preset = "uncertainty"`. Lesson 09.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import ceil, floor, isfinite, log10
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets as t

from minseg.data import SceneDataset
from minseg.data.example import Sample
from minseg.experiments.shared_gradients import (
    PRESETS,
    balance,
    losses_after_step,
    preset,
    shared_gradients,
)
from minseg.explore.balance_board.numbers import row, short, sign
from minseg.explore.base.page import script
from minseg.explore.base.widget import Still
from minseg.models import MaskRCNN

LEAST, MOST = 0.01, 100.0  # weights: four decades
BY_HAND = "by hand"
SEED, DRAWN = 2, (4, 5)  # of the fresh model and of its scenes: no shown number is near a tie


class BalanceBoard(Still, anywidget.AnyWidget):
    """The widget.

    Args:
        model: a `MaskRCNN`, of which a copy is kept; a fresh one if left out.
        scenes: a small batch, each with `image` and `instances`; two for training if left out.

    Traits:
        weights: by name of loss, 0.01 to 100; those left out are 1.
        preset: one of `PRESETS`, which sets the weights, or "by hand" once they are others.
        step: length of the step, in units of the backbone's parameters.
        view: what the browser draws; made anew whenever one of the others changes.

    Raises:
        ValueError: as `shared_gradients` says.
    """

    _esm = script("balance_board")
    _css = Path(__file__).with_name("style.css")

    names = t.Tuple().tag(sync=True)
    lengths = t.Tuple().tag(sync=True)  # log10 ‖g‖ of each loss, where its weight is 1
    cosines = t.Tuple().tag(sync=True)  # of every two gradients
    span = t.Tuple().tag(sync=True)  # powers of ten at both ends of the axis of pulls
    bounds = t.Tuple(default_value=(LEAST, MOST)).tag(sync=True)
    presets = t.Dict(default_value=PRESETS).tag(sync=True)
    weights = t.Dict().tag(sync=True)
    preset = t.Enum((*PRESETS, BY_HAND), "all 1").tag(sync=True)
    step = t.Float(0.01, min=1e-3, max=1.0).tag(sync=True)
    view = t.Dict().tag(sync=True)

    def __init__(
        self, model: MaskRCNN | None = None, scenes: Sequence[Sample] | None = None, **traits: Any
    ) -> None:
        self.model = _fresh() if model is None else copy.deepcopy(model)
        dataset = SceneDataset("train")
        self.scenes = [dataset[k] for k in DRAWN] if scenes is None else list(scenes)
        self.found = shared_gradients(self.model, self.scenes)
        norms = self.found.norms
        lengths = norms.clamp(min=max(1e-4 * float(norms.max()), 1e-12)).log10().tolist()
        self._measured: dict[str, float] = {}
        weights = traits.pop("weights", {})
        if weights:
            traits.setdefault("preset", BY_HAND)
        super().__init__(
            names=self.found.names,
            lengths=tuple(lengths),
            cosines=tuple(self.found.cosines.tolist()),
            span=(floor(min(lengths) + log10(LEAST)), ceil(max(lengths) + log10(MOST))),
            **traits,
        )
        self.weights = weights
        self._choose()
        self.observe(self._choose, ["preset"])
        self.observe(self._leave_preset, ["weights"])
        self.observe(self._change, ["weights", "preset", "step"])
        self.on_msg(self._asked)
        self._look()

    def numbers(self) -> dict[str, dict[str, float]]:
        """What is shown, by loss.

        Returns:
            For each loss its "loss", "norm" (of its gradient), "weight", "pull" (their product),
            "share" (of all pulls), "cosine" (with the weighted sum) and "change" (to first order,
            for the step); "measured" too, after `take_step`.
        """
        now, rows = balance(self.found, self._vector()), {}
        for k, name in enumerate(self.names):
            rows[name] = {
                "loss": float(self.found.losses[k]),
                "norm": float(self.found.norms[k]),
                "weight": self.weights[name],
                "pull": float(now.pulls[k]),
                "share": float(now.shares[k]),
                "cosine": float(now.cosines[k]),
                "change": self.step * float(now.slopes[k]),
            }
            if self._measured:
                rows[name]["measured"] = self._measured[name]
        return rows

    def take_step(self) -> dict[str, float]:
        """How each loss truly changes by the step; the model is put back."""
        after = losses_after_step(self.model, self.scenes, self.found, self._vector(), self.step)
        changes = (after - self.found.losses).tolist()
        self._measured = dict(zip(self.names, changes, strict=True))
        self._look()
        return self._measured

    @property
    def alt(self) -> str:
        return f"Gradients of {len(self.names)} losses on one backbone. {self.view['facts']}"

    def picture(self) -> bytes:
        from minseg.draw import png
        from minseg.explore.balance_board.still import draw_balance

        return png(draw_balance(self.names, self.found, self._vector()))

    @t.validate("weights")
    def _in_bounds(self, proposal: dict[str, Any]) -> dict[str, float]:
        given = {name: float(weight) for name, weight in proposal["value"].items()}
        unknown = set(given) - set(self.names)
        if unknown or not all(w > 0 and isfinite(w) for w in given.values()):
            raise t.TraitError(
                f"weights must be numbers above 0, by names among {', '.join(self.names)}, "
                f"got {given}"
            )
        return _bounded({name: given.get(name, 1.0) for name in self.names})

    def _choose(self, _change: object = None) -> None:
        if self.preset != BY_HAND:
            self.weights = self._wanted()

    def _leave_preset(self, _change: object) -> None:
        if self.preset != BY_HAND and self.weights != _bounded(self._wanted()):
            self.preset = BY_HAND

    def _change(self, _change: object) -> None:
        self._measured = {}  # was measured elsewhere
        self._look()

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """New weights from the browser, or a button; answered by one new `view`."""
        if "n" not in content:
            return  # a nudge, see page.js
        with self.hold_sync():
            if "preset" in content:
                self.preset = content["preset"]
            if "weights" in content:
                self.weights = content["weights"]
            if content.get("take"):
                self.take_step()
            drawn = self.view["drawn"] + 1
            self.view = {**self.view, "answers": content["n"], "drawn": drawn}

    def _wanted(self) -> dict[str, float]:
        """Weights as the preset's formula gives them, without bounds; none by hand."""
        if self.preset == BY_HAND:
            return {}
        return dict(zip(self.names, preset(self.preset, self.found).tolist(), strict=True))

    def _vector(self) -> torch.Tensor:
        return torch.tensor([self.weights[n] for n in self.names], dtype=torch.float64)

    def _look(self) -> None:
        numbers, now = self.numbers(), balance(self.found, self._vector())
        shares = {name: one["share"] for name, one in numbers.items()}
        largest = max(shares.values())
        most = (
            "each" if largest - min(shares.values()) < 1e-3 else max(shares, key=shares.__getitem__)
        )
        raised = [name for name in self.names if sign(numbers[name]["cosine"]) < 0]
        facts = (
            f"Weights {', '.join(short(w) for w in self.weights.values())} ({self.preset}): "
            f"{most} has {largest:.0%} of the pull; a step of {self.step:.2g} "
            f"raises {', '.join(raised) or 'no loss'}."
        )
        self.view = {
            "rows": [row(numbers[name]) for name in self.names],
            "formula": self._formula(),
            "sum": f"The weighted sum is {short(now.length)} long; if all pulled one way, it would "
            f"be {short(float(now.pulls.sum()))}.",
            "facts": facts,
            "answers": -1,
            "drawn": self.view.get("drawn", 0) + 1,
        }

    def _formula(self) -> str:
        wanted = self._wanted()
        cut = [
            f"{name} {short(w) if w < 1e6 else 'above a million'}"
            for name, w in wanted.items()
            if not LEAST <= w <= MOST
        ]
        said = PRESETS.get(self.preset, "w as you set them")
        return f"{said}. Out of reach, so cut: {', '.join(cut)}" if cut else said


def _fresh() -> MaskRCNN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return MaskRCNN()


def _bounded(weights: dict[str, float]) -> dict[str, float]:
    return {name: min(max(weight, LEAST), MOST) for name, weight in weights.items()}
