"""Matrix NMS: what greedy suppression does one by one, for all masks at once.

Sort by score, best first. Mask j falls by what its worst rival i takes from it, but a rival that
was itself suppressed should not count in full. How much of i is left is not known without the loop,
so it is guessed from the rival that overlaps i most:

    decay_j = min_{i<j} f(o_ij) / f(c_i),        c_i = max_{k<i} o_ki,        s'_j = s_j · decay_j

o is IoU within a class and f a kernel (`minseg.models.suppression.kernel`). The best mask has
c = 0, so no decay is above 1. (Wang et al., SOLOv2, 2020, section 3.3.) It needs the same N²
overlaps as greedy suppression, which is nearly all of the work; what vanishes are the N steps in a
row.

*A product goes wrong.* The formula is also told as s'_j = s_j · Π_{i: s_i > s_j} f(o_ij). Nothing
there knows whether i was suppressed itself, so doubles of doubles weigh again and again: the last
of six masks that overlap by 0.3 each keeps 0.7 of its score above, 0.7⁵ = 0.17 in the product. And
of two doubles with equal scores both stay. `matrix_nms_product` is there to be compared. Unit 52.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.metrics.iou import mask_iou
from minseg.models.suppression.kernel import decay_by, rivals


def matrix_nms_loop(
    masks: Tensor,
    labels: Tensor,
    scores: Tensor,
    *,
    kernel: str = "gaussian",
    sigma: float = 2.0,
) -> Tensor:
    """The definition, pair by pair: slow, and meant to be read. See `matrix_nms`."""
    order = scores.argsort(descending=True, stable=True).tolist()

    def kept(i: int, j: int) -> float:  # f(o_ij)
        same = bool(labels[i] == labels[j])
        overlap = mask_iou(masks[i][None], masks[j][None])[0, 0] * same
        return decay_by(overlap, kernel, sigma).item()

    decayed = scores.clone()
    for place, j in enumerate(order):
        for rank, i in enumerate(order[:place]):
            left = min([kept(k, i) for k in order[:rank]], default=1.0)  # f(c_i): f falls
            if kept(i, j) < left:
                decayed[j] = min(decayed[j].item(), scores[j].item() * kept(i, j) / left)
    return decayed


def matrix_nms(
    masks: Tensor,
    labels: Tensor,
    scores: Tensor,
    *,
    kernel: str = "gaussian",
    sigma: float = 2.0,
) -> Tensor:
    """Scores after Matrix NMS.

    Args:
        masks: (N, H, W) bool. labels: (N,) int64; masks of different labels never meet.
        scores: (N,) floating point, in any order; of equal ones the first comes first.
        kernel: f, "gaussian" or "linear". sigma: of the Gaussian, exp(−sigma · IoU²).

    Returns:
        (N,) scores in the order of the input, float32 or wider. Those below 0.05, say, are dropped
        by the caller. Exact doubles fall to 0 with the linear kernel, the third of three, too.

    Raises:
        TypeError, ValueError: as `minseg.models.suppression.kernel` says.

    >>> masks = torch.tensor([[[True, True, True, False]], [[True, True, False, False]]])
    >>> matrix_nms(masks, torch.tensor([1, 1]), torch.tensor([0.6, 0.9]), kernel="linear")
    tensor([0.2000, 0.9000])
    """
    order, scores, overlap = rivals(masks, labels, scores)
    decayed = scores * matrix_decay(overlap.to(scores), kernel, sigma)
    return torch.empty_like(decayed).scatter_(0, order, decayed)


def matrix_decay(overlap: Tensor, kernel: str = "gaussian", sigma: float = 2.0) -> Tensor:
    """decay_j of candidates, best first, from their overlaps (N, N) alone.

    >>> chain = torch.tensor([[1.0, 0.5, 0.2], [0.5, 1.0, 0.5], [0.2, 0.5, 1.0]])
    >>> matrix_decay(chain, "linear")  # the second is suppressed, so it takes nothing more
    tensor([1.0000, 0.5000, 0.8000])
    """
    overlap = overlap.triu(1)  # o_ij with i < j; 0 elsewhere, where f is 1
    if not len(overlap):
        return overlap.new_ones(0)
    # How suppressed is each rival? Its own largest overlap with one before it.
    most = overlap.amax(dim=0)  # (N,) c_i
    kept, left = decay_by(overlap, kernel, sigma), decay_by(most, kernel, sigma)  # (N, N), (N,)
    # Where f(o_ij) is 0 the mask is gone, whatever f(c_i) is: three doubles would give 0/0.
    decay = torch.where(kept > 0, kept / left[:, None], 0.0)  # f(o_ij) / f(c_i)
    return decay.amin(dim=0)


def matrix_nms_product_loop(
    masks: Tensor, labels: Tensor, scores: Tensor, *, kernel: str = "linear", sigma: float = 2.0
) -> Tensor:
    """The definition, pair by pair. See `matrix_nms_product`."""
    decayed = scores.clone()
    for j in range(len(scores)):
        for i in range(len(scores)):
            if scores[i] > scores[j] and labels[i] == labels[j]:
                overlap = mask_iou(masks[i][None], masks[j][None])[0, 0]
                decayed[j] *= decay_by(overlap, kernel, sigma)
    return decayed


def matrix_nms_product(
    masks: Tensor, labels: Tensor, scores: Tensor, *, kernel: str = "linear", sigma: float = 2.0
) -> Tensor:
    """Scores after the product Π f(o_ij) over all better masks: for comparison, not for use.

    Args:
        masks, labels, scores, kernel, sigma: as in `matrix_nms`.

    Returns:
        (N,) scores in the order of the input.

    Raises:
        TypeError, ValueError: as `matrix_nms`.

    >>> masks = torch.ones(2, 1, 4, dtype=torch.bool)  # twice the same, with the same score
    >>> doubles = masks, torch.tensor([1, 1]), torch.tensor([0.9, 0.9])
    >>> matrix_nms_product(*doubles), matrix_nms(*doubles, kernel="linear")
    (tensor([0.9000, 0.9000]), tensor([0.9000, 0.0000]))
    """
    order, scores, overlap = rivals(masks, labels, scores)
    better = scores[:, None] > scores[None]  # strictly, so that equals let each other be
    factors = torch.where(better, decay_by(overlap.to(scores), kernel, sigma), 1.0)  # (N, N)
    decayed = scores * factors.prod(dim=0)
    return torch.empty_like(decayed).scatter_(0, order, decayed)
