"""What an overlap costs, and which masks can meet.

A mask that overlaps a better one of its class may be the same thing a second time. How far its
score falls is a *kernel* of their IoU, 1 at no overlap and falling:

    linear      f(o) = 1 − o
    Gaussian    f(o) = exp(−σ o²)            σ = 2: half overlapping, 0.61; all, 0.14

Soft-NMS (Bodla et al., 2017, section 3) and Matrix NMS (Wang et al., SOLOv2, 2020, section 3.3) use
both. SOLOv2 prints the Gaussian as exp(−o² / σ) with σ = 0.5, which is the same; its code, and this
package, multiply. Unit 52.
"""

from __future__ import annotations

import torch
from torch import Tensor

from minseg.metrics.iou import mask_iou
from minseg.precision import at_least_float32

KERNELS = ("gaussian", "linear")


def decay_by(overlap: Tensor, kernel: str, sigma: float) -> Tensor:
    """f(overlap), elementwise.

    Args:
        overlap: IoU, any shape.
        kernel: "gaussian" or "linear". sigma: of the Gaussian.

    Raises:
        ValueError: if the kernel is none of the two, or sigma is not positive.

    >>> half = torch.tensor(0.5)
    >>> decay_by(half, "linear", 2.0), decay_by(half, "gaussian", 2.0)
    (tensor(0.5000), tensor(0.6065))
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be 'gaussian' or 'linear', got {kernel!r}")
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, got {sigma}")
    return 1 - overlap if kernel == "linear" else torch.exp(-sigma * overlap.square())


def rivals(masks: Tensor, labels: Tensor, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The candidates of an image, best first, and how much each overlaps each of its class.

    Args:
        masks: (N, H, W) bool. labels: (N,) int64. scores: (N,) floating point, none NaN.

    Returns:
        order: (N,) int64, equal scores as they came.
        scores: (N,) in that order, float32 or wider.
        overlap: (N, N) float64 IoU in that order; 0 between masks of different labels, and where
            both are empty. The diagonal is IoU, too.

    Raises:
        TypeError: if the masks are not bool, or the scores not floating point.
        ValueError: if the shapes are not as above, or a score is NaN.
    """
    _check(masks, labels, scores)
    scores = at_least_float32(scores)
    order = scores.argsort(descending=True, stable=True)
    masks, labels, scores = masks[order], labels[order], scores[order]
    overlap = mask_iou(masks, masks)  # (N, N)
    same = labels[:, None] == labels[None]  # a cat cannot be the same thing as the sofa
    return order, scores, overlap * same.to(overlap.device)


def _check(masks: Tensor, labels: Tensor, scores: Tensor) -> None:
    if masks.ndim != 3:
        raise ValueError(f"masks must be (N, H, W), got {tuple(masks.shape)}")
    for name, values in (("labels", labels), ("scores", scores)):
        if values.shape != masks.shape[:1]:
            got = tuple(values.shape)
            raise ValueError(f"{name} must be ({len(masks)},), one for each mask, got {got}")
    if not scores.is_floating_point():
        raise TypeError(f"scores must be floating point, got {scores.dtype}")
    if scores.isnan().any():
        raise ValueError(f"scores must be numbers, got {int(scores.isnan().sum())} NaN")
