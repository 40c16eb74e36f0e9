"""The kernel board: click a cell, and see its kernel and what it makes of the mask features."""

from minseg.explore.kernel_board.widget import KernelBoard

__all__ = ["KernelBoard"]
