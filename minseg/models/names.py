"""All models by the name that the command line has for each: the one place that lists them.

    python -m minseg train solo …       makes MODELS["solo"]
    a file of a model names a class     which must be among MODELS.values()

A file alone can call for no other class (`minseg.models.saved`). A model that is added is added
here, in one line, and can then be trained, saved, loaded and compared (`benchmarks/train.py`).
"""

from __future__ import annotations

from torch import nn

from minseg.models.detr.model import DETR
from minseg.models.mask_rcnn.model import MaskRCNN
from minseg.models.solo.model import SOLO, DecoupledSOLO
from minseg.models.solov2 import SOLOv2

MODELS: dict[str, type[nn.Module]] = {
    "mask-rcnn": MaskRCNN,
    "solo": SOLO,
    "decoupled-solo": DecoupledSOLO,
    "solov2": SOLOv2,
    "detr": DETR,
}
