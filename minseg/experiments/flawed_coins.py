"""Detectors of the 24 coins with faults put in by hand, to see what each metric misses.

Every prediction here is made from the true masks. `sloppy_detector` has a bit of everything;
`single_flaws` gives four detectors one fault each, for AP at each threshold; `five_faults` gives
five, and `judge` and `judgements` say what five metrics make of them.

    mask AP       10 thresholds of mask IoU          boundary AP   of min(mask IoU, boundary IoU)
    PQ            of the map, best score on top      ASSD          mean over pairs matched at ½, px
    trimap        share of right pixels within 3 px of the true outline

(Lin et al., Microsoft COCO, 2014; Cheng et al., Boundary IoU, 2021; Kirillov et al., Panoptic
Segmentation, 2019.) Units 31 and 32.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minseg.data.photos import coins_truth
from minseg.instances import Instances
from minseg.metrics.ap import average_precision
from minseg.metrics.boundary import erode, trimap_accuracy
from minseg.metrics.pq import panoptic_quality
from minseg.metrics.surface import average_symmetric_surface_distance

COIN, BACKGROUND = 9, 1  # categories
METRICS = ("mask AP", "boundary AP", "PQ", "ASSD, px", "trimap, 3 px")

# What the sloppy detector does: coins it misses, pixels by which it moves each of the others to
# the right, by decreasing score, and coins that it reports again, so many pixels lower.
MISSED = (5, 14, 20)
MOVED = (0, 1, 1, 2, 2, 3, 1, 2, 3, 4, 2, 3, 5, 4, 3, 2, 6, 3, 4, 5, 7)
AGAIN = {0: 4, 8: -5, 17: 6}


def as_coins(masks: Tensor, scores: Tensor | None = None) -> Instances:
    """Detections (N, H, W), all of the class coin; scores fall evenly from 0.99 if left out."""
    if scores is None:
        scores = torch.linspace(0.99, 0.5, len(masks))
    return Instances(masks, torch.full((len(masks),), COIN), scores)


def to_the_right(masks: Tensor, dx: int) -> Tensor:
    """(N, H, W) moved by dx pixels; what leaves the image is lost.

    >>> to_the_right(torch.tensor([[[True, False, True]]]), 1).tolist()
    [[[False, True, False]]]
    """
    moved = torch.zeros_like(masks)
    moved[..., dx:] = masks[..., : masks.shape[-1] - dx]
    return moved


def sloppy_detector() -> Instances:
    """21 of the 24 coins, most of them moved, three of them twice, and two false alarms."""
    masks = coins_truth().masks
    seen = [k for k in range(len(masks)) if k not in MISSED]
    found = [to_the_right(masks[k], dx) for k, dx in zip(seen, MOVED, strict=True)]
    again = [torch.roll(masks[k], dy, dims=0) for k, dy in AGAIN.items()]
    alarms = torch.zeros(2, *masks.shape[1:], dtype=torch.bool)
    alarms[0, 3:20, 150:200] = True  # above the coins
    alarms[1, 100:140, 358:382] = True  # at the right edge
    scores = [*torch.linspace(0.98, 0.38, len(found)).tolist(), 0.79, 0.63, 0.51, 0.9, 0.45]
    return as_coins(torch.cat([torch.stack([*found, *again]), alarms]), torch.tensor(scores))


def sloppy_parts() -> dict[str, Tensor]:
    """The masks of `sloppy_detector` by what is wrong with them, and the coins that it misses."""
    masks = sloppy_detector().masks
    found = len(MOVED)
    return {
        "found, most moved": masks[:found],
        "found again": masks[found : found + len(AGAIN)],
        "on no coin": masks[found + len(AGAIN) :],
        "missed": coins_truth().masks[list(MISSED)],
    }


def twice(masks: Tensor, later: float = 0.001) -> Instances:
    """Every mask reported twice: the second time with a score lower by `later`."""
    scores = torch.linspace(0.99, 0.5, len(masks))
    return as_coins(torch.cat([masks, masks]), torch.cat([scores, scores - later]))


def single_flaws() -> dict[str, Instances]:
    """Four detectors with one fault each: two that concern finding, two that concern drawing."""
    masks = coins_truth().masks
    return {
        "6 of 24 missed": as_coins(masks[6:]),
        "every coin twice": twice(masks),
        "6 px too far right": as_coins(to_the_right(masks, 6)),
        "3 px too small": as_coins(erode(masks, 3)),
    }


def five_faults() -> dict[str, Instances]:
    """Five detectors with one fault each."""
    masks = coins_truth().masks
    invented = torch.zeros(6, *masks.shape[1:], dtype=torch.bool)
    for k in range(6):
        invented[k, 1:11, 20 + 60 * k : 50 + 60 * k] = True  # in the margin above the coins
    scores = torch.cat([torch.full((6,), 0.999), torch.linspace(0.99, 0.5, len(masks))])
    return {
        "2 px too small": as_coins(erode(masks, 2)),
        "a hole in each": as_coins(masks & ~erode(masks, 10)),
        "every coin twice": twice(masks),
        "6 of 24 missed": as_coins(masks[6:]),
        "6 invented": as_coins(torch.cat([invented, masks]), scores),
    }


def judge(prediction: Instances) -> tuple[float, ...]:
    """What each of the `METRICS` says of a detector of the coins, in their order."""
    coins = coins_truth()
    mask, edge = (average_precision([prediction], [coins], kind) for kind in ("mask", "boundary"))
    maps = [_as_map(prediction)], [_as_map(coins)]
    pq = panoptic_quality(*maps, things=[COIN], stuff=[BACKGROUND]).per_class[COIN].pq
    near = prediction.masks.any(dim=0), coins.masks.any(dim=0)
    pairs = mask.matches[0]  # at IoU ½, all areas
    distances = [
        average_symmetric_surface_distance(prediction.masks[d], coins.masks[g])
        for d, g in zip(pairs.detection.tolist(), pairs.truth[0, 0].tolist(), strict=True)
        if g >= 0
    ]
    assd = float(np.mean(distances)) if distances else float("inf")
    return mask.ap, edge.ap, pq, assd, trimap_accuracy(*near, [3]).item()


def judgements() -> dict[str, tuple[float, ...]]:
    """`judge` of each of the `five_faults`, by name."""
    return {name: judge(detector) for name, detector in five_faults().items()}


def _as_map(instances: Instances) -> Tensor:
    """(H, W) panoptic ids: the coin with the best score on top, background everywhere else."""
    ids = torch.full(instances.masks.shape[1:], 1000 * BACKGROUND)
    scores = instances.scores
    for k in scores.argsort(stable=True).tolist():
        ids[instances.masks[k]] = 1000 * COIN + k + 1
    return ids
