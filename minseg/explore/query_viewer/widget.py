"""The query viewer: click a query, and see where it looks and what it says, layer by layer.

A query of DETR begins as the same learnt vector for every image. After each decoder layer it has
looked somewhere, and names a class, a box and a mask. The image is bright where it looks; the
layers stand side by side. State lives in traits: `viewer.query = 7; viewer.layer = 0`. Unit 54.
"""

from __future__ import annotations

from typing import Any

import traitlets as t

from minseg.data import Scene, SceneDataset
from minseg.data.example import Example
from minseg.experiments.detr_trace import DETRTrace
from minseg.explore.base.page import script, style
from minseg.explore.base.png import one_thread, to_png
from minseg.explore.base.widget import Widget
from minseg.explore.query_viewer.numbers import numbers, queries
from minseg.models import DETR


class QueryViewer(Widget):
    """The widget.

    Args:
        model: a `DETR` on the CPU.
        scene: with `image` (3, H, W) and `instances`; the first scene of "val" if left out.

    Traits:
        query: the number of a query, from 0; the surest one if left out.
        layer: a layer of the decoder, from 0; the last one if left out.
        head: the attention of which head is shown, from 1; 0 for the mean of all.
        queries: what each query says in the end.
        view: what the browser draws of the chosen query; made anew whenever something changes.
    """

    _esm, _css = script("query_viewer"), style("query_viewer")

    size = t.Tuple().tag(sync=True)  # (height, width) of the image
    frame = t.Tuple().tag(sync=True)  # of the padded image, which the memory covers
    image_png = t.Bytes().tag(sync=True)
    truths = t.Tuple().tag(sync=True)  # boxes of the things
    heads = t.Int().tag(sync=True)
    queries: t.List[Any] = t.List().tag(sync=True)
    query = t.Int(0).tag(sync=True)
    layer = t.Int(0).tag(sync=True)
    head = t.Int(0).tag(sync=True)

    def __init__(self, model: DETR, scene: Example | Scene | None = None, **traits: Any) -> None:
        scene = SceneDataset("val")[0] if scene is None else scene
        self.trace = trace = DETRTrace(model, scene)
        start = {"query": trace.surest_query(), "layer": len(trace.looks) - 1}
        super().__init__(
            size=trace.size,
            frame=trace.frame,
            image_png=to_png(scene.image),
            truths=tuple(trace.truth.boxes.tolist()),
            heads=trace.looks.shape[1],
            queries=queries(trace),
            **{**start, **traits},
        )
        self._follow("query", "layer", "head")

    def __repr__(self) -> str:
        """The same on every machine, whatever the model has learnt."""
        height, width = self.size
        return (
            f"QueryViewer: {len(self.queries)} queries of DETR on an image of {height} × {width} "
            f"pixels with {len(self.truths)} things."
        )

    @property
    def alt(self) -> str:
        return (
            f"{self!r} Bright where one query looks, a panel for each decoder layer. "
            f"{self.view['facts']}"
        )

    def picture(self) -> bytes:
        from minseg.explore.query_viewer.still import picture

        return picture(self.trace, self.query, self._head())

    @t.validate("query", "layer", "head")
    def _exists(self, proposal: dict[str, Any]) -> int:
        heads, layers = self.trace.looks.shape[1], len(self.trace.looks)
        last = {"query": len(self.trace.boxes[0]) - 1, "layer": layers - 1, "head": heads}
        return int(min(max(proposal["value"], 0), last[proposal["trait"].name]))

    def answer(self, question: dict[str, Any]) -> None:
        """Another query, layer or head."""
        for trait in ("query", "layer", "head"):
            if trait in question:
                setattr(self, trait, int(question[trait]))

    @one_thread()
    def make_view(self) -> dict[str, Any]:
        return numbers(self.trace, self.query, self.layer, self._head())

    def _head(self) -> int | None:
        return self.head - 1 if self.head else None
