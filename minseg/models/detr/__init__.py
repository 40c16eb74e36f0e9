"""DETR, in the order in which an image passes through it.

1. `attention`     how a token reads others
2. `positions`     where a cell lies, written into it
3. `transformer`   cells read cells, then queries read cells and one another
4. `heads`         what each query says: class and box
5. `mask_head`     and on which pixels
6. `losses`        which query answers which thing, and how wrong it is
7. `inference`     from what the queries say to instances, or a panoptic map
8. `model`         all of it in a row: `losses` in training, `predict` at test

The backbone belongs to every model (`minseg.models.backbone`), the matching of sets to
`minseg.losses.matching`. Units 53 and 54.
"""

from minseg.models.detr.attention import Attention, attention, attention_log_weights, attention_loop
from minseg.models.detr.inference import instances_of, panoptic_map
from minseg.models.detr.model import DETR
from minseg.models.detr.positions import sine_code

__all__ = [
    "DETR",
    "Attention",
    "attention",
    "attention_log_weights",
    "attention_loop",
    "instances_of",
    "panoptic_map",
    "sine_code",
]
