"""Run-length encoding: COCO's way to write a mask down without loss.

Read the mask column by column (column-major, as Fortran and MATLAB do) and write how long each run
of equal pixels is, starting with background:

    0 1 1 0 0 0 1   →   counts [1, 2, 3, 1]        1 1 0   →   counts [0, 2, 1]

The compressed form packs the counts into printable text: from the third count on, each is stored
as the difference to the count two before it (neighbouring columns have runs alike), in groups of
five bits with the sign in the last group, each plus a continuation bit, plus 48 to be a character
(the format of the COCO API, Lin et al., Microsoft COCO, 2014). Lesson 02 measures what it costs.

A compressed string is byte-equal to pycocotools'.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor


def encode_rle(mask: Tensor, compressed: bool = False) -> dict[str, Any]:
    """Write a mask as run lengths.

    Args:
        mask: (H, W) bool.
        compressed: whether counts are COCO's text (a str) instead of a list of numbers.

    Returns:
        {"size": [H, W], "counts": list[int] or str}

    Raises:
        TypeError: if the mask is not bool. ValueError: if it is not (H, W).
    """
    if mask.ndim != 2:
        raise ValueError(f"mask must be (H, W), got {tuple(mask.shape)}")
    if mask.dtype != torch.bool:
        raise TypeError(f"mask must be bool, got {mask.dtype}: threshold it, `mask > 0.5`")
    pixels = mask.T.flatten().cpu().numpy()  # column-major
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    edges = np.concatenate([[0], changes, [pixels.size]])
    counts = np.diff(edges) if pixels.size else np.zeros(0, dtype=np.int64)
    if pixels.size and pixels[0]:
        counts = np.concatenate([[0], counts])  # the first run is background, here of length 0
    text_or_list = _to_text(counts) if compressed else counts.tolist()
    return {"size": list(mask.shape), "counts": text_or_list}


def decode_rle(rle: dict[str, Any]) -> Tensor:
    """Read run lengths back, whether counts are a list, a str or bytes.

    Returns:
        (H, W) bool.

    Raises:
        ValueError: if size or counts are missing or malformed, or the runs do not fill the mask.
    """
    height, width = _check_size(rle)
    counts = rle.get("counts")
    if isinstance(counts, bytes):
        counts = counts.decode("ascii")
    if isinstance(counts, str):
        runs = _from_text(counts)
    elif isinstance(counts, list):
        runs = np.asarray(counts, dtype=np.int64)
    else:
        raise ValueError(f"rle['counts'] must be a list, str or bytes, got {type(counts).__name__}")
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(
            f"rle['counts'] must be runs that sum to {height} × {width} = {height * width}, "
            f"got a sum of {runs.sum()} and a smallest run of {runs.min(initial=0)}"
        )
    values = np.arange(len(runs)) % 2 == 1  # background, object, background, …
    pixels = torch.from_numpy(np.repeat(values, runs))
    return pixels.view(width, height).T.contiguous()


def _to_text(counts: np.ndarray) -> str:
    """Five bits a character, all counts at once: character g of a count is bits 5g … 5g+4."""
    deltas = counts.astype(np.int64).copy()
    deltas[3:] -= counts[1:-2]  # the first three are stored as they are
    # A number needs one more group while what remains is not just its sign, as bit 4 tells it.
    shifted = deltas[:, None] >> (5 * np.arange(13))  # (N, 13) covers 64 bits
    done = np.where(shifted & 0x10 != 0, shifted >> 5 == -1, shifted >> 5 == 0)
    last = done.argmax(axis=1)[:, None]
    group = np.arange(13)[None]
    characters = (shifted & 0x1F) + 0x20 * (group < last) + 48
    return characters[group <= last].astype(np.uint8).tobytes().decode("ascii")


def _from_text(text: str) -> np.ndarray:
    """Undo `_to_text`; the differences are undone by two running sums, odd and even places."""
    codes = np.frombuffer(text.encode("ascii", "replace"), dtype=np.uint8).astype(np.int64) - 48
    if (codes < 0).any() or (codes > 0x3F).any() or (codes.size and codes[-1] & 0x20):
        raise ValueError(f"rle['counts'] is not COCO's compressed text: {text[:40]!r}")
    last = codes & 0x20 == 0
    start = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1]) if codes.size else np.zeros(0, int)
    number = np.cumsum(last) - last  # which count each character belongs to
    group = np.arange(codes.size) - start[number] if codes.size else codes
    if (group > 12).any():
        raise ValueError("rle['counts'] holds a number of more than 64 bits")
    values = np.zeros(len(start), dtype=np.int64)
    np.add.at(values, number, (codes & 0x1F) << (5 * group))
    negative = codes[last] & 0x10 != 0
    values[negative] -= np.int64(1) << (5 * (group[last][negative] + 1))
    counts = values
    counts[1::2] = np.cumsum(values[1::2])
    counts[2::2] = np.cumsum(values[2::2])
    return counts


def _check_size(rle: dict[str, Any]) -> tuple[int, int]:
    size = rle.get("size")
    if not isinstance(size, list | tuple) or len(size) != 2 or min(size) < 0:
        raise ValueError(f"rle['size'] must be [height, width], got {size!r}")
    return int(size[0]), int(size[1])
