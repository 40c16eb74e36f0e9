"""What the spline editor shows: the curve of some control points, its pixels, and their IoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from minseg.experiments.representations import SIZE, specimen
from minseg.explore.base.svg_path import curve_path, errors_paths
from minseg.explore.base.values import Point
from minseg.masks import from_bspline, from_polygons
from minseg.metrics import boundary_iou, mask_iou

SAMPLES = 512  # points of the curve


def curve_and_mask(controls: Sequence[Point]) -> tuple[Tensor, Tensor]:
    """The closed curve of control points, (SAMPLES, 2) x, y, and the pixels (SIZE, SIZE) in it."""
    curve = from_bspline(torch.tensor(controls, dtype=torch.float64), SAMPLES)
    return curve, from_polygons([curve], SIZE, SIZE)


def numbers(thing: str, controls: Sequence[Point]) -> dict[str, Any]:
    """What the browser draws of a specimen and control points (x, y) in pixels.

    Returns:
        Paths `kept`, `missed`, `added`, `curve`; `iou`, `boundary_iou`, `facts`.
    """
    truth = specimen(thing)
    curve, mask = curve_and_mask(controls)
    iou = mask_iou(truth[None], mask[None]).item()
    at_boundary = boundary_iou(truth[None], mask[None]).item()
    return {
        **errors_paths(truth, mask),
        "curve": curve_path([curve]),
        "iou": iou,
        "boundary_iou": at_boundary,
        "facts": f"{len(controls)} control points, {8 * len(controls)} bytes: "
        f"IoU {iou:.3f}, boundary IoU {at_boundary:.3f}",
    }
