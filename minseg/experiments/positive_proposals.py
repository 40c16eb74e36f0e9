"""How many proposals are positive, before and after training, and how they crowd around things.

    a proposal is positive if max_G IoU(its box, true box G) ≥ ½

(Girshick, Fast R-CNN, 2015, section 2.3.) An untrained RPN proposes boxes anywhere, so that hardly
any is positive; a trained one puts many on each thing. `minseg.losses.sample_rois` caps the share
of positives among those that train. And proposals come in bunches of near copies, which is why
OHEM suppresses neighbours first (Shrivastava et al., 2016, section 4). Unit 44.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from minseg.boxes import box_iou
from minseg.data.splits import Scene
from minseg.models import MaskRCNN
from minseg.models.mask_rcnn.rpn import propose


@torch.no_grad()
def positive_proposals(model: MaskRCNN, scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
    """Proposals with an IoU of ½ or more, and things, of each scene: (B,) int64 both.

    Args:
        model: its RPN proposes as many boxes as in training.
        scenes: all of one size, with at least one thing each.
    """
    batch = torch.stack([scene.image for scene in scenes])
    _, anchors, objectness, deltas = model.first_stage(batch)
    sizes = torch.tensor([batch.shape[2:]] * len(batch))
    boxes, real = propose(objectness, deltas, anchors, sizes, keep=model.proposals[0])  # (B, R, 4)
    hits = [
        (box_iou(box[ok], scene.instances.boxes).amax(dim=1) >= 0.5).sum()
        for box, ok, scene in zip(boxes, real, scenes, strict=True)
    ]
    return torch.stack(hits), torch.tensor([len(scene.instances) for scene in scenes])


def bunches(things: int = 20, each: int = 30, *, seed: int = 4) -> tuple[Tensor, Tensor]:
    """Boxes that crowd around things, and a loss for each box.

    Returns:
        boxes: (things · each, 4), those of one thing after the other. losses: (things · each,),
        nearly equal for all boxes of a thing.

    >>> boxes, losses = bunches(things=2, each=3)
    >>> boxes.shape, losses.shape
    (torch.Size([6, 4]), torch.Size([6]))
    """
    chance = torch.Generator().manual_seed(seed)
    place = torch.arange(things).repeat_interleave(each)  # (N,) which thing
    corner = torch.stack([100.0 * (place % 5), 100.0 * (place // 5)], dim=1)
    corner = corner + 4 * torch.rand(len(place), 2, generator=chance)
    hard = torch.rand(things, generator=chance)[place]
    losses = hard + 0.02 * torch.rand(len(place), generator=chance)
    return torch.cat([corner, corner + 40], dim=1), losses
