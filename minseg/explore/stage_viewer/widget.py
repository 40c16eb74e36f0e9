"""The stage viewer: choose a RoI and follow it from its anchor to its mask, or drag it elsewhere.

Each tab is a stage of Mask R-CNN, drawn over the image: anchors, proposals, the RoIs that training
would draw, boxes, masks. The chosen RoI is the same one on all of them. Dragged, it asks the heads
about a box that nobody proposed: how far do they pull it back, and when do they lose it? State
lives in traits: `viewer.chosen = 7; viewer.box = (40, 30, 95, 88)`. Lesson 08.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import anywidget
import torch
import traitlets as t
from torch import Tensor

from minseg.data import Scene, coins_truth, photo
from minseg.experiments.mask_rcnn_trace import Heads, Walk
from minseg.explore.base.page import script
from minseg.explore.base.png import one_thread, to_png
from minseg.explore.base.svg_path import pixels_path
from minseg.explore.base.widget import Still
from minseg.explore.stage_viewer.numbers import captions, lines, shown
from minseg.instances import Instances
from minseg.models import MaskRCNN, load_coins
from minseg.train import Example

STAGES = {
    "anchors": "Anchors",
    "proposals": "Proposals",
    "samples": "Sampled RoIs",
    "boxes": "Class and box",
    "masks": "Masks",
}
SMALLEST = 2.0  # image pixels, the least side of a box
ROWS, COLUMNS = slice(6, 230), slice(4, 244)  # of the photograph: 12 coins, none of them cut


def coins_scene() -> Example:
    """Twelve coins of `photo("coins")`, 224 × 240 pixels, with their truth."""
    truth = coins_truth()
    masks = truth.masks[:, ROWS, COLUMNS]
    seen = masks.any(dim=2).any(dim=1)
    return Example(photo("coins")[:, ROWS, COLUMNS], Instances(masks[seen], truth.labels[seen]))


class StageViewer(Still, anywidget.AnyWidget):
    """The widget.

    Args:
        model: a `MaskRCNN` on the CPU; the one of `load_coins` if left out.
        scene: with `image` (3, H, W) and `instances`; `coins_scene` if left out.

    Traits:
        stage: one of `STAGES`. chosen: the number of a RoI, from 0, by decreasing objectness.
        box: (x1, y1, x2, y2) in image pixels, where the chosen RoI was moved to; () where it is.
        rois: for each stage, (x1, y1, x2, y2, how it is drawn) of every RoI.
        view: what the browser draws of the chosen RoI; made anew whenever something changes.

    Raises:
        ValueError: if the model proposes nothing in the scene, or does not know a thing's class.
    """

    _esm = script("stage_viewer")
    _css = Path(__file__).with_name("style.css")

    stages = t.Dict(default_value=STAGES).tag(sync=True)
    strides = t.Tuple().tag(sync=True)  # of the model's levels
    captions = t.Dict().tag(sync=True)
    size = t.Tuple().tag(sync=True)  # (height, width) of the image
    image_png = t.Bytes().tag(sync=True)
    rois = t.Dict().tag(sync=True)
    masks = t.Tuple().tag(sync=True)  # SVG paths of what is found
    truths = t.Tuple().tag(sync=True)  # boxes of the things
    stage = t.Enum(tuple(STAGES), "anchors").tag(sync=True)
    chosen = t.Int(0).tag(sync=True)
    box = t.Tuple().tag(sync=True)
    view = t.Dict().tag(sync=True)

    def __init__(
        self, model: MaskRCNN | None = None, scene: Example | Scene | None = None, **traits: Any
    ) -> None:
        model = load_coins() if model is None else model
        scene = coins_scene() if scene is None else scene
        self.walk = walk = Walk(model, scene.image, scene.instances)
        traits.setdefault("chosen", int(walk.kept.long().argmax()))  # the first that is kept
        super().__init__(
            strides=model.strides,
            captions=captions(walk),
            size=tuple(scene.image.shape[1:]),
            image_png=to_png(scene.image),
            rois=_rois(walk),
            masks=tuple(pixels_path(mask) for mask in walk.masks[walk.kept]),
            truths=tuple(walk.things.tolist()),
            **traits,
        )
        self.observe(self._choose, ["chosen"])
        self.observe(self._look, ["stage", "box"])
        self.on_msg(self._asked)
        self._look()

    def __repr__(self) -> str:
        """The same on every machine, whatever the model has learnt."""
        height, width = self.size
        return (
            f"StageViewer: Mask R-CNN's stages on an image of {height} × {width} pixels with "
            f"{len(self.truths)} things, at “{STAGES[self.stage]}”."
        )

    @property
    def alt(self) -> str:
        return (
            f"{self!r} Five panels: anchors, proposals, those drawn for training, boxes, masks, "
            f"one RoI in yellow on each. {self.view['facts']}."
        )

    def picture(self) -> bytes:
        from minseg.draw import png
        from minseg.explore.stage_viewer.still import draw_stages

        return png(draw_stages(self.walk, self.chosen))

    @t.validate("chosen")
    def _exists(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 0), len(self.walk.proposal) - 1))

    @t.validate("box")
    def _inside(self, proposal: dict[str, Any]) -> tuple[float, ...]:
        box = tuple(float(v) for v in proposal["value"])
        if len(box) not in (0, 4) or not all(map(isfinite, box)):
            raise t.TraitError(f"box must be four finite numbers or none, got {box}")
        if not box:
            return ()
        (x1, y1, x2, y2), (height, width) = box, self.walk.image.shape[1:]
        x1, y1 = min(max(x1, 0.0), width - SMALLEST), min(max(y1, 0.0), height - SMALLEST)
        return x1, y1, min(max(x2, x1 + SMALLEST), width), min(max(y2, y1 + SMALLEST), height)

    def _choose(self, _change: object) -> None:
        """Another RoI stands where it was proposed."""
        if self.box:
            self.box = ()  # which is looked at
        else:
            self._look()

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """The chosen RoI moved in the browser, answered by one new `view`."""
        if "n" not in content:
            return  # a nudge, see page.js
        with self.hold_sync():
            self.box = tuple(content["box"])  # which is looked at, if it is another one
            drawn = self.view["drawn"] + 1
            self.view = {**self.view, "answers": content["n"], "drawn": drawn}

    def _heads(self, box: Tensor) -> Heads:
        if self.box:
            return self.walk.ask(box[None])
        return Heads(*(part[self.chosen][None] for part in self.walk.heads))

    def _look(self, _change: object = None) -> None:
        k, walk = self.chosen, self.walk
        box = torch.tensor(self.box) if self.box else walk.proposal[k]
        with one_thread():
            heads = self._heads(box)
            pasted = walk.paste(heads)
            said = lines(walk, k, box, heads, pasted)
        number = f"RoI {k + 1} of {len(walk.proposal)}"
        self.view = {
            **shown(walk, k, box, heads, pasted),
            "lines": said,
            "moved": bool(self.box),
            "facts": f"{number}, {STAGES[self.stage]}: {said[self.stage]}",
            "answers": -1,
            "drawn": self.view.get("drawn", 0) + 1,
        }


def _rois(walk: Walk) -> dict[str, list[list[Any]]]:
    """Boxes of every RoI at each stage, with a word for how to draw it."""
    level = [f"level{k}" for k in walk.level.tolist()]
    role = [("left", "background", "positive")[r + 1] for r in walk.role.tolist()]
    kept = ["kept" if k else "lost" for k in walk.kept.tolist()]
    stages = {
        "anchors": (walk.anchor, level),
        "proposals": (walk.proposal, level),
        "samples": (walk.proposal, role),
        "boxes": (walk.heads.refined, kept),
        "masks": (walk.heads.refined, kept),
    }
    return {
        name: [[*box, word] for box, word in zip(boxes.tolist(), words, strict=True)]
        for name, (boxes, words) in stages.items()
    }
