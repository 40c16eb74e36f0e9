"""Models: small, whole, trained from nothing. `losses` in training, `predict` at test.

A reading order:

1. `backbone`        features at several resolutions, for every model
2. `mask_rcnn/`      boxes first, then a mask in each: `rpn`, `roi_heads`, `inference`, `model`
3. `solo/`           no boxes: each cell of a grid has a mask; `solov2` writes kernels for them
4. `detr/`           no boxes and no grid: queries that agree on who has which thing
5. `suppression/`    which of several masks of one thing stays: greedy, soft, matrix
6. `padding`         images of several sizes and truths of several lengths as one batch
7. `options`         how a saved model is made again
8. `crops`           what was found, each mask only within its box
9. `names`           all models by name; `saved` writes and reads them
10. `pretrained/`    one that finds coins comes trained

Every model has three methods. `losses(images, targets, seeds=…)` gives the named losses of a batch,
whose sum is what to minimise; `predict(images)` gives one `Instances` for each image, and
`predict_crops(images, most=…)` the same with each mask only in its box.

Shapes in this package are written with these letters:

    B   images of a batch                      H, W     their padded height and width
    A   anchors, or cells, of an image, on     H_k, W_k height and width of pyramid level k
        all levels                             S_k      cells of level k's grid, each way
    R   proposals of an image, padded          A_k      anchors of level k
    K   RoIs of the whole batch                m        cells of a mask or grid, each way
    P   positives among the K or the A         C        classes, background not counted
    G   true things of an image, padded        D        detections of an image
    E   channels of mask features              h, w     their height and width

What a network says has a plain name: objectness, deltas, logits. What it should have said stands in
`truth` (a `PaddedTruth`), in `sample` (`SampledRois`), or has `true_` in its name.
"""

from minseg.models.backbone import FPN, Backbone, ResNet
from minseg.models.detr.model import DETR
from minseg.models.mask_rcnn.model import MaskRCNN
from minseg.models.mask_rcnn.roi_heads import BoxHead, MaskHead
from minseg.models.mask_rcnn.rpn import RPNHead
from minseg.models.pretrained import load_coins
from minseg.models.solo import SOLO, DecoupledSOLO
from minseg.models.solov2 import SOLOv2
from minseg.models.suppression import mask_nms, matrix_nms, matrix_nms_product, soft_nms

__all__ = [
    "DETR",
    "FPN",
    "SOLO",
    "Backbone",
    "BoxHead",
    "DecoupledSOLO",
    "MaskHead",
    "MaskRCNN",
    "RPNHead",
    "ResNet",
    "SOLOv2",
    "load_coins",
    "mask_nms",
    "matrix_nms",
    "matrix_nms_product",
    "soft_nms",
]
