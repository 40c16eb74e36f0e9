"""A panoptic map as a PNG, whose colours are numbers: R + 256 G + 256² B.

(Kirillov et al., Panoptic Segmentation, 2019, and the format of COCO's web site.) The size in the
header is checked before a pixel is unpacked: a small file can say that it is huge.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from minseg.data.coco.records import Record

LARGEST_COLOUR = 256**3 - 1
MOST_PIXELS = 2**25  # of a map, which takes 8 bytes for each and as much again while it is read


def read_colours(annotation: Record, folder: Path, size: tuple[int, int] | None) -> np.ndarray:
    """(H, W) int32 numbers of a PNG; refused if it is not RGB of that size."""
    from PIL import Image  # comes with matplotlib

    path = annotation.path(folder)
    try:
        with warnings.catch_warnings():  # PIL warns of sizes that are refused here
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                reason = _misfit(path.name, picture, size)  # before a pixel is unpacked
                colour = None if reason else np.asarray(picture)  # (H, W, 3) uint8
    except Exception as error:  # a broken file can raise nearly any in PIL
        raise annotation.error(f"needs {path.name}, which cannot be read: {error}") from None
    if colour is None:
        raise annotation.error(reason)
    numbers = colour[..., 0].astype(np.int32)
    numbers += np.left_shift(colour[..., 1], 8, dtype=np.int32)
    numbers += np.left_shift(colour[..., 2], 16, dtype=np.int32)
    return numbers


def _misfit(name: str, picture: Any, size: tuple[int, int] | None) -> str:
    """Why a picture cannot be the map; empty if it can."""
    height, width = picture.size[::-1]
    if picture.format != "PNG" or picture.mode != "RGB":
        kind = f"{picture.format} with mode {picture.mode}"
        return f"needs {name} as a PNG in RGB, 8 bits, got {kind}"
    if size is not None and (height, width) != size:
        return f"is {size} (height, width), but {name} is {(height, width)}"
    if height * width > MOST_PIXELS:
        return f"needs {name} of at most {MOST_PIXELS} pixels, got {height} × {width}"
    return ""


def write_png(path: Path, ids: np.ndarray) -> None:
    """Write numbers (H, W) from 0 to `LARGEST_COLOUR`; folders on the way are made."""
    from PIL import Image  # comes with matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    colour = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)
    Image.fromarray(colour).save(path)
