"""What overlap means to average precision: three kinds, for masks as pixels and masks as runs.

    mask       |a ∩ b| / |a ∪ b|
    box        the same of the masks' tight boxes
    boundary   the smaller of that of the masks and that of their inner bands

(Lin et al., Microsoft COCO, 2014; Cheng et al., Boundary IoU, 2021, and the code of both.) With a
crowd it is the share of the detection that lies in the crowd, and of the whole masks in all three:
to a crowd a detection is as right inside as at the edge. Lesson 07.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minseg.instances import Instances
from minseg.masks.runs import Runs
from minseg.metrics.ap_matching import THRESHOLDS
from minseg.metrics.boundary_runs import boundary_runs
from minseg.metrics.iou import box_overlap, mask_area, mask_iou, run_iou

KINDS = ("mask", "box", "boundary")


def overlap(prediction: Instances, target: Instances, kind: str) -> Tensor:
    """(N, M) float64 overlaps of one of the three kinds, with the crowd rule."""
    if kind == "box":
        return box_overlap(prediction.boxes, target.boxes, target.crowd)
    if kind == "mask":
        return mask_iou(prediction.masks, target.masks, target.crowd)
    runs = Runs.of_masks(prediction.masks), Runs.of_masks(target.masks)
    return overlap_of_runs(*runs, kind, target.crowd)


def overlap_of_runs(
    found: Runs, true: Runs, kind: str, crowd: Tensor, wanted: np.ndarray | None = None
) -> Tensor:
    """(N, M) float64: the same of masks as runs; 0 for pairs that are not `wanted` (N, M).

    Bands are made where they decide: a pair below ½ keeps its mask IoU, as no threshold is lower.
    """
    if not len(found) or not len(true):  # then the image's size is nobody's business
        return torch.zeros(len(found), len(true), dtype=torch.float64)
    if kind == "box":
        return box_overlap(torch.from_numpy(found.boxes()), torch.from_numpy(true.boxes()), crowd)
    iou = run_iou(found, true, crowd, wanted)
    return iou if kind == "mask" else torch.minimum(iou, _of_bands(found, true, iou, crowd))


def _of_bands(found: Runs, true: Runs, iou: Tensor, crowd: Tensor) -> Tensor:
    """(N, M) IoU of the inner bands; 1 for crowds and for pairs that are out of the race."""
    needed = ((iou >= THRESHOLDS[0]) & ~crowd).numpy()
    rows, columns = np.flatnonzero(needed.any(axis=1)), np.flatnonzero(needed.any(axis=0))
    some = np.ix_(rows, columns)
    bands = boundary_runs(found.pick(rows)), boundary_runs(true.pick(columns))
    of_bands = np.ones(iou.shape)
    of_bands[some] = np.where(needed[some], run_iou(*bands, None, needed[some]).numpy(), 1.0)
    return torch.from_numpy(of_bands)


def detection_area(prediction: Instances, kind: str) -> Tensor:
    """(N,) how large the detections count: as their masks have pixels, or as their boxes."""
    return box_area(prediction.boxes) if kind == "box" else mask_area(prediction.masks)


def detection_area_of_runs(found: Runs, kind: str) -> Tensor:
    """(N,) the same of masks as runs."""
    return box_area(torch.from_numpy(found.boxes())) if kind == "box" else run_area(found)


def run_area(runs: Runs) -> Tensor:
    """(N,) int64 pixels."""
    return torch.from_numpy(runs.areas())


def box_area(boxes: Tensor) -> Tensor:
    """(N,) float64, of boxes (N, 4)."""
    return (boxes[:, 2:] - boxes[:, :2]).double().prod(dim=1)


def as_annotated(areas: Tensor | None, pixels: Tensor) -> Tensor:
    """(N,) float64: the annotated areas, and the pixels where there is none (None or NaN)."""
    if areas is None:
        return pixels.double()
    return torch.where(areas.isnan(), pixels, areas.double())
