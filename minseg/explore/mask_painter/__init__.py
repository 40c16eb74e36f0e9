"""The mask painter: paint masks that overlap, and watch what each task's answer keeps of them."""

from minseg.explore.mask_painter.widget import MaskPainter

__all__ = ["MaskPainter"]
