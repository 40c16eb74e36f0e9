"""What the AP playground shows: the verdict on each detection, the curve, and the area under it.

Detections are judged as COCO judges them: by decreasing score each takes the free truth with the
highest IoU, the rest are false positives. All arithmetic is `minseg.metrics`'s. Unit 30 begins
with the ten detections below, and works them out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.metrics.ap_curve import (
    ELEVEN_POINTS,
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
TRUTHS = (  # (x1, y1, x2, y2) in image pixels; they are called A to E
    (20, 20, 80, 80),
    (100, 30, 160, 70),
    (190, 20, 240, 110),
    (30, 120, 110, 190),
    (180, 140, 280, 200),
)
DETECTIONS = (  # by decreasing score
    (22, 21, 80, 82),
    (28, 30, 90, 90),
    (102, 28, 166, 70),
    (184, 24, 240, 118),
    (120, 100, 160, 130),
    (150, 130, 240, 190),
    (34, 118, 122, 184),
    (96, 36, 154, 72),
    (10, 90, 28, 112),
    (200, 150, 306, 216),
)
SCORES = (0.97, 0.92, 0.88, 0.81, 0.74, 0.66, 0.58, 0.43, 0.31, 0.22)
RULES = {"raw": "raw area", "all": "under the envelope", "101": "101 points", "11": "11 points"}


def numbers(
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
    # By decreasing score, each detection takes the best free truth.
    order = np.argsort(-np.array(scores), kind="stable")
    overlap = box_overlap(as_tensor(detections), as_tensor(truths), torch.from_numpy(is_crowd))
    iou = overlap.numpy()[order]  # (detections, truths)
    found = match_loop(iou, is_crowd, is_crowd, threshold)  # the truth of each, -1: none

    # A detection in the crowd counts neither for nor against.
    right = np.array([k >= 0 and not is_crowd[k] for k in found])
    ignored = np.array([k >= 0 and bool(is_crowd[k]) for k in found])
    total = int((~is_crowd).sum())
    precision, recall = precision_recall(right, total, ignored)

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
        "area": _area(precision, recall, rule),
        "stems": _stems(precision, recall, rule),
        "ap": ap,
        "facts": f"AP {ap:.3f} ({RULES[rule]}) at IoU {threshold:.2f}: {hits} of {total} truths "
        f"found, {wrong} false positives",
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


def _area(precision: np.ndarray, recall: np.ndarray, rule: str) -> list[list[float]]:
    """The outline of the area, if the rule takes one."""
    heights = {"raw": precision, "all": envelope(precision)}
    return _steps(recall, heights[rule]) if rule in heights else []


def _stems(precision: np.ndarray, recall: np.ndarray, rule: str) -> list[list[float]]:
    """The heights that are averaged, if the rule averages."""
    if rule in ("raw", "all"):
        return []
    points = RECALL_POINTS if rule == "101" else ELEVEN_POINTS
    return np.stack([points, precision_at(points, precision, recall)], axis=1).tolist()


def as_tensor(boxes: Sequence[Box]) -> Tensor:
    """(N, 4) float64, also of no boxes."""
    return torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4)
