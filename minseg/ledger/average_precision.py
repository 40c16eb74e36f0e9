"""What average precision counts, and its conventions: C111 to C116, C139."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from minseg.data import coins_truth
from minseg.instances import Instances
from minseg.ledger.measured import Measured
from minseg.metrics import (
    average_precision,
    average_symmetric_surface_distance,
    mask_iou,
    panoptic_quality,
    trimap_accuracy,
)
from minseg.metrics.ap_curve import area_under, precision_recall
from minseg.metrics.boundary import erode

COIN = 9  # the category


def _coins(masks: Tensor, scores: Tensor | None = None) -> Instances:
    """Detections of coins; without scores, the first is the surest."""
    scores = torch.linspace(0.99, 0.5, 24)[: len(masks)] if scores is None else scores
    return Instances(masks, torch.full((len(masks),), COIN), scores)


@cache
def _twice(behind: float) -> Instances:
    """The photograph's 24 coins, each a second time with a score that is so much lower."""
    masks, scores = coins_truth().masks, torch.linspace(0.99, 0.5, 24)
    return _coins(torch.cat([masks, masks]), torch.cat([scores, scores - behind]))


def c111() -> Measured:
    """Mask IoU is the number of pixels in both masks, divided by the number in either."""
    masks = torch.zeros(3, 8, 8, dtype=torch.bool)  # a small one, one that holds it, an empty one
    masks[0, 2:4, 2:4], masks[1, :4, :4] = True, True
    pairs = mask_iou(masks, masks)
    crowd = mask_iou(masks[:1], masks[1:2], torch.tensor([True])).item()
    return Measured(
        f"4 pixels inside 16: IoU {pairs[0, 1].item()}, with a crowd {crowd:.0f}; two empty masks "
        f"{pairs[2, 2]:.0f}, an empty one and another {pairs[2, 0]:.0f}.",
        bool(pairs[0, 1] == 0.25 and crowd == 1 and pairs[2, 2] == 0 and pairs[0, 0] == 1),
    )


def c112() -> Measured:
    """A detection is a true positive if its mask IoU reaches the threshold."""
    each, last = (average_precision([_twice(d)], [coins_truth()]).ap for d in (0.001, 0.499))
    return Measured(
        f"24 perfect masks reported twice: AP {each:.3f}, though all 48 reach every threshold; "
        f"{last:.3f} if the duplicates come last.",
        each < 0.6 and last == 1,
    )


def c113() -> Measured:
    """Average precision is the area under precision over recall; mAP the mean over classes."""
    right = np.array([True, False, True, True, False, False, True])
    curve = precision_recall(right, truths=5)
    area = {rule: area_under(*curve, rule) for rule in ("raw", "all", "101", "11")}
    told = ", ".join(f"{rule} {value:.3f}" for rule, value in area.items())
    return Measured(
        f"TP FP TP TP FP FP TP, of 5 truths: {told}.",
        np.allclose(list(area.values()), [0.598, 0.614, 0.618, 0.649], atol=5e-4),
    )


def c114() -> Measured:
    """AP50 and AP75 use IoU 0.5 and 0.75, COCO's AP is the mean over 0.5 to 0.95."""
    five, three = torch.zeros(2, 1, 4, 8, dtype=torch.bool)
    five[:, 1, 1:6], three[:, 1, 1:4] = True, True
    at = average_precision([_coins(three)], [_coins(five)]).ap
    drifted = np.arange(0.5, 1, 0.05)  # the obvious way to write the thresholds
    by_arange = float((mask_iou(three, five).item() >= drifted).mean())
    return Measured(
        f"an IoU of 0.6 reaches three of the ten, AP {at:.1f}. With arange, whose third number is "
        f"{float(drifted[2])}, it reaches two, AP {by_arange:.1f}.",
        np.allclose([at, by_arange], [0.3, 0.2]),
    )


def _squares(*corners: tuple[int, int, int]) -> Instances:
    """One image of 256 × 256 with squares x, y, side, the surest first."""
    masks = torch.zeros(len(corners), 256, 256, dtype=torch.bool)
    for mask, (x, y, side) in zip(masks, corners, strict=True):
        mask[y : y + side, x : x + side] = True
    return _coins(masks)


