"""Regions of interest: a fixed grid of features from a box of any size and place."""

from minseg.roi.align import roi_align, roi_align_loop
from minseg.roi.bilinear import bilinear_sample, bilinear_sample_loop

__all__ = ["bilinear_sample", "bilinear_sample_loop", "roi_align", "roi_align_loop"]
