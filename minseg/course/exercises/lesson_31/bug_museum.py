"""A bug museum: five mistakes in counting and comparing, rebuilt in a few lines each.

Every exhibit is wrong in the way that a public report describes; the report's repository and number
stand beside it. Three were found in code that evaluates (A, C, E), one in code that assigns targets
in training (B), one is a user's own change of a tool, made to see what happens (D). The lines are
this project's own. `HONEST` has, under the same letter, what the
package makes of the same arguments. Unit 31 asks for inputs on which the two disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from minseg.boxes import box_iou
from minseg.metrics.ap_curve import area_under, precision_recall
from minseg.metrics.ap_matching import THRESHOLDS, match_loop

Image = tuple[Sequence[float], Sequence[bool], int]  # scores, which are right, number of truths


def exhibit_a(iou: list[list[float]], threshold: float) -> tuple[int, int]:
    """True and false positives of detections (rows) by decreasing score; truths are columns.

    Report: rafaelpadilla/Object-Detection-Metrics, issue 20, 2018.
    """
    right, wrong, found = 0, 0, set()
    for row in iou:
        best = int(np.argmax(row))
        if row[best] >= threshold:
            if best not in found:
                right += 1
            found.add(best)
        else:
            wrong += 1
    return right, wrong


def exhibit_b(a: Sequence[float], b: Sequence[float]) -> float:
    """IoU of two boxes (x1, y1, x2, y2) whose last pixel is inside.

    Report: xg-chu/CrowdDet, issue 47, 2021.
    """
    shared = 1.0
    for low, high in ((0, 2), (1, 3)):
        shared *= max(0.0, min(a[high], b[high]) - max(a[low], b[low]))
    area_a, area_b = ((x2 - x1 + 1) * (y2 - y1 + 1) for x1, y1, x2, y2 in (a, b))
    return shared / (area_a + area_b - shared)


def exhibit_c(images: Sequence[Image]) -> float:
    """Average precision over images, each given as (scores, which are right, number of truths).

    Report: roboflow/supervision, issue 1836, 2025.
    """
    scores: list[float] = []
    right: list[bool] = []
    truths = 0
    for image_scores, image_right, image_truths in images:
        if image_truths > 0:
            scores += image_scores
            right += image_right
            truths += image_truths
    order = np.argsort(-np.array(scores), kind="stable")
    return area_under(*precision_recall(np.array(right, dtype=bool)[order], truths))


def exhibit_d(iou: list[list[float]], crowd: list[bool], threshold: float) -> tuple[int, int]:
    """True and false positives; crowds do not have to be found, so they are left out.

    Report: cocodataset/cocoapi, issue 444, 2020: 34.3 or 34.6 AP, depending on this.
    """
    counted = np.array(iou)[:, ~np.array(crowd)]
    none = np.zeros(counted.shape[1], dtype=bool)
    found = match_loop(counted, none, none, threshold)
    right = sum(truth >= 0 for truth in found)
    return right, len(found) - right


def exhibit_e(threshold: float, ap: Sequence[float]) -> float:
    """AP at one of COCO's ten thresholds, from the ten APs; -1 if there is no such threshold.

    Report: cocodataset/cocoapi, issue 409, 2020.
    """
    chosen = np.array(ap)[np.linspace(0.5, 0.95, 10) == threshold]
    return float(chosen.mean()) if len(chosen) else -1.0


def _a(iou: list[list[float]], threshold: float) -> tuple[int, int]:
    return _d(iou, [False] * len(iou[0]), threshold)


def _b(a: Sequence[float], b: Sequence[float]) -> float:
    end = torch.tensor([0.0, 0, 1, 1], dtype=torch.float64)  # the last pixel ends one further
    one, other = (torch.tensor(box, dtype=torch.float64)[None] + end for box in (a, b))
    return box_iou(one, other).item()


def _c(images: Sequence[Image]) -> float:
    scores = np.array([score for image in images for score in image[0]])
    right = np.array([flag for image in images for flag in image[1]], dtype=bool)
    order = np.argsort(-scores, kind="stable")
    return area_under(*precision_recall(right[order], sum(image[2] for image in images)))


def _d(iou: list[list[float]], crowd: list[bool], threshold: float) -> tuple[int, int]:
    is_crowd = np.array(crowd, dtype=bool)
    found = match_loop(np.array(iou), is_crowd, is_crowd, threshold)
    right = sum(truth >= 0 and not is_crowd[truth] for truth in found)
    return right, sum(truth < 0 for truth in found)


def _e(threshold: float, ap: Sequence[float]) -> float:
    chosen = np.array(ap)[np.isclose(THRESHOLDS, threshold)]
    return float(chosen.mean()) if len(chosen) else -1.0


EXHIBITS: dict[str, Callable[..., Any]] = {
    "A": exhibit_a, "B": exhibit_b, "C": exhibit_c, "D": exhibit_d, "E": exhibit_e,
}  # fmt: skip
HONEST: dict[str, Callable[..., Any]] = {"A": _a, "B": _b, "C": _c, "D": _d, "E": _e}


def witness(exhibit: str) -> tuple[Any, ...]:
    """Arguments on which an exhibit, "A" to "E", and the honest function disagree."""
    witnesses: dict[str, tuple[Any, ...]] = {
        "A": ([[0.9], [0.8]], 0.5),  # one truth, found twice: the second is a false positive
        "B": ((0, 0, 9, 9), (0, 0, 9, 9)),  # a box and itself: less than 1
        "C": ([([0.5], [True], 1), ([0.9], [False], 0)],),  # a false alarm where nothing was
        "D": ([[0.9]], [True], 0.5),  # a detection in a crowd counts neither way
        "E": (0.9, [0.5] * 10),  # 0.9 is not among the ten: linspace has 0.8999999999999999
    }
    return witnesses[exhibit]


def betrays(exhibit: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an exhibit and the honest function disagree on these arguments."""
    told, true = EXHIBITS[exhibit](*arguments), HONEST[exhibit](*arguments)
    return not np.allclose(told, true, atol=1e-9)
