"""Greedy suppression of masks: one after the other, best first.

    hard    take the best, drop every mask of its class with IoU > t, repeat with what is left
    soft    take the best, multiply the scores of the others of its class by f(IoU), repeat

Hard suppression is `minseg.boxes.nms` with masks in place of boxes. It must choose t: too low and
it drops the second of two things that overlap, too high and it keeps doubles. Soft-NMS (Bodla et
al., Soft-NMS: Improving Object Detection With One Line of Code, 2017, section 3) drops nothing and
weakens, so a mask that is covered a lot still comes, but late. In both a step depends on the last:
n steps that cannot be done at once. Unit 52.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from minseg.metrics.iou import mask_iou
from minseg.models.suppression.kernel import decay_by, rivals
from minseg.precision import threshold_in


def mask_nms_loop(
    masks: Tensor, labels: Tensor, scores: Tensor, iou_threshold: float = 0.5
) -> Tensor:
    """The definition, mask by mask: slow, and meant to be read. See `mask_nms`."""
    order = scores.argsort(descending=True, stable=True)  # sort
    kept = []
    while len(order):
        best, others = order[0], order[1:]  # take the best,
        kept.append(best)
        overlap = mask_iou(masks[best][None], masks[others])[0]
        same = labels[others] == labels[best]
        order = others[~(same & (overlap > iou_threshold))]  # drop its doubles, repeat
    return torch.stack(kept) if kept else order


def mask_nms(masks: Tensor, labels: Tensor, scores: Tensor, iou_threshold: float = 0.5) -> Tensor:
    """Greedy non-maximum suppression of masks, within each class.

    Args:
        masks: (N, H, W) bool. labels: (N,) int64. scores: (N,) floating point.
        iou_threshold: a mask is dropped if its IoU with a better, kept one is *above* it.

    Returns:
        (M,) int64 indices of the kept masks, best first; equal scores keep their order.

    Raises:
        TypeError, ValueError: as `minseg.models.suppression.kernel.rivals` says.

    >>> masks = torch.tensor([[[True, True, True, False]], [[True, True, False, False]]])
    >>> mask_nms(masks, torch.tensor([1, 1]), torch.tensor([0.8, 0.9]), 0.5)  # IoU 2/3
    tensor([1])
    """
    order, _, overlap = rivals(masks, labels, scores)
    return order[keep_greedily(overlap, iou_threshold).to(order.device)]


def keep_greedily(overlap: Tensor, iou_threshold: float) -> Tensor:
    """(N,) bool, which are kept, from the overlaps (N, N) of candidates, best first.

    >>> chain = torch.tensor([[1.0, 0.5, 0.2], [0.5, 1.0, 0.5], [0.2, 0.5, 1.0]])
    >>> keep_greedily(chain, 0.4)  # the second is dropped, so it drops no third
    tensor([ True, False,  True])
    """
    # One step depends on the last, so this runs on the CPU, in plain numpy.
    drops = (overlap.cpu() > threshold_in(overlap.dtype, iou_threshold)).numpy()
    alive = np.ones(len(drops), dtype=bool)
    for k, row in enumerate(drops):
        if alive[k]:
            alive[k + 1 :] &= ~row[k + 1 :]
    return torch.from_numpy(alive)


def soft_nms_loop(
    masks: Tensor,
    labels: Tensor,
    scores: Tensor,
    *,
    kernel: str = "gaussian",
    sigma: float = 2.0,
) -> Tensor:
    """The definition, mask by mask: slow, and meant to be read. See `soft_nms`."""
    scores, left = scores.clone(), list(range(len(scores)))
    while left:
        best = max(left, key=lambda k: scores[k].item())  # the first of several equals
        left.remove(best)
        for k in left:
            if labels[k] == labels[best]:
                overlap = mask_iou(masks[best][None], masks[k][None])[0, 0]
                scores[k] *= decay_by(overlap, kernel, sigma)
    return scores


def soft_nms(
    masks: Tensor,
    labels: Tensor,
    scores: Tensor,
    *,
    kernel: str = "gaussian",
    sigma: float = 2.0,
) -> Tensor:
    """Scores after Soft-NMS: each falls with every better mask of its class that it overlaps.

    "Better" is judged by the scores as they are by then, so the order can change on the way.

    Args:
        masks: (N, H, W) bool. labels: (N,) int64. scores: (N,) floating point, not negative.
        kernel, sigma: f, see `minseg.models.suppression.kernel.decay_by`.

    Returns:
        (N,) scores in the order of the input, float32 or wider.

    Raises:
        TypeError, ValueError: as `rivals` and `decay_by` say.

    >>> masks = torch.tensor([[[True, True]], [[True, True]], [[True, False]]])
    >>> soft_nms(masks, torch.tensor([1, 1, 1]), torch.tensor([0.9, 0.8, 0.6]), kernel="linear")
    tensor([0.9000, 0.0000, 0.3000])
    """
    order, scores, overlap = rivals(masks, labels, scores)
    factor = decay_by(overlap.to(scores), kernel, sigma)  # (N, N), 1 between classes
    soft = scores.clone()
    left = torch.ones_like(soft, dtype=torch.bool)
    for _ in range(len(soft)):
        best = torch.where(left, soft, -torch.inf).argmax()
        left[best] = False
        soft = torch.where(left, soft * factor[best], soft)
    return torch.empty_like(soft).scatter_(0, order, soft)
