"""The numbers of average precision, and how they are averaged from the matches of all images.

For each class and area range the detections of all images are sorted by score, equal scores in the
order of images, and then of the list. That gives a curve for each IoU threshold, a curve gives an
AP (`ap_curve`), and everything else is an average over classes and thresholds in which a class
without truths in the range does not take part (Lin et al., Microsoft COCO, 2014). Unit 31.

Letters: A ranges of area, T IoU thresholds, C classes, n detections of a class in all images.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from minseg.metrics.ap_curve import RECALL_POINTS, precision_at, precision_recall
from minseg.metrics.ap_matching import A, ImageMatches, T

ALL, SMALL, MEDIUM, LARGE = range(A)  # ranges of area, in the order of `AREAS`
AT_50, AT_75 = 0, 5  # IoU thresholds 0.50 and 0.75, in the order of `THRESHOLDS`
LIMITS = (1, 10)  # detections of a class in an image, for ar_1 and ar_10


@dataclass(frozen=True)
class ClassAP:
    """One class; NaN where it has no truth that counts.

    Attributes:
        ap, ap50, ap75, ar_100: over the ten thresholds, or at one.
        truths: how many there are to find.
        score: (n,) of its detections in all images, decreasing.
        precision, recall: (T, n) float64 after each detection, by IoU threshold.
        interpolated: (T, 101) float64, precision at recall 0, 0.01 … 1.
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
        per_threshold: (T,) float64, AP at IoU 0.50, 0.55 … 0.95.
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


class SortedDetections(NamedTuple):
    """All n detections of a class, sorted by score."""

    score: np.ndarray  # (n,)
    rank: np.ndarray  # (n,) within the image
    right: np.ndarray  # (A, T, n) bool, took a truth
    ignored: np.ndarray  # (A, T, n) bool


class Curves(NamedTuple):
    """Of one class with n detections, by threshold; NaN without truths."""

    precision: np.ndarray  # (T, n)
    recall: np.ndarray  # (T, n)
    interpolated: np.ndarray  # (T, 101)


class Averages(NamedTuple):
    """What one class contributes to the twelve numbers; NaN without truths."""

    ap: np.ndarray  # (A, T) by area range and threshold
    recall: np.ndarray  # (A, T) with all detections that are read
    recall_at: np.ndarray  # (2, T) by limit, all areas
    curves: Curves  # of all areas


def summarise(images: list[ImageMatches]) -> AveragePrecision:
    """Sort, draw the curves, average. The order of `images` decides between equal scores."""
    # the detections and truths of all images, one after the other
    label = _joined([one.label for one in images], (0,), np.int64)
    truth_label = _joined([one.truth_label for one in images], (0,), np.int64)
    detections = _all_detections(images)
    counted = ~_joined([one.truth_ignored for one in images], (A, 0), bool)  # (A, all truths)
    # each class: sorted by score, its curves, its averages
    per_class, rows = {}, []
    for c in np.union1d(label, truth_label).tolist():
        of_class = _sorted(detections, np.flatnonzero(label == c))
        truths = counted[:, truth_label == c].sum(axis=1)  # (A,)
        rows.append(_averages(of_class, truths))
        per_class[c] = _class_ap(of_class, int(truths[ALL]), rows[-1])
    # the means over classes and thresholds
    ap = np.array([row.ap for row in rows]).reshape(-1, A, T)  # (C, A, T)
    recall = np.array([row.recall for row in rows]).reshape(-1, A, T)  # (C, A, T)
    recall_at = np.array([row.recall_at for row in rows]).reshape(-1, len(LIMITS), T)
    per_threshold = [_mean(ap[:, ALL, t]) for t in range(T)]
    return AveragePrecision(
        ap=_mean(ap[:, ALL]),
        ap50=_mean(ap[:, ALL, AT_50]),
        ap75=_mean(ap[:, ALL, AT_75]),
        ap_small=_mean(ap[:, SMALL]),
        ap_medium=_mean(ap[:, MEDIUM]),
        ap_large=_mean(ap[:, LARGE]),
        ar_1=_mean(recall_at[:, 0]),
        ar_10=_mean(recall_at[:, 1]),
        ar_100=_mean(recall[:, ALL]),
        ar_small=_mean(recall[:, SMALL]),
        ar_medium=_mean(recall[:, MEDIUM]),
        ar_large=_mean(recall[:, LARGE]),
        per_class=per_class,
        per_threshold=torch.tensor(per_threshold, dtype=torch.float64),
        matches=images,
    )


def _all_detections(images: list[ImageMatches]) -> SortedDetections:
    """Of all classes, in the order of the images: not sorted yet."""
    score = _joined([one.score for one in images], (0,), np.float64)
    right = np.empty((A, T, len(score)), dtype=bool)
    end = 0
    for one in images:
        start, end = end, end + len(one.score)
        np.greater_equal(one.truth.numpy(), 0, out=right[..., start:end])
    rank = _joined([one.rank for one in images], (0,), np.int64)
    ignored = _joined([one.ignored for one in images], (A, T, 0), bool)
    return SortedDetections(score, rank, right, ignored)


def _sorted(detections: SortedDetections, some: np.ndarray) -> SortedDetections:
    """Some of the detections by decreasing score; equal scores stay in the order of the images."""
    some = some[np.argsort(-detections.score[some], kind="stable")]
    return SortedDetections(*(array[..., some] for array in detections))


def _joined(parts: list[Tensor], empty: tuple[int, ...], dtype: type) -> np.ndarray:
    """The parts one after the other along their last axis; of shape `empty` if there are none."""
    return np.concatenate([np.zeros(empty, dtype), *(part.numpy() for part in parts)], axis=-1)


def _averages(detections: SortedDetections, truths: np.ndarray) -> Averages:
    """AP and recall of one class; `truths` (A,) is how many count in each area range."""
    n = len(detections.score)
    ap, final, at = (np.full((rows, T), np.nan) for rows in (A, A, len(LIMITS)))
    curves = Curves(*(np.full((T, points), np.nan) for points in (n, n, len(RECALL_POINTS))))
    for area in np.flatnonzero(truths):
        # one curve at a time: of a million detections it takes 8 MB for each array
        for t in range(T):
            right, ignored = detections.right[area, t], detections.ignored[area, t]
            precision, recall = precision_recall(right, int(truths[area]), ignored)
            interpolated = precision_at(RECALL_POINTS, precision, recall)
            ap[area, t], final[area, t] = interpolated.mean(), recall[-1] if n else 0.0
            if area == ALL:
                for whole, curve in zip(curves, (precision, recall, interpolated), strict=True):
                    whole[t] = curve
    if truths[ALL]:
        counts = detections.right[ALL] & ~detections.ignored[ALL]  # (T, n)
        for k, limit in enumerate(LIMITS):
            at[k] = counts[:, detections.rank < limit].sum(axis=1) / truths[ALL]
    return Averages(ap, final, at, curves)


def _class_ap(detections: SortedDetections, truths: int, averages: Averages) -> ClassAP:
    ap, curves = averages.ap[ALL], averages.curves
    return ClassAP(
        ap=_mean(ap),
        ap50=float(ap[AT_50]),
        ap75=float(ap[AT_75]),
        ar_100=_mean(averages.recall[ALL]),
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
