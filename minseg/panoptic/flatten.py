"""Flatten overlapping masks into one map, in which each pixel has one owner.

Two instances may have a pixel in common, a panoptic map holds one number for it (Kirillov et al.,
Panoptic Segmentation, 2019, section 3). So a set is turned into a map by a rule, here

    owner(x, y) = the mask M_k with M_k(x, y) = 1 and the highest priority

where the priority is the score unless you say otherwise. What the other masks had there is lost:
reading the map back with `to_instances` gives the masks again if they were disjoint, and never the
scores.
Unit 10 counts what is lost; unit 60 compares rules.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.panoptic.ids import decode, encode


def owner_map_loop(masks: Tensor, priority: Tensor) -> Tensor:
    """The definition, one pixel at a time, meant to be read. See `owner_map`."""
    owner = torch.full(masks.shape[1:], -1, dtype=torch.int64)
    for i in range(masks.shape[1]):
        for j in range(masks.shape[2]):
            for k in range(len(masks)):
                best = int(owner[i, j])
                if masks[k, i, j] and (best < 0 or priority[k] > priority[best]):
                    owner[i, j] = k
    return owner


def owner_map(masks: Tensor, priority: Tensor) -> Tensor:
    """Which mask each pixel goes to.

    Args:
        masks: (N, H, W) bool, overlapping or not.
        priority: (N,) numbers, the highest wins; of equal ones the first in the list.

    Returns:
        (H, W) int64: the number of a mask, from 0, or -1 where no mask claims the pixel.

    Raises:
        ValueError: if `masks` is not (N, H, W), or `priority` not (N,).

    Example:
        >>> masks = torch.tensor([[[True, True, False, False]], [[False, True, True, False]]])
        >>> owner_map(masks, torch.tensor([0.7, 0.9])).tolist()
        [[0, 1, 1, -1]]
    """
    if masks.ndim != 3:
        raise ValueError(f"masks must be (N, H, W), got {tuple(masks.shape)}")
    if priority.shape != masks.shape[:1]:
        n, got = len(masks), tuple(priority.shape)
        raise ValueError(f"priority must be ({n},), one for each mask, got {got}")
    owner = torch.full(masks.shape[1:], -1, dtype=torch.int64, device=masks.device)
    best_first = priority.argsort(descending=True, stable=True)
    for k in best_first.flip(0).tolist():  # a painter: what comes last covers the rest
        owner[masks[k]] = k
    return owner


def from_instances(
    instances: Instances,
    *,
    behind: Tensor | None = None,
    priority: Tensor | None = None,
    max_instances: int = 1000,
) -> Tensor:
    """The panoptic map of a set of instances: instance k becomes number k + 1 of its category.

    Args:
        instances: N things.
        behind: (H, W) int64, the categories of the stuff behind them; void if left out.
        priority: (N,), which instance gets a pixel of several; the scores if left out.
        max_instances: the divisor of the ids.

    Returns:
        (H, W) int64 ids, category × max_instances + instance.

    Raises:
        ValueError: if `priority` is not (N,), `behind` of another size, or there are
            `max_instances` things or more.

    Example:
        >>> masks = torch.tensor([[[True, True, False, False]], [[False, True, True, False]]])
        >>> instances = Instances(masks, torch.tensor([1, 2]), torch.tensor([0.7, 0.9]))
        >>> from_instances(instances).tolist()
        [[1001, 2002, 2002, 0]]
    """
    owner = owner_map(instances.masks, instances.scores if priority is None else priority)
    if behind is None:
        behind = torch.zeros_like(owner)
    if behind.shape != owner.shape:
        raise ValueError(f"behind must be {tuple(owner.shape)}, got {tuple(behind.shape)}")
    labels = torch.cat([instances.labels, instances.labels.new_zeros(1)])  # the last for owner -1
    category = torch.where(owner >= 0, labels[owner], behind)
    return encode(category, owner + 1, max_instances)


def to_instances(ids: Tensor, *, max_instances: int = 1000) -> Instances:
    """The things of a panoptic map, by increasing id: disjoint masks, and ones for scores.

    Args:
        ids: (H, W) int64; stuff and void, whose instance number is 0, are left out.
        max_instances: the divisor of the ids.

    Raises:
        ValueError: if `ids` is not (H, W) or an id is negative.

    Example:
        >>> to_instances(torch.tensor([[1001, 2002, 2002, 7000]])).masks.int().tolist()
        [[[1, 0, 0, 0]], [[0, 1, 1, 0]]]
    """
    if ids.ndim != 2:
        raise ValueError(f"ids must be (H, W), got {tuple(ids.shape)}")
    segments = ids[decode(ids, max_instances)[1] > 0].unique().long()
    return Instances(ids == segments[:, None, None], segments // max_instances)
