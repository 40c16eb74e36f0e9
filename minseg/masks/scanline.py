"""Which pixels does a polygon cover? Even-odd, at pixel centres.

A pixel belongs to a polygon if its centre (j + ½, i + ½) does, and a point is inside if a ray from
it to the left crosses the outline an odd number of times (the even-odd rule; Foley et al., Computer
Graphics: Principles and Practice, 1990, section 3.6). An edge from (x_1, y_1) down to (x_2, y_2)
crosses the row of centres at height y at

    x = x_1 + (y - y_1)(x_2 - x_1) / (y_2 - y_1)        if  y_1 ≤ y < y_2

and counts for the centres at or right of x. Both rules are half open: a centre exactly on a left
or top edge is inside, on a right or bottom edge outside, so polygons that share an edge share no
pixel. The formula takes the upper end first whichever way the edge is walked, so that an edge
walked twice crosses twice at the very same x and cancels: holes are joined by such bridges.

The library call is skimage.draw.polygon2mask, for one polygon. Tools round differently: a square
from 5.5 to 16.5 has pixels 5 to 15 of each axis here, and 6 to 16 in pycocotools, which moves the
corners to fifths of a pixel and treats a centre on an edge otherwise. Unit 12 compares them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from minseg.masks.curve import as_points


def from_polygons_loop(polygons: Sequence[Tensor | np.ndarray], height: int, width: int) -> Tensor:
    """The definition, one centre at a time: slow, and meant to be read. See `from_polygons`."""
    mask = torch.zeros(height, width, dtype=torch.bool)
    for polygon in polygons:
        points = as_points(polygon).tolist()
        for i in range(height):
            for j in range(width):
                mask[i, j] |= _is_inside(points, j + 0.5, i + 0.5)
    return mask


def _is_inside(points: list[list[float]], x: float, y: float) -> bool:
    inside = False
    for k in range(len(points)):
        (x1, y1), (x2, y2) = sorted((points[k - 1], points[k]), key=lambda point: point[1])
        if y1 <= y < y2 and x1 + (y - y1) * (x2 - x1) / (y2 - y1) <= x:
            inside = not inside
    return inside


def from_polygons(polygons: Sequence[Tensor | np.ndarray], height: int, width: int) -> Tensor:
    """The pixels whose centre lies in one of the polygons.

    Every edge is cut by every row of centres between its ends; in each row of each polygon the
    cuts, from left to right, switch from outside to inside and back. All at once, by one sort.

    Args:
        polygons: list of (n, 2) x, y in pixels, closed without repeating the first point. They may
            cross themselves (even-odd) or reach out of the image. Fewer than 3 points cover
            nothing.
        height, width: of the image, in pixels.

    Returns:
        (height, width) bool: even-odd within a polygon, parts united; empty without polygons.

    Raises:
        ValueError: if a polygon is not (n, 2), a coordinate is NaN, infinite or beyond 1e150, or
            the image has a negative size.

    Example:
        >>> triangle = torch.tensor([[0.0, 0], [4, 0], [0, 4]])
        >>> from_polygons([triangle], 4, 5).int().tolist()
        [[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    """
    if height < 0 or width < 0:
        raise ValueError(f"height and width must not be negative, got {height} and {width}")
    parts = [as_points(part, f"polygons[{k}]") for k, part in enumerate(polygons)]
    polygon, row, x = _crossings(parts, height)
    column = np.ceil(x - 0.5).clip(0, width).astype(np.int64)  # the first centre at or right of x
    # Sorted by polygon, row and column, crossings 0, 1 of a row are a run of pixels, 2, 3 the next.
    place = np.sort((polygon * height + row) * (width + 1) + column)
    size = height * (width + 1)
    place %= max(size, 1)  # forget the polygon: runs of all parts are united
    # each pixel: how many runs have begun, less how many have ended
    begins = np.bincount(place[0::2], minlength=size)
    ends = np.bincount(place[1::2], minlength=size)
    covered = (begins - ends).reshape(height, width + 1).cumsum(axis=1) > 0
    return torch.from_numpy(np.ascontiguousarray(covered[:, :width]))


def _crossings(parts: list[np.ndarray], height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each crossing of an edge with a row of centres: its polygon, its row, its x."""
    parts = [part for part in parts if len(part) >= 3]
    polygon = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    start = np.concatenate([np.zeros((0, 2)), *parts])  # (E, 2)
    end = np.concatenate([np.zeros((0, 2)), *(np.roll(part, -1, axis=0) for part in parts)])
    # each edge from its upper to its lower end, whichever way it is walked
    swap = start[:, 1] > end[:, 1]
    x1, y1 = np.where(swap[:, None], end, start).T  # (E,)
    x2, y2 = np.where(swap[:, None], start, end).T
    # the rows of centres that it crosses, and where
    first = np.ceil(y1 - 0.5).clip(0, height).astype(np.int64)  # rows with y1 ≤ i + ½ …
    stop = np.ceil(y2 - 0.5).clip(0, height).astype(np.int64)  # … < y2
    edge = np.repeat(np.arange(len(start)), stop - first)  # (X,) of each crossing
    before = np.cumsum(stop - first) - (stop - first)  # crossings of the edges before
    row = np.arange(len(edge)) - before[edge] + first[edge]
    x = x1[edge] + (row + 0.5 - y1[edge]) * (x2 - x1)[edge] / (y2 - y1)[edge]
    return polygon[edge], row, x
