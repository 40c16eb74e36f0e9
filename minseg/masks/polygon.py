"""Outlines: a mask as polygons with corners between the pixels, and back.

Read the mask as heights at pixel centres, 1 inside and 0 outside, joined by straight slopes. The
outline is where the height is ½: half way between a centre inside and its neighbour outside
(marching squares; Lorensen & Cline, Marching Cubes, 1987, in two dimensions). It keeps every centre
on its side, so decoding at pixel centres (`from_polygons`) gives the mask back, pixel for pixel.
From probabilities or distances the outline is sub-pixel: f = level by linear interpolation.

    area = ½ Σ (x_i y_{i+1} - x_{i+1} y_i)                                  the shoelace formula

One ring cannot have a hole. A part with holes is still *one* polygon here: its rings are joined by
bridges, walked there and back, which the even-odd rule cancels. Parts are a list, as in COCO (Lin
et al., 2014), whose polygons are not allowed more than that.

Fewer corners: Douglas & Peucker (1973) keep a corner only if the outline without it would pass
farther away than `tolerance`. So the error is known before it is made: the outline moves by at most
`tolerance`, and 1 - IoU is at most about tolerance · perimeter / area. Unit 12 measures it.
(Library calls: skimage.measure.find_contours for open or closed lines, without parts and holes;
skimage.measure.approximate_polygon for `simplify`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor

from minseg.masks.curve import as_points


def to_polygons(
    mask: Tensor | np.ndarray, *, tolerance: float = 0.0, level: float = 0.5
) -> list[Tensor]:
    """The outlines of a mask, one polygon for each part.

    Pixels of a bool mask that touch only by a corner are two parts. In a field, the average of the
    four values around the corner decides: above `level` they are joined.

    Args:
        mask: (H, W) bool, or a floating-point field that is above `level` inside.
        tolerance: how far the outline may move, in pixels, to save corners; see `simplify`. At 0
            all are kept and `from_polygons` returns the mask exactly. Each ring keeps a triangle.
        level: the height of the outline. A value of exactly `level` counts as outside, but lies
            on the outline, where decoding may find it on either side.

    Returns:
        list of (n, 2) float64 x, y, outer rings with positive `polygon_area`. No parts: an empty
        list. Beyond the image is background, and what touches the border ends at the border.

    Raises:
        TypeError: if `mask` is neither bool nor floating point.
        ValueError: if it is not (H, W) or not finite, or `tolerance` is negative.

    Example:
        >>> pixel = torch.tensor([[False, False, False], [False, True, False]])
        >>> to_polygons(pixel)[0].tolist()  # half way from (1.5, 1.5) to the centres around it
        [[1.0, 1.5], [1.5, 1.0], [2.0, 1.5], [1.5, 2.0]]
    """
    field = _as_field(mask)
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be 0 or more pixels, got {tolerance}")
    polygons = []
    for rings in _rings(field, level):
        if tolerance > 0:
            rings = [_keep(ring, tolerance) for ring in rings]
        polygons.append(torch.from_numpy(_bridge(rings)))
    return polygons


def _as_field(mask: Tensor | np.ndarray) -> np.ndarray:
    field = mask.detach().cpu().numpy() if isinstance(mask, Tensor) else np.asarray(mask)
    if field.dtype != np.bool_ and not np.issubdtype(field.dtype, np.floating):
        raise TypeError(f"mask must be bool or floating point, got {field.dtype}")
    if field.ndim != 2:
        raise ValueError(f"mask must be (H, W), got {field.shape}")
    if not np.isfinite(field).all():
        raise ValueError("mask must be finite")
    return field.astype(np.float64)


def _rings(field: np.ndarray, level: float) -> list[list[np.ndarray]]:
    """Of each part its outer ring and its holes, as (n, 2) points that do not repeat the first."""
    from contourpy import FillType, contour_generator

    if not (field > level).any():
        return []
    # As far below the level outside as the border is from it: outlines end at the border.
    padded = level - np.abs(np.pad(field, 1, mode="edge") - level)
    padded[1:-1, 1:-1] = field
    y, x = (np.arange(-1, length + 1) + 0.5 for length in field.shape)
    contours = contour_generator(x, y, padded, fill_type=FillType.OuterOffset)
    filled = contours.filled(level, padded.max() + 1)
    points, offsets = cast(tuple[list[np.ndarray], list[np.ndarray]], filled)
    return [
        [part[a : b - 1] for a, b in pairwise(cuts)]
        for part, cuts in zip(points, offsets, strict=True)
    ]


def _bridge(rings: list[np.ndarray]) -> np.ndarray:
    """One polygon of an outer ring and its holes, each visited from the outer ring's first point.

    The last edge of the polygon, back to its first point, closes the outer ring or is a bridge.
    """
    outer, *holes = rings
    visits = [np.concatenate([outer[:1], hole, hole[:1]]) for hole in holes]
    return np.concatenate([outer, *visits])


def simplify(polygon: Tensor | np.ndarray, tolerance: float) -> Tensor:
    """Leave out corners of a closed polygon, moving its outline by at most `tolerance`.

    From the first point and back to it: the corner farthest from the chord between the two ends
    stays if it is farther than `tolerance`, and cuts the way in two, to be treated alike. The
    library call is skimage.measure.approximate_polygon, which begins and ends with one point twice.

    Args:
        polygon: (n, 2) x, y in pixels, one ring (a bridge would be simplified like a side).
        tolerance: in pixels, 0 or more; 0 leaves out corners on a straight line.

    Returns:
        (k, 2) float64, some of the corners in their order, the first one always and three at
        least (of fewer, all). Every corner left out is within `tolerance` of the new outline.

    Example:
        >>> square = torch.tensor([[0, 0], [2, 0], [4, 0], [4, 4], [2, 4.2], [0, 4]])
        >>> simplify(square, 0.5).tolist()
        [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]]
    """
    points = as_points(polygon)
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be 0 or more pixels, got {tolerance}")
    return torch.from_numpy(_keep(points, tolerance))


def _keep(points: np.ndarray, tolerance: float) -> np.ndarray:
    if len(points) <= 3:
        return points
    closed = np.concatenate([points, points[:1]])  # (n + 1, 2)
    kept = [0, len(points)]
    todo = [(0, len(points))]  # stretches of `closed` between two corners that stay
    while todo:
        a, b = todo.pop()
        distance = _to_segment(closed[a + 1 : b], closed[a], closed[b])
        far = int(distance.argmax())
        if distance[far] > tolerance or b - a == len(points):
            middle = a + 1 + far
            kept.append(middle)
            todo += [(low, high) for low, high in ((a, middle), (middle, b)) if high - low > 1]
    if len(kept) == 3:  # two corners and the first again: add the farthest from between them
        kept.append(int(_to_segment(points, points[0], closed[kept[2]]).argmax()))
    return closed[sorted(kept)[:-1]]


def _to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(n,) distance of points from the straight line between two ends, not beyond them."""
    along, away = end - start, points - start
    share = away @ along / (along @ along or 1)  # 0 at the start, 1 at the end
    return np.hypot(*(away - share.clip(0, 1)[:, None] * along).T)


