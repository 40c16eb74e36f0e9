"""Panoptic quality: its matches, its averages, its errors: C69 to C71, C122 to C126."""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.data import STUFF, THINGS, make_scene
from minseg.experiments import panoptic_edits
from minseg.ledger.measured import Measured
from minseg.ledger.panoptic_maps import DISC, SKY, score
from minseg.metrics import panoptic_quality


def _row(*runs: tuple[int, int]) -> Tensor:
    """(1, W): runs of (segment, pixels)."""
    return torch.cat([torch.full((pixels,), segment) for segment, pixels in runs])[None]


def _counts(prediction: Tensor, truth: Tensor, crowd: tuple[int, ...] = ()) -> tuple[int, ...]:
    """TP, FP, FN of the things."""
    classes = [score(prediction, truth, crowd).per_class[c] for c in (1, 2)]
    return tuple(sum(getattr(one, k) for one in classes) for k in ("tp", "fp", "fn"))


def c69() -> Measured:
    """PQ is the sum of IoUs over TP + ½ FP + ½ FN."""
    disc, crowded = _row((DISC, 100)), _row((DISC, 60), (SKY, 40))
    inside = _row((SKY, 40), (1007, 30), (SKY, 30))
    found = {
        "IoU exactly ½": _counts(_row((SKY, 2), (DISC, 6)), _row((DISC, 6), (SKY, 2))),
        "51 % on void": _counts(disc, _row((0, 51), (SKY, 49))),
        "50 % on void": _counts(disc, _row((0, 50), (SKY, 50))),
        "void within a match": _counts(disc, _row((DISC, 40), (0, 30), (SKY, 30))),
        "a crowd, not found": _counts(_row((SKY, 100)), crowded, (DISC,)),
        "a disc in a crowd of discs": _counts(inside, crowded, (DISC,)),
    }
    due = [(0, 1, 1), (0, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0)]
    told = "; ".join(f"{name} {counts}" for name, counts in found.items())
    return Measured(f"TP, FP, FN: {told}.", list(found.values()) == due)


def c70() -> Measured:
    """PQ = SQ × RQ, where SQ is the mean IoU of matches and RQ an F1 score."""
    sq, rq = torch.tensor([0.9, 0.6]), torch.tensor([1.0, 0.1])  # an easy class and a hard one
    mean, product = (sq * rq).mean().item(), (sq.mean() * rq.mean()).item()
    one = score(peel(_scene()), _scene()).per_class[1]
    return Measured(
        f"one class of a scene: SQ {one.sq:.3f} × RQ {one.rq:.3f} = PQ {one.pq:.3f}. Two classes "
        f"of SQ 0.9 and 0.6, RQ 1 and 0.1: mean PQ {mean:.2f}, product of the means {product:.2f}.",
        abs(one.sq * one.rq - one.pq) < 1e-9 and mean > product + 0.05,
    )


def c71() -> Measured:
    """PQ lies between 0 and 1, and is reported for things and for stuff as well."""
    q = score(peel(_scene()), _scene())
    classes = [c for c, one in q.per_class.items() if one.tp + one.fp + one.fn]
    things, stuff = (sum(c in kind for c in classes) for kind in (THINGS, STUFF))
    weighted = (things * q.things.pq + stuff * q.stuff.pq) / (things + stuff)
    return Measured(
        f"a scene of {things} classes of things (PQ {q.things.pq:.2f}) and {stuff} of stuff "
        f"({q.stuff.pq:.2f}), each segment a pixel too small: PQ {q.pq:.3f}, weighted by classes "
        f"{weighted:.3f}, mean of the two {(q.things.pq + q.stuff.pq) / 2:.3f}. Perfect: "
        f"{score(_scene(), _scene()).pq:.0f}.",
        things != stuff and abs(q.pq - weighted) < 1e-9 and score(_scene(), _scene()).pq == 1,
    )


def _scene() -> Tensor:
    """(96, 128): small things before broad stuff."""
    return make_scene(9, (96, 128), count=(5, 6)).panoptic


