"""Inference of DETR: from what the queries say to instances, or to a map.

    instances     each query's best class, "no object" aside; mask > ½
    map           queries that are sure (p > 0.85); each pixel to the one whose mask says most;
                  pieces of one stuff class are one segment; segments of at most 4 pixels go

There is no suppression of duplicates: queries were trained to leave an object to one of them. A map
still needs rules. (Carion et al., End-to-End Object Detection with Transformers, 2020, sections 3.2
and 4.4.) Unit 54.

In the published code a rule has a side effect. The second piece of a stuff class is merged into the
first, has no pixel left of its own, and goes with the small ones; then pixels are dealt out again,
without its mask, and what it had may fall to a thing that lies near. Here a piece stays as long as
its segment does. `remerge=True` does as that code does, for comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.panoptic import encode

SURE, SMALL = 0.85, 4  # the probability above which a query takes part in a map; pixels that go


def instances_of(
    logits: Tensor,
    masks: Tensor,
    categories: Sequence[int],
    *,
    score_threshold: float = 0.05,
    most: int = 100,
) -> Instances:
    """What the queries of one image found, best first.

    Args:
        logits: (Q, C + 1), "no object" last.
        masks: (Q, H, W) probabilities, of the image's size.
        categories: C category ids; channel c stands for categories[c].
        score_threshold: the probability from which an answer counts. most: how many to keep.
            A mask without a pixel is left out.

    >>> logits, masks = torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.ones(2, 4, 6)
    >>> instances_of(logits, masks, [7])  # the second query says: no object
    Instances(1 of 4×6, labels [7])
    """
    scores, channels = logits.softmax(dim=1)[:, :-1].max(dim=1)  # (Q,) each
    best = scores.argsort(descending=True, stable=True)
    best = best[(scores[best] > score_threshold) & (masks[best] > 0.5).flatten(1).any(dim=1)][:most]
    labels = torch.tensor(categories, device=logits.device)[channels[best]]
    return Instances(masks[best] > 0.5, labels, scores[best])


def panoptic_map(
    logits: Tensor,
    masks: Tensor,
    categories: Sequence[int],
    *,
    stuff: Sequence[int],
    sure: float = SURE,
    small: int = SMALL,
    max_instances: int = 1000,
    remerge: bool = False,
) -> Tensor:
    """What the queries of one image say of each pixel.

    Args:
        logits, masks, categories: as in `instances_of`.
        stuff: the categories of which there is one segment at most.
        sure: the probability above which a query takes part.
        small: segments of at most so many pixels go, and their pixels to whoever is left.
        max_instances: the divisor of the ids.
        remerge: merge stuff once and forget its further pieces, see above.

    Returns:
        (H, W) int64 ids, things counted from 1 in the order of the queries; 0 (void) everywhere
        if no query is sure.

    >>> logits = torch.tensor([[9.0, 0, 0], [0, 9.0, 0]])  # a thing, and stuff
    >>> masks = torch.tensor([[[0.9, 0.1, 0.1]], [[0.2, 0.2, 0.2]]])
    >>> panoptic_map(logits, masks, [1, 7], stuff=[7], small=0).tolist()
    [[1001, 7000, 7000]]
    """
    scores, channels = logits.softmax(dim=1).max(dim=1)  # (Q,) each
    kept = ((scores > sure) & (channels < len(categories))).nonzero()[:, 0]  # (K,)
    ids = torch.tensor([*categories, 0], device=logits.device)[channels[kept]]  # (K,)
    segments = _first_of_stuff(ids, stuff)
    alive = torch.arange(len(kept), device=logits.device)  # pieces that take part
    while len(alive):
        # Each pixel to the piece whose mask says most, then to that piece's segment.
        owner = segments[alive[masks[kept[alive]].argmax(dim=0)]]  # (H, W) a number below K
        areas = owner.flatten().bincount(minlength=len(kept))  # (K,)
        judged = alive if remerge else segments[alive]  # by its own area, or its segment's
        large = areas[judged] > small
        if large.all():
            return _written(owner, ids, stuff, max_instances)
        alive = alive[large]
    return torch.zeros(masks.shape[1:], dtype=torch.int64, device=masks.device)


def _first_of_stuff(ids: Tensor, stuff: Sequence[int]) -> Tensor:
    """(K,) for each piece the first of its segment: itself, or the first of its stuff class."""
    segments = torch.arange(len(ids), device=ids.device)
    for category in stuff:
        same = (ids == category).nonzero()[:, 0]
        segments[same] = same[:1]
    return segments


def _written(owner: Tensor, ids: Tensor, stuff: Sequence[int], max_instances: int) -> Tensor:
    """(H, W) panoptic ids of a map of piece numbers; things are counted in their order."""
    thing = (ids[:, None] != torch.tensor(list(stuff), device=ids.device)).all(dim=1)  # (K,)
    there = torch.zeros_like(thing).index_fill(0, owner.unique(), True)
    number = torch.where(thing, (thing & there).cumsum(0), 0)
    return encode(ids[owner], number[owner], max_instances)
