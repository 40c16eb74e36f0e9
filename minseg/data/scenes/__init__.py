"""Synthetic scenes whose truth is known exactly, because it was there before the image.

Read `make` first, then `layout` (where everything lies), `shapes` (outlines), `paint` and `coins`
(colours).
"""

from minseg.data.scenes.layout import STUFF
from minseg.data.scenes.make import Scene, make_scene
from minseg.data.scenes.shapes import COIN, THINGS

__all__ = ["COIN", "STUFF", "THINGS", "Scene", "make_scene"]
