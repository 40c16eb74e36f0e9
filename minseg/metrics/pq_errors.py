"""Where did the panoptic quality go? The loss 1 − PQ, taken apart without remainder.

With D = TP + ½ FP + ½ FN, a class loses

    1 − PQ = Σ_{TP} (1 − IoU) / D  +  ½ FP / D  +  ½ FN / D

and each term has a cause. A matched pair loses its error pixels: 1 − IoU = #errors / #union.

    boundary_only   errors of matched pairs within d of the true contour (`trimap`)
    poor_mask       their errors further off; and pairs of one class left over with an IoU from
                    0.1 to ½: found, but drawn so badly that they count as missed and as invented
    confused_class  pairs left over that overlap by more than ½, but differ in class
    missed          true segments that are still left over
    invented        predicted segments that are still left over

Every false positive and negative is put down to one cause, so the five parts of a class add up to
1 − PQ, and so do their means over classes. The idea of naming causes is TIDE's (Bolya et al., 2020,
for AP, where parts do not add up). Sorting errors into recognition, mask and boundary alone would
not do: a boundary that is bad enough turns into a miss and an invention. Lesson 13.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from typing import Any
from warnings import warn

import numpy as np
from torch import Tensor

from minseg.metrics.boundary import band_width, trimap
from minseg.metrics.pq import Maps, pair_images
from minseg.metrics.pq_matching import Categories, Matching, match_segments

FOUND = 0.1  # IoU from which a wrong mask counts as an attempt at the right object


@dataclass(frozen=True)
class PQParts:
    """PQ and what it lost to each cause; the six add up to 1. NaN where no class occurs."""

    pq: float
    boundary_only: float
    poor_mask: float
    confused_class: float
    missed: float
    invented: float


@dataclass(frozen=True)
class PanopticErrors(PQParts):
    """The mean over all classes that occur, over things, over stuff, and each of these classes."""

    things: PQParts
    stuff: PQParts
    per_class: dict[int, PQParts]

    def draw(self, ax: Any, names: Mapping[int, str] | None = None, title: str = "") -> None:
        """The former name of `minseg.draw.panoptic_errors.draw_panoptic_errors`."""
        warn(
            "errors.draw(ax, …) will go: use draw_panoptic_errors(ax, errors, …) "
            "of minseg.draw.panoptic_errors",
            DeprecationWarning,
            stacklevel=2,
        )
        # Found by name while the old call lasts: this package does not depend on pictures.
        import_module("minseg.draw.panoptic_errors").draw_panoptic_errors(ax, self, names, title)


def panoptic_errors(
    predictions: Maps,
    targets: Maps,
    *,
    things: Iterable[int],
    stuff: Iterable[int],
    max_instances: int = 1000,
    crowd: Sequence[Collection[int]] | None = None,
    dilation_ratio: float = 0.02,
) -> PanopticErrors:
    """Take 1 − PQ apart by cause, for each class and on average.

    Args:
        predictions, targets, things, stuff, max_instances, crowd: as of `panoptic_quality`.
        dilation_ratio: d, how far from the contour an error is one of the boundary, as a share
            of the image's diagonal; see `boundary_of`.

    Returns:
        `.pq .boundary_only .poor_mask .confused_class .missed .invented`, which add up to 1, for
        all classes; the same of `.things`, `.stuff`, and `.per_class[c]` for each class that
        occurs in a prediction or a target.

    Raises:
        TypeError, ValueError: as `panoptic_quality`.
    """
    categories = Categories(things, stuff, max_instances)
    ledgers = {c: _Ledger() for c in categories.things + categories.stuff}
    for i, (prediction, target, ids) in enumerate(pair_images(predictions, targets, crowd)):
        names = (f"predictions[{i}]", f"targets[{i}]")
        matching = match_segments(prediction, target, categories, ids, names=names)
        _enter_matched(ledgers, matching, prediction, target, max_instances, dilation_ratio)
        _enter_unmatched(ledgers, matching, max_instances)
    per_class = {c: ledger.parts() for c, ledger in ledgers.items() if ledger.denominator}
    means = [
        _mean([per_class[c] for c in some if c in per_class])
        for some in (ledgers, categories.things, categories.stuff)
    ]
    overall = {f.name: getattr(means[0], f.name) for f in fields(PQParts)}
    return PanopticErrors(**overall, things=means[1], stuff=means[2], per_class=per_class)


class _Ledger:
    """One class: what is kept and what is lost to each cause so far, not yet divided by D."""

    def __init__(self) -> None:
        self.denominator = 0.0
        self.shares = {field.name: 0.0 for field in fields(PQParts)}

    def enter(self, part: str, share: float) -> None:
        self.shares[part] += share
        self.denominator += share

    def parts(self) -> PQParts:
        return PQParts(**{part: share / self.denominator for part, share in self.shares.items()})


def _enter_matched(
    ledgers: dict[int, _Ledger],
    matching: Matching,
    prediction: Tensor,
    target: Tensor,
    max_instances: int,
    dilation_ratio: float,
) -> None:
    width = band_width(target.shape, dilation_ratio)
    for (p, t), iou in zip(matching.matched.tolist(), matching.iou.tolist(), strict=True):
        predicted = (prediction == p) & (target != 0)  # void is no error
        near = _share_near_contour(predicted, target == t, width)
        ledger = ledgers[t // max_instances]
        ledger.enter("pq", iou)
        ledger.enter("boundary_only", (1 - iou) * near)
        ledger.enter("poor_mask", (1 - iou) * (1 - near))


def _share_near_contour(predicted: Tensor, true: Tensor, width: int) -> float:
    """Share of the pixels in which two masks (H, W) differ that lies in the true one's trimap."""
    used = predicted | true
    i, j = used.any(dim=1).nonzero(), used.any(dim=0).nonzero()
    box = slice(int(i[0]), int(i[-1]) + 1), slice(int(j[0]), int(j[-1]) + 1)
    predicted, true = predicted[box], true[box]  # beyond, nothing differs and nothing is near
    wrong = predicted ^ true
    return (wrong & trimap(true, width)).sum().item() / max(wrong.sum().item(), 1)


def _enter_unmatched(ledgers: dict[int, _Ledger], matching: Matching, max_instances: int) -> None:
    """Half a segment is lost with each false positive and each false negative."""
    invented, missed = set(matching.invented.tolist()), set(matching.missed.tolist())
    for k in np.argsort(-matching.pair_iou, kind="stable"):  # the best overlap first
        (p, t), iou = matching.pairs[k].tolist(), matching.pair_iou[k]
        same = p // max_instances == t // max_instances
        if p in invented and t in missed and (iou >= FOUND if same else iou > 0.5):
            cause = "poor_mask" if same else "confused_class"
            ledgers[p // max_instances].enter(cause, 0.5)
            ledgers[t // max_instances].enter(cause, 0.5)
            invented.remove(p)
            missed.remove(t)
    for segment in invented:
        ledgers[segment // max_instances].enter("invented", 0.5)
    for segment in missed:
        ledgers[segment // max_instances].enter("missed", 0.5)


def _mean(parts: Sequence[PQParts]) -> PQParts:
    names = [f.name for f in fields(PQParts)]
    if not parts:
        return PQParts(*[math.nan] * len(names))
    return PQParts(*(sum(getattr(p, name) for p in parts) / len(parts) for name in names))
