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
from minseg.metrics.iou import box_overlap, mask_area, mask_iou, run_iou

KINDS = ("mask", "box", "boundary")


def overlap(prediction: Instances, target: Instances, kind: str) -> Tensor:
    """(N, M) float64 overlaps of one of the three kinds, with the crowd rule."""
    if kind == "box":
        return box_overlap(prediction.boxes, target.boxes, target.crowd)
    iou = mask_iou(prediction.masks, target.masks, target.crowd)
    if kind == "mask":
        return iou
    from minseg.metrics.boundary import boundary_of

    of_bands = mask_iou(boundary_of(prediction.masks), boundary_of(target.masks))
    return torch.where(target.crowd, iou, torch.minimum(iou, of_bands))


def overlap_of_runs(
    found: Runs, true: Runs, kind: str, crowd: Tensor, wanted: np.ndarray | None = None
) -> Tensor:
    """(N, M) float64: the same of masks as runs; 0 for pairs that are not `wanted` (N, M)."""
    if not len(found) or not len(true):  # then the image's size is nobody's business
        return torch.zeros(len(found), len(true), dtype=torch.float64)
    if kind == "box":
        return box_overlap(torch.from_numpy(found.boxes()), torch.from_numpy(true.boxes()), crowd)
    iou = run_iou(found, true, crowd, wanted)
    if kind == "mask":
        return iou
    from minseg.metrics.boundary_runs import boundary_runs

    of_bands = run_iou(boundary_runs(found), boundary_runs(true), None, wanted)
    return torch.where(crowd, iou, torch.minimum(iou, of_bands))


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
