"""The numbers of average precision, and how they are averaged from the matches of all images.

For each class and area range the detections of all images are sorted by score, equal scores in the
order of images, and then of the list. That gives a curve for each IoU threshold, a curve gives an
AP (`ap_curve`), and everything else is an average over classes and thresholds in which a class
without truths in the range does not take part (Lin et al., Microsoft COCO, 2014). Lesson 07.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from minseg.metrics.ap_curve import RECALL_POINTS, precision_at, precision_recall
from minseg.metrics.ap_matching import ImageMatches

LIMITS = (1, 10)  # detections of a class in an image, for ar_1 and ar_10


@dataclass(frozen=True)
class ClassAP:
    """One class; NaN where it has no truth that counts.

    Attributes:
        ap, ap50, ap75, ar_100: over the ten thresholds, or at one.
        truths: how many there are to find.
        score: (n,) of its detections in all images, decreasing.
        precision, recall: (10, n) float64 after each detection, by IoU threshold.
        interpolated: (10, 101) float64, precision at recall 0, 0.01 … 1.
    """

    ap: float
    ap50: float
    ap75: float
    ar_100: float
    truths: int
    score: Tensor = field(repr=False)
    precision: Tensor = field(repr=False)
    recall: Tensor = field(repr=False)
    interpolated: Tensor = field(repr=False)


@dataclass(frozen=True)
class AveragePrecision:
    """COCO's twelve numbers, and what they were made of.

    Attributes:
        ap … ar_large: float, NaN where no truth is in range. The names are COCO's, whose limit is
            100 detections of a class in an image: with another (`most`), all but ar_1 and ar_10
            use that one, ar_100 too. No number sees more than `most`.
        per_class: label → ClassAP, for every label that occurs.
        per_threshold: (10,) float64, AP at IoU 0.50, 0.55 … 0.95.
        matches: one ImageMatches for each image, in order.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar_1: float
    ar_10: float
    ar_100: float
    ar_small: float
    ar_medium: float
    ar_large: float
    per_class: dict[int, ClassAP] = field(repr=False)
    per_threshold: Tensor = field(repr=False)
    matches: list[ImageMatches] = field(repr=False)

    @property
    def cut(self) -> int:
        """How many detections were not read: the limit for a class in an image left them out."""
        return sum(one.cut for one in self.matches)

    @property
    def images_cut(self) -> int:
        """In how many images."""
        return sum(one.cut > 0 for one in self.matches)

    def summary(self) -> dict[str, float]:
        """The twelve numbers by name, in COCO's order."""
        return {one.name: getattr(self, one.name) for one in fields(self)[:12]}


class Detections(NamedTuple):
    """All n detections of a class, sorted by score."""

    score: np.ndarray  # (n,)
    rank: np.ndarray  # (n,) within the image
    right: np.ndarray  # (4, 10, n) bool, took a truth
    ignored: np.ndarray  # (4, 10, n) bool


class Curves(NamedTuple):
    """Of one class with n detections, by threshold; NaN without truths."""

    precision: np.ndarray  # (10, n)
    recall: np.ndarray  # (10, n)
    interpolated: np.ndarray  # (10, 101)


class Averages(NamedTuple):
    """What one class contributes to the twelve numbers; NaN without truths."""

    ap: np.ndarray  # (4, 10) by area range and threshold
    recall: np.ndarray  # (4, 10) with all detections that are read
    recall_at: np.ndarray  # (2, 10) by limit, all areas
    curves: Curves  # of all areas


