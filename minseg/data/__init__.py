"""Images with truth: synthetic scenes that are exact, and photographs that are real.

Read `scenes/make` first, the synthetic scenes of most lessons, and `splits`, which numbers them.
Then what you need:

    example    what a model is trained on, and what a data set must offer; `in_memory` keeps one
    photos     two photographs that need no download, one with masks
    pictures   any picture file as a tensor, upright (`own_picture`: the one in your folder)
    coco/      COCO's files: instances, results, panoptic maps
"""

from minseg.data.coco.instances import CocoImage, load_coco, load_results
from minseg.data.coco.panoptic import PanopticImage, load_panoptic
from minseg.data.coco.write_instances import save_coco, save_results
from minseg.data.coco.write_panoptic import save_panoptic
from minseg.data.own_picture import own_picture
from minseg.data.photos import coins_truth, photo
from minseg.data.scenes import COIN, STUFF, THINGS, Scene, make_scene
from minseg.data.splits import SceneDataset

__all__ = [
    "COIN",
    "STUFF",
    "THINGS",
    "CocoImage",
    "PanopticImage",
    "Scene",
    "SceneDataset",
    "coins_truth",
    "load_coco",
    "load_panoptic",
    "load_results",
    "make_scene",
    "own_picture",
    "photo",
    "save_coco",
    "save_panoptic",
    "save_results",
]
