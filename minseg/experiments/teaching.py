"""What one scene teaches a Mask R-CNN, collected in the order in which `MaskRCNN.losses` does it.

    anchors   yes, no, or not asked, by their overlap with the things
    RoIs      a sample of proposals and true boxes: the class of a thing, or background
    masks     for each positive RoI the share of each of its 28 × 28 cells that its thing covers

(He et al., Mask R-CNN, 2017, section 3; Ren et al., Faster R-CNN, 2015, section 3.1.) Unit 41.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from minseg.boxes import box_iou, encode_boxes
from minseg.data.example import Example
from minseg.models.mask_rcnn.model import MASK_GRID, MaskRCNN, random_rows
from minseg.models.mask_rcnn.roi_heads import SampledRois, mask_targets, sample_proposals
from minseg.models.mask_rcnn.rpn import anchor_targets, propose
from minseg.models.padding import PaddedTruth, pad_images, pad_truth


class Teaching(NamedTuple):
    """The targets of a batch of B images; A anchors, G things, K sampled RoIs, P positive ones."""

    truth: PaddedTruth
    pyramid: list[Tensor]  # (B, channels, H_k, W_k) for each level
    anchors: list[Tensor]  # (A_k, 4) of each level
    overlaps: Tensor  # (B, A, G) IoU of anchors and things
    yes: Tensor  # (B, A) bool
    no: Tensor  # (B, A) bool
    sample: SampledRois
    positive: Tensor  # (K,) bool, which RoIs of the sample are of a thing
    masks: Tensor  # (P, 28, 28)


@torch.no_grad()
def teaching(model: MaskRCNN, scenes: Sequence[Example]) -> Teaching:
    """The targets of some scenes. Image k samples its RoIs with seed k.

    >>> from minseg.data import SceneDataset
    >>> from minseg.models import load_coins
    >>> scene = SceneDataset("val", size=128, count=(5, 7), style="coins")[2]
    >>> taught = teaching(load_coins(), [scene])
    >>> int(taught.yes.sum()), len(taught.sample.rois), int(taught.positive.sum())
    (7, 32, 8)
    """
    # The batch, and what the network proposes for it.
    images = [scene.image for scene in scenes]
    batch, sizes = pad_images(images, model.strides[-1])
    instances = [scene.instances for scene in scenes]
    truth = pad_truth(instances, model.categories, sizes, batch.shape[2:])
    pyramid, anchors, objectness, deltas = model.first_stage(batch)
    # First stage: which anchors say yes?
    overlaps = box_iou(torch.cat(anchors), truth.boxes)  # (B, A, G)
    yes, no, _ = anchor_targets(overlaps)
    # Second stage: proposals and true boxes, of which some are drawn.
    boxes, real = propose(objectness, deltas, anchors, sizes, keep=model.proposals[0])
    boxes, real = torch.cat([boxes, truth.boxes], 1), torch.cat([real, truth.classes >= 0], 1)
    generators = [torch.Generator().manual_seed(seed) for seed in range(len(scenes))]
    sample = sample_proposals(
        boxes,
        real,
        truth,
        random_rows(generators, boxes.shape[1], boxes.device),
        classes=len(model.categories),
        count=model.rois_per_image,
        fraction=model.positive_fraction,
    )
    positive = sample.classes < len(model.categories)
    rois, things = sample.rois[positive], sample.things[positive]
    masks = mask_targets(rois, things, truth, 2 * MASK_GRID)
    return Teaching(truth, pyramid, anchors, overlaps, yes, no, sample, positive, masks)


def positive_deltas(taught: Teaching) -> Tensor:
    """(P, 4): how each positive RoI of the sample should move, without weights."""
    rois, things = taught.sample.rois[taught.positive], taught.sample.things[taught.positive]
    true_boxes = taught.truth.boxes[rois[:, 0].long(), things]
    return encode_boxes(true_boxes, rois[:, 1:])
