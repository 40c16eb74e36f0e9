"""Seven ways to spoil, or mend, one segment of a panoptic map.

Each function takes a map (H, W) of ids, category × max_instances + instance, and returns a new one;
what a segment gives up becomes void (0), what it takes it takes from its neighbours.

    merge, split        two segments become one, one becomes two
    shrink, grow        one pixel less, or more, all around
    relabel, delete     another category, or none
    move                a shift by whole pixels

Unit 34 measures with these what each mistake costs in panoptic quality (Kirillov et al., Panoptic
Segmentation, 2019, section 4), and its widget, `PQPlayground`, has a button for each.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.metrics.boundary import dilate


def new_id(ids: Tensor, category: int, max_instances: int = 1000) -> int:
    """The id of the first instance number from 1 that `category` does not use yet.

    >>> new_id(torch.tensor([[1001, 1002, 1004]]), category=1)
    1003

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
    """Give the pixels of `other` to `segment`.

    >>> merge(torch.tensor([[1001, 1002, 1002, 6000]]), 1001, 1002).tolist()
    [[1001, 1001, 1001, 6000]]
    """
    return torch.where(ids == _held(ids, other), _held(ids, segment), ids)


def split(ids: Tensor, segment: int, max_instances: int = 1000) -> Tensor:
    """Cut in two equal parts across the longer side; the lower, or right, part gets a new id.

    >>> split(torch.tensor([[1001, 1001, 1001, 1001, 6000]]), 1001).tolist()
    [[1001, 1001, 1002, 1002, 6000]]

    Raises:
        ValueError: if it has one pixel only.
    """
    rows, columns = (ids == _held(ids, segment)).nonzero(as_tuple=True)  # (n,) both
    if len(rows) < 2:
        raise ValueError(f"segment {segment} is one pixel, which cannot be split")
    wide = columns.max() - columns.min() >= rows.max() - rows.min()
    along, across = (columns, rows) if wide else (rows, columns)
    # Sort by the place along the longer side; where that is equal, by the other one.
    order = (along * ids.numel() + across).argsort()[len(rows) // 2 :]
    result = ids.clone()
    result[rows[order], columns[order]] = new_id(ids, segment // max_instances, max_instances)
    return result


def shrink(ids: Tensor, segment: int) -> Tensor:
    """Take off one pixel all around, corners too; the image's border is no edge.

    >>> shrink(torch.tensor([[1001, 1001, 1001, 6000]]), 1001).tolist()
    [[1001, 1001, 0, 6000]]
    """
    mask = ids == _held(ids, segment)
    # `erode(mask, 1)` would take the border for an edge: there a segment that is cut goes on.
    return torch.where(mask & dilate(~mask, 1), 0, ids)


def grow(ids: Tensor, segment: int) -> Tensor:
    """Add one pixel all around, corners too.

    >>> grow(torch.tensor([[1001, 6000, 6000]]), 1001).tolist()
    [[1001, 1001, 6000]]
    """
    return torch.where(dilate(ids == _held(ids, segment), 1), segment, ids)


def relabel(ids: Tensor, segment: int, category: int, max_instances: int = 1000) -> Tensor:
    """Give it another category: a thing gets a free instance number, stuff joins its new class.

    >>> relabel(torch.tensor([[1001, 2001, 6000]]), 1001, category=2).tolist()
    [[2002, 2001, 6000]]
    """
    is_stuff = segment % max_instances == 0
    mask = ids == _held(ids, segment)
    new = category * max_instances if is_stuff else new_id(ids, category, max_instances)
    return torch.where(mask, new, ids)


def delete(ids: Tensor, segment: int) -> Tensor:
    """Turn the segment into void.

    >>> delete(torch.tensor([[1001, 6000]]), 1001).tolist()
    [[0, 6000]]
    """
    return torch.where(ids == _held(ids, segment), 0, ids)


def move(ids: Tensor, segment: int, dx: int, dy: int) -> Tensor:
    """Shift by whole pixels over its neighbours; what leaves the image is lost.

    >>> move(torch.tensor([[1001, 1001, 6000, 6000]]), 1001, dx=1, dy=0).tolist()
    [[0, 1001, 1001, 6000]]
    """
    rows, columns = (ids == _held(ids, segment)).nonzero(as_tuple=True)
    result = delete(ids, segment)
    rows, columns = rows + dy, columns + dx
    inside = (rows >= 0) & (rows < ids.shape[0]) & (columns >= 0) & (columns < ids.shape[1])
    result[rows[inside], columns[inside]] = segment
    return result


def _held(ids: Tensor, segment: int) -> int:
    """The segment, if the map has it."""
    if segment == 0 or not bool((ids == segment).any()):
        kind = "void, which is no segment" if segment == 0 else f"{segment}, which the map lacks"
        raise ValueError(f"segment must be an id in the map, got {kind}")
    return int(segment)
