"""The loss board: one predicted disc to drag over a true one, and twelve opinions on it."""

from minseg.explore.loss_board.widget import LossBoard

__all__ = ["LossBoard"]
