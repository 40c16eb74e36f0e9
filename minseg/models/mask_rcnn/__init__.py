"""Mask R-CNN, in the order in which an image passes through it.

1. `rpn`         boxes where there might be a thing, of whatever class: the proposals
2. `roi_heads`   what is in each proposal, where exactly, and on which of its pixels
3. `inference`   from the heads' numbers to instances
4. `model`       all of it in a row: `losses` in training, `predict` at test

The backbone belongs to every model (`minseg.models.backbone`). The letters B, A, R, K, … in the
shapes are those of `minseg.models`. The library's own model is
`torchvision.models.detection.maskrcnn_resnet50_fpn`.
"""

from minseg.models.mask_rcnn.model import MaskRCNN, random_rows
from minseg.models.mask_rcnn.roi_heads import BoxHead, MaskHead
from minseg.models.mask_rcnn.rpn import RPNHead

draw = random_rows  # the name by which earlier lessons import it

__all__ = ["BoxHead", "MaskHead", "MaskRCNN", "RPNHead"]
