"""The AP playground: ten detections to drag and to score, and the curve that they make.

Every move is judged as COCO judges it: by decreasing score each detection takes the free truth
with the highest IoU, the rest are false positives, and precision over recall gives average
precision. All numbers come from `minseg.metrics`; the browser draws them. Lesson 07 begins with the
ten detections that the playground opens with, and works them out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets as t

from minseg.explore.base.page import script
from minseg.explore.base.widget import Still
from minseg.metrics.ap_curve import (
    RECALL_POINTS,
    area_under,
    envelope,
    precision_at,
    precision_recall,
)
from minseg.metrics.ap_matching import match_loop
from minseg.metrics.iou import box_overlap

Box = tuple[float, ...]

HEIGHT, WIDTH = 240, 320  # image pixels
SMALLEST = 8.0  # image pixels, the least side of a box
TRUTHS = (  # (x1, y1, x2, y2) in image pixels; they are called A to E
    (20, 20, 80, 80), (100, 30, 160, 70), (190, 20, 240, 110), (30, 120, 110, 190),
    (180, 140, 280, 200),
)  # fmt: skip
DETECTIONS = (  # by decreasing score
    (22, 21, 80, 82), (28, 30, 90, 90), (102, 28, 166, 70), (184, 24, 240, 118),
    (120, 100, 160, 130), (150, 130, 240, 190), (34, 118, 122, 184), (96, 36, 154, 72),
    (10, 90, 28, 112), (200, 150, 306, 216),
)  # fmt: skip
SCORES = (0.97, 0.92, 0.88, 0.81, 0.74, 0.66, 0.58, 0.43, 0.31, 0.22)
RULES = {"raw": "raw area", "all": "under the envelope", "101": "101 points", "11": "11 points"}


def explain(
    detections: Sequence[Box],
    scores: Sequence[float],
    truths: Sequence[Box],
    *,
    threshold: float = 0.5,
    rule: str = "101",
    crowd: bool = False,
) -> dict[str, Any]:
    """What becomes of each detection, the curve, and the area under it.

    Args:
        detections, truths: boxes (x1, y1, x2, y2).
        scores: one for each detection.
        threshold: the IoU from which a detection may take a truth.
        rule: how the area is taken, see `minseg.metrics.ap_curve`.
        crowd: whether the last truth is a crowd.

    Returns:
        What the browser draws: `rows`, one for each detection by decreasing score; `curve`, points
        (recall, precision), and its `envelope`; `area`, an outline, or `stems`; `ap` and `facts`.
    """
    is_crowd = np.arange(len(truths)) == (len(truths) - 1 if crowd else -1)
    order = np.argsort(-np.array(scores), kind="stable")
    iou = box_overlap(_boxes(detections), _boxes(truths), torch.from_numpy(is_crowd)).numpy()[order]
    found = match_loop(iou, is_crowd, is_crowd, threshold)  # a crowd is ignored
    right = np.array([k >= 0 and not is_crowd[k] for k in found])
    ignored = np.array([k >= 0 and bool(is_crowd[k]) for k in found])
    precision, recall = precision_recall(right, int((~is_crowd).sum()), ignored)
    rows = [
        {
            "detection": int(order[k]),
            "truth": found[k],
            "verdict": "TP" if right[k] else "ignored" if ignored[k] else "FP",
            "why": _why(iou[k], found[k], found[:k], is_crowd, threshold),
            "precision": float(precision[k]),
            "recall": float(recall[k]),
        }
        for k in range(len(order))
    ]
    ap = area_under(precision, recall, rule)
    hits, wrong = int(right.sum()), int((~right & ~ignored).sum())
    return {
        "rows": rows,
        "curve": np.stack([recall, precision], axis=1)[~ignored].tolist(),
        "envelope": _steps(recall, envelope(precision)),
        "area": _steps(recall, precision if rule == "raw" else envelope(precision))
        if rule in ("raw", "all")
        else [],
        "stems": _stems(precision, recall, rule),
        "ap": ap,
        "facts": f"AP {ap:.3f} ({RULES[rule]}) at IoU {threshold:.2f}: {hits} of "
        f"{int((~is_crowd).sum())} truths found, {wrong} false positives",
    }


def name(truth: int) -> str:
    """The letter of a truth."""
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[truth]


def _why(
    iou: np.ndarray, found: int, earlier: list[int], crowd: np.ndarray, threshold: float
) -> str:
    """One line on what a detection took, or what it lacks."""
    if found >= 0:
        verb = "lies in the crowd" if crowd[found] else "takes"
        return f"{verb} {name(found)}, IoU {iou[found]:.2f}"
    best = int(iou.argmax())
    if iou[best] >= threshold:
        return f"{name(best)} is taken (IoU {iou[best]:.2f})"
    return f"{name(best)}: IoU only {iou[best]:.2f}" if iou[best] > 0 else "touches no truth"


def _steps(recall: np.ndarray, height: np.ndarray) -> list[list[float]]:
    """Corners of the staircase that has the given height up to each recall."""
    before = np.append(0.0, recall[:-1])
    return np.stack([before, height, recall, height], axis=1).reshape(-1, 2).tolist()


def _stems(precision: np.ndarray, recall: np.ndarray, rule: str) -> list[list[float]]:
    if rule in ("raw", "all"):
        return []
    points = RECALL_POINTS if rule == "101" else np.linspace(0, 1, 11)
    return np.stack([points, precision_at(points, precision, recall)], axis=1).tolist()


def _boxes(boxes: Sequence[Box]) -> torch.Tensor:
    return torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4)


class APPlayground(Still, anywidget.AnyWidget):
    """The widget. Every setting is a trait: `APPlayground(threshold=0.75, crowd=True)`.

    Traits:
        truths: boxes (x1, y1, x2, y2) in an image of 240 × 320 pixels, called A, B, ….
        detections: as many boxes as you like, to be dragged; kept inside the image.
        scores: one for each detection, from 0 to 1.
        threshold: 0.5 to 0.95. rule: "raw", "all", "101" or "11". crowd: whether the last truth
            is a crowd.
        view: what the browser draws; made anew from the others whenever one of them changes.
    """

    _esm = script("ap_playground")
    _css = Path(__file__).with_name("style.css")

    size = t.Tuple(default_value=(HEIGHT, WIDTH)).tag(sync=True)
    truths = t.Tuple(default_value=TRUTHS).tag(sync=True)
    detections = t.Tuple(default_value=DETECTIONS).tag(sync=True)
    scores = t.Tuple(default_value=SCORES).tag(sync=True)
    threshold = t.Float(0.5, min=0.5, max=0.95).tag(sync=True)
    rule = t.Enum(tuple(RULES), "101").tag(sync=True)
    crowd = t.Bool(False).tag(sync=True)
    view = t.Dict().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        if len(self.scores) != len(self.detections) or not self.truths:
            raise ValueError(
                f"scores must be one for each detection, and truths at least one, got "
                f"{len(self.scores)} scores, {len(self.detections)} detections and "
                f"{len(self.truths)} truths"
            )
        self._start = self.detections, self.scores
        self.observe(self._look, ["detections", "scores", "threshold", "rule", "crowd"])
        self.on_msg(self._asked)
        self._look()

    def reset(self) -> None:
        """Put detections and scores back to where they were at first."""
        with self.hold_trait_notifications():
            self.detections, self.scores = self._start

    @property
    def alt(self) -> str:
        return f"Detections over truths, and their precision-recall curve. {self.view['facts']}."

    def picture(self) -> bytes:
        from minseg.draw import figure, png
        from minseg.draw.ap import draw_curve, draw_scene

        rows = self.view["rows"]
        verdict = {row["detection"]: row["verdict"] for row in rows}
        verdicts = [verdict[k] for k in range(len(rows))]
        counted = [row for row in rows if row["verdict"] != "ignored"]
        fig, (scene, plot) = figure(columns=2, height=330)
        scene.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        title = "Truths (wide), detections by verdict"
        draw_scene(scene, _boxes(self.truths), _boxes(self.detections), verdicts, title)
        draw_curve(
            plot,
            [row["precision"] for row in counted],
            [row["recall"] for row in counted],
            [row["detection"] + 1 for row in counted],
            [row["verdict"] for row in counted],
            f"AP {self.view['ap']:.3f} ({RULES[self.rule]})",
        )
        return png(fig)

    @t.validate("detections", "truths")
    def _boxes_inside(self, proposal: dict[str, Any]) -> tuple[Box, ...]:
        kind = proposal["trait"].name
        boxes = tuple(tuple(float(v) for v in box) for box in proposal["value"])
        for box in boxes:
            if len(box) != 4 or not all(map(isfinite, box)):
                raise t.TraitError(f"{kind} must be of four finite numbers each, got {box}")
        return tuple(_inside(*box) for box in boxes)

    @t.validate("scores")
    def _scores_in_range(self, proposal: dict[str, Any]) -> tuple[float, ...]:
        scores = tuple(float(v) for v in proposal["value"])
        if not all(0 <= score <= 1 for score in scores):
            raise t.TraitError(f"scores must lie between 0 and 1, got {scores}")
        return scores

    def _asked(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        """New places or scores from the browser, answered by one new `view`."""
        if "n" not in content:
            return  # a nudge, see ap_playground.js
        with self.hold_sync():
            if content.get("reset"):
                self.reset()
            for trait in ("detections", "scores"):
                if trait in content and len(content[trait]) == len(self.detections):
                    setattr(self, trait, tuple(content[trait]))
            self._look(answers=content["n"])

    def _look(self, _change: object = None, answers: int = -1) -> None:
        view = explain(
            *(self.detections, self.scores, self.truths),
            threshold=self.threshold,
            rule=self.rule,
            crowd=self.crowd,
        )
        self.view = {**view, "answers": answers, "drawn": self.view.get("drawn", 0) + 1}


def _inside(x1: float, y1: float, x2: float, y2: float) -> Box:
    x1, y1 = min(max(x1, 0.0), WIDTH - SMALLEST), min(max(y1, 0.0), HEIGHT - SMALLEST)
    return x1, y1, min(max(x2, x1 + SMALLEST), WIDTH), min(max(y2, y1 + SMALLEST), HEIGHT)
