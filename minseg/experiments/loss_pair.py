"""One true mask, one predicted one, and what every loss makes of the pair.

A prediction is given twice, as a network may put it out: as logits z, whose sigmoid is the
probability of each pixel, and as signed distances d, positive inside. Pixel losses read z, the two
losses on distances read d; Chamfer and Hausdorff read the outline, where d crosses 0. The push
of a loss L on a pixel is −∂L/∂z (or −∂L/∂d): which way, and how hard, a step of gradient descent
would move what the network put out there. Lesson 03 and its widget, `LossBoard`, use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from minseg.losses import (
    boundary_loss,
    chamfer_distance,
    dice_loss,
    focal_loss,
    hausdorff_of_points,
    mask_bce,
    signed_distance_loss,
    soft_iou_loss,
)
from minseg.masks import resample, signed_distance

HEIGHT, WIDTH = 48, 64  # pixels
CUT = 4.0  # pixels: τ of the truncated loss on distances


@dataclass(frozen=True)
class Prediction:
    """Logits and distances (H, W) of one predicted mask."""

    logits: Tensor
    distances: Tensor


@dataclass(frozen=True)
class Truth:
    """A true mask (H, W) bool, its distances (H, W) and its outline (n, 2)."""

    mask: Tensor
    distances: Tensor
    outline: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> Truth:
        """Of a mask (H, W) bool, neither empty nor full."""
        distances = signed_distance(mask)
        return cls(mask, distances, outline(distances))


def disc(x: float, y: float, radius: float) -> Tensor:
    """(HEIGHT, WIDTH) signed distances of a disc, in pixels, positive inside."""
    i, j = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    return radius - torch.hypot(j - x, i - y)


def disc_with_an_arm() -> tuple[Tensor, Tensor, Tensor]:
    """A disc, the arm that it stretches out, and both in noise: two masks, and probabilities."""
    body, arm = disc(24, 24, 11) > 0, torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    arm[22:24, 34:58] = True
    arm &= ~body
    noise = torch.randn(HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    return body, arm, (torch.where(body | arm, 1.0, -1.0) + 1.3 * noise).sigmoid()


def nearest(x: float, y: float, among: Tensor, count: int) -> Tensor:
    """(H, W) bool: the `count` pixels of a mask (H, W) that are nearest to a point."""
    score = torch.where(among, disc(x, y, 0), -torch.inf).flatten()
    chosen = torch.zeros_like(among).flatten()
    chosen[score.argsort(descending=True, stable=True)[:count]] = True
    return chosen.view(among.shape)


def of_mask(mask: Tensor, logit: float = 3.0) -> Prediction:
    """A prediction that is equally sure of all its pixels: ±logit, and the mask's distances."""
    return Prediction(torch.where(mask, float(logit), -float(logit)), signed_distance(mask))


def outline(distances: Tensor) -> Tensor:
    """(n, 2) points x, y about a pixel apart, along all curves where distances (H, W) cross 0."""
    from contourpy import contour_generator

    field = distances.numpy().astype(np.float64)
    padded = -np.abs(np.pad(field, 1, mode="edge"))  # beyond the image is outside
    padded[1:-1, 1:-1] = field
    y, x = (np.arange(-1, length + 1) + 0.5 for length in field.shape)
    lines = cast(list[np.ndarray], contour_generator(x, y, padded).lines(0.0))
    curves = [line[:-1] for line in lines]  # closed: the last point is the first
    lengths = [np.hypot(*(np.roll(line, -1, axis=0) - line).T).sum() for line in curves]
    points = [resample(c, max(3, round(n))) for c, n in zip(curves, lengths, strict=True)]
    return torch.cat(points) if points else torch.zeros(0, 2, dtype=torch.float64)


def _hard_iou(z: Tensor, t: Truth) -> Tensor:
    """Of masks that were thresholded first: a step function, without gradient."""
    return soft_iou_loss((z > 0).to(z.dtype), t.mask[None], smooth=1e-9)


# Each takes (1, H, W) of what the network put out.
Loss = Callable[[Tensor, Truth], Tensor]
OF_LOGITS: dict[str, Loss] = {
    "BCE": lambda z, t: mask_bce(z, t.mask[None]),
    "focal": lambda z, t: focal_loss(z, t.mask[None], alpha=None).mean(),
    "Dice, squared": lambda z, t: dice_loss(z.sigmoid(), t.mask[None]),
    "Dice, linear": lambda z, t: dice_loss(z.sigmoid(), t.mask[None], squared=False, smooth=1),
    "soft IoU": lambda z, t: soft_iou_loss(z.sigmoid(), t.mask[None]),
    "hard IoU": _hard_iou,
    "boundary": lambda z, t: boundary_loss(z.sigmoid(), t.distances[None]),
}
OF_DISTANCES: dict[str, Loss] = {
    "SDF L1": lambda d, t: signed_distance_loss(d, t.distances[None]),
    f"SDF L1, cut at {CUT:g}": lambda d, t: signed_distance_loss(
        d, t.distances[None], truncate=CUT
    ),
}
OF_OUTLINES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "Chamfer": chamfer_distance,
    "Hausdorff": hausdorff_of_points,
    "HD95": lambda a, b: hausdorff_of_points(a, b, percentile=95),
}
WITH_A_PUSH = tuple(OF_LOGITS | OF_DISTANCES)
LOSSES = (*WITH_A_PUSH, *OF_OUTLINES)


def evaluate(prediction: Prediction, truth: Truth) -> dict[str, float]:
    """The value of every loss, by name: no unit for the first six, pixels for the others."""
    points = outline(prediction.distances)
    values = {name: loss(prediction.logits[None], truth) for name, loss in OF_LOGITS.items()}
    values |= {name: loss(prediction.distances[None], truth) for name, loss in OF_DISTANCES.items()}
    values |= {name: loss(points, truth.outline) for name, loss in OF_OUTLINES.items()}
    return {name: float(value) for name, value in values.items()}


def push(name: str, prediction: Prediction, truth: Truth) -> Tensor:
    """Minus the gradient of a loss, (H, W): positive where a step would raise the output.

    Args:
        name: one of `WITH_A_PUSH`; losses on outlines move points, not pixels.

    Raises:
        ValueError: if there is no loss of that name, or it has no push.
    """
    if name not in WITH_A_PUSH:
        raise ValueError(f"name must be one of {', '.join(WITH_A_PUSH)}, got {name!r}")
    of_logits = name in OF_LOGITS
    output = prediction.logits if of_logits else prediction.distances
    output = output.detach()[None].requires_grad_()
    loss = (OF_LOGITS if of_logits else OF_DISTANCES)[name](output, truth).sum()
    if not loss.requires_grad:
        return torch.zeros_like(output[0])
    return -torch.autograd.grad(loss, output)[0][0]


def share_near(field: Tensor, truth: Truth, width: float = 2.0) -> float:
    """How much of a push (H, W) falls on pixels within `width` of the true outline, 0 to 1."""
    size = field.abs()
    total = size.sum()
    return float(size[truth.distances.abs() <= width].sum() / total) if total > 0 else 0.0
