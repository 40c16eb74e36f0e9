"""The RoI explorer: drag a box over a photograph, watch RoI pooling snap and RoIAlign follow."""

from minseg.explore.roi_explorer.widget import RoIExplorer

__all__ = ["RoIExplorer"]
