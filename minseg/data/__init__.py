"""Images with truth: synthetic scenes that are exact, and photographs that are real."""

from minseg.data.coco import CocoImage, load_coco, load_results
from minseg.data.coco_panoptic import PanopticImage, load_panoptic
from minseg.data.coco_panoptic_save import save_panoptic
from minseg.data.coco_save import save_coco, save_results
from minseg.data.dataset import SceneDataset
from minseg.data.photos import coins_truth, photo
from minseg.data.scenes import COIN, STUFF, THINGS, Scene, make_scene

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
    "photo",
    "save_coco",
    "save_panoptic",
    "save_results",
]
