"""Matching: which prediction answers which truth? The cheapest assignment of two sets.

A set has no first element, so a loss between two sets must not depend on how they are listed. DETR
pairs predictions with truths so that the total cost is smallest,

    σ̂ = argmin_σ Σ_j C[σ(j), j],      C = −w_c p̂(c_j) + w_b ‖b̂ − b_j‖₁ − w_g GIoU(b̂, b_j)

and only then computes losses between partners; what found no partner is "no object". The minimum
over all permutations is found in O(n³) by the Hungarian method (Kuhn, 1955); the library call is
`scipy.optimize.linear_sum_assignment`, and serves here. Note the cost: a probability instead of a
log-probability, boxes, and *no* mask term (Carion et al., End-to-End Object Detection with
Transformers, 2020, section 3.1). Models that want masks and no boxes compare masks instead,

    C[i, j] = −w_c p̂_i(c_j) + w_d Dice(σ(m̂_i), m_j)

(Cheng et al., MaskFormer, 2021, section 3.3, which has a focal term too). Unit 53.
"""

from __future__ import annotations

import math
from itertools import permutations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from minseg.boxes import box_giou
from minseg.losses.mask import dice_loss
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
    _check_lengths("boxes", logits, boxes, labels, target_boxes)
    _check_labels(labels, logits.shape[1] - 1)
    logits, boxes, target_boxes = map(at_least_float32, (logits, boxes, target_boxes))
    with torch.no_grad():
        p = logits.softmax(dim=-1)[:, labels]  # (Q, n) of each truth's class
        distance = torch.cdist(boxes, target_boxes, p=1)  # (Q, n) in shares of the image
        giou = box_giou(_corners(boxes), _corners(target_boxes))  # (Q, n)
        return box_weight * distance - class_weight * p - giou_weight * giou


def mask_cost_loop(
    logits: Tensor,
    masks: Tensor,
    labels: Tensor,
    target_masks: Tensor,
    *,
    class_weight: float = 1,
    dice_weight: float = 2,
) -> Tensor:
    """The definition, one pair at a time. See `mask_cost`."""
    cost = torch.zeros(len(logits), len(labels))
    for i in range(len(logits)):
        p = logits[i].softmax(dim=0)
        for j in range(len(labels)):
            pair = masks[i : i + 1].sigmoid(), target_masks[j : j + 1]
            dice = dice_loss(*pair, squared=False, smooth=1)[0]
            cost[i, j] = dice_weight * dice - class_weight * p[labels[j]]
    return cost


def mask_cost(
    logits: Tensor,
    masks: Tensor,
    labels: Tensor,
    target_masks: Tensor,
    *,
    class_weight: float = 1,
    dice_weight: float = 2,
) -> Tensor:
    """What pairing each of Q predictions with each of n truths costs, by class and mask.

    Args:
        logits: (Q, C + 1), class scores before the softmax; the last is "no object".
        masks: (Q, …) logits of the pixels, for example (Q, h, w).
        labels: (n,) int64 channels of the true classes, 0 to C − 1.
        target_masks: (n, …) true masks with as many pixels, bool or the covered share of each.
        class_weight, dice_weight: w_c, w_d. Dice is the linear form, with 1 added above and below.

    Returns:
        (Q, n), in float32 if all comes in half types. No gradient flows.

    Raises:
        ValueError: if shapes do not fit, or a label has no channel.

    >>> mask, nothing_known = torch.tensor([[True, False]]), torch.zeros(1, 2)
    >>> sure = torch.where(mask, 99.0, -99.0)
    >>> mask_cost(nothing_known, sure, torch.tensor([0]), mask)  # −1 · ½ + 2 · 0
    tensor([[-0.5000]])
    """
    _check_lengths("masks", logits, masks, labels, target_masks)
    _check_labels(labels, logits.shape[1] - 1)
    with torch.no_grad():
        p = at_least_float32(logits).softmax(dim=-1)[:, labels]  # (Q, n) of each truth's class
        predicted = at_least_float32(masks).sigmoid().flatten(1)  # (Q, pixels)
        true = target_masks.flatten(1).to(predicted)  # (n, pixels)
        with torch.autocast(predicted.device.type, enabled=False):  # sums over pixels
            overlap = predicted @ true.T  # (Q, n)
        areas = predicted.sum(1)[:, None] + true.sum(1)
        dice = 1 - (2 * overlap + 1) / (areas + 1)  # (Q, n)
        return dice_weight * dice - class_weight * p


def hungarian_match(cost: Tensor) -> tuple[Tensor, Tensor]:
    """The pairing of smallest total cost: each row and each column at most once.

    A cost that is NaN or infinite counts as more than all others together, so such a pair is taken
    only where nothing else is left. A network that has diverged gets pairs, and a loss that is NaN,
    which training then refuses by name, in all processes at once.

    Args:
        cost: (Q, n) of any dtype.

    Returns:
        (i, j): min(Q, n) int64 rows, ascending, and their columns. Where n > Q, n − Q truths find
        no partner: those without which the rest costs least.

    Raises:
        ValueError: if the cost is not a matrix.

    >>> hungarian_match(torch.tensor([[0.0, 1.0], [2.0, 9.0]]))  # 1 + 2, and not 0 + 9
    (tensor([0, 1]), tensor([1, 0]))
    """
    if cost.ndim != 2:
        raise ValueError(f"cost must be (Q, n), got {tuple(cost.shape)}")
    # scipy counts in double; NumPy, on the way there, has no bfloat16.
    numbers = at_least_float32(cost.detach()).cpu().double()
    finite = numbers.isfinite()
    if not finite.all():
        dearest = 2 * len(numbers) * (numbers[finite].abs().sum() + 1)
        numbers = numbers.where(finite, dearest)
    rows, columns = linear_sum_assignment(numbers.numpy())
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


def _check_lengths(name: str, logits: Tensor, found: Tensor, labels: Tensor, true: Tensor) -> None:
    """Q rows of logits and of what was found, n labels and truths, all of one form."""
    form = (4,) if name == "boxes" else tuple(found.shape[1:])
    said = "4" if name == "boxes" else "…"
    if logits.ndim != 2 or found.shape != (len(logits), *form) or not form:
        raise ValueError(
            f"logits must be (Q, C + 1) and {name} (Q, {said}), got {tuple(logits.shape)} "
            f"and {tuple(found.shape)}"
        )
    if labels.ndim != 1 or true.shape != (len(labels), *form):
        raise ValueError(
            f"labels must be (n,) and target_{name} (n, {said}), got {tuple(labels.shape)} "
            f"and {tuple(true.shape)}"
        )


def _check_labels(labels: Tensor, channels: int) -> None:
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < channels:
        raise ValueError(
            f"labels must lie between 0 and {channels - 1} (the last channel is no object), "
            f"got {int(labels.min())} to {int(labels.max())}"
        )


def _corners(boxes: Tensor) -> Tensor:
    """(x1, y1, x2, y2) of (cx, cy, w, h)."""
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=1)
