"""Regions of interest: a fixed grid of features from a box of any size and place."""

from minseg.roi.align import roi_align, roi_align_loop
from minseg.roi.bilinear import bilinear_sample, bilinear_sample_loop
from minseg.roi.exact import roi_average
from minseg.roi.pool import roi_pool, roi_pool_loop, roi_warp
from minseg.roi.quantisation import error_distribution, expected_error, quantise_box

__all__ = [
    "bilinear_sample",
    "bilinear_sample_loop",
    "error_distribution",
    "expected_error",
    "quantise_box",
    "roi_align",
    "roi_align_loop",
    "roi_average",
    "roi_pool",
    "roi_pool_loop",
    "roi_warp",
]
