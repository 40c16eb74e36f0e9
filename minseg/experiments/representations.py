"""One mask, written down in six ways, each with a budget: what it takes and what comes back.

Writing and reading again with nothing learnt in between is the best that a network can reach which
predicts that representation. `write` does it and counts bytes by one rule: 4 for a coordinate
(float32), 1 for an area share (in steps of 1/255) or a distance (in quarter pixels, cut off at
±31.75), 1 bit for a binary cell, 16 bytes for a grid's box. Unit 13 compares them, and
`RepresentationSweep` draws them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate

from minseg.data import coins_truth
from minseg.data.scenes.shapes import make_shape
from minseg.instances import tight_boxes
from minseg.masks import (
    fit_bspline,
    fourier_descriptor,
    from_bspline,
    from_fourier,
    from_grid,
    from_polygons,
    largest_ring,
    signed_distance,
    to_grid,
    to_polygons,
)
from minseg.metrics import boundary_iou, mask_iou

SIZE = 96  # pixels, both sides of the image of an object
THINGS = ("star", "disc", "ring", "two parts", "coin")
CELLS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56)
TOLERANCES = (24, 16, 12, 8, 6, 4, 3, 2, 1.5, 1, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0)  # px
HARMONICS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 32, 40, 48, 64)
CONTROLS = (4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 96, 128)


@dataclass(frozen=True, eq=False)
class Written:
    """What one representation holds of a mask, and how good the mask is that it gives back."""

    size: int  # bytes
    what: str  # "14 × 14 cells"
    mask: Tensor  # (H, W) bool, read again
    outline: list[Tensor]  # of (n, 2) x, y, in pixels, between the pixels
    marks: Tensor  # (n, 2) x, y: corners or control points
    grid: tuple[float, ...]  # x1, y1, x2, y2 and the number of cells, or nothing
    iou: float
    boundary_iou: float


@cache
def specimen(thing: str) -> Tensor:
    """(96, 96) bool, one of `THINGS`.

    >>> {thing: int(specimen(thing).sum()) for thing in THINGS}
    {'star': 2002, 'disc': 5024, 'ring': 3524, 'two parts': 2340, 'coin': 4030}
    """
    if thing == "coin":
        mask = coins_truth().masks[9, 98:150, 178:232].float()
        return interpolate(mask[None, None], size=SIZE, mode="bilinear")[0, 0] >= 0.5
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5 - SIZE / 2
    if thing == "two parts":
        return torch.from_numpy((np.hypot(x + 19, y + 6) <= 22) | (np.hypot(x - 25, y - 10) <= 16))
    return torch.from_numpy(make_shape(thing, 80, np.random.default_rng(0)).covers(x, y))


def parts_and_holes(mask: Tensor) -> tuple[int, int]:
    """How many pieces a mask (H, W) has, and how many holes they have together.

    >>> parts_and_holes(specimen("ring")), parts_and_holes(specimen("two parts"))
    ((1, 1), (2, 0))
    """
    pixels = np.pad(mask.numpy(), 1)
    return ndimage.label(pixels)[1], ndimage.label(~pixels, np.ones((3, 3)))[1] - 1


def write(mask: Tensor, kind: str, budget: float) -> Written:
    """A mask (H, W) bool through one of `KINDS`, at one of its budgets, and back.

    >>> one = write(specimen("star"), "Fourier", 4)
    >>> one.what, one.size, round(one.iou, 2)
    ('4 harmonics, 9 coefficients', 72, 0.76)
    """
    return KINDS[kind][0](mask, budget)


@cache
def sweep(thing: str, kind: str) -> tuple[Written, ...]:
    """A specimen at the budgets of a representation, each larger in bytes than the one before.

    >>> [one.size for one in sweep("coin", "grid of shares")][:4]
    [20, 25, 32, 41]
    """
    kept: list[Written] = []
    for budget in KINDS[kind][1]:
        one = write(specimen(thing), kind, budget)
        if not kept or one.size > kept[-1].size:
            kept.append(one)
    return tuple(kept)


def _binary_grid(mask: Tensor, budget: float) -> Written:
    return _grid(mask, int(budget), binary=True)


def _share_grid(mask: Tensor, budget: float) -> Written:
    return _grid(mask, int(budget), binary=False)


def _grid(mask: Tensor, m: int, *, binary: bool) -> Written:
    box = tight_boxes(mask[None])  # (1, 4)
    shares = (to_grid(mask[None], box, m, binary=binary) * 255).round() / 255  # (1, m, m)
    values = from_grid(shares, box, *mask.shape, threshold=None)[0]  # (H, W)
    size = 16 + (-(-m * m // 8) if binary else m * m)
    lines, cells = _level_lines(values, 0.5), (*box[0].tolist(), m)
    return _written(mask, size, f"{m} × {m} cells", values >= 0.5, lines, grid=cells)


def _distance_grid(mask: Tensor, budget: float) -> Written:
    """Distances at m × m points of the whole image, read again between them."""
    m = int(budget)
    distance = signed_distance(mask, truncate=31.75)[None, None]
    coarse = (interpolate(distance, size=m, mode="bilinear") * 4).round() / 4
    fine = interpolate(coarse, size=mask.shape, mode="bilinear")[0, 0]
    lines, grid = _level_lines(fine, 0.0), (0, 0, SIZE, SIZE, m)
    return _written(mask, m * m, f"{m} × {m} distances", fine > 0, lines, grid=grid)


def _polygon(mask: Tensor, tolerance: float) -> Written:
    parts = to_polygons(mask, tolerance=tolerance)
    corners = torch.cat(parts).float()
    what = f"{len(corners)} corners in {len(parts)} polygon{'s' if len(parts) != 1 else ''}"
    back = from_polygons([part.float() for part in parts], *mask.shape)
    return _written(mask, 8 * len(corners), what, back, parts, marks=corners)


def _fourier(mask: Tensor, budget: float) -> Written:
    descriptor = fourier_descriptor(ring_of(mask), int(budget)).to(torch.complex64)
    ring = from_fourier(descriptor, 512)
    what = f"{budget} harmonics, {len(descriptor)} coefficients"
    return _written(mask, 8 * len(descriptor), what, from_polygons([ring], *mask.shape), [ring])


def _bspline(mask: Tensor, budget: float) -> Written:
    controls = fit_bspline(ring_of(mask), int(budget)).float()
    ring = from_bspline(controls, 512)
    back = from_polygons([ring], *mask.shape)
    return _written(
        mask, 8 * len(controls), f"{budget} control points", back, [ring], marks=controls
    )


KINDS: dict[str, tuple[Callable[[Tensor, float], Written], tuple[float, ...]]] = {
    "binary grid": (_binary_grid, CELLS),
    "grid of shares": (_share_grid, CELLS),
    "grid of distances": (_distance_grid, CELLS),
    "polygon": (_polygon, TOLERANCES),
    "Fourier": (_fourier, HARMONICS),
    "B-spline": (_bspline, CONTROLS),
}


def ring_of(mask: Tensor) -> Tensor:
    """(n, 2) the outer outline of the largest part: one closed curve can follow no more.

    >>> ring_of(torch.ones(1, 2, dtype=torch.bool)).tolist()  # two pixels, corners cut off
    [[0.0, 0.5], [0.5, 0.0], [1.5, 0.0], [2.0, 0.5], [1.5, 1.0], [0.5, 1.0]]
    """
    return largest_ring(to_polygons(mask))


def _level_lines(field: Tensor, level: float) -> list[Tensor]:
    """Where a field (H, W) crosses a level: (n, 2) x, y for each ring, holes are rings as well."""
    from contourpy import contour_generator

    y, x = (np.arange(length) + 0.5 for length in field.shape)
    lines = contour_generator(x, y, field.numpy()).lines(level)
    return [torch.from_numpy(line) for line in lines]


def _written(
    mask: Tensor,
    size: int,
    what: str,
    back: Tensor,
    outline: list[Tensor],
    *,
    marks: Tensor | None = None,
    grid: tuple[float, ...] = (),
) -> Written:
    """What was written, and how much of the mask came back."""
    return Written(
        size,
        what,
        back,
        outline,
        marks=torch.zeros(0, 2) if marks is None else marks,
        grid=grid,
        iou=mask_iou(mask[None], back[None]).item(),
        boundary_iou=boundary_iou(mask[None], back[None]).item(),
    )
