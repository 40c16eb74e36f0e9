"""The inner bands of masks that are given as runs: `boundary_of` without pixels, in large pictures.

A mask without its band is the mask eroded by a square of side 2d + 1, d the band's width, and a
square is a column of 2d + 1 pixels, then a row of as many. Where a mask is runs down its columns,
the column is a subtraction: [begin, end) becomes [begin + d, end - d). The row asks that a pixel
is set in 2d + 1 columns side by side, so that runs are moved by whole columns and intersected,

    W_1 = the shortened runs,   W_(n + s)(j) = W_n(j) ∩ W_n(j + s)   for s ≤ n,

log₂(2d + 1) times, as `minseg.metrics.boundary` does with pixels. All masks go through at once.
A picture of 12 megapixels costs what its outlines cost. (Cheng et al., Boundary IoU, 2021.)
"""

from __future__ import annotations

import numpy as np

from minseg.masks.runs import Runs
from minseg.metrics.boundary import band_width


def boundary_runs(runs: Runs, *, dilation_ratio: float = 0.02) -> Runs:
    """The inner band of each mask: its pixels within d of a pixel that is not its own.

    Args:
        runs: N masks of one image.
        dilation_ratio: d as a share of the image's diagonal, see `band_width`.

    Returns:
        N masks, those of `boundary_of`: the image's frame is an edge.

    Raises:
        ValueError: if the ratio is not a positive number.

    Example:
        >>> square = Runs((4, 4), [np.array([0, 16])])
        >>> boundary_runs(square).masks().int().tolist()[0]
        [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    """
    d, (height, width) = band_width(runs.size, dilation_ratio), runs.size
    # One line of numbers for all masks, each with a margin of columns: what is moved out of a
    # mask must not land in its neighbour.
    stride = (width + 2 * d + 1) * height
    edges = runs.line(stride)
    # Eroded down the columns, then across them; what is left began d columns too far left.
    inner = _beside(_shortened(edges, height, d), height, 2 * d + 1) + d * height
    # The rest lies inside the mask, so that every edge of either is one of the difference, unless
    # both have it.
    return Runs.of_line(runs.size, np.concatenate([edges, inner]), stride, len(runs))


def _shortened(edges: np.ndarray, height: int, d: int) -> np.ndarray:
    """Runs cut at the columns' ends, and then by d at either of their own."""
    begin, end = edges[::2], edges[1::2]  # (R,) runs
    # each run once for each column that it reaches
    columns = (end - 1) // max(height, 1) - begin // max(height, 1) + 1  # (R,)
    nth = np.arange(columns.sum()) - np.repeat(np.cumsum(columns) - columns, columns)
    column = np.repeat(begin // max(height, 1), columns) + nth
    # cut at the ends of that column, and shortened
    begin = np.maximum(np.repeat(begin, columns), column * height) + d
    end = np.minimum(np.repeat(end, columns), (column + 1) * height) - d
    return np.stack([begin, end], axis=1)[begin < end].ravel()


def _beside(edges: np.ndarray, height: int, n: int) -> np.ndarray:
    """Pixels that are set in their own column and in the n - 1 to the right."""
    length = 1
    while length < n and edges.size:
        step = min(length, n - length)
        edges = _intersection(edges, edges - step * height)
        length += step
    return edges


def _intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Edges of what lies in both: where a second run begins before the first has ended."""
    edges = np.concatenate([a, b])
    opens = np.tile([1, 0], len(edges) // 2)
    # Ends come before begins at one place: runs that only touch share nothing.
    events = np.sort(2 * edges + opens, kind="stable")  # of two sorted lists: a merge
    depth = np.cumsum(2 * (events & 1) - 1)
    second = np.flatnonzero(depth == 2)  # the next event can only be an end
    return np.stack([events[second], events[second + 1]], axis=1).ravel() >> 1
