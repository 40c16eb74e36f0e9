"""Which detection found which truth: COCO's greedy matching, one image at a time.

Detections of a class are taken by decreasing score, equal scores in the order they came. Each takes
the truth with the highest IoU that is still free and reaches the threshold t; the truth is then
gone. A detection that finds none is a false positive, and so is a second detection of an object
that was found already: duplicates cost precision.

Some truths are *ignored*: crowds, and objects whose annotated area lies outside the range that is
being measured. An ignored truth that no detection takes is not missed, and a detection that takes
one counts neither as right nor as wrong. A counted truth is always preferred to an ignored one.
A detection that finds nothing is ignored too, if its own area is out of range.

The crowd rule, which other files refer to. A *crowd* is one region drawn around many objects.

    1  overlap with a crowd is |a ∩ b| / |a|, the share of the detection a that lies in it: to be
       wholly inside is as good as it gets (`minseg.metrics.iou.ratio`)
    2  that is of masks or boxes, never of boundaries: inside a crowd a detection is as right as at
       its edge (`minseg.metrics.ap_overlap`)
    3  a crowd is ignored, so it is neither missed nor found
    4  a crowd is never used up: any number of detections may take it

(Lin et al., Microsoft COCO, 2014, and the evaluation code that came with it.) `match_loop` is the
rule for one threshold and one class; `match` treats all thresholds, area ranges and classes of an
image together. Unit 30 does it by hand first. Letters, here and in `ap_result`: D detections and
G truths of an image, A ranges of area, T thresholds.
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
A, T = len(AREAS), len(THRESHOLDS)  # 4 and 10
NEARLY_ONE = 1 - 1e-10  # COCO's: an IoU of 1 reaches a threshold of 1, whatever its last digit
MOST_DETECTIONS = 100  # for each image and class; the ones with lower scores do not exist

ImageId = int | str


class Best(NamedTuple):
    """Which D detections of an image are read, by decreasing score."""

    number: np.ndarray  # (D,) int64, in the list that was given
    rank: np.ndarray  # (D,) int64, how many of the same class score higher
    cut: int  # how many are not read: their class has enough that score higher


class ImageDetections(NamedTuple):
    """The D detections of an image that are read, by decreasing score."""

    score: Tensor  # (D,) floating point
    label: Tensor  # (D,) int64
    area: Tensor  # (D,) in pixels, as it is sorted into the ranges


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
        truth: (A, T, D) int32, by area range and IoU threshold: the number of the truth that the
            detection took, or -1.
        ignored: (A, T, D) bool, the detection counts neither as right nor as wrong.
        truth_label: (G,) int64.
        truth_ignored: (A, G) bool, by area range.
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
    """The definition, one detection and one truth at a time, meant to be read. See `match`.

    Example:
        >>> neither = np.array([False, False])  # of two truths is ignored, or a crowd
        >>> match_loop(np.array([[0.9, 0.6], [0.8, 0.7], [0.7, 0.4]]), neither, neither, 0.5)
        [0, 1, -1]
    """
    taken: set[int] = set()
    found = []
    for row in iou:  # by decreasing score
        best, best_iou = -1, min(threshold, NEARLY_ONE)
        for truth in np.argsort(ignored, kind="stable").tolist():  # the counted ones first
            if truth in taken and not crowd[truth]:
                continue  # it is gone
            if best >= 0 and not ignored[best] and ignored[truth]:
                break  # a counted truth is not given up for an ignored one
            if row[truth] >= best_iou:  # of equal IoUs the later truth
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

    Example:
        >>> iou, crowd = np.array([[0.9, 0.6], [0.8, 0.7]]), np.array([False, False])
        >>> match(iou, crowd[None], crowd, np.array([0.5, 0.75])).tolist()
        [[[0, 1], [0, -1]]]
    """
    least = np.minimum(thresholds, NEARLY_ONE)  # (T,)
    found = np.full((len(ignored) * len(least), len(iou)), -1, dtype=np.int32)  # (A · T, D)
    # K pairs that may match somewhere, and in which settings: area range and threshold
    d, g = np.nonzero(iou >= least.min())
    if not d.size:
        return found.reshape(len(ignored), len(least), -1)
    reached = iou[d, g][:, None, None] >= least  # (K, 1, T)
    counted = ~ignored.T[g][:, :, None]  # (K, A, 1)
    # Every pair has two turns: where the truth counts, and, after all those, where it is ignored.
    wanted = np.concatenate([reached & counted, reached & ~counted])  # (2K, A, T)
    d, g, later = np.tile(d, 2), np.tile(g, 2), np.repeat([0, 1], len(d))  # (2K,)
    # Rank of each truth for a detection: counted before ignored, then higher IoU first; of equal
    # IoUs the later truth first, as in COCO's code. (lexsort's last key is its first.)
    order = np.lexsort((-g, -iou[d, g], later, d))
    d, g = d[order], g[order]
    # Turn after turn, in all settings at once
    taken = _take_turns(d, g, crowd, wanted[order].reshape(len(d), -1))  # (2K, A · T)
    turn, setting = np.nonzero(taken)  # each detection has at most one turn in a setting
    found[setting, d[turn]] = g[turn]
    return found.reshape(len(ignored), len(least), -1)


