"""The AP playground as a still picture, for where there is no kernel to run it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minseg.draw import figure, png
from minseg.draw.ap import draw_curve, draw_scene
from minseg.explore.ap_playground.numbers import HEIGHT, RULES, WIDTH, Box, as_tensor


def picture(
    truths: Sequence[Box], detections: Sequence[Box], view: dict[str, Any], rule: str
) -> bytes:
    """A PNG: detections over truths, and the curve that they make; view: as `numbers` gives it."""
    rows = view["rows"]
    verdict = {row["detection"]: row["verdict"] for row in rows}
    verdicts = [verdict[k] for k in range(len(rows))]
    counted = [row for row in rows if row["verdict"] != "ignored"]
    fig, (scene, plot) = figure(columns=2, height=330)
    scene.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    title = "Green: truths. Blue: right. Dashed: wrong"
    draw_scene(scene, as_tensor(truths), as_tensor(detections), verdicts, title)
    draw_curve(
        plot,
        [row["precision"] for row in counted],
        [row["recall"] for row in counted],
        [row["detection"] + 1 for row in counted],
        [row["verdict"] for row in counted],
        f"AP {view['ap']:.3f} ({RULES[rule]})",
    )
    return png(fig)
