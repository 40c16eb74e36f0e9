"""Mask R-CNN traced on one image: each RoI has a number that it keeps through all stages.

A detector's stages hand each other anonymous lists: anchors, proposals, samples, detections. Here
they are lined up. Row k of every tensor belongs to RoI k: the anchor it came from, the box it was
moved to, whether it would train and as what, what the heads say of it, whether that is kept. All
numbers come from `minseg.models`. (He et al., Mask R-CNN, 2017, section 3.) Unit 40 and its
widget, `StageViewer`, use it.

    R RoIs    G things    A anchors    C classes    K boxes that the heads are asked about

`propose` does not say from which anchor a box came. It moves anchors by `decode_boxes` and
`clip_boxes`, so RoI k's anchor is the one that these move there.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from minseg.boxes import batched_nms, box_iou, clip_boxes, decode_boxes, fpn_level
from minseg.instances import Instances
from minseg.losses.mask import select_class_masks
from minseg.masks import from_grid
from minseg.models.mask_rcnn.model import MASK_GRID, MaskRCNN, random_rows
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS, read_pyramid, sample_proposals
from minseg.models.mask_rcnn.rpn import propose
from minseg.models.padding import pad_images, pad_truth

SEED = 0  # of the random numbers by which RoIs are sampled for training
SURE = 0.5  # the probability above which a class counts; only one class of a RoI can have it
NMS_IOU = 0.5  # as `MaskRCNN.predict` has it


class Heads(NamedTuple):
    """What the second stage says of K boxes."""

    scores: Tensor  # (K, C + 1) probabilities, background last
    best: Tensor  # (K,) the likeliest class that is not background
    deltas: Tensor  # (K, 4) of that class, as the head gives them
    refined: Tensor  # (K, 4) the box moved by them, cut off at the image
    level: Tensor  # (K,) the pyramid level from which the refined box is read for its mask
    grid: Tensor  # (K, 14, 14) how strong the features are that the mask head sees
    logits: Tensor  # (K, 28, 28) the mask of that class


class MaskRCNNTrace:
    """All stages of a model on one image, on the CPU.

    Args:
        model: trained or not; it is not changed.
        image: (3, H, W) in [0, 1].
        truth: its instances; crowds are left out, as in training.

    Attributes:
        things: (G, 4) boxes of the truth.
        level, anchor, objectness, deltas, proposal: (R,), (R, 4), (R,), (R, 4), (R, 4) of each
            RoI, best first; `objectness` is a probability.
        role: (R,) 1 sampled for training as a positive, 0 sampled as background, -1 not sampled.
        heads: what the second stage says of the proposals.
        masks: (R, H, W) bool, on the image.
        kept: (R,) bool, whether `predict` keeps its likeliest class at a threshold of ½.
        anchors: how many there are on each level.

    Raises:
        TypeError, ValueError: as `pad_images` and `pad_truth` say; ValueError if the model proposes
            nothing.
    """

    @torch.no_grad()
    def __init__(self, model: MaskRCNN, image: Tensor, truth: Instances) -> None:
        self.model, self.image, self.truth = model, image, truth[~truth.crowd]
        self.things = self.truth.boxes
        # First stage: a score and a move for each anchor, the best boxes as proposals.
        batch, self.sizes = pad_images(image[None], model.strides[-1])
        self.pyramid, anchors, objectness, deltas = model.first_stage(batch)
        self.anchors = [len(a) for a in anchors]
        boxes, real = propose(objectness, deltas, anchors, self.sizes, keep=model.proposals[1])
        self.proposal = boxes[0][real[0]]
        if not len(self.proposal):
            raise ValueError("model must propose at least one box in this image, got none")
        self._find_anchors(torch.cat(anchors), objectness[0], deltas[0])
        # Which proposals training would use, and as what.
        self._find_roles(batch.shape[2:])
        # Second stage: classes, refined boxes, masks; what `predict` keeps of them.
        self.heads = self.ask(self.proposal)
        self.masks = self.paste(self.heads)
        self.kept = self._survivors()

    @torch.no_grad()
    def ask(self, boxes: Tensor) -> Heads:
        """The heads' answer for boxes (K, 4), wherever they are."""
        # The box head: the likeliest class, and the box moved as that class asks.
        model, rois = self.model, F.pad(boxes, (1, 0))  # (K, 5)
        logits, moves = model.read_boxes(self.pyramid, rois)  # (K, C + 1), (K, C, 4)
        scores = logits.softmax(dim=1)
        best = scores[:, :-1].argmax(dim=1)  # (K,)
        deltas = moves[torch.arange(len(boxes)), best]  # (K, 4)
        refined = clip_boxes(decode_boxes(deltas, boxes, BOX_WEIGHTS)[None], self.sizes)[0]
        # The mask head reads the refined box, as at test time.
        grids = read_pyramid(
            self.pyramid,
            model.strides,
            F.pad(refined, (1, 0)),
            MASK_GRID,
            cells=model.cells,
            roi_op=model.roi_op,
        )
        level = fpn_level(refined, 0, len(model.strides) - 1, model.cells * model.strides[0], 0)
        masks = select_class_masks(model.mask_head(grids), best)  # (K, 28, 28)
        return Heads(scores, best, deltas, refined, level, grids.norm(dim=1), masks)

    def paste(self, heads: Heads) -> Tensor:
        """(K, H, W) bool: the masks on the image."""
        return from_grid(heads.logits.sigmoid(), heads.refined, *self.sizes[0].tolist())

    def iou(self, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(K,) the largest IoU of each box with a thing, and (K,) which thing that is, or -1."""
        if not len(self.things):
            return torch.zeros(len(boxes)), torch.full((len(boxes),), -1)
        best, thing = box_iou(boxes, self.things).max(dim=1)
        return best, torch.where(best > 0, thing, -1)

    def _find_anchors(self, anchors: Tensor, objectness: Tensor, deltas: Tensor) -> None:
        moved = clip_boxes(decode_boxes(deltas, anchors)[None], self.sizes)[0]  # (A, 4)
        at = (moved - self.proposal[:, None]).abs().amax(dim=2).argmin(dim=1)  # (R,) of A
        levels = torch.arange(len(self.anchors)).repeat_interleave(torch.tensor(self.anchors))
        self.level, self.anchor, self.deltas = levels[at], anchors[at], deltas[at]
        self.objectness = objectness[at].sigmoid()

    def _find_roles(self, shape: torch.Size) -> None:
        """Sample RoIs as training does; the true boxes that it adds have no place in the list."""
        model, count = self.model, len(self.proposal)
        truth = pad_truth([self.truth], model.categories, self.sizes, shape)
        boxes = torch.cat([self.proposal[None], truth.boxes], dim=1)
        real = torch.cat([torch.ones(1, count, dtype=torch.bool), truth.classes >= 0], dim=1)
        sample = sample_proposals(
            boxes,
            real,
            truth,
            random_rows([torch.Generator().manual_seed(SEED)], boxes.shape[1], boxes.device),
            classes=len(model.categories),
            count=model.rois_per_image,
            fraction=model.positive_fraction,
        )
        same = (self.proposal[:, None] == sample.rois[:, 1:]).all(dim=2)  # (R, K)
        positive = sample.classes < len(model.categories)
        self.role = torch.where(same, positive.long(), -1).amax(dim=1)

    def _survivors(self) -> Tensor:
        """(R,) bool: what `predict` keeps, by its rules; it does not say of which rows."""
        heads = self.heads
        score = heads.scores[:, :-1].amax(dim=1)
        sides = heads.refined[:, 2:] - heads.refined[:, :2]
        # Probable, not degenerate, the best among its neighbours of one class, not empty.
        sure = ((score > SURE) & (sides >= 1).all(dim=1)).nonzero()[:, 0]
        first = sure[batched_nms(heads.refined[sure], score[sure], heads.best[sure], NMS_IOU)]
        kept = torch.zeros(len(score), dtype=torch.bool)
        kept[first] = self.masks[first].any(dim=2).any(dim=1)
        return kept


Walk = MaskRCNNTrace  # its former name, for copies of earlier lessons
