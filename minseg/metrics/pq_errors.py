"""Where did the panoptic quality go? The loss 1 − PQ, taken apart without remainder.

With D = TP + ½ FP + ½ FN, a class loses

    1 − PQ = Σ_{TP} (1 − IoU) / D  +  ½ FP / D  +  ½ FN / D

and each term has a cause. A matched pair loses its error pixels: 1 − IoU = #errors / #union.

    boundary_only   errors of matched pairs within d of the true contour (`trimap`)
    poor_mask       their errors further off; and pairs of one class left over with an IoU from
                    0.1 to ½: found, but drawn so badly that they count as missed and as invented
    confused_class  pairs left over that overlap by more than ½, but differ in class
    missed          true segments that are still left over (false negatives)
    invented        predicted segments that are still left over (false positives)

Every false positive and negative is put down to one cause, so the five parts of a class add up to
1 − PQ, and so do their means over classes. The idea of naming causes is TIDE's (Bolya et al., 2020,
for AP, where parts do not add up). Sorting errors into recognition, mask and boundary alone would
not do: a boundary that is bad enough turns into a miss and an invention. Unit 34.
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
from minseg.metrics.pq import Maps, match_images
from minseg.metrics.pq_matching import Categories, Matching

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
        predictions, targets, things, stuff, max_instances, crowd: as in `panoptic_quality`.
        dilation_ratio: d, how far from the contour an error is one of the boundary, as a share
            of the image's diagonal; see `boundary_of`.

    Returns:
        `.pq .boundary_only .poor_mask .confused_class .missed .invented`, which add up to 1, for
        all classes; the same of `.things`, `.stuff`, and `.per_class[c]` for each class that
        occurs in a prediction or a target.

    Raises:
        TypeError, ValueError: as `panoptic_quality`.

    Example:
        >>> import torch
        >>> target = torch.tensor([[1001, 1001, 1001, 1001, 1001, 1002]])
        >>> prediction = torch.tensor([[1001, 1001, 1001, 1001, 0, 0]])
        >>> errors = panoptic_errors([prediction], [target], things=[1], stuff=[])
        >>> [round(part, 3) for part in (errors.pq, errors.boundary_only, errors.missed)]
        [0.533, 0.133, 0.333]
    """
    categories = Categories(things, stuff, max_instances)
    accounts = {c: _Account() for c in categories.things + categories.stuff}
    for prediction, target, matching in match_images(predictions, targets, categories, crowd):
        _enter_matched(accounts, matching, prediction, target, max_instances, dilation_ratio)
        _enter_unmatched(accounts, matching, max_instances)
    per_class = {c: account.parts() for c, account in accounts.items() if account.denominator}
    means = [
        _mean([per_class[c] for c in some if c in per_class])
        for some in (accounts, categories.things, categories.stuff)
    ]
    overall = {f.name: getattr(means[0], f.name) for f in fields(PQParts)}
    return PanopticErrors(**overall, things=means[1], stuff=means[2], per_class=per_class)


class _Account:
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
    accounts: dict[int, _Account],
    matching: Matching,
    prediction: Tensor,
    target: Tensor,
    max_instances: int,
    dilation_ratio: float,
) -> None:
    """What each matched pair keeps, its IoU, and what its error pixels lose."""
    width = band_width(target.shape, dilation_ratio)
    for (p, t), iou in zip(matching.matched.tolist(), matching.iou.tolist(), strict=True):
        predicted = (prediction == p) & (target != 0)  # void is no error
        near = _share_near_contour(predicted, target == t, width)
        account = accounts[t // max_instances]
        account.enter("pq", iou)
        account.enter("boundary_only", (1 - iou) * near)
        account.enter("poor_mask", (1 - iou) * (1 - near))


def _share_near_contour(predicted: Tensor, true: Tensor, width: int) -> float:
    """Share of the pixels in which two masks (H, W) differ that lies in the true one's trimap."""
    used = predicted | true
    i, j = used.any(dim=1).nonzero(), used.any(dim=0).nonzero()
    box = slice(int(i[0]), int(i[-1]) + 1), slice(int(j[0]), int(j[-1]) + 1)
    predicted, true = predicted[box], true[box]  # beyond, nothing differs and nothing is near
    wrong = predicted ^ true
    return (wrong & trimap(true, width)).sum().item() / max(wrong.sum().item(), 1)


def _enter_unmatched(accounts: dict[int, _Account], matching: Matching, max_instances: int) -> None:
    """Half a segment is lost with each false positive and each false negative."""
    # A false positive and a false negative that overlap are one attempt, wrongly drawn or named.
    invented, missed = set(matching.invented.tolist()), set(matching.missed.tolist())
    for k in np.argsort(-matching.pair_iou, kind="stable"):  # the best overlap first
        (p, t), iou = matching.pairs[k].tolist(), matching.pair_iou[k]
        same = p // max_instances == t // max_instances
        if p in invented and t in missed and (iou >= FOUND if same else iou > 0.5):
            cause = "poor_mask" if same else "confused_class"
            accounts[p // max_instances].enter(cause, 0.5)
            accounts[t // max_instances].enter(cause, 0.5)
            invented.remove(p)
            missed.remove(t)
    # What is left overlaps nothing that is left.
    for segment in invented:
        accounts[segment // max_instances].enter("invented", 0.5)
    for segment in missed:
        accounts[segment // max_instances].enter("missed", 0.5)


def _mean(parts: Sequence[PQParts]) -> PQParts:
    names = [f.name for f in fields(PQParts)]
    if not parts:
        return PQParts(*[math.nan] * len(names))
    return PQParts(*(sum(getattr(p, name) for p in parts) / len(parts) for name in names))
