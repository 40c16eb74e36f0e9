"""Widgets to think with: drag something, and see what the formulas make of it."""

from minseg.explore.quantisation_box import QuantisationBox
from minseg.explore.roi_explorer import RoIExplorer

__all__ = ["QuantisationBox", "RoIExplorer"]
