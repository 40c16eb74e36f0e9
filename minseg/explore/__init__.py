"""Widgets to think with: drag something, and see what the formulas make of it."""

from minseg.explore.ap_playground import APPlayground
from minseg.explore.balance_board import BalanceBoard
from minseg.explore.boundary_band import BoundaryBand
from minseg.explore.kernel_view import KernelView
from minseg.explore.loss_board import LossBoard
from minseg.explore.loss_curve import LossCurve
from minseg.explore.mask_painter import MaskPainter
from minseg.explore.pq_playground import PQPlayground
from minseg.explore.quantisation_box import QuantisationBox
from minseg.explore.representation_sweep import RepresentationSweep
from minseg.explore.roi_explorer import RoIExplorer
from minseg.explore.spline_editor import SplineEditor
from minseg.explore.stage_viewer import StageViewer

__all__ = [
    "APPlayground",
    "BalanceBoard",
    "BoundaryBand",
    "KernelView",
    "LossBoard",
    "LossCurve",
    "MaskPainter",
    "PQPlayground",
    "QuantisationBox",
    "RepresentationSweep",
    "RoIExplorer",
    "SplineEditor",
    "StageViewer",
]
