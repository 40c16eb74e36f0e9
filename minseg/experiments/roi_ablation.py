"""What reading RoIs exactly is worth to a whole Mask R-CNN: figures of runs too long for a unit.

`benchmarks/roi_ablation.py` trains the network of `minseg.models.MaskRCNN`, pyramid of strides 4, 8
and 16, for 200 steps on discs, boxes and triangles, with three seeds for each way of reading, and
judges it by mask AP on the course's exam. Here are the nine results; a test compares them with the
benchmark's own file. Unit 42.

    pool    box and bins rounded, maximum of the pixels         (RoI pooling)
    warp    box rounded, then read bilinearly                    (RoIWarp)
    align   nothing rounded, read bilinearly                     (RoIAlign)
"""

from __future__ import annotations

MASK_AP = {  # percent, for seeds 0, 1, 2
    "pool": (21.9, 21.7, 22.1),
    "warp": (21.6, 21.4, 20.4),
    "align": (27.4, 27.5, 29.2),
}
# He et al., Mask R-CNN, 2017, table 2c: ResNet-50-C4, stride 16, COCO; the rows that average.
PUBLISHED_AP = {"pool": 26.9, "warp": 27.1, "align": 30.3}
