"""From what a COCO file says of an object to its pixels.

A segmentation is run lengths, which `minseg.masks` reads, or a list of polygons, each a flat list
x1, y1, x2, y2 … . Which pixels a polygon covers is a convention of its own, so pycocotools draws
them: a mask then has the very pixels, and the area, that the official tools count. Lesson 02 shows
how conventions differ.

(Lin et al., Microsoft COCO, 2014; the format of its web site.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from minseg.data.coco_files import Record
from minseg.masks import decode_rle


def read_mask(record: Record, size: tuple[int, int]) -> Tensor:
    """(H, W) bool of an annotation or result; ValueError, with its id, if it cannot be read."""
    segmentation = record.get("segmentation")
    try:
        if isinstance(segmentation, list):
            return _from_polygons(segmentation, size)
        stated = Record(record.file, "segmentation", segmentation).get("size")
        if stated != list(size):  # before anything of that size is made
            raise ValueError(f"it is {stated} in an image of {list(size)}")
        return decode_rle(segmentation)
    except (ValueError, TypeError, OverflowError) as error:
        raise record.error(f"has a segmentation that cannot be read: {error}") from None


def _from_polygons(polygons: list[Any], size: tuple[int, int]) -> Tensor:
    for polygon in polygons:
        corners = np.asarray(polygon, dtype=np.float64)
        whole = corners.ndim == 1 and len(corners) >= 6 and len(corners) % 2 == 0
        if not whole or not np.isfinite(corners).all():
            raise ValueError("a polygon needs x, y of at least three corners")
    if not polygons:
        raise ValueError("there is no polygon")
    try:
        from pycocotools import mask
    except ImportError:
        raise ImportError("polygons are drawn by pycocotools: pip install pycocotools") from None
    return decode_rle(mask.merge(mask.frPyObjects(polygons, *size)))
