"""Box arithmetic: how large, how alike, how to regress one, which to keep, which level reads it.

    IoU(a, b) = |a ∩ b| / |a ∪ b|                                       (box_iou)
    GIoU(a, b) = IoU − (|hull| − |a ∪ b|) / |hull|                       (box_giou)
    t = ((x - x_a)/w_a, (y - y_a)/h_a, log w/w_a, log h/h_a)            (encode, decode)
    k = ⌊k_0 + log2(√(w h) / 224)⌋, clamped to the pyramid's levels     (fpn_level)

The regression targets t of a box with centre (x, y) relative to an anchor a are those of R-CNN
(Girshick et al., 2014, appendix C) and Faster R-CNN (Ren et al., 2015, section 3.1.2); the level
rule is Feature Pyramid Networks' (Lin et al., 2017, section 4.2), GIoU is Rezatofighi et al.'s
(2019). Lesson 04 uses the level rule, lesson 08 boxes, lesson 12 GIoU.

Boxes are (x1, y1, x2, y2) in continuous coordinates: a box of one pixel has width 1, no "+ 1".
Half types, float16 and bfloat16, are computed in float32: 300 × 300 is beyond the largest float16.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from minseg.precision import at_least_float32

LARGEST_LOG_SCALE = math.log(1000 / 16)  # decode grows no side beyond this: exp would overflow


def box_area(boxes: Tensor) -> Tensor:
    """(N,) areas of (N, 4) boxes, in squared pixels; of half types in float32.

    >>> box_area(torch.tensor([[0, 0, 400, 400]], dtype=torch.float16))
    tensor([160000.])
    """
    boxes = _checked("boxes", boxes)
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """(N, M) intersection over union of every box of `a` (N, 4) with every box of `b` (M, 4).

    Two boxes without area give 0, where the ratio would be 0/0. Of half types in float32.
    """
    shared, union = _shared_and_union(a, b)
    return torch.where(union > 0, shared / union, 0)


def box_giou(a: Tensor, b: Tensor) -> Tensor:
    """(N, M) generalised IoU: IoU minus the share of the common hull that neither box covers.

    In (-1, 1], and unlike IoU it tells boxes that are far apart from boxes that are nearly there.
    Two boxes without area at one point give 0. Of half types in float32.
    """
    a, b = at_least_float32(a), at_least_float32(b)
    shared, union = _shared_and_union(a, b)
    low = torch.minimum(a[:, None, :2], b[None, :, :2])
    high = torch.maximum(a[:, None, 2:], b[None, :, 2:])
    hull = (high - low).prod(dim=2)
    iou = torch.where(union > 0, shared / union, 0)
    return iou - torch.where(hull > 0, (hull - union) / hull, 0)


def encode(
    boxes: Tensor, anchors: Tensor, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
) -> Tensor:
    """Regression targets that turn each anchor into its box.

    Args:
        boxes: (N, 4) the boxes to reach, with positive width and height.
        anchors: (N, 4) where to start from, with positive width and height.
        weights: what dx, dy, dw, dh are multiplied by; Mask R-CNN's second stage takes
            (10, 10, 5, 5), so that the targets have about unit spread.

    Returns:
        (N, 4): (dx, dy, dw, dh), in the dtype of boxes and anchors, the wider of the two.
    """
    x, y, w, h = _centre_and_size("boxes", boxes)
    xa, ya, wa, ha = _centre_and_size("anchors", anchors)
    deltas = torch.stack([(x - xa) / wa, (y - ya) / ha, (w / wa).log(), (h / ha).log()], dim=1)
    deltas = deltas * deltas.new_tensor(weights)
    return deltas.to(torch.promote_types(boxes.dtype, anchors.dtype))


def decode(
    deltas: Tensor, anchors: Tensor, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
) -> Tensor:
    """The boxes (N, 4) that regression outputs (N, 4) make of their anchors; undoes `encode`.

    Widths and heights grow at most 62.5-fold, as in the reference implementations. The dtype is
    that of deltas and anchors, the wider of the two: let one be float32, since a bfloat16 knows
    only every fourth pixel near 1000.
    """
    dtype = torch.promote_types(deltas.dtype, anchors.dtype)
    deltas = _checked("deltas", deltas)
    xa, ya, wa, ha = _centre_and_size("anchors", anchors)
    dx, dy, dw, dh = (deltas / deltas.new_tensor(weights)).unbind(dim=1)
    x, y = xa + dx * wa, ya + dy * ha
    w = wa * dw.clamp(max=LARGEST_LOG_SCALE).exp()
    h = ha * dh.clamp(max=LARGEST_LOG_SCALE).exp()
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=1).to(dtype)


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression, as `torchvision.ops.nms`.

    Takes the best box, drops all whose IoU with it is *above* the threshold, and goes on with the
    best that is left. Equal scores keep their order.

    Args:
        boxes: (N, 4). scores: (N,). Half types give what the same numbers give in float32.
        iou_threshold: a number in [0, 1].

    Returns:
        (M,) int64 indices of the kept boxes, best first.
    """
    return batched_nms(boxes, scores, torch.zeros_like(scores, dtype=torch.int64), iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` in which only boxes of the same group `idxs` (N,) suppress each other."""
    boxes = _checked("boxes", boxes)
    for name, value in (("scores", scores), ("idxs", idxs)):
        if value.shape != boxes.shape[:1]:
            raise ValueError(f"{name} must be ({len(boxes)},), got {tuple(value.shape)}")
    order = at_least_float32(scores).argsort(descending=True, stable=True)
    # One box at a time depends on all before it, so this runs on the CPU, in plain numpy.
    sorted_boxes = boxes[order].detach().cpu().numpy()
    groups = at_least_float32(idxs)[order].cpu().numpy()
    alive = np.ones(len(sorted_boxes), dtype=bool)
    for i in range(len(sorted_boxes)):
        if alive[i]:
            rest = slice(i + 1, None)
            above = _iou_with_first(sorted_boxes[i:]) > np.float64(iou_threshold)
            alive[rest] &= ~(above & (groups[rest] == groups[i]))
    return order[torch.from_numpy(alive).to(order.device)]


def _iou_with_first(boxes: np.ndarray) -> np.ndarray:
    """(N - 1,) IoU of box 0 with each of the others; 0/0 is NaN, which suppresses nothing."""
    first, rest = boxes[0], boxes[1:]
    sides = np.minimum(first[2:], rest[:, 2:]) - np.maximum(first[:2], rest[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        return shared / (area[0] + area[1:] - shared)


def fpn_level(
    boxes: Tensor,
    k_min: int = 2,
    k_max: int = 5,
    canonical_size: float = 224.0,
    canonical_level: int = 4,
) -> Tensor:
    """(N,) int64: the pyramid level that reads each of the (N, 4) boxes, given in image pixels.

    A box of 224 × 224 belongs to level 4 (stride 16); every halving of its side goes one level
    down, to twice the resolution. So from 56 px on a RoI spans 14 to 28 feature pixels.
    """
    size = box_area(boxes).clamp(min=0).sqrt()
    level = canonical_level + torch.log2(size / canonical_size + 1e-8)
    return level.floor().clamp(k_min, k_max).long()


def _shared_and_union(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(N, M) areas of intersection and of union."""
    a, b = _checked("a", a), _checked("b", b)
    low = torch.maximum(a[:, None, :2], b[None, :, :2])  # (N, M, 2)
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    union = box_area(a)[:, None] + box_area(b)[None] - shared
    return shared, union


def _centre_and_size(name: str, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    boxes = _checked(name, boxes)
    x1, y1, x2, y2 = boxes.unbind(dim=1)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _checked(name: str, boxes: Tensor) -> Tensor:
    """The boxes in float32 or wider; ValueError or TypeError if they are none."""
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} must be (N, 4), got {tuple(boxes.shape)}")
    if not boxes.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {boxes.dtype}")
    return at_least_float32(boxes)
