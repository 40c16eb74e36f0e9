"""Average precision: COCO's answer to "how good is this detector?", in full.

    AP = mean over classes and IoU thresholds 0.50, 0.55 … 0.95 of the area under precision(recall)

`ap50` and `ap75` use one threshold, `ap_small` … one range of object area. Average recall `ar_k` is
the recall reached with at most k detections of a class in an image, averaged alike. What does not
occur is left out of an average; what is left with nothing is NaN.

The way of the data, with D detections and G truths of an image, n detections of a class in all
images, A = 4 ranges of area and T = 10 IoU thresholds:

    each image    predictions, targets
                  → `ap_overlap`    iou (D, G), area (D,)          masks, boxes or boundaries
                  → `ap_matching`   truth, ignored (A, T, D)       greedy, by decreasing score
    all images    → `ap_result`     right, ignored (A, T, n)       each class sorted by score
                  → `ap_curve`      precision, recall (n,)         for each class, area, threshold
                                    AP, recall (classes, A, T)     area under each curve
                  → `ap_result`     the twelve numbers             means over classes, thresholds

This file checks and collects. The crowd rule is stated in `ap_matching`. All twelve numbers equal
pycocotools', but for results with a box and a mask (`APAccumulator`).
(Lin et al., Microsoft COCO, 2014.) Unit 30.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.masks.runs import Runs
from minseg.metrics.ap_matching import (
    MOST_DETECTIONS,
    Best,
    ImageDetections,
    ImageId,
    ImageMatches,
    Truths,
    best_of_each_class,
    match_image,
)
from minseg.metrics.ap_overlap import KINDS, overlap, overlap_of_runs, truth_area
from minseg.metrics.ap_result import AveragePrecision, summarise
from minseg.metrics.iou import mask_area
from minseg.processes import gather


def average_precision(
    predictions: Sequence[Instances],
    targets: Sequence[Instances],
    kind: str = "mask",
    *,
    most: int = MOST_DETECTIONS,
) -> AveragePrecision:
    """COCO's average precision over a set of images.

    Args:
        predictions: Instances for each image, with scores; the `most` best of a class are read.
        targets: Instances for each image, with `crowd` and annotated `areas` where there are any.
        kind: what overlap means: "mask", "box" (the masks' tight boxes) or "boundary".
        most: the limit for each class and image, COCO's 100. `AveragePrecision` says which of the
            numbers it changes, and what it left out (`cut`).

    Raises:
        ValueError: if the lists differ in length, the masks of an image differ in size, the kind
            is none of the above, or `most` is below 1.

    Example:
        >>> masks = torch.eye(2).bool()[:, None]  # two objects of one pixel
        >>> truth = Instances(masks, torch.tensor([1, 1]))
        >>> found = Instances(masks[:1], torch.tensor([1]), torch.tensor([0.9]))
        >>> round(average_precision([found], [truth]).ap, 3)
        0.505
    """
    if len(predictions) != len(targets):
        raise ValueError(
            f"predictions and targets must be one Instances for each image, "
            f"got {len(predictions)} and {len(targets)}"
        )
    accumulator = APAccumulator(kind, most=most)
    for prediction, target in zip(predictions, targets, strict=True):
        accumulator.add(prediction, target)
    return accumulator.result()


class APAccumulator:
    """`average_precision` image by image: masks are matched in `add` and then forgotten.

    Shards of a data set can be added to accumulators of their own and merged. Where `image_id`s
    are given, whole numbers or text, images count in the order of their ids, numbers before text,
    so that the result is the same to the last digit however they were shared out: equal scores are
    told apart by the order of images.

    A detection is as large as its mask has pixels, or, of kind "box", as its box; a truth as it is
    annotated, else as its mask has pixels. So in pycocotools, except for results that have both
    a box and a mask: there it sizes masks by the boxes.

    Example:
        >>> masks = torch.eye(2).bool()[:, None]  # two objects of one pixel
        >>> labels = torch.tensor([1, 1])
        >>> accumulator = APAccumulator()
        >>> accumulator.add(Instances(masks, labels), Instances(masks, labels), image_id=7)
        >>> accumulator.result().ap
        1.0
    """

    def __init__(self, kind: str = "mask", *, most: int = MOST_DETECTIONS) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}")
        if most < 1:
            raise ValueError(f"most must be at least 1 detection, got {most}")
        self.kind, self.most = kind, most
        self._images: list[ImageMatches] = []

    @property
    def cut(self) -> int:
        """How many detections so far were not read, being beyond the `most` of their class."""
        return sum(one.cut for one in self._images)

    @property
    def images_cut(self) -> int:
        """In how many images."""
        return sum(one.cut > 0 for one in self._images)

    def add(
        self, prediction: Instances, target: Instances, image_id: ImageId | None = None
    ) -> None:
        """Match the detections of one image to its truths."""
        prediction, target = prediction.to("cpu"), target.to("cpu")
        self._check_sizes(prediction.masks.shape[1:], target.masks.shape[1:], image_id)
        best = best_of_each_class(prediction.scores, prediction.labels, self.most)
        rows = torch.from_numpy(best.number)
        if best.cut:  # what is not read is not compared either
            prediction, rows = prediction[rows], torch.arange(len(rows))
        iou, areas = overlap(prediction, target, self.kind)
        detections = ImageDetections(prediction.scores[rows], prediction.labels[rows], areas[rows])
        true_areas = truth_area(target.annotated_areas, mask_area(target.masks))
        truths = Truths(target.labels, true_areas, target.crowd)
        self._match(best, detections, truths, iou[rows], image_id)

    def add_runs(
        self,
        runs: Runs,
        scores: Tensor,
        labels: Tensor,
        truth_runs: Runs,
        truth_labels: Tensor,
        truth_areas: Tensor | None,
        crowd: Tensor,
        image_id: ImageId | None = None,
    ) -> None:
        """`add` for masks as runs, of a picture as large as may be: no pixels are made.

        Args:
            runs: N detections, with scores (N,) floating point and labels (N,) int64.
            truth_runs: M truths, with truth_labels (M,) int64 and crowd (M,) bool. Where there
                are no detections or no truths, sizes need not agree.
            truth_areas: (M,) as annotated, NaN where not; None for no annotation at all.
            image_id: as in the class.
        """
        if len(runs) and len(truth_runs):
            self._check_sizes(runs.size, truth_runs.size, image_id)
        best = best_of_each_class(scores, labels, self.most)
        rows = torch.from_numpy(best.number)
        scores, labels, runs = scores[rows], labels[rows], runs.pick(best.number)
        same_class = (labels[:, None] == truth_labels).numpy()
        true_areas = truth_area(truth_areas, torch.from_numpy(truth_runs.areas()))
        truths = Truths(truth_labels, true_areas, crowd)
        iou, areas = overlap_of_runs(runs, truth_runs, self.kind, crowd, same_class)
        self._match(best, ImageDetections(scores, labels, areas), truths, iou, image_id)

    def add_overlaps(
        self,
        iou: Tensor,
        scores: Tensor,
        labels: Tensor,
        areas: Tensor,
        truth_labels: Tensor,
        truth_areas: Tensor,
        crowd: Tensor,
        image_id: ImageId | None = None,
    ) -> None:
        """The same where overlaps (N, M) are at hand, say of boxes without masks."""
        best = best_of_each_class(scores, labels, self.most)
        rows = torch.from_numpy(best.number)
        detections = ImageDetections(scores[rows], labels[rows], areas[rows])
        truths = Truths(truth_labels, truth_areas, crowd)
        self._match(best, detections, truths, iou[rows], image_id)

    def _match(
        self,
        best: Best,
        detections: ImageDetections,
        truths: Truths,
        iou: Tensor,
        image_id: ImageId | None,
    ) -> None:
        """Match the detections of an image that are read, and keep what came of it."""
        self._images.append(match_image(best, detections, truths, iou, image_id))

    def _check_sizes(
        self, size: Sequence[int], true_size: Sequence[int], image_id: ImageId | None
    ) -> None:
        if tuple(size) != tuple(true_size):
            raise ValueError(
                f"image {len(self._images) if image_id is None else image_id}: prediction and "
                f"target must have masks of one size, got {tuple(size)} and {tuple(true_size)}"
            )

    def merge(self, other: APAccumulator) -> None:
        """Take over the images of another accumulator of the same kind and limit, after ours.

        Raises:
            ValueError: if kind or `most` differ.
        """
        if other.kind != self.kind:
            raise ValueError(f"other must be of kind {self.kind!r}, got {other.kind!r}")
        if other.most != self.most:
            raise ValueError(
                f"other must read at most {self.most} detections of a class, got {other.most}"
            )
        self._images.extend(other._images)

    def gather(self) -> APAccumulator:
        """The images of the accumulators of all processes of `torch.distributed`.

        Every process must call it, and gets the same; this accumulator stays as it is. Images must
        have ids. Without a process group it is alone.
        """
        total = APAccumulator(self.kind, most=self.most)
        for part in gather(self):
            total.merge(part)
        return total

    def result(self) -> AveragePrecision:
        """The numbers for all images so far.

        Raises:
            ValueError: if an image was added twice, or only some images have an id.
        """
        return summarise(_in_order(self._images))


def _in_order(images: list[ImageMatches]) -> list[ImageMatches]:
    """By id where they have one, else as they were added."""
    unnamed = sum(one.image_id is None for one in images)
    if unnamed == len(images):
        return list(images)
    if unnamed:
        raise ValueError(f"{unnamed} of {len(images)} images have no image_id")
    images = sorted(images, key=lambda one: (isinstance(one.image_id, str), one.image_id))
    for one, after in pairwise(images):
        if one.image_id == after.image_id:
            raise ValueError(f"image {one.image_id} was added twice")
    return images
