"""Which detection found which truth: COCO's greedy matching, one image at a time.

Detections of a class are taken by decreasing score, equal scores in the order they came. Each takes
the truth with the highest IoU that is still free and reaches the threshold t; the truth is then
gone. A detection that finds none is a false positive, and so is a second detection of an object
that was found already: duplicates cost precision.

Some truths are *ignored*: crowds, and objects whose annotated area lies outside the range that is
being measured. They are not missed when nobody finds them, and a detection that takes one counts
neither as right nor as wrong. A counted truth is always preferred to an ignored one, and a crowd is
never used up. A detection that finds nothing is ignored too, if its own area is out of range.

(Lin et al., Microsoft COCO, 2014, and the evaluation code that came with it.) `match_loop` is the
rule for one threshold and one class; `match` treats all thresholds, area ranges and classes of an
image together. Lesson 07 does it by hand first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # np.arange(0.5, 1, 0.05) drifts: its 0.6 is not 0.6
LARGEST = 1e5**2
AREAS = {  # in pixels, both ends included: an object of 1024 is small *and* medium
    "all": (0.0, LARGEST),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, LARGEST),
}
MOST_DETECTIONS = 100  # for each image and class; the ones with lower scores do not exist

ImageId = int | str


class Best(NamedTuple):
    """The D detections of an image that are read, by decreasing score."""

    number: np.ndarray  # (D,) int64, in the list that was given
    rank: np.ndarray  # (D,) int64, how many of the same class score higher
    cut: int  # how many are not read: their class has enough that score higher


class Truths(NamedTuple):
    """The G truths of an image."""

    label: Tensor  # (G,) int64
    area: Tensor  # (G,) in pixels, as it is sorted into the ranges
    crowd: Tensor  # (G,) bool


@dataclass(frozen=True)
class ImageMatches:
    """What became of the detections and truths of one image; D detections, sorted by score.

    Attributes:
        detection: (D,) int64, the detection's number in the prediction that was given.
        score: (D,) float64. label: (D,) int64.
        rank: (D,) int64, how many detections of the same class and image score higher.
        truth: (4, 10, D) int32, by area range and IoU threshold: the number of the truth that the
            detection took, or -1.
        ignored: (4, 10, D) bool, the detection counts neither as right nor as wrong.
        truth_label: (G,) int64.
        truth_ignored: (4, G) bool, by area range.
        image_id: where the image stands among the others.
        cut: how many detections more there were, beyond the most of a class that are read.
    """

    detection: Tensor
    score: Tensor
    label: Tensor
    rank: Tensor
    truth: Tensor
    ignored: Tensor
    truth_label: Tensor
    truth_ignored: Tensor
    image_id: ImageId | None = None
    cut: int = 0


def match_loop(
    iou: np.ndarray, ignored: np.ndarray, crowd: np.ndarray, threshold: float
) -> list[int]:
    """The definition, one detection and one truth at a time, meant to be read. See `match`."""
    taken: set[int] = set()
    found = []
    for row in iou:  # by decreasing score
        best, best_iou = -1, min(threshold, 1 - 1e-10)
        for truth in np.argsort(ignored, kind="stable").tolist():  # the counted ones first
            if truth in taken and not crowd[truth]:
                continue
            if best >= 0 and not ignored[best] and ignored[truth]:
                break  # a counted truth is not given up for an ignored one
            if row[truth] >= best_iou:
                best, best_iou = truth, row[truth]
        taken.add(best)
        found.append(best)
    return found


def match(
    iou: np.ndarray, ignored: np.ndarray, crowd: np.ndarray, thresholds: np.ndarray
) -> np.ndarray:
    """Greedy matching for several area ranges and IoU thresholds at once.

    Args:
        iou: (D, G) float64, detections by decreasing score; -1 for a pair that may not match.
        ignored: (A, G) bool, by area range.
        crowd: (G,) bool, may be taken any number of times.
        thresholds: (T,), each at least 0.

    Returns:
        (A, T, D) int32, the truth that each detection takes, or -1.
    """
    least = np.minimum(thresholds, 1 - 1e-10)  # (T,)
    found = np.full((len(ignored) * len(least), len(iou)), -1, dtype=np.int32)
    d, g = np.nonzero(iou >= least.min())  # K pairs that may match somewhere
    if not d.size:
        return found.reshape(len(ignored), len(least), -1)
    reached = iou[d, g][:, None, None] >= least  # (K, 1, T)
    counted = ~ignored.T[g][:, :, None]  # (K, A, 1)
    # Every pair has two turns: where the truth counts, and, after all those, where it is ignored.
    wanted = np.concatenate([reached & counted, reached & ~counted])  # (2K, A, T)
    d, g, later = np.tile(d, 2), np.tile(g, 2), np.repeat([0, 1], len(d))
    order = np.lexsort((-g, -iou[d, g], later, d))  # of equal IoUs the later truth first
    d, g = d[order], g[order]
    taken = _take_turns(d, g, crowd, wanted[order].reshape(len(d), -1))  # (2K, A · T)
    turn, setting = np.nonzero(taken)
    found[setting, d[turn]] = g[turn]
    return found.reshape(len(ignored), len(least), -1)


def _take_turns(d: np.ndarray, g: np.ndarray, crowd: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(K, S) bool: the settings (S) in which detection d[k], when its turn k comes, takes g[k].

    A setting is a bit, and a whole number a set of them: S greedy matchings take one walk.
    """
    sets = [int.from_bytes(row, "little") for row in np.packbits(wanted, 1, "little")]
    everywhere = (1 << wanted.shape[1]) - 1
    searching, free = [everywhere] * (d.max(initial=-1) + 1), [everywhere] * len(crowd)
    used_up = (~crowd).tolist()
    for k, (one, truth) in enumerate(zip(d.tolist(), g.tolist(), strict=True)):
        sets[k] &= searching[one] & free[truth]
        searching[one] -= sets[k]
        if used_up[truth]:
            free[truth] -= sets[k]
    size = -(-wanted.shape[1] // 8)
    taken = np.frombuffer(b"".join(one.to_bytes(size, "little") for one in sets), np.uint8)
    return np.unpackbits(taken.reshape(len(d), size), 1, wanted.shape[1], "little").astype(bool)


def best_of_each_class(scores: Tensor, labels: Tensor, most: int = MOST_DETECTIONS) -> Best:
    """The `most` detections of each class with the highest scores, whatever their order."""
    label = labels.numpy()
    # float32 numbers keep their order and their ties in float64
    order = np.argsort(-scores.detach().double().numpy(), kind="stable")
    rank = _rank_within_class(label[order])
    read = rank < most
    return Best(order[read], rank[read], len(order) - int(read.sum()))


def match_image(
    best: Best,
    scores: Tensor,
    labels: Tensor,
    areas: Tensor,
    truths: Truths,
    iou: Tensor,
    image_id: ImageId | None = None,
) -> ImageMatches:
    """Match all detections of an image that are read, whatever their class.

    Args:
        best: which they are.
        scores, labels, areas: (D,) of these detections, in their order.
        truths: of the image.
        iou: (D, G), with the crowd rule applied.
    """
    label, crowd = labels.numpy(), truths.crowd.numpy()
    same_class = label[:, None] == truths.label.numpy()
    truth_ignored = _outside(truths.area.double().numpy()) | crowd  # (4, G)
    truth = match(np.where(same_class, iou.numpy(), -1), truth_ignored, crowd, THRESHOLDS)
    ignored = np.where(truth < 0, _outside(areas.double().numpy())[:, None], False)  # (4, 10, D)
    for k, of_truths in enumerate(truth_ignored):
        if of_truths.any():
            ignored[k] |= of_truths[truth[k]] & (truth[k] >= 0)
    return ImageMatches(
        detection=torch.from_numpy(best.number),
        score=scores.detach().double(),
        label=labels,
        rank=torch.from_numpy(best.rank),
        truth=torch.from_numpy(truth),
        ignored=torch.from_numpy(ignored),
        truth_label=truths.label,
        truth_ignored=torch.from_numpy(truth_ignored),
        image_id=image_id,
        cut=best.cut,
    )


def _outside(areas: np.ndarray) -> np.ndarray:
    """(4, N) bool: the area lies outside of the range."""
    low, high = np.array(list(AREAS.values())).T[:, :, None]
    return (areas < low) | (areas > high)


def _rank_within_class(labels: np.ndarray) -> np.ndarray:
    """(N,) how many earlier entries have the same label."""
    grouped = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[grouped], labels[grouped])
    rank = np.empty(len(labels), dtype=np.int64)
    rank[grouped] = np.arange(len(labels)) - first
    return rank
