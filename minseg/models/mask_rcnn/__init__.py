"""Mask R-CNN, in the order in which an image passes through it.

`model` puts the parts in a row. `rpn` proposes boxes, `roi_heads` says what is in each, `inference`
turns the heads' numbers into instances. The backbone is everybody's: `minseg.models.backbone`.
"""

from minseg.models.mask_rcnn.model import MaskRCNN
from minseg.models.mask_rcnn.roi_heads import BoxHead, MaskHead
from minseg.models.mask_rcnn.rpn import RPNHead

__all__ = ["BoxHead", "MaskHead", "MaskRCNN", "RPNHead"]
