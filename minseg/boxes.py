"""Box arithmetic: how large, how alike, how to move one, which to keep, which level reads it.

    IoU(a, b) = |a ∩ b| / |a ∪ b|                                       (box_iou)
    GIoU(a, b) = IoU − (|hull| − |a ∪ b|) / |hull|                       (box_giou)
    t = ((x - x_a)/w_a, (y - y_a)/h_a, log w/w_a, log h/h_a)            (encode_boxes, decode_boxes)
    NMS: take the best box, drop what overlaps it too much, repeat      (nms, nms_of_batch)
    k = ⌊k_0 + log2(√(w h) / 224)⌋, clamped to the pyramid's levels     (fpn_level)

The regression targets t of a box with centre (x, y) relative to an anchor a are those of R-CNN
(Girshick et al., 2014, appendix C) and Faster R-CNN (Ren et al., 2015, section 3.1.2); the level
rule is Feature Pyramid Networks' (Lin et al., 2017, section 4.2), GIoU is Rezatofighi et al.'s
(2019). Unit 20 uses the level rule, unit 40 boxes, unit 53 GIoU.

Boxes are (x1, y1, x2, y2) in continuous coordinates, x1 ≤ x2 and y1 ≤ y2: a box of one pixel has
width 1, no "+ 1". N and M count boxes, B images; a "…" stands for any leading dimensions, say B.
Half types, float16 and bfloat16, are computed in float32: 300 × 300 is beyond the largest float16.
The library calls are `torchvision.ops.box_iou`, `generalized_box_iou`, `nms`, `batched_nms` and
`clip_boxes_to_image`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.precision import at_least_float32, threshold_in

LARGEST_LOG_SCALE = math.log(1000 / 16)  # decode_boxes grows no side beyond: exp would overflow
MOST_PAIRS = 2**20  # of which `batched_nms` computes the IoU at once: 4 MB for each intermediate


def box_area(boxes: Tensor) -> Tensor:
    """(…, N) areas of (…, N, 4) boxes, in squared pixels; of half types in float32.

    >>> box_area(torch.tensor([[0, 0, 400, 400]], dtype=torch.float16))
    tensor([160000.])
    """
    boxes = _checked("boxes", boxes)
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def shared_area(a: Tensor, b: Tensor) -> Tensor:
    """(…, N, M) area in which each box of `a` (…, N, 4) overlaps each of `b` (…, M, 4)."""
    a, b = _checked("a", a), _checked("b", b)
    ax1, ay1, ax2, ay2 = a[..., :, None, :].unbind(dim=-1)  # (…, N, 1) each
    bx1, by1, bx2, by2 = b.transpose(-1, -2).contiguous()[..., None, :].unbind(dim=-3)  # (…, 1, M)
    # In place where possible: for these small sums, getting new memory is most of the work.
    shared = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp_(min=0)  # (…, N, M) widths
    shared *= (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp_(min=0)  # times heights
    return shared


def box_iou_loop(a: Tensor, b: Tensor) -> Tensor:
    """The definition, pair by pair: slow, and meant to be read. See `box_iou`."""
    iou = torch.zeros(len(a), len(b), dtype=a.dtype)
    for i, (ax1, ay1, ax2, ay2) in enumerate(a.tolist()):
        for j, (bx1, by1, bx2, by2) in enumerate(b.tolist()):
            width = max(min(ax2, bx2) - max(ax1, bx1), 0)
            height = max(min(ay2, by2) - max(ay1, by1), 0)
            union = (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - width * height
            iou[i, j] = width * height / union if union > 0 else 0
    return iou


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """(…, N, M) intersection over union of every box of `a` (…, N, 4) with every one of `b`.

    Two boxes without area give 0, where the ratio would be 0/0. Of half types in float32. Leading
    dimensions broadcast: anchors (A, 4) and things (B, G, 4) give (B, A, G).

    >>> box_iou(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[2.0, 0, 6, 4], [0, 0, 4, 2]]))
    tensor([[0.3333, 0.5000]])
    """
    shared = shared_area(a, b)
    union = (box_area(a)[..., :, None] + box_area(b)[..., None, :]).sub_(shared)
    return torch.where(union > 0, shared / union, 0)


def box_giou(a: Tensor, b: Tensor) -> Tensor:
    """(…, N, M) generalised IoU: IoU minus the share of the common hull that neither box covers.

    In (-1, 1], and unlike IoU it tells boxes that are far apart from boxes that are nearly there.
    Two boxes without area at one point give 0. Of half types in float32.

    >>> box_giou(torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[4.0, 0, 8, 4], [36, 0, 40, 4]]))
    tensor([[ 0.0000, -0.8000]])
    """
    shared = shared_area(a, b)
    a, b = at_least_float32(a), at_least_float32(b)
    union = (box_area(a)[..., :, None] + box_area(b)[..., None, :]).sub_(shared)
    low = torch.minimum(a[..., :, None, :2], b[..., None, :, :2])  # (…, N, M, 2)
    high = torch.maximum(a[..., :, None, 2:], b[..., None, :, 2:])
    hull = (high - low).prod(dim=-1)
    iou = torch.where(union > 0, shared / union, 0)
    return iou - torch.where(hull > 0, (hull - union) / hull, 0)


def encode_boxes(
    boxes: Tensor, anchors: Tensor, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
) -> Tensor:
    """Regression targets that turn each anchor into its box.

    Args:
        boxes: (…, N, 4) the boxes to reach, with positive width and height.
        anchors: (…, N, 4) where to start from, with positive width and height.
        weights: what dx, dy, dw, dh are multiplied by; Mask R-CNN's second stage takes
            (10, 10, 5, 5), so that the targets have about unit spread.

    Returns:
        (…, N, 4): (dx, dy, dw, dh), in the dtype of boxes and anchors, the wider of the two.

    >>> encode_boxes(torch.tensor([[4.0, 0, 12, 8]]), torch.tensor([[0.0, 0, 8, 8]]))
    tensor([[0.5000, 0.0000, 0.0000, 0.0000]])
    """
    x, y, w, h = _centre_and_size("boxes", boxes)  # (…, N) each
    xa, ya, wa, ha = _centre_and_size("anchors", anchors)
    deltas = torch.stack([(x - xa) / wa, (y - ya) / ha, (w / wa).log(), (h / ha).log()], dim=-1)
    deltas = deltas * deltas.new_tensor(weights)
    return deltas.to(torch.promote_types(boxes.dtype, anchors.dtype))


def decode_boxes(
    deltas: Tensor, anchors: Tensor, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
) -> Tensor:
    """The boxes (…, N, 4) that regression outputs make of their anchors; undoes `encode_boxes`.

    Widths and heights grow at most 62.5-fold, as in the reference implementations. The dtype is
    that of deltas and anchors, the wider of the two: let one be float32, since a bfloat16 knows
    only every fourth pixel near 1000.

    >>> decode_boxes(torch.tensor([[0.5, 0, 0, 0]]), torch.tensor([[0.0, 0, 8, 8]]))
    tensor([[ 4.,  0., 12.,  8.]])
    """
    dtype = torch.promote_types(deltas.dtype, anchors.dtype)
    deltas = _checked("deltas", deltas)
    xa, ya, wa, ha = _centre_and_size("anchors", anchors)  # (…, N) each
    dx, dy, dw, dh = (deltas / deltas.new_tensor(weights)).unbind(dim=-1)
    x, y = xa + dx * wa, ya + dy * ha
    w = wa * dw.clamp(max=LARGEST_LOG_SCALE).exp()
    h = ha * dh.clamp(max=LARGEST_LOG_SCALE).exp()
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], dim=-1).to(dtype)


encode, decode = encode_boxes, decode_boxes  # their first names, which stay


def clip_boxes(boxes: Tensor, sizes: Tensor) -> Tensor:
    """Boxes (B, N, 4) cut off at the edges of their images, of sizes (B, 2): height and width.

    >>> clip_boxes(torch.tensor([[[-3.0, 2, 9, 50]]]), torch.tensor([[40, 60]]))
    tensor([[[ 0.,  2.,  9., 40.]]])
    """
    limit = sizes.flip(1).repeat(1, 2)[:, None].to(boxes)  # (B, 1, 4): w, h, w, h
    return torch.minimum(boxes.clamp(min=0), limit)


def boxes_to_rois(boxes: Sequence[Tensor]) -> Tensor:
    """Boxes (L, 4) of each image as rows (image, x1, y1, x2, y2), (K, 5): a RoI names its image.

    >>> boxes_to_rois([torch.zeros(0, 4), torch.tensor([[1.0, 2, 3, 4]])])
    tensor([[1., 1., 2., 3., 4.]])
    """
    return torch.cat([F.pad(box, (1, 0), value=float(i)) for i, box in enumerate(boxes)])


def nms_loop(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The definition, box by box: slow, and meant to be read. See `nms`."""
    order = scores.argsort(descending=True, stable=True)  # sort
    kept = []
    while len(order):
        best, others = order[0], order[1:]  # take the best,
        kept.append(best)
        iou = box_iou(boxes[best][None], boxes[others])[0].double()
        order = others[iou <= iou_threshold]  # drop what overlaps it, repeat
    return torch.stack(kept) if kept else order


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Greedy non-maximum suppression, as `torchvision.ops.nms`.

    Takes the best box, drops all whose IoU with it is *above* the threshold, and goes on with the
    best that is left. Equal scores keep their order.

    Args:
        boxes: (N, 4). scores: (N,). Half types give what the same numbers give in float32.
        iou_threshold: a number in [0, 1].

    Returns:
        (M,) int64 indices of the kept boxes, best first.

    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])
    >>> nms(boxes, torch.tensor([0.8, 0.9, 0.7]), 0.5)  # IoU of the first two: 9/11
    tensor([1, 2])
    """
    return batched_nms(boxes, scores, torch.zeros_like(scores, dtype=torch.int64), iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` in which only boxes of the same group `idxs` (N,) suppress each other.

    >>> boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10]])
    >>> batched_nms(boxes, torch.tensor([0.8, 0.9]), torch.tensor([3, 5]), 0.5)
    tensor([1, 0])
    """
    boxes = _checked("boxes", boxes, flat=True)
    for name, value in (("scores", scores), ("idxs", idxs)):
        if value.shape != boxes.shape[:1]:
            raise ValueError(f"{name} must be ({len(boxes)},), got {tuple(value.shape)}")
    order = at_least_float32(scores).argsort(descending=True, stable=True)
    # One box at a time depends on all before it, so this runs on the CPU, in plain numpy.
    sorted_boxes, groups = boxes[order].detach().cpu(), idxs[order].cpu()
    alive = np.ones(len(order), dtype=bool)
    rows_at_once = MOST_PAIRS // max(len(order), 1) + 1
    for start in range(0, len(order), rows_at_once):
        rows = start + np.flatnonzero(alive[start : start + rows_at_once])  # the dropped drop none
        above = _above(sorted_boxes[rows], sorted_boxes[start:], iou_threshold)  # (rows, N - start)
        above &= groups[rows, None] == groups[start:]
        for row, drops in zip(rows, above.numpy(), strict=True):
            if alive[row]:
                alive[row + 1 :] &= ~drops[row + 1 - start :]
    return order[torch.from_numpy(alive).to(order.device)]


