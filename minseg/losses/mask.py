"""Losses of masks: one number for each instance, and a gradient for each of its pixels.

With logits z, probabilities p = σ(z) and targets t in [0, 1], sums over the pixels of one mask:

    BCE       mean of −t log p − (1 − t) log(1 − p)                              ∂/∂z = (p − t) / m²
    focal     α_t (1 − p_t)^γ · BCE of each pixel,   p_t = pt + (1 − p)(1 − t)
    Dice      1 − 2Σpt / (Σp² + Σt²)      squared, as in V-Net and SOLO
              1 − 2Σpt / (Σp + Σt)        linear, as in DETR
    soft IoU  1 − Σpt / Σ(p + t − pt)
    SDF L1    mean |d − d*| of signed distances, both cut off at ±τ

BCE and focal judge each pixel alone; Dice and IoU judge overlap, so that a small object weighs as
much as a large one. Milletari et al., V-Net, 2016, section 3 (Dice); Lin et al., Focal Loss, 2017,
section 3; Rahman and Wang, Optimizing Intersection-over-Union, 2016 (soft IoU); He et al., Mask
R-CNN, 2017, section 3 (BCE of the true class's mask). Unit 14 draws the gradient of each.

Nothing is averaged over instances here: a loss returns (N,), and the caller decides. A NaN in one
instance's prediction makes that instance's loss NaN, and leaves the others alone. Half types are
computed, and their losses returned, in float32: a mask of 300 × 300 px has more pixels than
float16 can count. N counts instances; "…" stands for the pixels of one, say (28, 28). Libraries
have `F.binary_cross_entropy_with_logits`, `torchvision.ops.sigmoid_focal_loss` and, in MONAI and
segmentation_models_pytorch, `DiceLoss`; forms and defaults differ.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.precision import at_least_float32


def mask_bce(logits: Tensor, targets: Tensor) -> Tensor:
    """Binary cross-entropy of each mask, averaged over its cells.

    Args:
        logits: (N, …) floating point, for example (N, 28, 28).
        targets: of the same shape, bool or floating point in [0, 1]; soft ones, the covered share
            of each cell, are fine.

    Returns:
        (N,) losses; `mean_or_zero` averages them over the positives of a batch.

    Raises:
        TypeError: if the logits are not floating point.
        ValueError: if the shapes differ, are not (N, …), or a target lies outside of [0, 1].

    >>> mask_bce(torch.zeros(1, 2, 2), torch.ones(1, 2, 2))  # log 2 where nothing is known
    tensor([0.6931])
    """
    targets, logits = _checked("logits", logits, targets), at_least_float32(logits)
    of_pixels = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")  # (N, …)
    return of_pixels.flatten(1).mean(1)


def focal_loss(
    logits: Tensor, targets: Tensor, *, alpha: float | None = 0.25, gamma: float = 2.0
) -> Tensor:
    """Cross-entropy in which pixels that are right already count little; elementwise.

    Args:
        logits, targets: as in `mask_bce`.
        alpha: the weight of positives; negatives have 1 - alpha. None weighs both by 1.
        gamma: how quickly a right answer stops counting; 0 is cross-entropy itself.

    Returns:
        The shape of `logits`: sum, average or normalise it by the positives, as your paper does.

    Raises:
        TypeError, ValueError: as `mask_bce`; also if alpha or gamma is out of range.

    >>> sure, unsure = torch.tensor([[4.0]]), torch.tensor([[0.0]])
    >>> [round(focal_loss(z, torch.ones(1, 1), alpha=None).item(), 6) for z in (sure, unsure)]
    [6e-06, 0.173287]
    """
    targets, logits = _checked("logits", logits, targets), at_least_float32(logits)
    if alpha is not None and not 0 <= alpha <= 1:
        raise ValueError(f"alpha must lie in [0, 1] or be None, got {alpha}")
    if not gamma >= 0:
        raise ValueError(f"gamma must not be negative, got {gamma}")
    # How far is each pixel from being right? That power of it is the pixel's weight.
    p = logits.sigmoid()
    surprise = p * (1 - targets) + (1 - p) * targets  # 1 - p_t
    focus = _power(surprise, gamma)
    loss = focus * F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # α_t: a weight for positives, another for negatives.
    return loss if alpha is None else (alpha * targets + (1 - alpha) * (1 - targets)) * loss


def _power(surprise: Tensor, gamma: float) -> Tensor:
    """surprise**gamma, for 0 < γ < 2 with derivatives also where the surprise is 0.

    There γ · surprise^(γ − 1) is infinite for γ < 1, and the cross-entropy that it multiplies is 0.
    (Between 1 and 2 the same befalls the second derivative.) So what is as good as 0 is a constant.
    """
    if gamma in (0, 1) or gamma >= 2:
        return surprise**gamma
    counts = surprise > torch.finfo(surprise.dtype).tiny
    return torch.where(counts, torch.where(counts, surprise, 1.0) ** gamma, 0.0)


def dice_loss(
    probabilities: Tensor, targets: Tensor, *, squared: bool = True, smooth: float = 1e-3
) -> Tensor:
    """One minus the Dice coefficient, in either of its published forms.

    squared: 1 − 2Σpt / ((Σp² + smooth) + (Σt² + smooth)), smallest at p = t also where t is soft;
    linear:  1 − (2Σpt + smooth) / (Σp + Σt + smooth), which drives p to 0 or 1 where t is soft.

    Args:
        probabilities: (N, …) floating point in [0, 1].
        targets: as in `mask_bce`.
        squared: which form: SOLO's (smooth 1e-3) or DETR's (squared=False, smooth=1).
        smooth: keeps an empty mask from dividing by zero. With two empty masks the squared form
            is 1, the linear one 0.

    Returns:
        (N,) losses.

    Raises:
        TypeError, ValueError: as `mask_bce`; also if a probability lies outside of [0, 1].

    >>> prediction, truth = torch.tensor([[1.0, 1, 0, 0]]), torch.tensor([[1.0, 0, 0, 0]])
    >>> [round(dice_loss(prediction, truth, squared=s, smooth=0).item(), 4) for s in (True, False)]
    [0.3333, 0.3333]
    """
    targets = _checked("probabilities", probabilities, targets).flatten(1)
    p = _in_unit_interval("probabilities", probabilities).flatten(1)
    overlap = 2 * (p * targets).sum(1)  # (N,)
    if squared:
        of_p, of_t = (p * p).sum(1) + smooth, (targets * targets).sum(1) + smooth
        return 1 - overlap / (of_p + of_t)
    return 1 - (overlap + smooth) / (p.sum(1) + targets.sum(1) + smooth)


def soft_iou_loss(probabilities: Tensor, targets: Tensor, *, smooth: float = 1e-3) -> Tensor:
    """One minus IoU with products for intersections: 1 − (Σpt + smooth) / (Σ(p + t − pt) + smooth).

    For hard masks it is 1 − IoU, up to `smooth`; unlike IoU of thresholded masks it has a gradient.

    Args:
        probabilities, targets, smooth: as in `dice_loss`. Two empty masks give 0.

    Returns:
        (N,) losses.

    Raises:
        TypeError, ValueError: as `dice_loss`.

    >>> soft_iou_loss(torch.tensor([[1.0, 1, 0, 0]]), torch.tensor([[1.0, 0, 0, 0]]), smooth=0)
    tensor([0.5000])
    """
    targets = _checked("probabilities", probabilities, targets).flatten(1)
    p = _in_unit_interval("probabilities", probabilities).flatten(1)
    overlap = (p * targets).sum(1)  # (N,)
    return 1 - (overlap + smooth) / (p.sum(1) + targets.sum(1) - overlap + smooth)


def signed_distance_loss(
    predictions: Tensor, targets: Tensor, *, truncate: float | None = None
) -> Tensor:
    """Mean absolute difference of two signed distance fields, in pixels.

    Args:
        predictions: (N, …) floating point, predicted distances, positive inside.
        targets: of the same shape, `minseg.masks.signed_distance` of the true masks.
        truncate: τ in pixels: both fields are cut off at ±τ, so that what lies far from either
            border counts nothing and has no gradient. Without it far pixels outweigh the border.

    Returns:
        (N,) losses.

    Raises:
        TypeError: if the predictions are not floating point.
        ValueError: if the shapes differ or are not (N, …), if τ is not positive, or if a target
            is not finite (an empty or a full mask has no border) and nothing is truncated.

    >>> signed_distance_loss(torch.tensor([[2.0, -9.0]]), torch.tensor([[1.0, -5.0]]), truncate=3)
    tensor([0.5000])
    """
    _check_shapes("predictions", predictions, targets)
    predictions, targets = at_least_float32(predictions), at_least_float32(targets)
    if truncate is not None:
        if not truncate > 0:
            raise ValueError(f"truncate must be a positive number of pixels, got {truncate}")
        # Beyond ±τ both are the same constant: no difference, no gradient.
        predictions = predictions.clamp(-truncate, truncate)
        targets = targets.clamp(-truncate, truncate)
    if not targets.isfinite().all():
        raise ValueError("targets must be finite: a mask without border needs truncate=")
    return (predictions - targets).abs().flatten(1).mean(1)


def select_class_masks(logits: Tensor, classes: Tensor) -> Tensor:
    """The one mask of each instance that its class points at.

    In training that is the *true* class, so that other classes' masks neither help nor suffer; at
    inference it is the predicted one. A class-agnostic head has one mask for all classes.

    Args:
        logits: (N, C, H, W), or (N, 1, H, W) of a class-agnostic head.
        classes: (N,) int64 channel numbers, 0 to C − 1.

    Returns:
        (N, H, W).

    Raises:
        ValueError: if the shapes do not fit, or a class has no channel.

    >>> logits = torch.arange(6.0).view(2, 3, 1, 1)
    >>> select_class_masks(logits, torch.tensor([2, 0])).flatten()
    tensor([2., 3.])
    """
    if logits.ndim != 4 or classes.shape != logits.shape[:1]:
        raise ValueError(
            f"logits must be (N, C, H, W) and classes (N,), got {tuple(logits.shape)} "
            f"and {tuple(classes.shape)}"
        )
    channels = logits.shape[1]
    if channels == 1:
        return logits[:, 0]
    if len(classes) and not 0 <= int(classes.min()) <= int(classes.max()) < channels:
        raise ValueError(
            f"classes must lie between 0 and {channels - 1}, the channels of logits, "
            f"got {int(classes.min())} to {int(classes.max())}"
        )
    return logits[torch.arange(len(logits), device=logits.device), classes]


def mean_or_zero(losses: Tensor) -> Tensor:
    """Their mean, and for none at all a 0 through which gradients still pass (as zeros).

    >>> mean_or_zero(torch.zeros(0))
    tensor(0.)
    """
    return at_least_float32(losses).sum() / max(losses.numel(), 1)


def _checked(name: str, prediction: Tensor, targets: Tensor) -> Tensor:
    """The targets in the dtype of the loss; TypeError or ValueError if they do not fit."""
    _check_shapes(name, prediction, targets)
    dtype = torch.promote_types(prediction.dtype, torch.float32)
    return _in_unit_interval("targets", targets.to(dtype))


def _check_shapes(name: str, prediction: Tensor, targets: Tensor) -> None:
    if not prediction.is_floating_point():
        raise TypeError(f"{name} must be floating point, got {prediction.dtype}")
    if prediction.ndim < 2 or prediction.shape != targets.shape:
        raise ValueError(
            f"{name} and targets must both be (N, …) of one shape, got "
            f"{tuple(prediction.shape)} and {tuple(targets.shape)}"
        )


def _in_unit_interval(name: str, values: Tensor) -> Tensor:
    """The values, if none lies outside of [0, 1]; NaN passes, and makes its loss NaN.

    Half types come back in float32.
    """
    if values.numel() and ((values < 0) | (values > 1)).any():
        advice = ": take the sigmoid of logits first" if name == "probabilities" else ""
        raise ValueError(
            f"{name} must lie in [0, 1], got {values.min().item():.3g} to "
            f"{values.max().item():.3g}{advice}"
        )
    return at_least_float32(values)
