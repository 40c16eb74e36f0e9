"""Run-length encoding: COCO's way to write a mask down without loss.

Read the mask column by column (column-major, as Fortran and MATLAB do) and write how long each run
of equal pixels is, starting with background:

    0 1 1 0 0 0 1   →   counts [1, 2, 3, 1]        1 1 0   →   counts [0, 2, 1]

The compressed form packs the counts into printable text, see `minseg.masks.rle_text` (the format of
the COCO API, Lin et al., Microsoft COCO, 2014). Unit 13 measures what it costs.

The library calls are pycocotools.mask.encode and decode; a compressed string is byte-equal to
theirs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minseg.masks.rle_text import from_text_loop, from_texts, to_text, to_text_loop

MOST_PIXELS = 2**31 - 1  # of an image; nothing is made for a larger one


def encode_rle_loop(mask: Tensor, compressed: bool = False) -> dict[str, Any]:
    """The definition, one pixel at a time, meant to be read. See `encode_rle`."""
    height, width = mask.shape
    counts, length, value = [], 0, False  # the first run is background
    for j in range(width):  # column by column
        for i in range(height):
            if bool(mask[i, j]) != value:
                counts.append(length)
                length, value = 0, not value
            length += 1
    if length:
        counts.append(length)
    return {"size": [height, width], "counts": to_text_loop(counts) if compressed else counts}


def encode_rle(mask: Tensor, compressed: bool = False) -> dict[str, Any]:
    """Write a mask as run lengths.

    Args:
        mask: (H, W) bool.
        compressed: whether counts are COCO's text (a str) instead of a list of numbers.

    Returns:
        {"size": [H, W], "counts": list[int] or str}

    Raises:
        TypeError: if the mask is not bool. ValueError: if it is not (H, W).

    Example:
        >>> mask = torch.tensor([[False, True, True], [False, True, False]])
        >>> encode_rle(mask), encode_rle(mask, compressed=True)["counts"]
        ({'size': [2, 3], 'counts': [2, 3, 1]}, '231')
    """
    if mask.ndim != 2:
        raise ValueError(f"mask must be (H, W), got {tuple(mask.shape)}")
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be bool, got {mask.dtype}: threshold it, `mask > 0.5`")
    pixels = mask.cpu().numpy().ravel(order="F")  # (H · W,) column by column
    # a run begins where a pixel differs from the one before it
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    edges = np.concatenate([[0], changes, [pixels.size]])
    counts = edges[1:] - edges[:-1] if pixels.size else np.zeros(0, dtype=np.int64)
    if pixels.size and pixels[0]:
        counts = np.concatenate([[0], counts])  # the first run is background, here of length 0
    height, width = mask.shape
    return encode_counts((height, width), counts, compressed)


def encode_counts(
    size: tuple[int, int], counts: np.ndarray, compressed: bool = False
) -> dict[str, Any]:
    """`encode_rle` of a mask that is known by its run lengths, as in `minseg.masks.runs.Runs`.

    Args:
        size: (height, width).
        counts: (R,) int64, background first.
        compressed: as in `encode_rle`.

    Example:
        >>> encode_counts((2, 3), np.array([2, 3, 1]), compressed=True)
        {'size': [2, 3], 'counts': '231'}
    """
    text_or_list = to_text(counts) if compressed else counts.tolist()
    return {"size": list(size), "counts": text_or_list}


def decode_rle_loop(rle: dict[str, Any]) -> Tensor:
    """The definition, one pixel at a time, meant to be read. See `decode_rle`."""
    (height, width), counts = rle["size"], rle["counts"]
    mask = torch.zeros(height, width, dtype=torch.bool)
    pixel, value = 0, False
    for count in from_text_loop(counts) if isinstance(counts, str) else counts:
        for _ in range(count):
            mask[pixel % height, pixel // height] = value  # column by column
            pixel += 1
        value = not value
    return mask


def decode_rle(rle: dict[str, Any]) -> Tensor:
    """Read run lengths back, whether counts are a list, a str or bytes.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: if size or counts are missing or malformed, or the runs do not fill the mask.

    Example:
        >>> decode_rle({"size": [2, 3], "counts": "231"}).int().tolist()
        [[0, 1, 1], [0, 1, 0]]
    """
    (height, width), runs = read_counts(rle)
    values = np.zeros(len(runs), dtype=bool)
    values[1::2] = True  # background, object, background, …
    pixels = np.repeat(values, runs).reshape(width, height)
    return torch.from_numpy(np.ascontiguousarray(pixels.T))


def read_counts(rle: dict[str, Any]) -> tuple[tuple[int, int], np.ndarray]:
    """Size and run lengths of a mask, checked, without making its pixels.

    Returns:
        (height, width), and (R,) int64 runs, background first, that sum to height × width.

    Raises:
        ValueError: if size or counts are missing or malformed, or the runs do not fill the mask.

    Example:
        >>> read_counts({"size": [2, 3], "counts": [2, 3, 1]})
        ((2, 3), array([2, 3, 1]))
    """
    height, width = _check_size(rle)
    written = _as_written(rle)
    runs = _from_list(written) if isinstance(written, list) else from_texts([written])[0]
    # Each run is looked at before they are added up: a sum of two large ones may wrap around to
    # the right number.
    pixels, smallest, largest = height * width, runs.min(initial=0), runs.max(initial=0)
    if smallest < 0 or largest > pixels or runs.sum() != pixels:
        total = sum(runs.tolist())
        raise ValueError(
            f"rle['counts'] must be runs that sum to {height} × {width} = {pixels}, "
            f"got a sum of {total} and a smallest run of {smallest}"
        )
    return (height, width), runs.astype(np.int64)


def read_all_counts(
    rles: Sequence[dict[str, Any]],
) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """`read_counts` of many masks at once: of text ten times as fast as one by one.

    Returns:
        N sizes (height, width); the run lengths of all masks, (R,) int64; and (N + 1,) int64,
        where each mask's begin.

    Raises:
        ValueError: of the first that is wrong, as `read_counts` says it.

    Example:
        >>> left, nothing = {"size": [1, 6], "counts": [0, 2, 4]}, {"size": [1, 6], "counts": "6"}
        >>> read_all_counts([left, nothing])[1:]
        (array([0, 2, 4, 6]), array([0, 3, 4]))
    """
    sizes = [_check_size(one) for one in rles]
    written = [_as_written(one) for one in rles]
    texts = [one for one in written if isinstance(one, str)]
    if len(texts) == len(written):
        with contextlib.suppress(ValueError):
            counts, first = from_texts(texts)
            if _fills(sizes, counts, first):
                return sizes, counts, first
    each = [read_counts(one)[1] for one in rles]  # which says what is wrong with which
    first = np.cumsum([0, *map(len, each)])
    return sizes, np.concatenate([np.zeros(0, np.int64), *each]), first


def _fills(sizes: list[tuple[int, int]], counts: np.ndarray, first: np.ndarray) -> bool:
    """Whether all are run lengths of masks of these sizes."""
    if counts.min(initial=0) < 0 or counts.max(initial=0) > MOST_PIXELS:
        return False
    sums = np.diff(np.concatenate([[0], np.cumsum(counts)])[first])
    return sums.tolist() == [height * width for height, width in sizes]


def _as_written(rle: dict[str, Any]) -> str | list[Any]:
    counts = rle.get("counts")
    if isinstance(counts, bytes):
        counts = counts.decode("latin-1")
    if not isinstance(counts, str | list):
        raise ValueError(f"rle['counts'] must be a list, str or bytes, got {type(counts).__name__}")
    return counts


def _from_list(counts: list[Any]) -> np.ndarray:
    """Whole numbers, 3.0 among them; anything else is no run length."""
    try:
        runs = np.asarray(counts) if counts else np.zeros(0, dtype=np.int64)
    except ValueError:  # lists within the list
        runs = np.asarray(["none"])
    if runs.ndim == 1 and runs.dtype.kind == "f" and (runs == np.trunc(runs)).all():
        return runs.clip(-1, 2.0**62).astype(np.int64)
    if runs.ndim != 1 or runs.dtype.kind not in "iu":
        raise ValueError("rle['counts'] must be whole numbers that fit 64 bits")
    return runs


def _check_size(rle: dict[str, Any]) -> tuple[int, int]:
    size = rle.get("size")
    sides = list(size) if isinstance(size, list | tuple) else []
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in sides)
    if len(sides) != 2 or not whole or min(sides) < 0:
        raise ValueError(f"rle['size'] must be [height, width], got {size!r:.60}")
    height, width = int(sides[0]), int(sides[1])
    if height * width > MOST_PIXELS:
        raise ValueError(
            f"rle['size'] must have at most {MOST_PIXELS} pixels, got {height} × {width}"
        )
    return height, width
