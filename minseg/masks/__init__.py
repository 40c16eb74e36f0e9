"""Ways to write a mask down."""

from minseg.masks.bspline import bspline_basis, fit_bspline, from_bspline
from minseg.masks.crf import mean_field_crf, mean_field_crf_loop
from minseg.masks.curve import resample
from minseg.masks.distance import (
    from_signed_distance,
    interpolate_shapes,
    signed_distance,
    signed_distance_loop,
)
from minseg.masks.fourier import fourier_descriptor, from_fourier, normalise
from minseg.masks.grid import from_grid, from_grid_loop, to_grid
from minseg.masks.level_set import chan_vese, reinitialise
from minseg.masks.polygon import (
    from_coco,
    largest_ring,
    polygon_area,
    simplify,
    to_coco,
    to_polygons,
)
from minseg.masks.rle import decode_rle, encode_rle
from minseg.masks.scanline import from_polygons, from_polygons_loop
from minseg.masks.smooth import total_variation, tv_flow
from minseg.masks.upsample import deconvolution_overlap, deconvolve, upsample

__all__ = [
    "bspline_basis",
    "chan_vese",
    "decode_rle",
    "deconvolution_overlap",
    "deconvolve",
    "encode_rle",
    "fit_bspline",
    "fourier_descriptor",
    "from_bspline",
    "from_coco",
    "from_fourier",
    "from_grid",
    "from_grid_loop",
    "from_polygons",
    "from_polygons_loop",
    "from_signed_distance",
    "interpolate_shapes",
    "largest_ring",
    "mean_field_crf",
    "mean_field_crf_loop",
    "normalise",
    "polygon_area",
    "reinitialise",
    "resample",
    "signed_distance",
    "signed_distance_loop",
    "simplify",
    "to_coco",
    "to_grid",
    "to_polygons",
    "total_variation",
    "tv_flow",
    "upsample",
]
