"""From what a COCO file says of an object to its pixels, as runs.

A segmentation is run lengths, which `minseg.masks` reads, or a list of polygons, each a flat list
x1, y1, x2, y2 … . Which pixels a polygon covers is a convention of its own, so pycocotools draws
them: a mask then has the very pixels, and the area, that the official tools count. Unit 12 shows
how conventions differ.

pycocotools is compiled and does not check what it is given: a corner at 10^9 overflows its integers
or asks for gigabytes. It follows an outline in steps of a fifth of a pixel, so the length of the
outline is bounded before.

(Lin et al., Microsoft COCO, 2014; the format of its web site.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minseg.data.coco.records import Record
from minseg.masks.rle import MOST_PIXELS, read_counts
from minseg.masks.runs import Runs

FARTHEST_CORNER = 2.0**20  # px
LONGEST_OUTLINE = 2.0**21  # px, of all polygons of an object; steps of a fifth take 250 MB


def read_runs(records: Sequence[Record], size: tuple[int, int]) -> Runs:
    """The masks of annotations or results of one image, in their order.

    Args:
        records: of one image.
        size: (height, width) of it.

    Raises:
        ValueError: with the file and the record, if a segmentation is missing or cannot be read.
    """
    rles = [_as_rle(one, size) for one in records]
    try:
        return Runs.of_rles(size, rles)  # all at once
    except (ValueError, TypeError, OverflowError):
        for one, rle in zip(records, rles, strict=True):
            _check_counts(one, rle)  # says which
        raise


def check_mask(record: Record, size: tuple[int, int]) -> None:
    """Raise ValueError as `read_runs` would, without drawing a polygon."""
    segmentation = record.get("segmentation")
    if isinstance(segmentation, list):
        try:
            _check_polygons(segmentation, size)
        except (ValueError, TypeError, OverflowError) as error:
            raise _unreadable(record, error) from None
    else:
        _check_counts(record, _as_rle(record, size))


def stated_size(record: Record) -> tuple[int, int] | None:
    """The size that run lengths carry with them; None for polygons."""
    segmentation = record.values.get("segmentation")
    if not isinstance(segmentation, dict):
        return None
    _check_counts(record, segmentation)
    height, width = segmentation["size"]
    return height, width


def _as_rle(record: Record, size: tuple[int, int]) -> dict[str, Any]:
    """A record's mask as run lengths of that size, not yet looked at, or drawn from polygons."""
    segmentation = record.get("segmentation")
    try:
        if isinstance(segmentation, list):
            return _draw(segmentation, size)
        rle = Record(record.file, "segmentation", segmentation)
        if rle.get("size") != list(size):
            raise ValueError(f"it is {rle.get('size')!r:.60} in an image of {list(size)}")
    except (ValueError, TypeError, OverflowError) as error:
        raise _unreadable(record, error) from None
    return rle.values


def _check_counts(record: Record, rle: dict[str, Any]) -> None:
    try:
        read_counts(rle)
    except (ValueError, TypeError, OverflowError) as error:
        raise _unreadable(record, error) from None


def _unreadable(record: Record, error: Exception) -> ValueError:
    return record.error(f"has a segmentation that cannot be read: {error}")


def _draw(polygons: list[Any], size: tuple[int, int]) -> dict[str, Any]:
    _check_polygons(polygons, size)
    try:
        from pycocotools import mask
    except ImportError:
        raise ImportError("polygons are drawn by pycocotools: pip install pycocotools") from None
    return mask.merge(mask.frPyObjects(polygons, *size))


def _check_polygons(polygons: list[Any], size: tuple[int, int]) -> None:
    if not polygons:
        raise ValueError("there is no polygon")
    if size[0] * size[1] > MOST_PIXELS:
        raise ValueError(f"an image may have {MOST_PIXELS} pixels, and this one is {size}")
    length = 0.0
    for polygon in polygons:
        corners = np.asarray(polygon)
        whole = corners.ndim == 1 and len(corners) >= 6 and len(corners) % 2 == 0
        if not whole or corners.dtype.kind not in "iuf" or not np.isfinite(corners).all():
            raise ValueError("a polygon needs x, y of at least three corners")
        points = corners.astype(np.float64).reshape(-1, 2)
        if (far := np.abs(points).max()) > FARTHEST_CORNER:
            raise ValueError(f"a corner may lie {FARTHEST_CORNER:.0f} px from the image, got {far}")
        steps = np.abs(points - np.roll(points, 1, axis=0)).max(axis=1)
        length += float(steps.sum())
    if length > LONGEST_OUTLINE:
        raise ValueError(f"an outline may be {LONGEST_OUTLINE:.0f} px long, got {length:.0f}")
