"""A slider for the width of boundary IoU's band, and predictions wrong in different ways."""

from minseg.explore.boundary_band.widget import BoundaryBand

__all__ = ["BoundaryBand"]
