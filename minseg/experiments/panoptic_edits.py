"""Seven ways to spoil, or mend, one segment of a panoptic map.

Each function takes a map (H, W) of ids, category × max_instances + instance, and returns a new one;
what a segment gives up becomes void (0), what it takes it takes from its neighbours. The playground
of lesson 13 is made of these, and so are its experiments.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def new_id(ids: Tensor, category: int, max_instances: int = 1000) -> int:
    """The id of the first instance number from 1 that `category` does not use yet.

    Raises:
        ValueError: if all numbers below `max_instances` are taken.
    """
    taken = set(ids.unique().tolist())
    free = (category * max_instances + k for k in range(1, max_instances))
    found = next((number for number in free if number not in taken), None)
    if found is None:
        raise ValueError(f"category {category} has no free instance below {max_instances}")
    return found


def merge(ids: Tensor, segment: int, other: int) -> Tensor:
    """Give the pixels of `other` to `segment`."""
    return ids.where(ids != _held(ids, other), _held(ids, segment))


def split(ids: Tensor, segment: int, max_instances: int = 1000) -> Tensor:
    """Cut in two equal parts across the longer side; the lower, or right, part gets a new id.

    Raises:
        ValueError: if it has one pixel only.
    """
    rows, columns = (ids == _held(ids, segment)).nonzero(as_tuple=True)
    if len(rows) < 2:
        raise ValueError(f"segment {segment} is one pixel, which cannot be split")
    wide = columns.max() - columns.min() >= rows.max() - rows.min()
    along, across = (columns, rows) if wide else (rows, columns)
    order = (along * ids.numel() + across).argsort()[len(rows) // 2 :]
    result = ids.clone()
    result[rows[order], columns[order]] = new_id(ids, segment // max_instances, max_instances)
    return result


def erode(ids: Tensor, segment: int) -> Tensor:
    """Take off one pixel all around, corners too; the image's border is no edge."""
    mask = ids == _held(ids, segment)
    return ids.where(~mask | ~_widen(~mask), 0)


def grow(ids: Tensor, segment: int) -> Tensor:
    """Add one pixel all around, corners too."""
    return ids.where(~_widen(ids == _held(ids, segment)), segment)


def relabel(ids: Tensor, segment: int, category: int, max_instances: int = 1000) -> Tensor:
    """Call it something else: a thing gets a free instance number, stuff joins its new class."""
    if segment % max_instances == 0:
        return ids.where(ids != _held(ids, segment), category * max_instances)
    return ids.where(ids != _held(ids, segment), new_id(ids, category, max_instances))


def delete(ids: Tensor, segment: int) -> Tensor:
    """Turn the segment into void."""
    return ids.where(ids != _held(ids, segment), 0)


def move(ids: Tensor, segment: int, dx: int, dy: int) -> Tensor:
    """Shift by whole pixels over its neighbours; what leaves the image is lost."""
    rows, columns = (ids == _held(ids, segment)).nonzero(as_tuple=True)
    result = delete(ids, segment)
    rows, columns = rows + dy, columns + dx
    inside = (rows >= 0) & (rows < ids.shape[0]) & (columns >= 0) & (columns < ids.shape[1])
    result[rows[inside], columns[inside]] = segment
    return result


def _widen(mask: Tensor) -> Tensor:
    """A mask and all pixels that touch it, at a side or a corner."""
    return F.max_pool2d(mask[None].float(), 3, stride=1, padding=1)[0] > 0


def _held(ids: Tensor, segment: int) -> int:
    if segment == 0 or not bool((ids == segment).any()):
        kind = "void, which is no segment" if segment == 0 else f"{segment}, which the map lacks"
        raise ValueError(f"segment must be an id in the map, got {kind}")
    return int(segment)
