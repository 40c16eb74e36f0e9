"""What the PQ playground shows: two panoptic maps, the quality of one, its segments' fate.

A segment keeps its colour for as long as the view lives, so the same id looks the same in the true
and in the predicted map, and an edit changes only what it touches. Unit 33.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from minseg.explore.base.png import to_png
from minseg.explore.base.svg_path import outline_path
from minseg.metrics.pq import PanopticQuality
from minseg.metrics.pq_errors import PanopticErrors
from minseg.metrics.pq_matching import Matching

ROW = 24  # pixels: names within such a band are read from left to right


def numbers(
    drawing: PanopticView,
    prediction: Tensor,
    matching: Matching,
    quality: PanopticQuality,
    errors: PanopticErrors,
) -> dict[str, Any]:
    """What the browser draws of a predicted map (H, W) and of its comparison with the true one.

    Returns:
        `png` and `segments` of the prediction, each segment with what is `said` of it, its IoU or
        that it has no match; `missed`, ids of the true map; `rows` of the table; `parts` of the
        bar: words, share, colour.
    """
    from minseg.draw.panoptic_errors import PARTS

    segments = drawing.segments(prediction)
    iou = dict(zip(matching.matched[:, 0].tolist(), matching.iou, strict=True))
    for one in segments:
        one["said"] = f"{iou[one['id']]:.2f}" if one["id"] in iou else "✗"
    return {
        "png": drawing.png(prediction),
        "segments": segments,
        "missed": matching.missed.tolist(),
        "rows": drawing.table(quality),
        "parts": [(words, getattr(errors, key), hue) for key, (words, hue) in PARTS.items()],
    }


class PanopticView:
    """Turns ids into what is drawn. `things` and `stuff`: category id to name."""

    def __init__(
        self, things: Mapping[int, str], stuff: Mapping[int, str], max_instances: int
    ) -> None:
        self.things, self.names = things, {0: "void", **things, **stuff}
        self.max_instances = max_instances
        self._colours: dict[int, str] = {}

    def name(self, segment: int) -> str:
        """Such as "disc 2", "sky", "void"."""
        category, instance = divmod(int(segment), self.max_instances)
        name = self.names.get(category, f"class {category}")
        return f"{name} {instance}" if instance else name

    def segments(self, ids: Tensor) -> list[dict[str, Any]]:
        """Id, name, outline and the name's place (x, y) of each segment, in reading order."""
        from minseg.draw.overlay import deepest_point  # matplotlib, only where one draws

        found = []
        for segment in ids[ids > 0].unique().tolist():
            mask = (ids == segment).cpu()
            entry = {"id": segment, "name": self.name(segment), "path": outline_path(mask)}
            found.append({**entry, "at": list(deepest_point(mask.numpy()))})
        return sorted(found, key=lambda one: (one["at"][1] // ROW, one["at"][0]))

    def table(self, quality: PanopticQuality) -> list[list[str]]:
        """PQ, SQ, RQ of all, things and stuff; of each class that occurs, with TP, FP, FN."""
        averages = [("all", quality), ("things", quality.things), ("stuff", quality.stuff)]
        rows = [[name, *_three(one), "", "", ""] for name, one in averages]
        for category, one in quality.per_class.items():
            if any(counts := [one.tp, one.fp, one.fn]):
                name = self.name(category * self.max_instances)
                rows.append([name, *_three(one), *map(str, counts)])
        return rows

    def png(self, ids: Tensor) -> bytes:
        """The map as a PNG of its own size: things saturated, stuff pale, void white."""
        from matplotlib.colors import to_rgb

        canvas = torch.full((3, *ids.shape), 255, dtype=torch.uint8)
        for segment in ids[ids > 0].unique().tolist():
            colour = 255 * torch.tensor(to_rgb(self.colour(segment)))
            canvas[:, (ids == segment).cpu()] = colour.round().byte()[:, None]
        return to_png(canvas)

    def colour(self, segment: int) -> str:
        """The segment's colour; a thing's is chosen when it is first seen."""
        from minseg.draw import INSTANCE_COLOURS, STUFF_COLOURS

        category, instance = divmod(segment, self.max_instances)
        if category not in self.things:  # as `draw_panoptic` paints it; a piece another tint
            return STUFF_COLOURS[(category - 1 + 3 * instance) % len(STUFF_COLOURS)]
        if segment not in self._colours:
            self._colours[segment] = INSTANCE_COLOURS[len(self._colours) % len(INSTANCE_COLOURS)]
        return self._colours[segment]


def _three(quality: Any) -> list[str]:
    """PQ, SQ and RQ; a dash where no class occurs."""
    return ["–" if v != v else f"{v:.3f}" for v in (quality.pq, quality.sq, quality.rq)]
