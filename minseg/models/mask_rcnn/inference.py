"""Inference of Mask R-CNN: from the heads' numbers to instances, without a gradient.

    detect   every proposal, once for each class that is likely enough; moved, cut, NMS in a class
    paste    σ of the predicted class's 28 × 28 logits, read at pixel centres, at least ½

The order matters. Masks are read from the refined boxes and not from the proposals, which costs one
more RoIAlign and is worth it, since a mask cannot leave its box; and only for the few boxes that
survive NMS. What is pasted stays within its box, so that a large image costs no more than its
things do. (He et al., Mask R-CNN, 2017, section 3.1, "Inference".) Unit 42. torchvision's
counterparts are `RoIHeads.postprocess_detections` and `paste_masks_in_image`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from minseg.boxes import batched_nms, clip_boxes, decode_boxes
from minseg.instances import Instances
from minseg.losses.mask import select_class_masks
from minseg.masks.grid import crops_from_grid
from minseg.models.crops import Crops
from minseg.models.mask_rcnn.roi_heads import BOX_WEIGHTS


class Detections(NamedTuple):
    """What was found in one image, best first, before it has masks."""

    boxes: Tensor  # (D, 4)
    classes: Tensor  # (D,) int64, class indices from 0 on
    scores: Tensor  # (D,)


def detect(
    logits: Tensor,
    deltas: Tensor,
    proposals: Tensor,
    size: Tensor,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.5,
    most: int = 100,
) -> Detections:
    """Class scores and box deltas of one image to boxes after NMS.

    Args:
        logits: (R, C + 1), background last. deltas: (R, C, 4). proposals: (R, 4).
        size: (2,) height and width of the image.
        score_threshold: the probability from which a class of a proposal counts.
        iou_threshold: of non-maximum suppression within each class.
        most: detections to keep.

    >>> logits = torch.tensor([[0.0, 9.0, 0.0]])  # of two classes and background
    >>> detect(logits, torch.zeros(1, 2, 4), torch.tensor([[1.0, 2, 9, 8]]), torch.tensor([6, 20]))
    Detections(boxes=tensor([[1., 2., 9., 6.]]), classes=tensor([1]), scores=tensor([0.9998]))
    """
    # One candidate for each proposal and class that is likely enough; background is no answer.
    scores = logits.softmax(dim=1)[:, :-1]  # (R, C)
    row, classes = (scores > score_threshold).nonzero(as_tuple=True)  # (N,) candidates each
    # Move each by the deltas of its class, and cut it off at the edges of the image.
    boxes = decode_boxes(deltas[row, classes], proposals[row], BOX_WEIGHTS)  # (N, 4)
    boxes = clip_boxes(boxes[None], size[None])[0]
    # Drop what is less than a pixel wide or high.
    real = (boxes[:, 2:] - boxes[:, :2] >= 1).all(dim=1)
    boxes, classes, scores = boxes[real], classes[real], scores[row, classes][real]
    # NMS within each class, and the best of what is left.
    kept = batched_nms(boxes, scores, classes, iou_threshold)[:most]  # (D,)
    return Detections(boxes[kept], classes[kept], scores[kept])


def paste_crops(
    found: Detections, logits: Tensor, categories: Sequence[int], size: Tensor
) -> Crops:
    """Detections and their mask logits (D, C or 1, m, m) as instances of an image of `size`.

    Class index c becomes the category id categories[c]. A mask without any pixel is left out.
    100 coins in 12 megapixels: 0.2 MB of crops, 1.2 GB of masks.
    """
    # The predicted class's probabilities, read at the centre of each pixel of the box.
    grids = select_class_masks(logits, found.classes).sigmoid()  # (D, m, m)
    height, width = size.tolist()
    crops = crops_from_grid(grids, found.boxes, height, width)
    labels = torch.tensor(categories, device=logits.device)[found.classes]  # (D,)
    # Leave masks without a pixel out.
    kept = [k for k, crop in enumerate(crops) if crop.mask.size]
    masks = [crops[k] for k in kept]
    return Crops(masks, labels[kept], found.scores[kept], (height, width))


def paste(found: Detections, logits: Tensor, categories: Sequence[int], size: Tensor) -> Instances:
    """`paste_crops` with masks of the image's size."""
    return paste_crops(found, logits, categories, size).dense()
