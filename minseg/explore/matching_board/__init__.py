"""The matching board: predictions to drag, the cost of every pair, and the cheapest pairing."""

from minseg.explore.matching_board.widget import MatchingBoard

__all__ = ["MatchingBoard"]
