"""What overlap means to average precision: three kinds, for masks as pixels and masks as runs.

    mask       |a ∩ b| / |a ∪ b|
    box        the same of the masks' tight boxes
    boundary   the smaller of that of the masks and that of their inner bands

(Lin et al., Microsoft COCO, 2014; Cheng et al., Boundary IoU, 2021, and the code of both.) With
crowds overlap is another number, and bands are never compared: the crowd rule of `ap_matching`.
How large a detection counts goes with the kind: as many pixels as its mask has, or as its box.
Unit 31.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from minseg.boxes import box_area
from minseg.instances import Instances
from minseg.masks.runs import Runs
from minseg.metrics.ap_matching import THRESHOLDS
from minseg.metrics.boundary import boundary_of
from minseg.metrics.boundary_runs import boundary_runs
from minseg.metrics.iou import box_overlap, mask_area, mask_iou, run_iou

KINDS = ("mask", "box", "boundary")
SMALL = 2**16  # pixels of an image; up to there bands of pixels are made faster than bands of runs


class Overlap(NamedTuple):
    """N detections beside M truths."""

    iou: Tensor  # (N, M) float64, with the crowd rule
    area: Tensor  # (N,) how large each detection counts


def overlap(prediction: Instances, target: Instances, kind: str) -> Overlap:
    """Overlap of one of the three kinds.

    Example:
        >>> masks = torch.tensor([[[True, True, False]], [[True, True, True]]])
        >>> found, true = (Instances(one[None], torch.tensor([1])) for one in masks)
        >>> round(overlap(found, true, "mask").iou.item(), 3)
        0.667
    """
    crowd = target.crowd
    if kind == "box":
        boxes = prediction.boxes.double()
        return Overlap(box_overlap(boxes, target.boxes, crowd), box_area(boxes))
    if kind == "boundary" and prediction.masks.shape[1:].numel() > SMALL:
        return overlap_of_runs(
            Runs.of_masks(prediction.masks), Runs.of_masks(target.masks), kind, crowd
        )
    area, iou = mask_area(prediction.masks), mask_iou(prediction.masks, target.masks, crowd)
    if kind == "boundary":
        of_bands = mask_iou(boundary_of(prediction.masks), boundary_of(target.masks))
        iou = torch.where(crowd, iou, torch.minimum(iou, of_bands))
    return Overlap(iou, area)


def overlap_of_runs(
    found: Runs, true: Runs, kind: str, crowd: Tensor, wanted: np.ndarray | None = None
) -> Overlap:
    """The same of masks as runs; the IoU of pairs that are not `wanted`, (N, M) bool, is any.

    Bands are made where they decide: a pair below ½ keeps its mask IoU, as no threshold is lower.
    """
    if kind == "box":
        boxes = torch.from_numpy(found.boxes()).double()
        return Overlap(box_overlap(boxes, torch.from_numpy(true.boxes()), crowd), box_area(boxes))
    area = torch.from_numpy(found.areas())
    if not len(found) or not len(true):  # then the image's size need not be known
        return Overlap(torch.zeros(len(found), len(true), dtype=torch.float64), area)
    iou = run_iou(found, true, crowd, wanted)
    if kind == "boundary":
        iou = torch.minimum(iou, _of_bands(found, true, iou, crowd))
    return Overlap(iou, area)


def _of_bands(found: Runs, true: Runs, iou: Tensor, crowd: Tensor) -> Tensor:
    """(N, M) IoU of the inner bands; 1 for crowds and for pairs that cannot match."""
    needed = ((iou >= THRESHOLDS[0]) & ~crowd).numpy()  # (N, M)
    rows, columns = np.flatnonzero(needed.any(axis=1)), np.flatnonzero(needed.any(axis=0))
    some = np.ix_(rows, columns)
    bands = boundary_runs(found.pick(rows)), boundary_runs(true.pick(columns))
    of_bands = np.ones(iou.shape)
    of_bands[some] = np.where(needed[some], run_iou(*bands, None, needed[some]).numpy(), 1.0)
    return torch.from_numpy(of_bands)


def truth_area(annotated: Tensor | None, pixels: Tensor) -> Tensor:
    """(M,) float64, as annotated; where that is nothing (None, NaN), as the masks have pixels."""
    if annotated is None:
        return pixels.double()
    return torch.where(annotated.isnan(), pixels, annotated.double())
