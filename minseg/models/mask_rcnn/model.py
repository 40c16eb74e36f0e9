"""Mask R-CNN, whole and small: trained from nothing in minutes on a laptop.

    image → ResNet + FPN → RPN → proposals → RoIAlign 7×7  → class and box
                                           → RoIAlign 14×14 → mask, 28×28, of every class

    L = L_objectness + L_rpn box + L_class + L_box + L_mask         all weights 1

(He et al., Mask R-CNN, 2017.) Each stage is a function or module of its own, in `backbone`, `rpn`
and `roi_heads`, and takes and returns tensors; here they are put in a row. Against the paper
everything is narrower, anchors are smaller, and GroupNorm makes training from scratch work.
Units 40 to 42 build and train it, units 43 to 45 in other ways. The letters in the shapes are
those of `minseg.models`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minseg.boxes import boxes_to_rois
from minseg.instances import Instances
from minseg.models.backbone import Backbone
from minseg.models.crops import Crops
from minseg.models.mask_rcnn.inference import Detections, detect, paste_crops
from minseg.models.mask_rcnn.roi_heads import (
    BoxHead,
    MaskHead,
    class_and_box_losses,
    mask_loss,
    mask_targets,
    read_pyramid,
    sample_proposals,
)
from minseg.models.mask_rcnn.rpn import RPNHead, propose, pyramid_anchors, rpn_losses
from minseg.models.padding import GREY, pad_images, pad_truth

BOX_GRID, MASK_GRID = 7, 14  # cells of a RoI for the box head and the mask head
MOST, BEST = 100, 80  # detections of an image; anchors of a level that go on to NMS


class MaskRCNN(nn.Module):
    """An instance segmenter for images of any size.

    Args:
        classes: the category ids that it knows, or how many (then 1 to that number).
        widths, strides, channels: of the `Backbone`; strides (2, 4, 8, 16) see smaller things.
        anchor_scale: side of a square anchor in cells of its level.
        anchors_per_image, rois_per_image: how many of each train, chosen at random.
        positive_fraction: the largest share of positives among the latter.
        proposals: how many boxes of an image reach the heads, in training and at test.
        cells, roi_op: how RoIs are read, see `minseg.models.mask_rcnn.roi_heads.read_pyramid`.
        box_width, mask_width, mask_convs, class_agnostic: of the heads.

    Raises:
        ValueError: if there are no classes, ids repeat or lie below 1, or as `Backbone` says.
    """

    def __init__(
        self,
        *,
        classes: int | Sequence[int] = (1, 2, 3),
        widths: Sequence[int] = (24, 48, 96, 144),
        strides: Sequence[int] = (4, 8, 16),
        channels: int = 64,
        anchor_scale: float = 2.5,
        anchors_per_image: int = 64,
        proposals: tuple[int, int] = (60, 100),
        rois_per_image: int = 32,
        positive_fraction: float = 0.25,
        cells: float = 10.0,
        roi_op: str = "align",
        box_width: int = 256,
        mask_width: int = 64,
        mask_convs: int = 2,
        class_agnostic: bool = False,
    ) -> None:
        # All arguments, to be saved beside the weights: with them this model is made again.
        options = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        super().__init__()
        self.options = options
        ids = tuple(range(1, classes + 1)) if isinstance(classes, int) else tuple(classes)
        if not ids or min(ids) < 1 or len(set(ids)) != len(ids):
            raise ValueError(f"classes must be different category ids from 1 on, got {classes}")
        self.categories, self.strides, n = ids, tuple(strides), len(ids)
        self.backbone = Backbone(widths=widths, strides=strides, channels=channels)
        self.rpn = RPNHead(channels)
        self.box_head = BoxHead(channels, BOX_GRID, width=box_width, classes=n)
        self.mask_head = MaskHead(channels, mask_width, mask_convs, n, class_agnostic, norm=True)
        self.anchor_scale, self.anchors_per_image = anchor_scale, anchors_per_image
        self.proposals, self.rois_per_image = proposals, rois_per_image
        self.positive_fraction = positive_fraction
        self.cells, self.roi_op = cells, roi_op
        self.unseeded = 0  # images seen without a seed; numbers the next ones

    @property
    def checkpointing(self) -> bool:
        """Whether training computes the ResNet's activations twice instead of keeping them."""
        return self.backbone.resnet.checkpointing

    @checkpointing.setter
    def checkpointing(self, wanted: bool) -> None:
        self.backbone.resnet.checkpointing = wanted

    def losses(
        self,
        images: Tensor | Sequence[Tensor],
        targets: Sequence[Instances],
        *,
        seeds: Sequence[int] | None = None,
    ) -> dict[str, Tensor]:
        """The five losses of a batch; their sum is what to minimise.

        Args:
            images: (B, 3, H, W) or a list of (3, H, W), RGB in [0, 1].
            targets: one `Instances` for each image.
            seeds: one for each image, which decides what anchors and RoIs of it train, whatever
                else is in the batch. Left out, images are numbered as they come.

        Returns:
            rpn_objectness, rpn_box, class, box and mask, () float32 each, averaged over what was
            sampled in the batch on all processes.

        Raises:
            TypeError, ValueError: as `pad_images` and `pad_truth` say; ValueError if there is not
                one seed for each image.
        """
        # The batch in one shape: images (B, 3, H, W), truths (B, G, …).
        batch, sizes = pad_images(images, self.strides[-1])
        truth = pad_truth(targets, self.categories, sizes, batch.shape[2:])
        generators = self._generators(len(batch), seeds)

        # First stage: where might there be a thing?
        pyramid, anchors, objectness, deltas = self.first_stage(batch)
        joined = torch.cat(anchors)  # (A, 4)
        priorities = random_rows(generators, len(joined), batch.device)
        losses = rpn_losses(
            objectness, deltas, joined, truth, priorities, count=self.anchors_per_image
        )

        # Proposals, and the true boxes with them: at first no proposal hits anything.
        boxes, real = propose(objectness, deltas, anchors, sizes, keep=self.proposals[0])
        boxes, real = torch.cat([boxes, truth.boxes], 1), torch.cat([real, truth.classes >= 0], 1)
        sample = sample_proposals(
            boxes,
            real,
            truth,
            random_rows(generators, boxes.shape[1], batch.device),
            classes=len(self.categories),
            count=self.rois_per_image,
            fraction=self.positive_fraction,
        )

        # Second stage: what is in each sampled RoI, and where exactly?
        logits, box_deltas = self.read_boxes(pyramid, sample.rois)  # (K, C + 1), (K, C, 4)
        losses |= class_and_box_losses(logits, box_deltas, sample, truth)

        # And on which of its pixels, for the positives?
        positive = (sample.classes < len(self.categories)).nonzero()[:, 0]
        rois, things = sample.rois[positive], sample.things[positive]
        masks = self.read_masks(pyramid, rois)  # (P, C or 1, m, m) logits
        true_masks = mask_targets(rois, things, truth, masks.shape[-1])  # (P, m, m)
        return losses | {"mask": mask_loss(masks, sample.classes[positive], true_masks)}

    def first_stage(self, batch: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """Padded images to pyramid, each level's anchors, objectness (B, A), deltas (B, A, 4)."""
        return self._first_stage(batch - GREY)

    def _first_stage(self, batch: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        pyramid = self.backbone(batch)  # (B, channels, H_k, W_k) for each level
        objectness, deltas = self.rpn(pyramid)
        shapes = [p.shape[2:] for p in pyramid]
        anchors = pyramid_anchors(shapes, self.strides, scale=self.anchor_scale)
        anchors = [a.to(batch.device) for a in anchors]
        return [p.float() for p in pyramid], anchors, objectness, deltas

    def read_boxes(self, pyramid: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """RoIs (K, 5) to class logits (K, C + 1), background last, and deltas (K, C, 4)."""
        return self.box_head(self._read(pyramid, rois, BOX_GRID))

    def read_masks(self, pyramid: Sequence[Tensor], rois: Tensor) -> Tensor:
        """RoIs (K, 5) to mask logits (K, C or 1, 28, 28)."""
        return self.mask_head(self._read(pyramid, rois, MASK_GRID))

    def _read(self, pyramid: Sequence[Tensor], rois: Tensor, size: int) -> Tensor:
        cells, roi_op = self.cells, self.roi_op
        return read_pyramid(pyramid, self.strides, rois, size, cells=cells, roi_op=roi_op)

    def predict(
        self,
        images: Tensor | Sequence[Tensor],
        *,
        score_threshold: float = 0.05,
        iou_threshold: float = 0.5,
        most: int = MOST,
    ) -> list[Instances]:
        """What the model sees in each image, best first, as masks of the image's own size.

        Args:
            images: as in `losses`.
            score_threshold, iou_threshold, most: as in `detect`. A detection whose mask has no
                pixel is left out. Where `most` is above 100, proposals grow in number with it.
        """
        limits = (score_threshold, iou_threshold, most)
        return [crops.dense() for crops in self.predict_crops(images, *limits)]

    @torch.no_grad()
    def predict_crops(
        self,
        images: Tensor | Sequence[Tensor],
        score_threshold: float = 0.05,
        iou_threshold: float = 0.5,
        most: int = MOST,
    ) -> list[Crops]:
        """`predict` with each mask only in its box: for images of many megapixels."""
        batch, sizes = pad_images(images, self.strides[-1])
        limits = (score_threshold, iou_threshold, most)
        found, logits = self._detections(batch.sub_(GREY), sizes, limits)  # `batch` is a copy
        return [
            paste_crops(f, masks, self.categories, size)
            for f, masks, size in zip(found, logits, sizes, strict=True)
        ]

    def _detections(
        self, batch: Tensor, sizes: Tensor, limits: tuple[float, float, int]
    ) -> tuple[list[Detections], Sequence[Tensor]]:
        """Both stages on padded images without their grey: boxes and mask logits of each image."""
        # Proposals; more of them where more than `MOST` detections are asked for.
        pyramid, anchors, objectness, deltas = self._first_stage(batch)
        times = max(limits[2] / MOST, 1)
        best, keep = round(BEST * times), round(self.proposals[1] * times)
        boxes, real = propose(objectness, deltas, anchors, sizes, best=best, keep=keep)
        # Class and refined box of each, image by image.
        rois = boxes_to_rois([b[r] for b, r in zip(boxes, real, strict=True)])  # (K, 5)
        logits, box_deltas = self.read_boxes(pyramid, rois)  # (K, C + 1), (K, C, 4)
        found = []
        for i, size in enumerate(sizes):
            own = rois[:, 0] == i
            found.append(detect(logits[own], box_deltas[own], rois[own, 1:], size, *limits))
        # Masks are read from the *refined* boxes, and only from the few that are left.
        masks = self.read_masks(pyramid, boxes_to_rois([f.boxes for f in found]))
        return found, masks.split([len(f.boxes) for f in found])

    def _generators(self, images: int, seeds: Sequence[int] | None) -> list[torch.Generator]:
        """A random generator for each image."""
        if seeds is None:
            seeds = range(self.unseeded, self.unseeded + images)
            self.unseeded += images
        if len(seeds) != images:
            raise ValueError(f"expected {images} seeds, one for each image; got {len(seeds)}")
        return [torch.Generator().manual_seed(seed) for seed in seeds]


def random_rows(generators: Sequence[torch.Generator], count: int, device: torch.device) -> Tensor:
    """(B, count) random numbers in [0, 1), each row from its own generator.

    >>> seeded = [torch.Generator().manual_seed(seed) for seed in (0, 7, 0)]
    >>> rows = random_rows(seeded, 3, torch.device("cpu"))
    >>> bool((rows[0] == rows[2]).all()), bool((rows[0] == rows[1]).any())
    (True, False)
    """
    return torch.stack([torch.rand(count, generator=g) for g in generators]).to(device)
