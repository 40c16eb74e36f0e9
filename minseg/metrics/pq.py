"""Panoptic quality: one number for segments that must be found and drawn well.

For each class, over all images together,

    PQ = Σ_{TP} IoU / (TP + ½ FP + ½ FN)  =  SQ × RQ
    SQ = Σ_{TP} IoU / TP                     how well matched segments are drawn: in (½, 1], or 0
    RQ = TP / (TP + ½ FP + ½ FN)             an F1 score: how many are matched at all

(Kirillov et al., Panoptic Segmentation, 2019, section 4). TP are the matched pairs of
`pq_matching`, FP predictions and FN truths without a match. The denominator is half of
all segments, so PQ = 2 Σ IoU / (#predicted + #true). Lesson 13.

PQ over several classes is the mean over those that occur in truth or prediction. So are SQ and RQ,
and the mean of products is not the product of means: averages do not multiply.

Counts add up over images and over processes in any order, also the sum of IoUs, to the last bit:
a float64 between ½ and 1 is a whole multiple of 2⁻⁵³, and Python adds whole numbers exactly.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from minseg.metrics.pq_matching import Categories, Matching, match_segments
from minseg.processes import gather

UNIT = 2**53  # IoU of a match × UNIT is a whole number

Maps = Tensor | Sequence[Tensor]


@dataclass(frozen=True)
class ClassQuality:
    """One class: its counts, and the quality they make. All 0 for a class that never occurs."""

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


class PQAccumulator:
    """Panoptic quality image by image: memory does not grow with their number.

    Args:
        things, stuff: category ids, from 1 on; no category is both.
        max_instances: the divisor of the ids, see `minseg.panoptic.encode`.
        dilation_ratio: None for PQ; for Boundary PQ, which matches and scores with the smaller of
            mask IoU and boundary IoU, the band's width as of `boundary_of`.

    Raises:
        ValueError: if a category is below 1, or both a thing and stuff.
    """

    def __init__(
        self,
        things: Iterable[int],
        stuff: Iterable[int],
        *,
        max_instances: int = 1000,
        dilation_ratio: float | None = None,
    ) -> None:
        self.categories = Categories(things, stuff, max_instances)
        self.dilation_ratio = dilation_ratio
        both = self.categories.things + self.categories.stuff
        self.per_class = {category: ClassQuality() for category in both}

    def add(self, prediction: Tensor, target: Tensor, crowd: Collection[int] = ()) -> None:
        """Count one image: ids (H, W) as predicted and as true, and which true ones are crowds.

        Raises TypeError or ValueError as `match_segments` says; nothing is counted then.
        """
        self._count(self._match(prediction, target, crowd, ("prediction", "target")))

    def merge(self, other: PQAccumulator) -> None:
        """Take over what another accumulator counted.

        Raises:
            ValueError: if it counts other categories or with another rule.
        """
        for name in ("max_instances", "things", "stuff"):
            ours, theirs = getattr(self.categories, name), getattr(other.categories, name)
            if ours != theirs:
                raise ValueError(f"other must have {name} {ours} to be merged, got {theirs}")
        if self.dilation_ratio != other.dilation_ratio:
            raise ValueError(
                f"other must have dilation_ratio {self.dilation_ratio}, got {other.dilation_ratio}"
            )
        for category, counts in other.per_class.items():
            self.per_class[category] += counts

    def gather(self) -> PQAccumulator:
        """What the accumulators of all processes of `torch.distributed` counted together.

        Every process must call it, and gets the same; this accumulator stays as it is. Without a
        process group it is alone.
        """
        total = copy.copy(self)
        total.per_class = dict.fromkeys(self.per_class, ClassQuality())
        for part in gather(self):
            total.merge(part)
        return total

    def result(self) -> PanopticQuality:
        """The quality of all that has been counted."""
        overall, things, stuff = (
            _average([self.per_class[c] for c in categories])
            for categories in (self.per_class, self.categories.things, self.categories.stuff)
        )
        return PanopticQuality(
            overall.pq, overall.sq, overall.rq, overall.n, things, stuff, dict(self.per_class)
        )

    def _match(
        self, prediction: Tensor, target: Tensor, crowd: Collection[int], names: tuple[str, str]
    ) -> Matching:
        ratio = self.dilation_ratio
        return match_segments(
            prediction, target, self.categories, crowd, dilation_ratio=ratio, names=names
        )

    def _count(self, matching: Matching) -> None:
        divisor = self.categories.max_instances
        for segment, iou in zip(matching.matched[:, 1], matching.iou, strict=True):
            self.per_class[segment // divisor] += ClassQuality(tp=1, iou_units=int(iou * UNIT))
        for segment in matching.invented:
            self.per_class[segment // divisor] += ClassQuality(fp=1)
        for segment in matching.missed:
            self.per_class[segment // divisor] += ClassQuality(fn=1)


def panoptic_quality(
    predictions: Maps,
    targets: Maps,
    *,
    things: Iterable[int],
    stuff: Iterable[int],
    max_instances: int = 1000,
    crowd: Sequence[Collection[int]] | None = None,
    dilation_ratio: float | None = None,
) -> PanopticQuality:
    """Panoptic quality of predicted maps, equal to COCO's tool but for one case.

    Of several crowds of one class in an image the tool (panopticapi) remembers the last that is
    listed; here all count, so that a prediction which lies on any of them is ignored.

    Args:
        predictions, targets: (B, H, W) integer ids, category × max_instances + instance with 0
            for void, or a list of (H, W), whose sizes may differ from image to image.
        things, stuff, max_instances, dilation_ratio: as of `PQAccumulator`.
        crowd: for each image, the ids of its target that are crowds; none if left out.

    Returns:
        `.pq .sq .rq` over all classes, the same of `.things` and `.stuff`, and `.per_class[c]`
        with `.pq .sq .rq .tp .fp .fn`.

    Raises:
        TypeError, ValueError: as `match_segments` and `PQAccumulator` say, or if the numbers of
            maps differ. The message names map, id and reason.
    """
    accumulator = PQAccumulator(
        things, stuff, max_instances=max_instances, dilation_ratio=dilation_ratio
    )
    for i, (prediction, target, ids) in enumerate(pair_images(predictions, targets, crowd)):
        names = (f"predictions[{i}]", f"targets[{i}]")
        accumulator._count(accumulator._match(prediction, target, ids, names))
    return accumulator.result()


def pair_images(
    predictions: Maps, targets: Maps, crowd: Sequence[Collection[int]] | None
) -> list[tuple[Tensor, Tensor, Collection[int]]]:
    """(prediction, target, crowd ids) of each image, after a check that the numbers agree."""
    for name, maps in (("predictions", predictions), ("targets", targets)):
        if isinstance(maps, Tensor) and maps.ndim != 3:
            raise ValueError(
                f"{name} must be (B, H, W) or a list of (H, W), got {tuple(maps.shape)}"
            )
    if len(predictions) != len(targets):
        raise ValueError(
            f"predictions and targets must be equally many maps, "
            f"got {len(predictions)} and {len(targets)}"
        )
    if crowd is not None and len(crowd) != len(targets):
        raise ValueError(f"crowd must be a list for each of {len(targets)} maps, got {len(crowd)}")
    return list(zip(predictions, targets, crowd or [()] * len(targets), strict=True))


def _average(qualities: Iterable[ClassQuality]) -> AverageQuality:
    seen = [q for q in qualities if q.denominator]
    n = len(seen)

    def mean(values: list[float]) -> float:
        return sum(values) / n if n else math.nan

    return AverageQuality(
        mean([q.pq for q in seen]), mean([q.sq for q in seen]), mean([q.rq for q in seen]), n
    )