def _take_turns(d: np.ndarray, g: np.ndarray, crowd: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(K, S) bool: the settings (S) in which detection d[k], when its turn k comes, takes g[k].

    A setting is a bit, and a whole number a set of them: S greedy matchings take one walk.
    """
    sets = [int.from_bytes(row, "little") for row in np.packbits(wanted, 1, "little")]
    everywhere = (1 << wanted.shape[1]) - 1
    # in which settings a detection has no truth yet, and a truth is not taken yet
    searching, free = [everywhere] * (d.max(initial=-1) + 1), [everywhere] * len(crowd)
    used_up = (~crowd).tolist()
    for k, (one, truth) in enumerate(zip(d.tolist(), g.tolist(), strict=True)):
        sets[k] &= searching[one] & free[truth]
        searching[one] -= sets[k]
        if used_up[truth]:  # a crowd is not
            free[truth] -= sets[k]
    size = -(-wanted.shape[1] // 8)
    taken = np.frombuffer(b"".join(one.to_bytes(size, "little") for one in sets), np.uint8)
    return np.unpackbits(taken.reshape(len(d), size), 1, wanted.shape[1], "little").astype(bool)


def best_of_each_class(scores: Tensor, labels: Tensor, most: int = MOST_DETECTIONS) -> Best:
    """The `most` detections of each class with the highest scores, whatever their order.

    Example:
        >>> scores, labels = torch.tensor([0.2, 0.9, 0.5]), torch.tensor([1, 1, 2])
        >>> best = best_of_each_class(scores, labels, most=1)
        >>> best.number.tolist(), best.rank.tolist(), best.cut
        ([1, 2], [0, 0], 1)
    """
    label = labels.numpy()
    # float32 numbers keep their order and their ties in float64
    order = np.argsort(-scores.detach().double().numpy(), kind="stable")
    rank = _rank_within_class(label[order])
    read = rank < most
    return Best(order[read], rank[read], len(order) - int(read.sum()))


def match_image(
    best: Best,
    detections: ImageDetections,
    truths: Truths,
    iou: Tensor,
    image_id: ImageId | None = None,
) -> ImageMatches:
    """Match all detections of an image that are read, whatever their class.

    Args:
        best, detections: which are read, and what they are.
        truths: of the image.
        iou: (D, G), with the crowd rule applied.
    """
    label, crowd = detections.label.numpy(), truths.crowd.numpy()
    # only truths of its own class are there for a detection
    same_class = label[:, None] == truths.label.numpy()  # (D, G)
    truth_ignored = _outside(truths.area.double().numpy()) | crowd  # (A, G)
    truth = match(np.where(same_class, iou.numpy(), -1), truth_ignored, crowd, THRESHOLDS)
    # a detection is ignored if it took nothing and is out of range itself, or took an ignored truth
    outside = _outside(detections.area.double().numpy())  # (A, D)
    ignored = np.where(truth < 0, outside[:, None], False)  # (A, T, D)
    for area, ignored_here in enumerate(truth_ignored):
        if ignored_here.any():
            ignored[area] |= ignored_here[truth[area]] & (truth[area] >= 0)
    return ImageMatches(
        detection=torch.from_numpy(best.number),
        score=detections.score.detach().double(),
        label=detections.label,
        rank=torch.from_numpy(best.rank),
        truth=torch.from_numpy(truth),
        ignored=torch.from_numpy(ignored),
        truth_label=truths.label,
        truth_ignored=torch.from_numpy(truth_ignored),
        image_id=image_id,
        cut=best.cut,
    )


def _outside(areas: np.ndarray) -> np.ndarray:
    """(A, N) bool: the area lies outside of the range."""
    low, high = np.array(list(AREAS.values())).T[:, :, None]  # (A, 1) each
    return (areas < low) | (areas > high)


def _rank_within_class(labels: np.ndarray) -> np.ndarray:
    """(N,) how many earlier entries have the same label."""
    grouped = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[grouped], labels[grouped])
    rank = np.empty(len(labels), dtype=np.int64)
    rank[grouped] = np.arange(len(labels)) - first
    return rank
