"""A box to drag across the feature grid: each rounding step's error, and all errors met so far."""

from minseg.explore.quantisation_box.widget import QuantisationBox

__all__ = ["QuantisationBox"]
