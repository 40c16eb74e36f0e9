"""Regions of interest: a fixed grid of features from a box of any size and place.

A reading order, one idea in each file:

1. `rois`           what a RoI is, and what is checked of it
2. `quantisation`   what rounding a box to the feature grid costs
3. `pool`           RoI pooling: round twice, take the maximum
4. `bilinear`       read a feature map between its pixels
5. `align`          RoIAlign: round nothing, read between pixels; first as a loop, then fast
6. `bag`            the sparse sum that makes it fast
7. `backend`        PyTorch or the Triton kernels, which computes it
8. `exact`          the average that RoIAlign's samples are an estimate of
"""

from minseg.roi.align import roi_align, roi_align_loop
from minseg.roi.bilinear import bilinear_sample, bilinear_sample_loop
from minseg.roi.exact import roi_average, roi_average_loop
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
    "roi_average_loop",
    "roi_pool",
    "roi_pool_loop",
    "roi_warp",
]
