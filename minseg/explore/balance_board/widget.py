"""The balance board: five losses share one backbone; drag their weights and see what they do.

Each loss's gradient on the backbone is computed once. After that any weights cost nothing, as all
that is shown follows from lengths and angles: each loss's share of the pull, which losses a step
along the weighted sum would lower or raise, and by how much. A button takes the step and measures.
State lives in traits: `board.weights = {"class": 10}; board.preset = "uncertainty"`. Unit 43.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from math import ceil, floor, isfinite, log10
from typing import Any

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
from minseg.explore.balance_board.numbers import (
    BY_HAND,
    LEAST,
    MOST,
    facts,
    formula,
    numbers,
    row,
    short,
)
from minseg.explore.base.page import script, style
from minseg.explore.base.widget import Widget
from minseg.models import MaskRCNN

SEED, DRAWN = 2, (4, 5)  # of the fresh model and of its scenes: no shown number is near a tie


class BalanceBoard(Widget):
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

    _esm, _css = script("balance_board"), style("balance_board")

    names = t.Tuple().tag(sync=True)
    lengths = t.Tuple().tag(sync=True)  # log10 ‖g‖ of each loss, where its weight is 1
    cosines = t.Tuple().tag(sync=True)  # of every two gradients
    span = t.Tuple().tag(sync=True)  # powers of ten at both ends of the axis of pulls
    bounds = t.Tuple(default_value=(LEAST, MOST)).tag(sync=True)
    presets = t.Dict(default_value=PRESETS).tag(sync=True)
    weights = t.Dict().tag(sync=True)
    preset = t.Enum((*PRESETS, BY_HAND), "all 1").tag(sync=True)
    step = t.Float(0.01, min=1e-3, max=1.0).tag(sync=True)

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
        self.observe(self._forget, ["weights", "preset", "step"])
        self._follow("weights", "preset", "step")

    def numbers(self) -> dict[str, dict[str, float]]:
        """What is shown, by loss: see `minseg.explore.balance_board.numbers.numbers`."""
        return numbers(self.found, self._vector(), self.step, self._measured)

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

    def _forget(self, _change: object) -> None:
        self._measured = {}  # was measured elsewhere

    def answer(self, question: dict[str, Any]) -> None:
        """New weights, or a button."""
        if "preset" in question:
            self.preset = question["preset"]
        if "weights" in question:
            self.weights = question["weights"]
        if "take" in question:
            self.take_step()

    def make_view(self) -> dict[str, Any]:
        rows, now = self.numbers(), balance(self.found, self._vector())
        return {
            "rows": [row(rows[name]) for name in self.names],
            "formula": formula(self.preset, self._wanted()),
            "sum": f"The weighted sum is {short(now.length)} long; if all pulled one way, it would "
            f"be {short(float(now.pulls.sum()))}.",
            "facts": facts(rows, self.preset, self.step),
        }

    def _wanted(self) -> dict[str, float]:
        """Weights as the preset's formula gives them, without bounds; none by hand."""
        if self.preset == BY_HAND:
            return {}
        return dict(zip(self.names, preset(self.preset, self.found).tolist(), strict=True))

    def _vector(self) -> torch.Tensor:
        return torch.tensor([self.weights[n] for n in self.names], dtype=torch.float64)


def _fresh() -> MaskRCNN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return MaskRCNN()


def _bounded(weights: dict[str, float]) -> dict[str, float]:
    return {name: min(max(weight, LEAST), MOST) for name, weight in weights.items()}