def summarise(images: list[ImageMatches]) -> AveragePrecision:
    """Sort, draw the curves, average. The order of `images` decides between equal scores."""
    label = np.concatenate([np.zeros(0, np.int64), *(one.label.numpy() for one in images)])
    truth_label = np.concatenate([np.zeros(0, np.int64), *(i.truth_label.numpy() for i in images)])
    detections = _all_detections(images)
    counted = ~_joined([one.truth_ignored for one in images], (4, 0), bool)  # (4, all truths)
    per_class, rows = {}, []
    for c in np.union1d(label, truth_label).tolist():
        mine = np.flatnonzero(label == c)
        mine = mine[np.argsort(-detections.score[mine], kind="stable")]
        of_class = Detections(*(array[..., mine] for array in detections))
        truths = counted[:, truth_label == c].sum(axis=1)  # (4,)
        rows.append(_averages(of_class, truths))
        per_class[c] = _class_ap(of_class, int(truths[0]), rows[-1])
    ap = np.array([row.ap for row in rows]).reshape(-1, 4, 10)  # (classes, areas, thresholds)
    recall = np.array([row.recall for row in rows]).reshape(-1, 4, 10)
    recall_at = np.array([row.recall_at for row in rows]).reshape(-1, 2, 10)
    return AveragePrecision(
        ap=_mean(ap[:, 0]),
        ap50=_mean(ap[:, 0, 0]),
        ap75=_mean(ap[:, 0, 5]),
        ap_small=_mean(ap[:, 1]),
        ap_medium=_mean(ap[:, 2]),
        ap_large=_mean(ap[:, 3]),
        ar_1=_mean(recall_at[:, 0]),
        ar_10=_mean(recall_at[:, 1]),
        ar_100=_mean(recall[:, 0]),
        ar_small=_mean(recall[:, 1]),
        ar_medium=_mean(recall[:, 2]),
        ar_large=_mean(recall[:, 3]),
        per_class=per_class,
        per_threshold=torch.tensor([_mean(ap[:, 0, t]) for t in range(10)], dtype=torch.float64),
        matches=images,
    )


def _all_detections(images: list[ImageMatches]) -> Detections:
    score = _joined([one.score for one in images], (0,), np.float64)
    right = np.empty((4, 10, len(score)), dtype=bool)
    end = 0
    for one in images:
        start, end = end, end + len(one.score)
        np.greater_equal(one.truth.numpy(), 0, out=right[..., start:end])
    rank = _joined([one.rank for one in images], (0,), np.int64)
    ignored = _joined([one.ignored for one in images], (4, 10, 0), bool)
    return Detections(score, rank, right, ignored)


def _joined(parts: list[Tensor], empty: tuple[int, ...], dtype: type) -> np.ndarray:
    """The parts one after the other along their last axis; of shape `empty` if there are none."""
    return np.concatenate([np.zeros(empty, dtype), *(part.numpy() for part in parts)], axis=-1)


def _averages(detections: Detections, truths: np.ndarray) -> Averages:
    """AP and recall of one class; `truths` (4,) is how many count in each area range."""
    n = len(detections.score)
    ap, final, at = np.full((4, 10), np.nan), np.full((4, 10), np.nan), np.full((2, 10), np.nan)
    curves = Curves(*(np.full((10, points), np.nan) for points in (n, n, len(RECALL_POINTS))))
    for area in np.flatnonzero(truths):
        # one curve at a time: of a million detections it takes 8 MB an array
        for t in range(10):
            right, ignored = detections.right[area, t], detections.ignored[area, t]
            precision, recall = precision_recall(right, int(truths[area]), ignored)
            interpolated = precision_at(RECALL_POINTS, precision, recall)
            ap[area, t], final[area, t] = interpolated.mean(), recall[-1] if n else 0.0
            if area == 0:
                for whole, curve in zip(curves, (precision, recall, interpolated), strict=True):
                    whole[t] = curve
    if truths[0]:
        counts = detections.right[0] & ~detections.ignored[0]  # (10, n)
        for k, limit in enumerate(LIMITS):
            at[k] = counts[:, detections.rank < limit].sum(axis=1) / truths[0]
    return Averages(ap, final, at, curves)


def _class_ap(detections: Detections, truths: int, averages: Averages) -> ClassAP:
    ap, curves = averages.ap[0], averages.curves
    return ClassAP(
        ap=_mean(ap),
        ap50=float(ap[0]),
        ap75=float(ap[5]),
        ar_100=_mean(averages.recall[0]),
        truths=truths,
        score=torch.from_numpy(detections.score),
        precision=torch.from_numpy(curves.precision),
        recall=torch.from_numpy(curves.recall),
        interpolated=torch.from_numpy(curves.interpolated),
    )


def _mean(values: np.ndarray) -> float:
    """The mean of what is not NaN; NaN if nothing is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
