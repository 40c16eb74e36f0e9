"""Panoptic quality: one number for segments that must be found and drawn well.

    PQ = Σ_{TP} IoU / (TP + ½ FP + ½ FN)          for each class, over all images together

(Kirillov et al., Panoptic Segmentation, 2019, section 4). TP are the pairs of segments that match,
FP predictions and FN truths without a match. The denominator is half of all segments, so
PQ = 2 Σ IoU / (#predicted + #true). Unit 33.

The way of the data, one file for each step:

    two maps of ids           (H, W) each: prediction and target of an image
    → `pq_overlaps`           |p ∩ t| of the K pairs of segments that share pixels: (K,)
    → `pq_matching`           which pairs match (TP), which segments are left over (FP, FN)
    → `PQAccumulator`         TP, FP, FN and Σ IoU of each class, added up over the images
    → `pq_result`             PQ, SQ and RQ of each class, and their means over classes

`panoptic_quality_loop` is all of it in one plain function. `pq_errors` asks where 1 − PQ went.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

from torch import Tensor

from minseg.metrics.boundary import boundary_of
from minseg.metrics.pq_matching import Categories, Matching, match_segments
from minseg.metrics.pq_result import (
    UNIT,
    AverageQuality,
    ClassQuality,
    PanopticQuality,
    average_quality,
)
from minseg.processes import gather

__all__ = [
    "UNIT",
    "AverageQuality",
    "ClassQuality",
    "Maps",
    "PQAccumulator",
    "PanopticQuality",
    "match_images",
    "panoptic_quality",
    "panoptic_quality_loop",
]

Maps = Tensor | Sequence[Tensor]


class Segment(NamedTuple):
    """The pixels of one segment, by their number in the map, and those of its inner band."""

    pixels: set[int]
    band: set[int]


def panoptic_quality_loop(
    predictions: Maps,
    targets: Maps,
    *,
    things: Iterable[int],
    stuff: Iterable[int],
    max_instances: int = 1000,
    crowd: Sequence[Collection[int]] | None = None,
    dilation_ratio: float | None = None,
) -> dict[int, ClassQuality]:
    """The definition, with sets of pixels, meant to be read: `.per_class` of `panoptic_quality`.

    Its stages are those of COCO's own tool (panopticapi, `pq_compute_single_core`).

    Example:
        >>> import torch
        >>> target = torch.tensor([[1001, 1001, 1001, 2000]])
        >>> prediction = torch.tensor([[1001, 1001, 2000, 2000]])
        >>> counts = panoptic_quality_loop([prediction], [target], things=[1], stuff=[2])
        >>> [(one.tp, one.fp, one.fn) for one in counts.values()]
        [(1, 0, 0), (0, 1, 1)]
    """
    per_class = {category: ClassQuality() for category in (*things, *stuff)}
    for prediction, target, crowds in pair_images(predictions, targets, crowd):
        # the pixels of each segment
        predicted, true = _segments(prediction, dilation_ratio), _segments(target, dilation_ratio)
        predicted.pop(0, None)
        void = true.pop(0).pixels if 0 in true else set()

        # count all matched pairs: a match above ½ is unique, since segments of a map are disjoint
        matched_predictions, matched_truths = set(), set()
        for p, t in product(predicted, true):
            if t not in crowds and p // max_instances == t // max_instances:
                iou = min(
                    _iou_beside_void(predicted[p].pixels, true[t].pixels, void),
                    _iou_beside_void(predicted[p].band, true[t].band, void),
                )
                if iou > 0.5:
                    per_class[t // max_instances] += ClassQuality(tp=1, iou_units=int(iou * UNIT))
                    matched_predictions.add(p)
                    matched_truths.add(t)

        # count false negatives: a crowd need not be found
        for t in true.keys() - matched_truths - set(crowds):
            per_class[t // max_instances] += ClassQuality(fn=1)

        # count false positives, but for those more than half void or crowd of their class
        for p in predicted.keys() - matched_predictions:
            same_class = [t for t in crowds if t // max_instances == p // max_instances]
            excused = void.union(*(true[t].pixels for t in same_class))
            if len(predicted[p].pixels & excused) <= len(predicted[p].pixels) / 2:
                per_class[p // max_instances] += ClassQuality(fp=1)
    return per_class


def _segments(ids: Tensor, dilation_ratio: float | None) -> dict[int, Segment]:
    """The segments of a map (H, W) by id, void among them; without a ratio the band is all."""
    segments = {}
    for segment in ids.unique().tolist():
        mask = band = (ids == segment)[None]  # (1, H, W)
        if dilation_ratio is not None:
            band = boundary_of(mask, dilation_ratio=dilation_ratio)
        segments[segment] = Segment(_numbers(mask), _numbers(band))
    return segments


def _numbers(mask: Tensor) -> set[int]:
    """The pixels of a mask, numbered row by row."""
    return set(mask.flatten().nonzero()[:, 0].tolist())


def _iou_beside_void(predicted: set[int], true: set[int], void: set[int]) -> float:
    """IoU of two segments; pixels that are void in the truth count neither for nor against."""
    union = (predicted - void) | true
    return len(predicted & true) / len(union) if union else 0.0


class PQAccumulator:
    """Panoptic quality image by image: memory does not grow with their number.

    Args:
        things, stuff: category ids, from 1 on; no category is both.
        max_instances: the divisor of the ids, see `minseg.panoptic.encode`.
        dilation_ratio: None for PQ; for Boundary PQ, which matches and scores with the smaller of
            mask IoU and boundary IoU, the band's width as in `boundary_of`.

    Raises:
        ValueError: if a category is below 1, or both a thing and stuff.

    Example:
        >>> import torch
        >>> target = torch.tensor([[1001, 1001, 1001, 2000]])  # a thing of class 1 on stuff
        >>> accumulator = PQAccumulator(things=[1], stuff=[2])
        >>> accumulator.add(torch.tensor([[1001, 1001, 2000, 2000]]), target)
        >>> one = accumulator.result().per_class[1]
        >>> one.tp, round(one.pq, 3)
        (1, 0.667)
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
        ratio = self.dilation_ratio
        self._count(
            match_segments(prediction, target, self.categories, crowd, dilation_ratio=ratio)
        )

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
            average_quality([self.per_class[c] for c in categories])
            for categories in (self.per_class, self.categories.things, self.categories.stuff)
        )
        return PanopticQuality(
            overall.pq, overall.sq, overall.rq, overall.n, things, stuff, dict(self.per_class)
        )

    def _count(self, matching: Matching) -> None:
        """Add the TP, FP and FN of one image to those of their classes."""
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
        things, stuff, max_instances, dilation_ratio: as in `PQAccumulator`.
        crowd: for each image, the ids of its target that are crowds; none if left out.

    Returns:
        `.pq .sq .rq` over all classes, the same of `.things` and `.stuff`, and `.per_class[c]`
        with `.pq .sq .rq .tp .fp .fn`.

    Raises:
        TypeError, ValueError: as `match_segments` and `PQAccumulator` say, or if the numbers of
            maps differ. The message names map, id and reason.

    Example:
        >>> import torch
        >>> target = torch.tensor([[1001, 1001, 1001, 2000]])
        >>> prediction = torch.tensor([[1001, 1001, 2000, 2000]])
        >>> quality = panoptic_quality([prediction], [target], things=[1], stuff=[2])
        >>> round(quality.things.pq, 3), quality.per_class[2]  # the stuff has an IoU of ½: no match
        (0.667, ClassQuality(tp=0, fp=1, fn=1, iou_units=0))
    """
    accumulator = PQAccumulator(
        things, stuff, max_instances=max_instances, dilation_ratio=dilation_ratio
    )
    for _, _, matching in match_images(
        predictions, targets, accumulator.categories, crowd, dilation_ratio
    ):
        accumulator._count(matching)
    return accumulator.result()


def match_images(
    predictions: Maps,
    targets: Maps,
    categories: Categories,
    crowd: Sequence[Collection[int]] | None = None,
    dilation_ratio: float | None = None,
) -> Iterator[tuple[Tensor, Tensor, Matching]]:
    """(prediction, target, what matches) of each image; messages name the map by its number."""
    for i, (prediction, target, ids) in enumerate(pair_images(predictions, targets, crowd)):
        names = (f"predictions[{i}]", f"targets[{i}]")
        matching = match_segments(
            prediction, target, categories, ids, dilation_ratio=dilation_ratio, names=names
        )
        yield prediction, target, matching


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
