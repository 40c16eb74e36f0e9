"""Widgets to think with: drag something, and see what the formulas make of it.

A folder for each, with the same files in all of them: `widget.py` holds the state and answers the
browser, `numbers.py` computes what is drawn, `still.py` draws the picture for where no kernel runs,
`page.js` and `style.css` are the page. Read `base/` first, then `quantisation_box/`, then the
widget of a unit that you know.
"""

from minseg.explore.ap_playground.widget import APPlayground
from minseg.explore.balance_board.widget import BalanceBoard
from minseg.explore.boundary_band.widget import BoundaryBand
from minseg.explore.grid_board.widget import GridBoard
from minseg.explore.kernel_board.widget import KernelBoard
from minseg.explore.kernel_view.widget import KernelView
from minseg.explore.loss_board.widget import LossBoard
from minseg.explore.loss_curve.widget import LossCurve
from minseg.explore.mask_painter.widget import MaskPainter
from minseg.explore.matching_board.widget import MatchingBoard
from minseg.explore.pq_playground.widget import PQPlayground
from minseg.explore.quantisation_box.widget import QuantisationBox
from minseg.explore.query_viewer.widget import QueryViewer
from minseg.explore.representation_sweep.widget import RepresentationSweep
from minseg.explore.roi_explorer.widget import RoIExplorer
from minseg.explore.segmenter.widget import Segmenter
from minseg.explore.spline_editor.widget import SplineEditor
from minseg.explore.stage_viewer.widget import StageViewer
from minseg.explore.suppression_board.widget import SuppressionBoard

__all__ = [
    "APPlayground",
    "BalanceBoard",
    "BoundaryBand",
    "GridBoard",
    "KernelBoard",
    "KernelView",
    "LossBoard",
    "LossCurve",
    "MaskPainter",
    "MatchingBoard",
    "PQPlayground",
    "QuantisationBox",
    "QueryViewer",
    "RepresentationSweep",
    "RoIExplorer",
    "Segmenter",
    "SplineEditor",
    "StageViewer",
    "SuppressionBoard",
]