def c115() -> Measured:
    """Small objects have an area below 32², medium ones up to 96², large ones above."""
    edge = average_precision([_squares((0, 0, 32))], [_squares((0, 0, 32))])
    truth = _squares((0, 0, 20), (30, 0, 97))  # a small one and a large one
    small, medium = (
        average_precision([_squares((150, 150, side), (0, 0, 20), (30, 0, 97))], [truth]).ap_small
        for side in (28, 60)
    )
    return Measured(
        "a square of 32² px is small and medium. A false alarm with the highest score makes AP "
        f"small {small:.1f} if it is small itself, and leaves {medium:.1f} if it is medium; the "
        "large truth and its detection count neither way.",
        edge.ap_small == edge.ap_medium == 1 and abs(small - 0.5) < 1e-9 and medium == 1,
    )


def c116() -> Measured:
    """A low IoU threshold stresses detection, a high one the quality of segmentation."""
    masks = coins_truth().masks
    flawed = {
        "6 of 24 missed": _coins(masks[6:]),
        "every coin twice": _twice(0.001),
        "6 px too far right": _coins(torch.roll(masks, 6, dims=2)),
        "3 px too small": _coins(erode(masks, 3)),
    }
    found = {name: average_precision([p], [coins_truth()]) for name, p in flawed.items()}
    told = (f"{name}: {one.ap50:.2f}, {one.ap75:.2f}" for name, one in found.items())
    missed, eroded = found["6 of 24 missed"], found["3 px too small"]
    return Measured(
        f"AP50, AP75: {'; '.join(told)}.",
        missed.ap50 == missed.ap75 and eroded.ap50 > 0.9 and eroded.ap75 < 0.1,
    )


def _flawed() -> dict[str, Instances]:
    """Five predictors of the photograph's coins, each with one kind of fault."""
    masks, invented = coins_truth().masks, torch.zeros(6, 303, 384, dtype=torch.bool)
    for k in range(6):
        invented[k, 1:11, 20 + 60 * k : 50 + 60 * k] = True  # in the margin above the coins
    scores = torch.cat([torch.full((6,), 0.999), torch.linspace(0.99, 0.5, 24)])
    return {
        "2 px too small": _coins(erode(masks, 2)),
        "a hole in each": _coins(masks & ~erode(masks, 10)),
        "every coin twice": _twice(0.001),
        "6 of 24 missed": _coins(masks[6:]),
        "6 invented": _coins(torch.cat([invented, masks]), scores),
    }


def _as_map(instances: Instances) -> Tensor:
    """Panoptic ids (303, 384): the surest coin on top, background is stuff of class 1."""
    ids = torch.full((303, 384), 1000)
    for k in instances.scores.argsort(stable=True).tolist():
        ids[instances.masks[k]] = 1000 * COIN + k + 1
    return ids


def _judge(predicted: Instances) -> tuple[float, float, float, float, float]:
    """Mask AP, boundary AP, PQ, trimap accuracy, and ASSD of matched pairs in pixels."""
    truth = coins_truth()
    mask, edge = (average_precision([predicted], [truth], kind) for kind in ("mask", "boundary"))
    maps = [_as_map(predicted)], [_as_map(truth)]
    pq = panoptic_quality(*maps, things=[COIN], stuff=[1]).per_class[COIN].pq
    near = trimap_accuracy(predicted.masks.any(dim=0), truth.masks.any(dim=0), [3]).item()
    match = mask.matches[0]
    pairs = zip(match.detection.tolist(), match.truth[0, 0].tolist(), strict=True)  # at IoU 0.5
    distance = [
        average_symmetric_surface_distance(predicted.masks[d], truth.masks[g])
        for d, g in pairs
        if g >= 0
    ]
    return mask.ap, edge.ap, pq, near, float(np.mean(distance))


def c139() -> Measured:
    """Evaluation needs several metrics: for detection, segmentation and boundaries."""
    table = {name: _judge(predicted) for name, predicted in _flawed().items()}
    columns = np.array(list(table.values())).T
    orders = {tuple(np.argsort(column, kind="stable").tolist()) for column in columns[:4]}
    alike = int((columns[4] == 0).sum())
    twice, holes = table["every coin twice"], table["a hole in each"]
    return Measured(
        f"five predictors, each with one fault: mask AP, boundary AP, PQ and trimap give "
        f"{len(orders)} orders, and ASSD cannot tell {alike} of the five apart. Every coin twice: "
        f"AP {twice[0]:.3f}, PQ {twice[2]:.0f}. A hole in each: trimap {holes[3]:.0f}, AP "
        f"{holes[0]:.3f}.",
        len(orders) == 4 and twice[2] == 1 and columns[0].argmin() == 2 and alike == 3,
    )
