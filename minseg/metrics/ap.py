"""Average precision: COCO's answer to "how good is this detector?", in full.

    AP = mean over classes and IoU thresholds 0.50, 0.55 … 0.95 of the area under precision(recall)

Three steps, a file each. Every image's detections are matched to its truths (`ap_matching`); the
matches of all images, sorted by score, make a precision-recall curve for each class and threshold,
and the area under it is one number (`ap_curve`); this file collects and averages.

`ap50` and `ap75` use one threshold, `ap_small` … one range of object area. Average recall `ar_k` is
the recall reached with at most k detections of a class in an image, averaged alike. What does not
occur is left out of an average; what is left with nothing is NaN.

The three kinds differ only in what overlap means: IoU of masks, of boxes, or the smaller of mask
IoU and boundary IoU (Cheng et al., Boundary IoU, 2021), with crowds mask IoU alone.
All twelve numbers equal pycocotools'. (Lin et al., Microsoft COCO, 2014.) Lesson 07.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.metrics.ap_matching import ImageMatches, match_image
from minseg.metrics.ap_result import AveragePrecision, summarise
from minseg.metrics.iou import box_overlap, mask_area, mask_iou

KINDS = ("mask", "box", "boundary")


def average_precision(
    predictions: Sequence[Instances], targets: Sequence[Instances], kind: str = "mask"
) -> AveragePrecision:
    """COCO's average precision over a set of images.

    Args:
        predictions: an Instances an image, with scores; at most the 100 best of a class are read.
        targets: an Instances an image, with `crowd` and annotated `areas` where there are any.
        kind: what overlap means: "mask", "box" (the masks' tight boxes) or "boundary".

    Raises:
        ValueError: if the lists differ in length, the masks of an image differ in size, or the
            kind is none of the above.
    """
    if len(predictions) != len(targets):
        raise ValueError(
            f"predictions and targets must be one Instances for each image, "
            f"got {len(predictions)} and {len(targets)}"
        )
    accumulator = APAccumulator(kind)
    for prediction, target in zip(predictions, targets, strict=True):
        accumulator.add(prediction, target)
    return accumulator.result()


class APAccumulator:
    """`average_precision` image by image: masks are matched in `add` and then forgotten.

    Shards of a data set can be added to accumulators of their own and merged. Where `image_id`s
    are given, images count in the order of their ids, so that the result is the same to the last
    digit however they were shared out: equal scores are told apart by the order of images.
    """

    def __init__(self, kind: str = "mask") -> None:
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
        self.kind = kind
        self._images: list[ImageMatches] = []

    def add(self, prediction: Instances, target: Instances, image_id: int | None = None) -> None:
        """Match the detections of one image to its truths."""
        prediction, target = prediction.to("cpu"), target.to("cpu")
        if prediction.masks.shape[1:] != target.masks.shape[1:]:
            raise ValueError(
                f"image {len(self._images) if image_id is None else image_id}: prediction and "
                f"target must have masks of one size, got {tuple(prediction.masks.shape[1:])} "
                f"and {tuple(target.masks.shape[1:])}"
            )
        areas = target.annotated_areas  # a detection has no annotation: always its own pixels
        self.add_overlaps(
            overlap(prediction, target, self.kind),
            *(prediction.scores, prediction.labels, mask_area(prediction.masks)),
            *(target.labels, mask_area(target.masks) if areas is None else areas, target.crowd),
            image_id=image_id,
        )

    def add_overlaps(
        self,
        iou: Tensor,
        scores: Tensor,
        labels: Tensor,
        areas: Tensor,
        truth_labels: Tensor,
        truth_areas: Tensor,
        crowd: Tensor,
        image_id: int | None = None,
    ) -> None:
        """The same where overlaps (N, M) are at hand, say of boxes without masks."""
        self._images.append(
            match_image(iou, scores, labels, areas, truth_labels, truth_areas, crowd, image_id)
        )

    def merge(self, other: APAccumulator) -> None:
        """Take over the images of another accumulator of the same kind; they follow ours."""
        if other.kind != self.kind:
            raise ValueError(f"other must be of kind {self.kind!r}, got {other.kind!r}")
        self._images.extend(other._images)

    def result(self) -> AveragePrecision:
        """The numbers for all images so far.

        Raises:
            ValueError: if an image was added twice, or only some images have an id.
        """
        return summarise(_in_order(self._images))


def overlap(prediction: Instances, target: Instances, kind: str) -> Tensor:
    """(N, M) float64 overlaps of one of the three kinds, with the crowd rule."""
    if kind == "box":
        return box_overlap(prediction.boxes, target.boxes, target.crowd)
    iou = mask_iou(prediction.masks, target.masks, target.crowd)
    if kind == "mask":
        return iou
    from minseg.metrics.boundary import boundary_of

    of_bands = mask_iou(boundary_of(prediction.masks), boundary_of(target.masks))
    # In a crowd a detection is as right inside as at the edge: as the authors' evaluation has it.
    return torch.where(target.crowd, iou, torch.minimum(iou, of_bands))


def _in_order(images: list[ImageMatches]) -> list[ImageMatches]:
    """By id where they have one, else as they were added."""
    ids = sorted(one.image_id for one in images if one.image_id is not None)
    if not ids:
        return list(images)
    if len(ids) < len(images):
        raise ValueError(f"{len(images) - len(ids)} of {len(images)} images have no image_id")
    for one, after in pairwise(ids):
        if one == after:
            raise ValueError(f"image {one} was added twice")
    return sorted(images, key=lambda one: one.image_id or 0)
