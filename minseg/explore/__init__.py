"""Widgets to think with: drag something, and see what the formulas make of it."""

from minseg.explore.ap_playground import APPlayground
from minseg.explore.boundary_band import BoundaryBand
from minseg.explore.kernel_view import KernelView
from minseg.explore.pq_playground import PQPlayground
from minseg.explore.quantisation_box import QuantisationBox
from minseg.explore.roi_explorer import RoIExplorer

__all__ = [
    "APPlayground",
    "BoundaryBand",
    "KernelView",
    "PQPlayground",
    "QuantisationBox",
    "RoIExplorer",
]
