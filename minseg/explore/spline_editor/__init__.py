"""Draw a mask with a few control points: drag them, and see which pixels the curve covers."""

from minseg.explore.spline_editor.widget import SplineEditor

__all__ = ["SplineEditor"]
