"""What SOLO is taught: a class for every cell, a mask for the cells that own a thing.

    L = Σ focal(class logits) / (N + 1)  +  3 · mean over the N positive cells of Dice(mask)

Each class has a sigmoid of its own, and a cell that owns nothing is negative for all of them. Of
many hundreds of cells a dozen are positive, which is what focal loss is for. Cells that own nothing
have a mask too, and it is never looked at: what it should be, nobody could say. Dice is the squared
form of V-Net. (Wang et al., SOLO, 2020, section 3; Lin et al., Focal Loss, 2017; weights are those
of SOLO's code.) N is averaged over all processes (`minseg.processes`). Unit 50.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.losses.mask import dice_loss, focal_loss
from minseg.processes import mean, mean_over_processes, world

MASK_WEIGHT = 3.0


def category_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Focal loss of every cell and class, over the number of positive cells plus one.

    Args:
        logits: (B, A, C), A cells of an image on all its levels.
        classes: (B, A) int64 class index, −1 where a cell owns nothing.

    Returns:
        () float32.

    >>> sure = torch.tensor([[[9.0, -9.0], [-9.0, -9.0]]])
    >>> category_loss(sure, torch.tensor([[0, -1]])) < 1e-6
    tensor(True)
    """
    true = torch.zeros_like(logits, dtype=torch.float32)  # (B, A, C)
    image, cell = (classes >= 0).nonzero(as_tuple=True)
    true[image, cell, classes[image, cell]] = 1.0
    positives = mean(logits.new_tensor(float(len(image)), dtype=torch.float32))
    return focal_loss(logits, true).sum() / (positives + 1 / world()[1])  # N + 1 of all, shared


def mask_loss(logits: Tensor, true_masks: Tensor) -> Tensor:
    """3 · mean Dice of the positive cells' masks.

    Args:
        logits: (P, h, w). true_masks: (P, h, w) in [0, 1], the covered share of each place.

    Returns:
        () float32; 0 where there are no positives, with a gradient of zeros.

    >>> mask_loss(torch.full((1, 2, 2), 99.0), torch.ones(1, 2, 2)) < 1e-3
    tensor(True)
    """
    dice = dice_loss(logits.float().sigmoid(), true_masks)  # (P,)
    return MASK_WEIGHT * dice.sum() / mean_over_processes(len(dice))


def share_of_places(masks: Tensor, stride: int) -> Tensor:
    """(…, H / stride, W / stride) float32: how much of each place (…, H, W) bool masks cover.

    A place half covered is 0.5. Squared Dice is smallest at the share itself, so half places keep
    the outline finer than the map; a mask of one pixel is still something.

    >>> share_of_places(torch.tensor([[True, False], [True, True]])[None], 2)
    tensor([[[0.7500]]])
    """
    if stride == 1:
        return masks.float()
    flat = masks.flatten(0, -3).float()
    return F.avg_pool2d(flat, stride).unflatten(0, masks.shape[:-2])
