"""The loss board: one predicted disc to drag over a true one, and twelve losses of the two."""

from minseg.explore.loss_board.widget import LossBoard

__all__ = ["LossBoard"]
