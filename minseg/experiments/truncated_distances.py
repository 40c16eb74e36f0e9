"""What a cut does to a loss on distances: a coarse network fits six shapes, from two starts.

The "network" is a grid of 8 × 11 numbers, enlarged to 48 × 64 pixels: smooth, and so unable to get
every distance right. It has to choose, and the loss tells it where it matters. Unit 15.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from minseg.experiments.loss_pair import HEIGHT, WIDTH, disc
from minseg.losses import signed_distance_loss
from minseg.masks import signed_distance
from minseg.metrics import mask_iou

COARSE = (8, 11)


def six_shapes() -> Tensor:
    """(6, 48, 64) bool: a body, with an arm and a bay whose places are drawn by lot.

    >>> [int(mask.sum()) for mask in six_shapes()[:2]]
    [456, 455]
    """
    lots = torch.Generator().manual_seed(0)
    masks = []
    for _ in range(6):
        x, y, turn = (torch.rand(3, generator=lots) * torch.tensor([8.0, 4.0, 6.283])).tolist()
        centre = torch.tensor([28 + x, 22 + y])
        way = torch.tensor([turn, turn + 2.2])
        arm = centre + 14 * torch.stack([way.cos(), way.sin()], dim=1)  # (2, 2): arm, bay
        body = torch.maximum(_disc(centre, 11), _disc(arm[0], 6)) > 0
        masks.append(body & ~(_disc(arm[1], 6) > 0))
    return torch.stack(masks)


def _disc(centre: Tensor, radius: float) -> Tensor:
    x, y = centre.tolist()
    return disc(x, y, radius)


def fit_distances(
    masks: Tensor, cut: float | None, start: float, *, steps: int = 200, rate: float = 0.3
) -> Tensor:
    """(N,) IoU of the masks that the coarse grid ends with.

    Args:
        masks: (N, 48, 64) bool, fitted each alone.
        cut: τ of `signed_distance_loss`, None for no cut.
        start: the distance, in pixels, that the grid begins with everywhere.
        steps, rate: of Adam.
    """
    truth = signed_distance(masks)
    w = torch.full((len(masks), 1, *COARSE), start, requires_grad=True)
    optimiser = torch.optim.Adam([w], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        signed_distance_loss(_enlarge(w), truth, truncate=cut).sum().backward()
        optimiser.step()
    return mask_iou(_enlarge(w) > 0, masks).diagonal()


def _enlarge(coarse: Tensor) -> Tensor:
    return interpolate(coarse, size=(HEIGHT, WIDTH), mode="bilinear")[:, 0]
