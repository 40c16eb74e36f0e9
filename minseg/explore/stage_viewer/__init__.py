"""The stage viewer: follow a RoI from its anchor to its mask, or drag it elsewhere."""

from minseg.explore.stage_viewer.widget import StageViewer

__all__ = ["StageViewer"]
