"""A mask on an image: its fill, its outline and its number.

A mask's outline lies on the edges between pixels, never through their centres: for pixel (i, j)
it runs around the square [j, j + 1) × [i, i + 1). A number belongs at the point deepest inside,
which for a ring lies on the ring, where the centre of mass would not.
`minseg.draw.segmentation` draws whole pictures from these pieces.

Masks come as crops, each the part of a mask in its box: in a picture of 12 megapixels with 100
things only the things' own boxes are worked on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from minseg.masks.runs import Crop, tight_crop

Point = tuple[float, float]
MOST_MEASURED = 2**20  # pixels of a mask whose depth is measured one by one, a tenth of a second
POINTS_PER_PIXEL = 72 / 100  # matplotlib measures lines in points, the page has 100 px to the inch
LABEL_STYLE: dict[str, Any] = {
    "color": "white",
    "weight": "bold",
    "fontsize": 9,
    "ha": "center",
    "va": "center",
}


def pixels(image: Tensor) -> np.ndarray:
    """(H, W, 3) in [0, 1] from (3, H, W), or (H, W) as it is; ValueError for another shape."""
    values = image.detach().cpu().numpy()
    if values.ndim == 3 and len(values) == 3:
        return np.clip(values.transpose(1, 2, 0), 0, 1)
    if values.ndim == 2:
        return values.astype(np.float64)
    raise ValueError(f"image must be (3, H, W) or (H, W), got {tuple(image.shape)}")


def rgb(image: Tensor, size: tuple[int, ...]) -> np.ndarray:
    """(H, W, 3) float64, a copy to paint on; ValueError if the image is not of `size` (H, W)."""
    values = pixels(image).astype(np.float64)
    if values.shape[:2] != size:
        raise ValueError(f"image must be of the masks' size {size}, got {values.shape[:2]}")
    if values.ndim == 2:
        return np.repeat(np.clip(values, 0, 1)[..., None], 3, axis=2)
    return values


def paint(canvas: np.ndarray, mask: np.ndarray, colour: str, strength: float) -> None:
    """Fill a mask with a colour, in place; at strength 1 nothing shines through."""
    canvas[mask] = (1 - strength) * canvas[mask] + strength * np.array(to_rgb(colour))


def paint_crop(
    canvas: np.ndarray, crop: Crop, rows: np.ndarray, columns: np.ndarray, *how: Any
) -> None:
    """`paint` on a canvas that shows only some rows and columns of the image, in rising order."""
    down = slice(*np.searchsorted(rows, (crop.y, crop.y + crop.mask.shape[0])))
    across = slice(*np.searchsorted(columns, (crop.x, crop.x + crop.mask.shape[1])))
    shown = crop.mask[np.ix_(rows[down] - crop.y, columns[across] - crop.x)]
    paint(canvas[down, across], shown, *how)


def draw_outlines(ax: Axes, crops: Sequence[Crop]) -> None:
    """Black 1.1 px on white 2.6 px, visible on any ground."""
    lines = [
        ((x1 + x, y1 + y), (x2 + x, y2 + y))
        for mask, x, y in crops
        for (x1, y1), (x2, y2) in outline(mask)
    ]
    for colour, width in (("white", 2.6), ("black", 1.1)):
        points = width * POINTS_PER_PIXEL
        ax.add_collection(
            LineCollection(lines, colors=colour, linewidths=points, capstyle="projecting")
        )


def draw_labels(ax: Axes, crops: Sequence[Crop], texts: Sequence[str], size: Sequence[int]) -> None:
    """A text on each mask of an image of `size` (H, W), or beside one too small to hold it."""
    crops = [tight_crop(*crop) for crop in crops]
    areas = np.array([crop.mask.sum() for crop in crops])
    taken: list[Point] = []  # large masks first: small ones find room beside them
    for k in np.argsort(-areas, kind="stable"):
        if not texts[k] or not areas[k]:
            continue
        mask, left, top = crops[k]
        x, y = deepest_point(mask)
        x, y = x + left, y + top
        away = _way_out(x, y, taken) if _is_tiny(mask, size) else (0, 0)
        taken.append((x, y))
        ax.annotate(
            texts[k],
            xy=(x, y),
            xytext=(8 * away[0], 8 * away[1]),
            textcoords="offset points",
            path_effects=[withStroke(linewidth=2, foreground="black")],
            **LABEL_STYLE,
        )


def _is_tiny(mask: np.ndarray, size: Sequence[int]) -> bool:
    rows, columns = mask.any(axis=1).sum(), mask.any(axis=0).sum()
    return bool(max(rows, columns) < 0.1 * max(size))


def _way_out(x: float, y: float, taken: list[Point]) -> tuple[int, int]:
    """The diagonal direction, to the right and upwards first, that leads away from other texts."""
    directions = [(1, 1), (-1, 1), (1, -1), (-1, -1)]

    def room(direction: tuple[int, int]) -> float:
        ahead = x + direction[0], y - direction[1]  # y grows downwards
        return min((float(np.hypot(ahead[0] - a, ahead[1] - b)) for a, b in taken), default=0)

    return max(directions, key=room)


def outline(mask: np.ndarray) -> list[tuple[Point, Point]]:
    """Straight pieces, ((x, y), (x, y)), that together run once around a mask (H, W) bool.

    >>> for start, end in outline(np.array([[True, True]])):  # two pixels side by side
    ...     print(start, end)
    (0.0, 0.0) (0.0, 1.0)
    (2.0, 0.0) (2.0, 1.0)
    (0.0, 0.0) (2.0, 0.0)
    (0.0, 1.0) (2.0, 1.0)
    """
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
    """(x, y), the pixel centre farthest from the outside of a mask that is not empty.

    Of a mask of more than `MOST_MEASURED` pixels some rows and columns are looked at, evenly apart.

    >>> deepest_point(np.array([[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]], dtype=bool))
    (2.5, 1.5)
    """
    height, width = mask.shape
    step = coarse_step(height, width, MOST_MEASURED)
    seen = mask[::step, ::step]
    if not seen.any():  # a thin mask between those rows and columns
        step, seen = 1, mask
    depth = distance_transform_edt(np.pad(seen, 1))[1:-1, 1:-1]
    i, j = np.unravel_index(depth.argmax(), depth.shape)
    return float(j * step) + 0.5, float(i * step) + 0.5


def coarse_step(height: int, width: int, most: int) -> int:
    """The smallest step at which about `most` of the pixels are left, or fewer.

    >>> coarse_step(height=3000, width=4000, most=2**21)
    3
    """
    return max(math.ceil(math.sqrt(height * width / most)), 1)
