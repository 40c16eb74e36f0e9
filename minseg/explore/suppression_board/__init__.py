"""The suppression board: overlapping masks to drag, and what four rules leave of their scores."""

from minseg.explore.suppression_board.widget import SuppressionBoard

__all__ = ["SuppressionBoard"]
