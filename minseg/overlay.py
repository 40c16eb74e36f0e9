"""Where a mask's outline runs, and where its number goes: the geometry behind the pictures.

A mask's outline lies on the edges between pixels, never through their centres: for pixel (i, j)
it runs around the square [j, j + 1) × [i, i + 1). A number belongs at the point deepest inside,
which for a ring lies on the ring, where the centre of mass would not. `minseg.draw` draws both.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

Point = tuple[float, float]


def outline(mask: np.ndarray) -> list[tuple[Point, Point]]:
    """Straight pieces, ((x, y), (x, y)), that together run once around a mask (H, W) bool."""
    padded = np.pad(mask, 1)
    between_columns = np.diff(padded, axis=1)[1:-1]  # (H, W + 1), true where the mask changes
    between_rows = np.diff(padded, axis=0)[:, 1:-1]  # (H + 1, W)
    vertical = [((x, y1), (x, y2)) for x, y1, y2 in _runs(between_columns.T)]
    horizontal = [((x1, y), (x2, y)) for y, x1, x2 in _runs(between_rows)]
    return vertical + horizontal


def _runs(rows: np.ndarray) -> list[tuple[float, float, float]]:
    """(row, start, end) of each run of true values in a row."""
    steps = np.diff(np.pad(rows, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    starts, ends = np.argwhere(steps == 1), np.argwhere(steps == -1)
    return [
        (float(row), float(start), float(end))
        for (row, start), (_, end) in zip(starts, ends, strict=True)
    ]


def deepest_point(mask: np.ndarray) -> Point:
    """(x, y), the pixel centre farthest from the outside of a mask that is not empty."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    i, j = np.unravel_index(depth.argmax(), depth.shape)
    return float(j) + 0.5, float(i) + 0.5
