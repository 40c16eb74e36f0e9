"""COCO's files, read and written: instances, results and panoptic maps.

Read `instances` first, then `panoptic`; `write_instances` and `write_panoptic` undo them. Beneath:

    records     every value that comes from a file, checked before it is used
    categories  a file's category ids, and the labels of tensors
    groups      which records belong to which image
    image       what is read of one image: all pixels, run lengths or boxes
    masks       polygons and run lengths of a file, as runs
    segments    segments_info of a panoptic file; `png` reads and writes its maps
"""

from minseg.data.coco.image import Boxes, CocoImage, RunInstances
from minseg.data.coco.instances import CocoInstances, load_coco, load_results
from minseg.data.coco.panoptic import CocoPanoptic, PanopticImage, load_panoptic
from minseg.data.coco.write_instances import save_coco, save_results
from minseg.data.coco.write_panoptic import save_panoptic

__all__ = [
    "Boxes",
    "CocoImage",
    "CocoInstances",
    "CocoPanoptic",
    "PanopticImage",
    "RunInstances",
    "load_coco",
    "load_panoptic",
    "load_results",
    "save_coco",
    "save_panoptic",
    "save_results",
]
