"""Masks as runs: areas, boxes and overlaps without making a single pixel.

Read a mask column by column, as `minseg.masks.rle` does, and number the pixels: pixel (i, j) of an
image of height H is number j · H + i. A mask is then a list of runs [begin, end), and its *edges*
are begin, end, begin, end … in rising order. From them follow

    area(A)    = Σ (end - begin)
    |A ∩ B|    = Σ over the runs of A of  F_B(end) - F_B(begin)

where F_B(x) counts the pixels of B before number x. F_B is a broken line through B's edges, so
`numpy.interp` reads it, for all runs of all masks at once. A picture of 12 megapixels costs what
its outlines cost, not what its pixels cost; pycocotools counts runs for the same reason (Lin et
al., Microsoft COCO, 2014, and its API). Unit 13 has run lengths, unit 31 overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from minseg.masks.rle import read_all_counts

PORTION = 2**16  # edges that are looked up at a time, so that they stay in the processor's cache


class Crop(NamedTuple):
    """The part of a mask inside its box."""

    mask: np.ndarray  # (h, w) bool
    x: int  # the column of the image in which it begins
    y: int  # the row


def tight_crop(mask: np.ndarray, x: int = 0, y: int = 0) -> Crop:
    """The smallest crop of a mask (h, w) bool that begins at column x and row y of an image.

    An empty mask gives a crop without pixels.

    Example:
        >>> crop = tight_crop(np.array([[False, False, False], [False, True, True]]))
        >>> crop.mask.tolist(), crop.x, crop.y
        ([[True, True]], 1, 1)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return Crop(mask[:0, :0], x, y)
    top, left = int(rows[0]), int(columns[0])
    return Crop(mask[top : rows[-1] + 1, left : columns[-1] + 1], x + left, y + top)