def peel(ids: Tensor) -> Tensor:
    """Every segment loses one pixel all around."""
    for segment in ids[ids > 0].unique().tolist():
        ids = panoptic_edits.shrink(ids, segment)
    return ids


def c122() -> Measured:
    """There are three types of error: recognition, segmentation, boundary."""
    halo = {}
    for side in (4, 5, 8, 16):
        box = torch.full((40, 60), SKY)
        box[10 : 10 + side, 10 : 10 + side] = 2001
        halo[side] = score(panoptic_edits.grow(box, 2001), box).per_class[2].pq
    return Measured(
        "PQ of a square with a halo of one pixel: "
        f"{', '.join(f'side {side} px {pq:.2f}' for side, pq in halo.items())}.",
        halo[4] == 0 and abs(halo[16] - (16 / 18) ** 2) < 1e-9,
    )


def c123() -> Measured:
    """High RQ and low SQ say: found but badly drawn; low RQ and high SQ the reverse."""
    segments = [s for s in _scene().unique().tolist() if s % 1000][:2]
    deleted = peeled = _scene()
    for segment in segments:
        deleted, peeled = panoptic_edits.delete(deleted, segment), peel(peeled)
    quality = [
        panoptic_quality([ids], [_scene()], things=[1, 3], stuff=STUFF).things
        for ids in (deleted, peeled)
    ]
    told = [f"({one.sq:.2f}, {one.rq:.2f})" for one in quality]
    return Measured(
        f"(SQ, RQ) of the things is {told[0]} after two of them were deleted, and {told[1]} after "
        "all were drawn two pixels too small, and none deleted.",
        quality[0].sq > 0.99 and max(quality[1].sq, quality[1].rq) < 0.7,
    )


def c124() -> Measured:
    """PQ^Th judges instances, PQ^St is the evaluation of semantic segmentation."""
    lake, yard = torch.full((2, 40, 60), 7000)
    lake[20:], yard[30:33, 20:24] = 8000, 8000  # water: half of one image, 12 pixels of the other
    truths, answers = torch.stack([lake, yard]), torch.stack([lake, torch.full_like(yard, 7000)])
    sets = [(truths == c, answers == c) for c in (7000, 8000)]
    mean_iou = sum(((a & b).sum() / (a | b).sum()).item() for a, b in sets) / 2
    quality = panoptic_quality(answers, truths, things=THINGS, stuff=STUFF).stuff.pq
    return Measured(
        f"12 of 4800 pixels wrong: mean IoU {mean_iou:.3f}, PQ^St {quality:.3f}.",
        mean_iou > 0.99 and quality < 0.85,
    )


def c125() -> Measured:
    """Stuff usually has the higher PQ."""
    y, x = torch.meshgrid(torch.arange(40) + 0.5, torch.arange(60) + 0.5, indexing="ij")
    inside = (x - 30) ** 2 + (y - 20) ** 2 < 15**2
    stripes = torch.where(inside, DISC, (y.long() // 4 % 3 + 6) * 1000)
    small, thin = (score(peel(ids), ids) for ids in (_scene(), stripes))
    gaps = [one.stuff.pq - one.things.pq for one in (small, thin)]
    return Measured(
        f"every segment a pixel too small: PQ^St − PQ^Th is {gaps[0]:+.2f} for small things before "
        f"broad stuff, {gaps[1]:+.2f} for a large thing before thin stripes. Either sign can be "
        "built; which one is usual, data sets say.",
        gaps[0] > 0.1 and gaps[1] < -0.1,
    )


def c126() -> Measured:
    """Things are limited by detection, stuff by the accuracy of boundaries."""
    return Measured(
        "DETR-R50 on COCO: SQ 79.8 for things and 78.5 for stuff, RQ 59.5 and 45.3 (Carion et al., "
        "2020, table 5). One model on one data set.",
        supports=True,
        quoted=True,
    )
