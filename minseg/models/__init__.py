"""Models: small, whole, trained from nothing. `losses` in training, `predict` at test."""

from minseg.models.backbone import FPN, Backbone, ResNet
from minseg.models.mask_rcnn.model import MaskRCNN
from minseg.models.mask_rcnn.roi_heads import BoxHead, MaskHead
from minseg.models.mask_rcnn.rpn import RPNHead
from minseg.models.pretrained import load_coins

__all__ = ["FPN", "Backbone", "BoxHead", "MaskHead", "MaskRCNN", "RPNHead", "ResNet", "load_coins"]
