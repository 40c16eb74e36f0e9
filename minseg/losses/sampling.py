"""Sampling and mining: which of many candidates should train? Most are background, and easy.

A detector proposes hundreds of boxes for a handful of things. Averaged over all of them, the loss
says "background" and little else. Three answers, from blind to choosy:

    random   at most ⌊f·n⌋ positives, chosen at random; negatives fill up to n      (sample_rois)
    ranked   all positives, and the 3·|positives| negatives of largest loss       (hard_negatives)
    OHEM     S = the k candidates of largest loss, no quota; near-duplicates removed first  (ohem)

Fast R-CNN (Girshick, 2015, section 2.3) and Faster R-CNN sample at random; SSD (Liu et al., 2016,
section 2.2) ranks negatives; OHEM is Shrivastava et al., Training Region-based Object Detectors
with Online Hard Example Mining, 2016, section 4. What is hard may also be mislabelled: both kinds
of mining collect wrong labels. Unit 44 measures that; unit 42 trains with the first, which is
`BalancedPositiveNegativeSampler` in torchvision.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.boxes import box_iou, nms

QUANTILES = ("linear", "lower", "higher", "nearest", "midpoint")


def sample_rois_loop(
    positive: Tensor,
    negative: Tensor,
    priorities: Tensor,
    *,
    count: int = 512,
    fraction: float = 0.25,
) -> tuple[Tensor, Tensor]:
    """The definition, for the (R,) candidates of one image. See `sample_rois`."""
    chosen, rest = torch.zeros_like(positive), torch.zeros_like(negative)
    in_order = priorities.argsort(descending=True).tolist()
    for r in in_order:  # positives, up to their share
        if positive[r] and int(chosen.sum()) < int(count * fraction):
            chosen[r] = True
    for r in in_order:  # negatives fill up
        if negative[r] and int(chosen.sum() + rest.sum()) < count:
            rest[r] = True
    return chosen, rest


def sample_rois(
    positive: Tensor,
    negative: Tensor,
    priorities: Tensor,
    *,
    count: int = 512,
    fraction: float = 0.25,
) -> tuple[Tensor, Tensor]:
    """At most `fraction` positives at random, then negatives at random until there are `count`.

    The fraction is a cap and not a composition: where positives are few, negatives take their
    place, and where negatives are few, fewer than `count` are chosen.

    Args:
        positive, negative: (…, R) bool, no candidate both; one that is neither is never chosen.
        priorities: (…, R) a random number for each candidate; the largest are chosen. Made with a
            generator for each image, they choose the same whatever else is in the batch.
        count: candidates to choose in each row: 512 in Mask R-CNN, 256 anchors in its RPN.
        fraction: the largest share of positives: 0.25, and 0.5 for anchors.

    Returns:
        The chosen positives and the chosen negatives, (…, R) bool each.

    Raises:
        ValueError: if the shapes differ, or count or fraction is out of range.

    >>> positive = torch.tensor([True, True, True, False, False])
    >>> chosen, rest = sample_rois(
    ...     positive, ~positive, torch.tensor([0.1, 0.9, 0.5, 0.3, 0.7]), count=4, fraction=0.5
    ... )
    >>> chosen.tolist(), rest.tolist()  # the two positives of highest priority, and all negatives
    ([False, True, True, False, False], [False, False, False, True, True])
    """
    if not positive.shape == negative.shape == priorities.shape:
        shapes = [tuple(t.shape) for t in (positive, negative, priorities)]
        raise ValueError(f"positive, negative and priorities must have one shape, got {shapes}")
    if count < 1 or not 0 <= fraction <= 1:
        raise ValueError(
            f"count must be positive and fraction in [0, 1], got {count} and {fraction}"
        )
    # Positives first, no more than their share; then negatives, as many as there is room for.
    cap = torch.full_like(positive[..., :1], int(count * fraction), dtype=torch.int64)  # (…, 1)
    chosen = _largest(priorities, positive, cap, count)  # (…, R)
    room = count - chosen.sum(dim=-1, keepdim=True)  # (…, 1)
    return chosen, _largest(priorities, negative, room, count)


def hard_negatives_loop(losses: Tensor, positive: Tensor, *, ratio: float = 3.0) -> Tensor:
    """The definition, for the (N,) candidates of one image. See `hard_negatives`."""
    chosen = torch.zeros_like(positive)
    for n in losses.argsort(descending=True).tolist():  # hardest first
        if not positive[n] and int(chosen.sum()) < int(ratio * positive.sum()):
            chosen[n] = True
    return chosen


def hard_negatives(losses: Tensor, positive: Tensor, *, ratio: float = 3.0) -> Tensor:
    """The negatives of largest loss, `ratio` for every positive.

    Args:
        losses: (…, N) classification losses. positive: (…, N) bool; all others are negatives.

    Returns:
        (…, N) bool, the chosen negatives. A row without positives gets none: in SSD such an image
        teaches nothing.

    Raises:
        ValueError: if the shapes differ, or the ratio is negative.

    >>> positive = torch.tensor([True, False, False, False])
    >>> hard_negatives(torch.tensor([9.0, 1, 5, 3]), positive, ratio=2)
    tensor([False, False,  True,  True])
    """
    if losses.shape != positive.shape:
        got = f"{tuple(losses.shape)} and {tuple(positive.shape)}"
        raise ValueError(f"losses and positive must have one shape, got {got}")
    if ratio < 0:
        raise ValueError(f"ratio must not be negative, got {ratio}")
    quota = (ratio * positive.sum(dim=-1, keepdim=True)).long()  # (…, 1)
    return _largest(losses.detach(), ~positive, quota, losses.shape[-1])


def ohem_loop(
    losses: Tensor, count: int, *, boxes: Tensor | None = None, iou_threshold: float = 0.7
) -> Tensor:
    """The definition, one candidate after the other: slow, and meant to be read. See `ohem`."""
    left = losses.argsort(descending=True, stable=True)
    chosen: list[Tensor] = []
    while len(left) and len(chosen) < count:
        hardest, left = left[0], left[1:]  # take the hardest,
        chosen.append(hardest)
        if boxes is not None:  # drop its near-duplicates, repeat
            left = left[box_iou(boxes[hardest][None], boxes[left])[0].double() <= iou_threshold]
    return torch.stack(chosen)


def ohem(
    losses: Tensor, count: int, *, boxes: Tensor | None = None, iou_threshold: float = 0.7
) -> Tensor:
    """Online hard example mining: the `count` candidates of largest loss, and only they train.

    Args:
        losses: (R,) classification plus box loss of every candidate, from a pass without gradient.
        count: how many train: 128 over two images in the paper. Fewer where fewer are left.
        boxes: (R, 4) the candidates. With them non-maximum suppression by loss comes first, as in
            the paper: without it the neighbours of one hard box, whose losses are as large, fill
            the batch.
        iou_threshold: the overlap above which the easier of two boxes is dropped.

    Returns:
        (k,) int64 indices, hardest first; equal losses keep their order.

    Raises:
        ValueError: if the losses are not a finite (R,), or count is not positive.

    >>> losses = torch.tensor([2.0, 1.9, 0.5])
    >>> boxes = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 9], [9, 9, 12, 12]])
    >>> ohem(losses, 2), ohem(losses, 2, boxes=boxes)
    (tensor([0, 1]), tensor([0, 2]))
    """
    _check_mining(losses, count)
    if boxes is not None:
        return nms(boxes, losses.detach(), iou_threshold)[:count]
    return losses.detach().argsort(descending=True, stable=True)[:count]


def above_quantile(losses: Tensor, count: int, *, method: str = "linear") -> Tensor:
    """OHEM as a threshold: the candidates whose loss is at least the quantile 1 − k/n.

    The quantile lies at position (1 − k/n)(n − 1) = n − 1 − k + k/n of the sorted losses, counted
    from 0. "linear" puts it strictly between the (k + 1)-th largest loss and the k-th, and exactly
    k are chosen; "lower" puts it on the (k + 1)-th, and k + 1 are. Which losses lie above is all
    that is asked, so no quantile is computed, and nothing rounded. Equal losses at the threshold
    are all chosen, however many: `ohem` counts instead. (And `numpy.percentile` takes 0 to 100:
    given 1 − k/n it is nearly the minimum, and chooses nearly all.)

    Args:
        losses: (R,). count: k, from 1 to R.
        method: as in `torch.quantile`: "linear", "lower", "higher", "nearest" or "midpoint".

    Returns:
        (R,) bool.

    Raises:
        ValueError: if the losses are not a finite (R,), count is not from 1 to R, or there is no
            such method.

    >>> losses = torch.tensor([3.0, 1.0, 2.0, 2.0])
    >>> above_quantile(losses, 2), above_quantile(losses, 1)  # equal losses are all chosen
    (tensor([ True, False,  True,  True]), tensor([ True, False, False, False]))
    """
    _check_mining(losses, count)
    if count > len(losses):
        raise ValueError(f"count must be at most {len(losses)}, the losses given, got {count}")
    if method not in QUANTILES:
        raise ValueError(f"method must be one of {', '.join(QUANTILES)}; got {method!r}")
    values = losses.detach()
    return values >= values.sort().values[_rank(count, len(values), method)]


def _rank(count: int, n: int, method: str) -> int:
    """Which of n sorted losses, counted from 0, the quantile 1 − count/n chooses from."""
    upper = n - count  # between two losses, it chooses what the upper one does
    nearer_below = 2 * count < n or (2 * count == n and upper % 2 == 1)
    below = method == "lower" or (method == "nearest" and nearer_below)
    return max(upper - below, 0)


def _largest(values: Tensor, eligible: Tensor, quota: Tensor, most: int) -> Tensor:
    """(…, R) bool: of the eligible, the `quota` (…, 1) ≤ `most` of largest value in each row."""
    values = torch.where(eligible, values, -torch.inf)
    value, place = values.topk(min(most, values.shape[-1]), dim=-1)  # largest first
    # Each row has its own quota: the first of the sorted, as long as they are eligible.
    within = (torch.arange(value.shape[-1], device=value.device) < quota) & (value > -torch.inf)
    return torch.zeros_like(eligible).scatter(-1, place, within)


def _check_mining(losses: Tensor, count: int) -> None:
    if losses.ndim != 1 or not losses.isfinite().all():
        raise ValueError(f"losses must be (R,) and finite, got {tuple(losses.shape)}")
    if count < 1:
        raise ValueError(f"count must be positive, got {count}")