def nms_of_batch(boxes: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    """`batched_nms` of a whole batch at once, without a loop over images or boxes.

    Greedy means: a box is kept unless a *kept* and better one overlaps it. The sentence defines
    `keep` by itself, but only by what comes earlier in the order, so repeating it from any start
    settles box after box: after n rounds at least the first n are right. Real boxes take 3 or 4.

    Args:
        boxes: (B, N, 4), best first. groups: (B, N); only boxes of one group suppress each other.

    Returns:
        (B, N) bool, true where a box is kept.

    >>> boxes = torch.tensor([[[1.0, 0, 11, 10], [0, 0, 10, 10], [20, 0, 30, 10]]])
    >>> nms_of_batch(boxes, torch.zeros(1, 3), 0.5)
    tensor([[ True, False,  True]])
    """
    above = _above(boxes, boxes, iou_threshold)  # (B, N, N)
    above &= groups[:, :, None] == groups[:, None, :]
    beats = above.triu(1).float()  # 1 where box i, if kept, rules out box j, which comes later
    keep = torch.ones_like(groups, dtype=torch.bool)
    while True:
        ruled_out = (keep[:, None].float() @ beats)[:, 0] > 0  # (B, N) by how many kept ones?
        if torch.equal(keep, ~ruled_out):
            return keep
        keep = ~ruled_out


def fpn_level(
    boxes: Tensor,
    k_min: int = 2,
    k_max: int = 5,
    canonical_size: float = 224.0,
    canonical_level: int = 4,
) -> Tensor:
    """(…, N) int64: the pyramid level that reads each of the boxes, given in image pixels.

    A box of 224 × 224 belongs to level 4 (stride 16); every halving of its side goes one level
    down, to twice the resolution. So from 56 px on a RoI spans 14 to 28 feature pixels.

    >>> fpn_level(torch.tensor([[0.0, 0, 224, 224], [0, 0, 112, 112], [0, 0, 900, 900]]))
    tensor([4, 3, 5])
    """
    size = box_area(boxes).clamp(min=0).sqrt()
    level = canonical_level + torch.log2(size / canonical_size + 1e-8)
    return level.floor().clamp(k_min, k_max).long()


def _above(a: Tensor, b: Tensor, iou_threshold: float) -> Tensor:
    """(…, N, M) bool: whose IoU is above the threshold, decided as if both were double."""
    iou = box_iou(a, b)
    return iou > threshold_in(iou.dtype, iou_threshold)


def _centre_and_size(name: str, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    boxes = _checked(name, boxes)
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1


def _checked(name: str, boxes: Tensor, *, flat: bool = False) -> Tensor:
    """The boxes in float32 or wider; ValueError or TypeError if they are none."""
    if boxes.ndim < 2 or boxes.shape[-1] != 4 or (flat and boxes.ndim != 2):
        wanted = "(N, 4)" if flat else "(…, N, 4)"
        raise ValueError(f"{name} must be {wanted}, got {tuple(boxes.shape)}")
    if not boxes.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {boxes.dtype}")
    return at_least_float32(boxes)
