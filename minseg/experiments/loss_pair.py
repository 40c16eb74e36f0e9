"""One true mask, one predicted one, and the value and the push of every loss on the pair.

A prediction is given twice, as a network may put it out: as logits z, whose sigmoid is the
probability of each pixel, and as signed distances d, positive inside. Pixel losses read z, the two
losses on distances read d; Chamfer and Hausdorff read the outline, where d crosses 0. The *push*
of a loss L on a pixel is −∂L/∂z (or −∂L/∂d): the direction and the size of the step by which
gradient descent would move the network's output there. Unit 14 and its widget, `LossBoard`, use
it.
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
class MaskTruth:
    """A true mask (H, W) bool, its distances (H, W) and its outline (n, 2)."""

    mask: Tensor
    distances: Tensor
    outline: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> MaskTruth:
        """Of a mask (H, W) bool, neither empty nor full."""
        distances = signed_distance(mask)
        return cls(mask, distances, outline_points(distances))


def disc(x: float, y: float, radius: float) -> Tensor:
    """(HEIGHT, WIDTH) signed distances of a disc, in pixels, positive inside.

    >>> disc(x=30.5, y=24.5, radius=12)[24, 30].item()  # the pixel whose centre is the disc's
    12.0
    """
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
    """(H, W) bool: the `count` pixels of a mask (H, W) that are nearest to a point.

    >>> dot = nearest(30.5, 20.5, torch.ones(HEIGHT, WIDTH, dtype=torch.bool), count=1)
    >>> dot.nonzero().tolist()
    [[20, 30]]
    """
    score = torch.where(among, disc(x, y, 0), -torch.inf).flatten()
    chosen = torch.zeros_like(among).flatten()
    chosen[score.argsort(descending=True, stable=True)[:count]] = True
    return chosen.view(among.shape)


def of_mask(mask: Tensor, logit: float = 3.0) -> Prediction:
    """A prediction that is equally sure of all its pixels: ±logit, and the mask's distances.

    >>> of_mask(disc(30, 24, 12) > 0).logits.unique().tolist()
    [-3.0, 3.0]
    """
    return Prediction(torch.where(mask, float(logit), -float(logit)), signed_distance(mask))


def outline_points(distances: Tensor) -> Tensor:
    """(n, 2) points x, y about a pixel apart, along all curves where distances (H, W) cross 0.

    >>> points = outline_points(disc(30, 24, 12))  # a circle, 75 px long
    >>> points.shape, ((points - torch.tensor([30, 24])).norm(dim=1) - 12).abs().max() < 0.1
    (torch.Size([75, 2]), tensor(True))
    """
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


def _hard_iou(z: Tensor, t: MaskTruth) -> Tensor:
    """Of masks that were thresholded first: a step function, without gradient."""
    return soft_iou_loss((z > 0).to(z.dtype), t.mask[None], smooth=1e-9)


# Each takes (1, H, W) of what the network put out.
Loss = Callable[[Tensor, MaskTruth], Tensor]
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


def evaluate(prediction: Prediction, truth: MaskTruth) -> dict[str, float]:
    """The value of every loss, by name: no unit for the first six, pixels for the others.

    >>> truth = MaskTruth.of(disc(30, 24, 12) > 0)
    >>> moved = evaluate(of_mask(disc(32, 24, 12) > 0), truth)  # 2 px to the right
    >>> {name: round(moved[name], 2) for name in ("BCE", "Dice, squared", "SDF L1", "Hausdorff")}
    {'BCE': 0.14, 'Dice, squared': 0.11, 'SDF L1': 1.4, 'Hausdorff': 2.0}
    """
    points = outline_points(prediction.distances)
    values = {name: loss(prediction.logits[None], truth) for name, loss in OF_LOGITS.items()}
    values |= {name: loss(prediction.distances[None], truth) for name, loss in OF_DISTANCES.items()}
    values |= {name: loss(points, truth.outline) for name, loss in OF_OUTLINES.items()}
    return {name: float(value) for name, value in values.items()}


def push(name: str, prediction: Prediction, truth: MaskTruth) -> Tensor:
    """Minus the gradient of a loss, (H, W): positive where a step would raise the output.

    Args:
        name: one of `WITH_A_PUSH`; losses on outlines move points, not pixels.

    Raises:
        ValueError: if there is no loss of that name, or it has no push.

    >>> truth = MaskTruth.of(disc(30, 24, 12) > 0)
    >>> up = push("BCE", Prediction(torch.zeros(HEIGHT, WIDTH), truth.distances), truth) > 0
    >>> torch.equal(up, truth.mask)  # from p = ½ it raises every pixel of the true mask
    True
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


def share_near(field: Tensor, truth: MaskTruth, width: float = 2.0) -> float:
    """How much of a push (H, W) falls on pixels within `width` of the true outline, 0 to 1.

    >>> truth = MaskTruth.of(disc(30, 24, 12) > 0)
    >>> round(share_near(torch.ones(HEIGHT, WIDTH), truth), 2)  # the area of the band
    0.11
    """
    size = field.abs()
    total = size.sum()
    return float(size[truth.distances.abs() <= width].sum() / total) if total > 0 else 0.0
