"""Proposals as those meet them who choose which ones train: few positives, many look-alikes.

    a proposal is positive if max_G IoU(its box, true box G) ≥ ½

(Girshick, Fast R-CNN, 2015, section 2.3.) An untrained RPN proposes boxes anywhere, so that hardly
any is positive; a trained one puts many on each thing. `minseg.losses.sample_rois` caps the share
of positives in what it draws. And proposals come in bunches, for which OHEM has its suppression
(Shrivastava et al., 2016, section 4). Lesson 09.
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
        scenes: all of one size, with at least one thing each.
    """
    batch = torch.stack([scene.image for scene in scenes])
    _, anchors, objectness, deltas = model.first_stage(batch)
    sizes = torch.tensor([batch.shape[2:]] * len(batch))
    boxes, real = propose(objectness, deltas, anchors, sizes, keep=model.proposals[0])
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
    """
    draw = torch.Generator().manual_seed(seed)
    place = torch.arange(things).repeat_interleave(each)  # (N,) which thing
    corner = torch.stack([100.0 * (place % 5), 100.0 * (place // 5)], dim=1)
    corner = corner + 4 * torch.rand(len(place), 2, generator=draw)
    hard = torch.rand(things, generator=draw)[place]
    losses = hard + 0.02 * torch.rand(len(place), generator=draw)
    return torch.cat([corner, corner + 40], dim=1), losses
