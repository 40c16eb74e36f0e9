"""Which predicted segment is which true one? The matching beneath panoptic quality.

    p matches g   if both have one category and IoU(p, g) > ½          (strictly)

No assignment problem has to be solved: segments of one map are disjoint, so one that shares more
than half of a union with g leaves less than half for all others. A match above ½ is unique.

Three rules beside the formula, as in COCO's tool (Kirillov et al., Panoptic Segmentation, 2019,
section 4, and its code). Pixels that are void in the truth leave the union. A crowd, which is one
true segment drawn around many objects, neither matches nor is missed. A prediction without a match
is a false positive unless more than half of it lies on void and on crowds of its category: then it
is ignored. (The tool itself knows one crowd of a category in an image, the last that is listed;
here all count.) Unit 33.

What is left is counted as in any detection task: `matched` pairs are true positives (TP),
`invented` predictions false positives (FP), `missed` truths false negatives (FN).

Boundary PQ (Cheng et al., Boundary IoU, 2021) puts min(IoU, boundary IoU) in the place of IoU.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from minseg.metrics.pq_overlaps import SharedPixels, count_shared_pixels


class Categories:
    """Which ids a panoptic map may hold: void, instances (from 1 on) of things, and stuff.

    Stuff of instance 0 is one segment in each image, as the encoding has it; other instance
    numbers are read as further segments, so that a map which cuts its stuff to pieces can be
    scored.

    Raises:
        ValueError: if a category is below 1, or both a thing and stuff.
    """

    def __init__(self, things: Iterable[int], stuff: Iterable[int], max_instances: int) -> None:
        self.things, self.stuff = sorted(set(things)), sorted(set(stuff))
        self.max_instances = max_instances
        if max_instances < 1:
            raise ValueError(f"max_instances must be at least 1, got {max_instances}")
        for name, categories in (("things", self.things), ("stuff", self.stuff)):
            if categories and categories[0] < 1:
                raise ValueError(f"{name} must be category ids from 1 on, got {categories[0]}")
        if both := sorted(set(self.things) & set(self.stuff)):
            raise ValueError(f"things and stuff must share no category, got {both} in both")

    def check(self, name: str, ids: np.ndarray) -> None:
        """Raise ValueError, with the first id that is wrong and why, unless all are right.

        Example:
            >>> Categories([1], [7], 1000).check("target", np.array([0, 1001, 7000, 1000]))
            Traceback (most recent call last):
            ...
            ValueError: target has id 1000: category 1 is a thing, whose instances start at 1
        """
        category, instance = np.divmod(ids, self.max_instances)
        thing, known = np.isin(category, self.things), np.isin(category, self.things + self.stuff)
        for wrong, reason in (
            (ids < 0, "ids must not be negative"),
            ((ids > 0) & (category == 0), "category 0 is void's, and void's only id is 0"),
            ((ids > 0) & ~known, "category {} is neither in things nor in stuff"),
            (thing & (instance == 0), "category {} is a thing, whose instances start at 1"),
        ):
            if wrong.any():
                k = int(wrong.argmax())
                raise ValueError(f"{name} has id {ids[k]}: {reason.format(category[k])}")


@dataclass(frozen=True, eq=False)
class Matching:
    """What became of the segments of one image; ids in pairs are (prediction, target)."""

    matched: np.ndarray  # (M, 2) int64 ids: the true positives, TP
    iou: np.ndarray  # (M,) float64, each above ½
    invented: np.ndarray  # (F,) int64 ids of the predictions that are false positives, FP
    missed: np.ndarray  # (U,) int64 ids of the truths that are false negatives, FN
    pairs: np.ndarray  # (K, 2) int64, all segments that share pixels; no void, no crowds
    pair_iou: np.ndarray  # (K,) float64, whatever their categories


def match_segments(
    prediction: Tensor,
    target: Tensor,
    categories: Categories,
    crowd: Collection[int] = (),
    *,
    dilation_ratio: float | None = None,
    names: tuple[str, str] = ("prediction", "target"),
) -> Matching:
    """Match the segments of two panoptic maps.

    Args:
        prediction, target: (H, W) integer ids, category × max_instances + instance, 0 for void.
        categories: what ids may occur.
        crowd: ids of `target` that are crowds.
        dilation_ratio: None for plain IoU; a number for min(IoU, boundary IoU), see `boundary_of`.
        names: what messages call the two maps.

    Raises:
        TypeError: if a map is not a tensor of integers.
        ValueError: if the maps are not (H, W) of one size, an id is not of `categories`, or a
            crowd id is not in the target.

    Example:
        >>> target = torch.tensor([[1001, 1001, 1001, 1002]])
        >>> prediction = torch.tensor([[1001, 1001, 1003, 2000]])
        >>> matching = match_segments(prediction, target, Categories([1], [2], 1000))
        >>> matching.matched.tolist(), matching.invented.tolist(), matching.missed.tolist()
        ([[1001, 1001]], [1003, 2000], [1002])
    """
    p_map, t_map = _as_array(names[0], prediction), _as_array(names[1], target)
    if p_map.shape != t_map.shape:
        raise ValueError(
            f"{names[0]} and {names[1]} must have one shape, got {p_map.shape} and {t_map.shape}"
        )
    shared = count_shared_pixels(p_map, t_map, dilation_ratio)
    categories.check(names[0], shared.p_ids)
    categories.check(names[1], shared.t_ids)
    is_crowd = _find_crowd(names[1], shared.t_ids, crowd)
    return _match(shared, categories.max_instances, is_crowd)


def _match(shared: SharedPixels, max_instances: int, is_crowd: np.ndarray) -> Matching:
    # pair k: segment p[k] of the prediction and t[k] of the truth share pixels
    p, t, iou = shared.p, shared.t, shared.iou()  # (K,)
    same = (shared.p_ids // max_instances)[p] == (shared.t_ids // max_instances)[t]
    # TP: pairs of one category above ½
    real = (shared.p_ids[p] != 0) & ~shared.on_void & ~is_crowd[t]
    match = real & same & (iou > 0.5)
    # FP: predictions without a match, unless more than half of one is excused: its pixels on
    # void, and on crowds of its category
    excused = np.bincount(p, shared.pixels * (shared.on_void | (is_crowd[t] & same)))  # (P,)
    invented = (shared.p_ids != 0) & ~(2 * excused > np.bincount(p, shared.pixels))
    invented[p[match]] = False
    # FN: truths without a match; a crowd need not be found
    missed = (shared.t_ids != 0) & ~is_crowd  # (T,)
    missed[t[match]] = False
    pairs = np.stack([shared.p_ids[p], shared.t_ids[t]], axis=1)  # (K, 2)
    return Matching(
        matched=pairs[match],
        iou=iou[match],
        invented=shared.p_ids[invented],
        missed=shared.t_ids[missed],
        pairs=pairs[real],
        pair_iou=iou[real],
    )


def _find_crowd(name: str, t_ids: np.ndarray, crowd: Collection[int]) -> np.ndarray:
    """(T,) bool: which of the target's ids are listed as crowds."""
    for i in crowd:
        if i == 0 or i not in t_ids:
            raise ValueError(f"crowd must list segments of {name}, which has none with id {i}")
    return np.isin(t_ids, [int(i) for i in crowd])


def _as_array(name: str, ids: Tensor) -> np.ndarray:
    if not isinstance(ids, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(ids).__name__}")
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise TypeError(f"{name} must be of integers, got {ids.dtype}")
    if ids.ndim != 2:
        raise ValueError(f"{name} must be (H, W), got {tuple(ids.shape)}")
    return ids.detach().cpu().numpy()
