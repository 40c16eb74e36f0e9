"""Shapes that can be dragged: each fills a box, for Python as a mask and for the page as a path.

A shape is one polygon in the unit square. Stretched to a box (x1, y1, x2, y2) it is a mask by the
rule of pixel centres (`minseg.masks.from_polygons`), and the page stretches the very same outline.
The arch is there for its centre of mass, which lies where the arch is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.explore.base.svg_path import curve_path
from minseg.explore.base.values import Box
from minseg.masks import from_polygons

DISC_CORNERS = 48


def _disc() -> Tensor:
    angles = torch.arange(DISC_CORNERS, dtype=torch.float64) * (2 * math.pi / DISC_CORNERS)
    return torch.stack([1 + angles.cos(), 1 + angles.sin()], dim=1) / 2


OUTLINES: dict[str, Tensor] = {  # name → (n, 2) corners in the unit square, y downwards
    "disc": _disc(),
    "box": torch.tensor([[0, 0], [1, 0], [1, 1], [0, 1]]).double(),
    "triangle": torch.tensor([[0.5, 0], [1, 1], [0, 1]]).double(),
    "arch": torch.tensor(
        [[0, 0], [1, 0], [1, 1], [0.75, 1], [0.75, 0.25], [0.25, 0.25], [0.25, 1], [0, 1]]
    ).double(),
}


def outline_in(kind: str, box: Box) -> Tensor:
    """(n, 2) float64 corners x, y of a shape that fills a box, in the box's units.

    >>> outline_in("triangle", (10, 20, 14, 26)).tolist()
    [[12.0, 20.0], [14.0, 26.0], [10.0, 26.0]]
    """
    x1, y1, x2, y2 = box
    scale = torch.tensor([x2 - x1, y2 - y1], dtype=torch.float64)
    return OUTLINES[kind] * scale + torch.tensor([x1, y1], dtype=torch.float64)


def shape_masks(kinds: Sequence[str], boxes: Sequence[Box], size: tuple[int, int]) -> Tensor:
    """(N, H, W) bool masks of shapes, each in its box; `size` is (H, W) in pixels.

    >>> shape_masks(["box"], [(1, 0, 3, 2)], (2, 4)).int().tolist()
    [[[0, 1, 1, 0], [0, 1, 1, 0]]]
    """
    masks = torch.zeros(len(boxes), *size, dtype=torch.bool)
    for k, (kind, box) in enumerate(zip(kinds, boxes, strict=True)):
        masks[k] = from_polygons([outline_in(kind, box)], *size)
    return masks


def unit_paths() -> dict[str, str]:
    """The outlines as SVG paths in a square of 100 × 100, which the page stretches to a box."""
    return {kind: curve_path([100 * corners]) for kind, corners in OUTLINES.items()}
