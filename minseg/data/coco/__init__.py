"""COCO's files, read and written: instances, results and panoptic maps.

Read `instances` first, then `panoptic`. `records` checks every value that comes from a file,
`categories` maps ids to labels, `masks` makes runs of what a file says.
"""

from minseg.data.coco.instances import CocoImage, load_coco, load_results
from minseg.data.coco.panoptic import PanopticImage, load_panoptic
from minseg.data.coco.write_instances import save_coco, save_results
from minseg.data.coco.write_panoptic import save_panoptic

__all__ = [
    "CocoImage",
    "PanopticImage",
    "load_coco",
    "load_panoptic",
    "load_results",
    "save_coco",
    "save_panoptic",
    "save_results",
]
