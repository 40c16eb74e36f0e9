"""The numbers of panoptic quality: what is counted for each class, and the means over classes.

    PQ = Σ_{TP} IoU / (TP + ½ FP + ½ FN)  =  SQ × RQ
    SQ = Σ_{TP} IoU / TP                     how well matched segments are drawn: in (½, 1], or 0
    RQ = TP / (TP + ½ FP + ½ FN)             an F1 score: how many are matched at all

(Kirillov et al., Panoptic Segmentation, 2019, section 4.) PQ over several classes is the mean over
those that occur in truth or prediction. So are SQ and RQ, and the mean of products is not the
product of means: averages do not multiply.

Counts add up over images and over processes in any order, also the sum of IoUs, to the last bit:
a float64 between ½ and 1 is a whole multiple of 2⁻⁵³, and Python adds whole numbers exactly.
Unit 33.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

UNIT = 2**53  # IoU of a match × UNIT is a whole number


@dataclass(frozen=True)
class ClassQuality:
    """One class: its counts, and the quality they make. All 0 for a class that never occurs.

    Example:
        >>> one = ClassQuality(tp=1, fp=1, iou_units=UNIT * 3 // 4)
        >>> one.pq, one.sq, round(one.rq, 3)
        (0.5, 0.75, 0.667)
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    iou_units: int = 0  # Σ IoU over the matches, in units of 2⁻⁵³

    def __add__(self, other: ClassQuality) -> ClassQuality:
        return ClassQuality(
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.iou_units + other.iou_units,
        )

    @property
    def denominator(self) -> float:
        """TP + ½ FP + ½ FN: half of all segments, predicted and true."""
        return self.tp + 0.5 * self.fp + 0.5 * self.fn

    @property
    def pq(self) -> float:
        return self.iou_units / UNIT / self.denominator if self.denominator else 0.0

    @property
    def sq(self) -> float:
        return self.iou_units / UNIT / self.tp if self.tp else 0.0

    @property
    def rq(self) -> float:
        return self.tp / self.denominator if self.denominator else 0.0


@dataclass(frozen=True)
class AverageQuality:
    """Means over the `n` classes that occur; NaN where none does."""

    pq: float
    sq: float
    rq: float
    n: int


@dataclass(frozen=True)
class PanopticQuality(AverageQuality):
    """The mean over all classes, over things, over stuff, and each class by its id."""

    things: AverageQuality
    stuff: AverageQuality
    per_class: dict[int, ClassQuality]


def average_quality(qualities: Iterable[ClassQuality]) -> AverageQuality:
    """The means over those of the classes that occur.

    Example:
        >>> found, missed = ClassQuality(tp=1, iou_units=UNIT), ClassQuality(fn=3)
        >>> average_quality([found, missed, ClassQuality()])
        AverageQuality(pq=0.5, sq=0.5, rq=0.5, n=2)
    """
    seen = [q for q in qualities if q.denominator]
    n = len(seen)

    def mean(values: list[float]) -> float:
        return sum(values) / n if n else math.nan

    return AverageQuality(
        mean([q.pq for q in seen]), mean([q.sq for q in seen]), mean([q.rq for q in seen]), n
    )
