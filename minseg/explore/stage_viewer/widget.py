"""The stage viewer: choose a RoI and follow it from its anchor to its mask, or drag it elsewhere.

Each tab is a stage of Mask R-CNN, drawn over the image: anchors, proposals, the RoIs that training
would draw, boxes, masks. The chosen RoI is the same one on all of them. Dragged, it asks the heads
about a box that nobody proposed: how far do they pull it back, and when do they lose it? State
lives in traits: `viewer.chosen = 7; viewer.box = (40, 30, 95, 88)`. Unit 40.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.data import Scene, coins_truth, photo
from minseg.data.example import Example
from minseg.experiments.mask_rcnn_trace import MaskRCNNTrace
from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread, to_png
from minseg.explore.base.svg_path import pixels_path
from minseg.explore.base.values import Box, box_inside, finite
from minseg.explore.base.widget import Widget
from minseg.explore.stage_viewer.numbers import STAGES, captions, numbers, rois
from minseg.instances import Instances
from minseg.models import MaskRCNN, load_coins

SMALLEST = 2.0  # image pixels, the least side of a box
ROWS, COLUMNS = slice(6, 230), slice(4, 244)  # of the photograph: 12 coins, none of them cut


def coins_scene() -> Example:
    """Twelve coins of `photo("coins")`, 224 × 240 pixels, with their truth."""
    truth = coins_truth()
    masks = truth.masks[:, ROWS, COLUMNS]
    seen = masks.any(dim=2).any(dim=1)
    return Example(photo("coins")[:, ROWS, COLUMNS], Instances(masks[seen], truth.labels[seen]))


class StageViewer(Widget):
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

    _esm, _css = script("stage_viewer"), style("stage_viewer")

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

    def __init__(
        self, model: MaskRCNN | None = None, scene: Example | Scene | None = None, **traits: Any
    ) -> None:
        model = load_coins() if model is None else model
        scene = coins_scene() if scene is None else scene
        self.trace = trace = MaskRCNNTrace(model, scene.image, scene.instances)
        traits.setdefault("chosen", int(trace.kept.long().argmax()))  # the first that is kept
        super().__init__(
            strides=model.strides,
            captions=captions(trace),
            size=tuple(scene.image.shape[1:]),
            image_png=to_png(scene.image),
            rois=rois(trace),
            masks=tuple(pixels_path(mask) for mask in trace.masks[trace.kept]),
            truths=tuple(trace.things.tolist()),
            **traits,
        )
        self.observe(self._put_back, ["chosen"])
        self._follow("stage", "box")

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

        return png(draw_stages(self.trace, self.chosen))

    @t.validate("chosen")
    def _exists(self, proposal: dict[str, Any]) -> int:
        return int(min(max(proposal["value"], 0), len(self.trace.proposal) - 1))

    @t.validate("box")
    def _inside(self, proposal: dict[str, Any]) -> Box | tuple[()]:
        if not len(proposal["value"]):
            return ()
        return box_inside(finite("box", proposal["value"], 4), self.size, SMALLEST)

    def answer(self, question: dict[str, Any]) -> None:
        """The chosen RoI moved, or put back."""
        self.box = tuple(question["box"])

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(self.trace, self.stage, self.chosen, self.box)

    def _put_back(self, _change: object) -> None:
        """Another RoI stands where it was proposed."""
        if self.box:
            self.box = ()  # which makes a new view
        else:
            self._look()