def largest_ring(polygons: Sequence[Tensor | np.ndarray]) -> Tensor:
    """The largest outer ring, without its holes: what representations of one ring can hold.

    Args:
        polygons: as `to_polygons` returns them, where an outer ring ends at the first bridge: at
            the first return to its first point. At least one.

    Returns:
        (n, 2) float64, the ring with the largest absolute `polygon_area`.

    Example:
        >>> small, large = (side * torch.tensor([[0, 0], [1, 0], [1, 1]]) for side in (1, 3))
        >>> largest_ring([small, large]).tolist()
        [[0.0, 0.0], [3.0, 0.0], [3.0, 3.0]]
    """
    if len(polygons) == 0:
        raise ValueError("polygons must hold at least one polygon: an empty mask has no ring")
    rings = []
    for k, part in enumerate(polygons):
        points = as_points(part, f"polygons[{k}]")
        returns = np.flatnonzero((points[1:] == points[:1]).all(axis=1))
        rings.append(points[: returns[0] + 1] if len(returns) else points)
    return torch.from_numpy(max(rings, key=lambda ring: abs(polygon_area(ring))))


def polygon_area(polygon: Tensor | np.ndarray) -> float:
    """Signed area by the shoelace formula, in squared pixels.

    Positive for the outer rings of `to_polygons` (x turns towards y: clockwise on a screen, where
    y points down), negative walked the other way. Holes joined by bridges are subtracted.

    Example:
        >>> polygon_area(torch.tensor([[0, 0], [4, 0], [0, 3]]))
        6.0
    """
    points = as_points(polygon)
    if len(points) == 0:
        return 0.0
    x, y = (points - points[0]).T  # near 0, where products keep their digits
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def to_coco(polygons: Sequence[Tensor | np.ndarray]) -> list[list[float]]:
    """COCO's form: of each polygon a flat list x1, y1, x2, y2 …

    COCO refuses fewer than 3 points, which cover nothing and are left out.

    Example:
        >>> to_coco([torch.tensor([[0, 0], [4, 0], [0, 3]])])
        [[0.0, 0.0, 4.0, 0.0, 0.0, 3.0]]
    """
    parts = [as_points(part, f"polygons[{k}]") for k, part in enumerate(polygons)]
    return [part.flatten().tolist() for part in parts if len(part) >= 3]


def from_coco(segmentation: Sequence[Sequence[float]]) -> list[Tensor]:
    """Polygons (n, 2) float64 of COCO's flat lists; ValueError if one has no whole points.

    Example:
        >>> from_coco([[0, 0, 4, 0, 0, 3]])[0].tolist()
        [[0.0, 0.0], [4.0, 0.0], [0.0, 3.0]]
    """
    for k, flat in enumerate(segmentation):
        if len(flat) % 2:
            raise ValueError(f"segmentation[{k}] must be x, y of whole points, got {len(flat)}")
    pairs = [np.asarray(flat, dtype=np.float64).reshape(-1, 2) for flat in segmentation]
    return [torch.from_numpy(as_points(p, f"segmentation[{k}]")) for k, p in enumerate(pairs)]
