"""A mask on a budget: choose a way to write it down, move the budget, and see what comes back."""

from minseg.explore.representation_sweep.numbers import exact_bytes
from minseg.explore.representation_sweep.widget import RepresentationSweep

__all__ = ["RepresentationSweep", "exact_bytes"]
