"""The grid board: things to drag over SOLO's grid, whose cells light up and are fought over."""

from minseg.explore.grid_board.widget import GridBoard

__all__ = ["GridBoard"]
