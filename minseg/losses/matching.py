"""Matching: which prediction answers which truth? The cheapest assignment of two sets.

A set has no first element, so a loss between two sets must not depend on how they are listed. DETR
pairs predictions with truths so that the total cost is smallest,

    σ̂ = argmin_σ Σ_j C[σ(j), j],      C = −w_c p̂(c_j) + w_b ‖b̂ − b_j‖₁ − w_g GIoU(b̂, b_j)

and only then computes losses between partners; what found no partner is "no object". The minimum
over all permutations is found in O(n³) by the Hungarian method (Kuhn, 1955); the library call is
`scipy.optimize.linear_sum_assignment`, and serves here. Note the cost: a probability instead of a
log-probability, boxes, and *no* mask term (Carion et al., End-to-End Object Detection with
Transformers, 2020, section 3.1). Unit 53.
"""

from __future__ import annotations

import math
from itertools import permutations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from minseg.boxes import box_giou
from minseg.precision import at_least_float32


def detr_cost(
    logits: Tensor,
    boxes: Tensor,
    labels: Tensor,
    target_boxes: Tensor,
    *,
    class_weight: float = 1,
    box_weight: float = 5,
    giou_weight: float = 2,
) -> Tensor:
    """What pairing each of Q predictions with each of n truths costs, as DETR counts it.

    Args:
        logits: (Q, C + 1), class scores before the softmax; the last is "no object".
        boxes: (Q, 4) predicted (cx, cy, w, h), each in [0, 1] as a share of the image.
        labels: (n,) int64 channels of the true classes, 0 to C − 1.
        target_boxes: (n, 4) true boxes, in the same form.
        class_weight, box_weight, giou_weight: w_c, w_b, w_g.

    Returns:
        (Q, n), in float32 if all comes in half types. No gradient flows: an assignment is a choice.

    Raises:
        ValueError: if shapes do not fit, or a label has no channel.

    >>> boxes, nothing_known = torch.tensor([[0.5, 0.5, 0.2, 0.2]]), torch.zeros(1, 2)
    >>> detr_cost(nothing_known, boxes, torch.tensor([0]), boxes)  # −1 · ½ + 5 · 0 − 2 · 1
    tensor([[-2.5000]])
    """
    _check(logits, boxes, labels, target_boxes)
    logits, boxes, target_boxes = map(at_least_float32, (logits, boxes, target_boxes))
    with torch.no_grad():
        p = logits.softmax(dim=-1)[:, labels]  # (Q, n) of each truth's class
        distance = torch.cdist(boxes, target_boxes, p=1)  # (Q, n) in shares of the image
        giou = box_giou(_corners(boxes), _corners(target_boxes))  # (Q, n)
        return box_weight * distance - class_weight * p - giou_weight * giou


def hungarian_match(cost: Tensor) -> tuple[Tensor, Tensor]:
    """The pairing of smallest total cost: each row and each column at most once.

    Args:
        cost: (Q, n) finite, of any dtype.

    Returns:
        (i, j): min(Q, n) int64 rows, ascending, and their columns.

    Raises:
        ValueError: if the cost is not a matrix, or not finite.

    >>> hungarian_match(torch.tensor([[0.0, 1.0], [2.0, 9.0]]))  # 1 + 2, and not 0 + 9
    (tensor([0, 1]), tensor([1, 0]))
    """
    if cost.ndim != 2:
        raise ValueError(f"cost must be (Q, n), got {tuple(cost.shape)}")
    if not cost.isfinite().all():
        raise ValueError("cost must be finite, got NaN or infinity: has the network diverged?")
    # scipy counts in double; NumPy, on the way there, has no bfloat16.
    rows, columns = linear_sum_assignment(at_least_float32(cost.detach()).cpu().numpy())
    return torch.from_numpy(rows).to(cost.device), torch.from_numpy(columns).to(cost.device)


def hungarian_match_loop(cost: Tensor) -> tuple[Tensor, Tensor]:
    """The definition: try every way to give each column a row of its own. See `hungarian_match`.

    For a few columns only, and no more of them than rows: there are Q! / (Q − n)! ways.
    """
    if cost.shape[1] > cost.shape[0]:
        raise ValueError(f"cost must have no more columns than rows, got {tuple(cost.shape)}")
    n = cost.shape[1]
    cheapest, rows = math.inf, tuple(range(n))
    for way in permutations(range(len(cost)), n):  # way[j] is the row of column j
        total = sum(cost[way[j], j].item() for j in range(n))
        if total < cheapest:
            cheapest, rows = total, way
    i = torch.tensor(rows, dtype=torch.int64)
    j = i.argsort()
    return i[j], j


def _check(logits: Tensor, boxes: Tensor, labels: Tensor, target_boxes: Tensor) -> None:
    if logits.ndim != 2 or boxes.shape != (len(logits), 4):
        raise ValueError(
            f"logits must be (Q, C + 1) and boxes (Q, 4), got {tuple(logits.shape)} "
            f"and {tuple(boxes.shape)}"
        )
    if labels.ndim != 1 or target_boxes.shape != (len(labels), 4):
        raise ValueError(
            f"labels must be (n,) and target_boxes (n, 4), got {tuple(labels.shape)} "
            f"and {tuple(target_boxes.shape)}"
        )
    channels = logits.shape[1] - 1
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < channels:
        raise ValueError(
            f"labels must lie between 0 and {channels - 1} (the last channel is no object), "
            f"got {int(labels.min())} to {int(labels.max())}"
        )


def _corners(boxes: Tensor) -> Tensor:
    """(x1, y1, x2, y2) of (cx, cy, w, h)."""
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=1)