class Runs:
    """N masks of one image, each as runs.

    Args:
        size: (H, W) of the image.
        edges: for each mask its edges, (2R,) int64: strictly rising, from 0 to H · W.

    Example:
        >>> mask = torch.tensor([[False, True, True], [False, True, False]])
        >>> runs = Runs.of_masks(mask[None])
        >>> runs.of(0).tolist(), runs.areas().tolist(), runs.boxes().tolist()
        ([2, 5], [3], [[1, 0, 3, 2]])
    """

    def __init__(self, size: tuple[int, int], edges: Sequence[np.ndarray]) -> None:
        self.size = size
        self.edges = np.concatenate([np.zeros(0, np.int64), *edges])  # (E,) of all masks
        self.first = np.cumsum([0, *map(len, edges)])  # (N + 1,) where each mask's edges begin

    def __len__(self) -> int:
        return len(self.first) - 1

    def of(self, k: int) -> np.ndarray:
        """(2R,) the edges of mask k."""
        return self.edges[self.first[k] : self.first[k + 1]]

    def line(self, stride: int) -> np.ndarray:
        """(E,) all edges on one line of numbers, those of mask k from k · stride on."""
        return self.edges + np.repeat(np.arange(len(self)) * stride, np.diff(self.first))

    def pick(self, numbers: np.ndarray) -> Runs:
        """The masks of these numbers, in that order."""
        length = np.diff(self.first)[numbers]
        first = np.concatenate([[0], np.cumsum(length)])
        return Runs.joined(self.size, self.edges[_ranges(self.first[numbers], length)], first)

    @classmethod
    def joined(cls, size: tuple[int, int], edges: np.ndarray, first: np.ndarray) -> Runs:
        """From the edges of all masks in one array (E,), and where each mask's begin (N + 1,)."""
        runs = cls(size, [])
        runs.edges, runs.first = edges, first
        return runs

    @classmethod
    def of_line(cls, size: tuple[int, int], line: np.ndarray, stride: int, n: int) -> Runs:
        """Undo `line`, for N masks whose edges are in any order.

        Edges that two runs share cancel: there the mask changes twice, which is not at all.
        """
        line = cancelled(line)
        first = np.searchsorted(line, np.arange(n + 1) * stride)
        own = np.repeat(np.arange(n) * stride, np.diff(first))
        return cls.joined(size, line - own, first)

    @classmethod
    def of_counts(cls, size: tuple[int, int], counts: Sequence[np.ndarray]) -> Runs:
        """From run lengths, as `minseg.masks.rle.read_counts` checks them."""
        first = np.cumsum([0, *map(len, counts)])
        return _of_counts(size, np.concatenate([np.zeros(0, np.int64), *counts]), first)

    @classmethod
    def of_rles(cls, size: tuple[int, int], rles: Sequence[dict[str, Any]]) -> Runs:
        """From run lengths as COCO writes them, lists or text.

        Raises:
            ValueError: as `minseg.masks.rle.read_counts`, or if a mask is not of this size.
        """
        sizes, counts, first = read_all_counts(rles)
        for one in sizes:
            if one != tuple(size):
                raise ValueError(f"rle['size'] must be {list(size)} as the image, got {list(one)}")
        return _of_counts(size, counts, first)

    @classmethod
    def of_masks(cls, masks: Tensor) -> Runs:
        """From (N, H, W) bool."""
        height, width = masks.shape[1:]
        crops = [tight_crop(one) for one in masks.cpu().numpy()]
        return cls.of_crops((height, width), crops)

    @classmethod
    def of_crops(cls, size: tuple[int, int], crops: Sequence[Crop]) -> Runs:
        """From masks that are nothing outside of their crop."""
        return cls(size, [_edges_of_crop(one, size[0]) for one in crops])

    def counts(self, k: int) -> np.ndarray:
        """The run lengths of mask k, background first."""
        pixels = self.size[0] * self.size[1]
        ends = np.concatenate([[0], self.of(k), [pixels]])
        lengths = np.diff(ends)
        return lengths[:-1] if len(lengths) > 1 and lengths[-1] == 0 else lengths

    def areas(self) -> np.ndarray:
        """(N,) int64, in pixels."""
        before = np.concatenate([[0], np.cumsum(self.edges[1::2] - self.edges[::2])])
        return np.diff(before[self.first // 2])

    def boxes(self) -> np.ndarray:
        """(N, 4) int64 x1, y1, x2, y2, the tight box of each mask; zeros for an empty one."""
        height = max(self.size[0], 1)
        begin, last = self.edges[::2], self.edges[1::2] - 1
        (left, top), (right, bottom) = np.divmod(begin, height), np.divmod(last, height)
        whole = right > left  # a run that goes on in the next column reaches both ends of a column
        top, bottom = np.where(whole, 0, top), np.where(whole, height - 1, bottom)
        boxes = np.zeros((len(self), 4), np.int64)
        filled = np.flatnonzero(np.diff(self.first))
        if filled.size:
            at = self.first[filled] // 2
            boxes[filled, 0] = np.minimum.reduceat(left, at)
            boxes[filled, 1] = np.minimum.reduceat(top, at)
            boxes[filled, 2] = np.maximum.reduceat(right, at) + 1
            boxes[filled, 3] = np.maximum.reduceat(bottom, at) + 1
        return boxes

    def crop(self, k: int) -> Crop:
        """The pixels of mask k inside its box."""
        height = self.size[0]
        x1, y1, x2, y2 = Runs(self.size, [self.of(k)]).boxes()[0].tolist()
        edges = self.of(k) - x1 * height  # numbers within the columns of the box
        lengths = np.diff(np.concatenate([[0], edges, [(x2 - x1) * height]]))
        values = np.zeros(len(lengths), dtype=bool)
        values[1::2] = True
        columns = np.repeat(values, lengths).reshape(x2 - x1, height)
        return Crop(np.ascontiguousarray(columns[:, y1:y2].T), x1, y1)

    def masks(self) -> Tensor:
        """(N, H, W) bool: all the pixels."""
        stacked = torch.zeros(len(self), *self.size, dtype=torch.bool)
        for k, of_mask in enumerate(stacked.numpy()):
            mask, x, y = self.crop(k)
            of_mask[y : y + mask.shape[0], x : x + mask.shape[1]] = mask
        return stacked


def shared_pixels_loop(a: Runs, b: Runs) -> np.ndarray:
    """The definition, one pair and one pair of runs at a time. See `shared_pixels`."""
    shared = np.zeros((len(a), len(b)), np.int64)
    for n in range(len(a)):
        for m in range(len(b)):
            for begin, end in a.of(n).reshape(-1, 2).tolist():
                for other_begin, other_end in b.of(m).reshape(-1, 2).tolist():
                    shared[n, m] += max(min(end, other_end) - max(begin, other_begin), 0)
    return shared


def shared_pixels(a: Runs, b: Runs, wanted: np.ndarray | None = None) -> np.ndarray:
    """(N, M) int64: how many pixels each mask of `a` shares with each of `b`.

    Args:
        a, b: masks of one image.
        wanted: (N, M) bool, the pairs that matter; the others hold 0. All, if left out.

    Raises:
        ValueError: if the two are not of one size.

    Example:
        >>> left, all_of_it = Runs((2, 4), [np.array([0, 4])]), Runs((2, 4), [np.array([0, 8])])
        >>> shared_pixels(left, all_of_it).tolist()
        [[4]]
    """
    if a.size != b.size:
        raise ValueError(f"a and b must be masks of one size, got {a.size} and {b.size}")
    # the P pairs whose boxes meet, the others share nothing
    boxes_a, boxes_b = a.boxes(), b.boxes()
    meet = _boxes_meet(boxes_a, boxes_b)
    if wanted is not None:
        meet &= wanted
    n, m = np.nonzero(meet)  # (P,)
    # All masks of a set on one line of numbers: one broken line counts the pixels of all of `b`.
    stride = a.size[0] * a.size[1] + 1
    line_a, line_b, steps = a.line(stride), b.line(stride).astype(np.float64), _pixels_before(b)
    # Of mask n only the runs that reach into the columns which both boxes have
    left, right = np.maximum(boxes_a[n, 0], boxes_b[m, 0]), np.minimum(boxes_a[n, 2], boxes_b[m, 2])
    first, length = _reaching(
        line_a, *(n * stride + column * a.size[0] for column in (left, right))
    )
    # F_B at the edges of those runs, moved from mask n's place on the line to mask m's
    shared = np.zeros(meet.shape, np.int64)
    for some in _portions(length):
        place = line_a[_ranges(first[some], length[some])]
        place += np.repeat(((m - n) * stride)[some], length[some])
        read = np.interp(place, line_b, steps)
        # Σ F_B(end) - F_B(begin), over the runs of each pair
        start = (np.cumsum(length[some]) - length[some]) // 2
        shared[n[some], m[some]] = np.add.reduceat(read[1::2] - read[::2], start)
    return shared


def _pixels_before(runs: Runs) -> np.ndarray:
    """(E,) float64: F at each edge, all masks counted on."""
    before = np.concatenate([[0.0], np.cumsum(runs.edges[1::2] - runs.edges[::2])])  # at begins
    return np.stack([before[:-1], before[1:]], axis=1).ravel()


def _reaching(line: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each range of numbers, the first edge of the runs that reach into it, and how many."""
    first = np.searchsorted(line, low, side="right") // 2 * 2
    last = (np.searchsorted(line, high, side="left") + 1) // 2 * 2
    return first, last - first


def _portions(length: np.ndarray) -> list[np.ndarray]:
    """Numbers of the pairs with any edges, as many at a time as have about `PORTION` of them."""
    pairs = np.flatnonzero(length)
    number = np.cumsum(length[pairs]) // PORTION
    return np.split(pairs, np.flatnonzero(np.diff(number)) + 1) if pairs.size else []


def _ranges(first: np.ndarray, length: np.ndarray) -> np.ndarray:
    """first[0], first[0] + 1 …, length[0] of them, then first[1] …"""
    start = np.cumsum(length) - length
    return np.arange(length.sum()) + np.repeat(first - start, length)


def _boxes_meet(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) bool: the boxes share area."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return (low < high).all(axis=2)


def _of_counts(size: tuple[int, int], counts: np.ndarray, first: np.ndarray) -> Runs:
    """From the run lengths of all masks, and where each mask's begin."""
    length = np.diff(first)  # (N,)
    begins = first[:-1][length > 0]
    # where each run ends, counted from the beginning of its own mask
    ends = np.cumsum(counts)
    ends -= np.repeat(ends[begins] - counts[begins], length[length > 0])
    odd = length % 2  # the last run of an odd number is background
    edges = np.delete(ends, first[1:][odd > 0] - 1)
    first_edge = first - np.cumsum([0, *odd])
    # runs of no length join their neighbours
    empty = counts == 0
    empty[begins] = False  # a mask may begin at pixel 0
    runs = Runs.joined(size, edges, first_edge)
    if not empty.any():
        return runs
    stride = size[0] * size[1] + 1
    return Runs.of_line(size, runs.line(stride), stride, len(runs))


def _edges_of_crop(crop: Crop, height: int) -> np.ndarray:
    """(2R,) the edges of a mask that is nothing outside of a crop, in an image of that height."""
    mask, x, y = crop
    # Background before the first pixel, and a row of it below that ends every run with its column.
    flat = np.zeros(mask.shape[1] * (mask.shape[0] + 1) + 1, dtype=bool)
    flat[1:].reshape(mask.shape[1], mask.shape[0] + 1)[:, :-1] = mask.T
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    column, row = np.divmod(changes, mask.shape[0] + 1)
    edges = (x + column) * height + y + row
    return cancelled(edges) if mask.shape[0] == height else edges


def cancelled(edges: np.ndarray) -> np.ndarray:
    """(E,) sorted, without edges that are there twice: there the mask changes twice."""
    edges = np.sort(edges, kind="stable")  # which only merges where these are two sorted lists
    new = np.ones(len(edges), dtype=bool)
    new[1:] = edges[1:] != edges[:-1]
    start = np.flatnonzero(new)
    return edges[start[np.diff(start, append=len(edges)) % 2 == 1]]
