"""Models: small, whole, trained from nothing. `losses` in training, `predict` at test."""

from minseg.models.backbone import FPN, Backbone, ResNet
from minseg.models.coins import load_coins
from minseg.models.mask_rcnn import MaskRCNN
from minseg.models.roi_heads import BoxHead, MaskHead
from minseg.models.rpn import RPNHead

__all__ = ["FPN", "Backbone", "BoxHead", "MaskHead", "MaskRCNN", "RPNHead", "ResNet", "load_coins"]
