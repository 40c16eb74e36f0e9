"""Images with truth: synthetic scenes that are exact, and photographs that are real."""

from minseg.data.dataset import SceneDataset
from minseg.data.photos import coins_truth, photo
from minseg.data.scenes import COIN, STUFF, THINGS, Scene, make_scene

__all__ = [
    "COIN",
    "STUFF",
    "THINGS",
    "Scene",
    "SceneDataset",
    "coins_truth",
    "make_scene",
    "photo",
]
