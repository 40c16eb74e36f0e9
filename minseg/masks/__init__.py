"""Ways to write a mask down, and ways to mend one.

Each file is one way, and its docstring has the formula, the error and the library call. Read them
in this order, that of units 11 to 13:

    rle        run lengths, without loss (`rle_text` packs them; `runs` computes with them)
    grid       m × m cells in a box, as Mask R-CNN predicts them (`upsample` makes a grid finer)
    polygon    corners, and fewer of them; `scanline` fills a polygon again
    fourier    a closed outline as a sum of circles (`curve` spaces its points evenly)
    bspline    a smooth outline with a few control points
    distance   how far each pixel is from the outline
    level_set  an outline that moves to where the image changes (Chan-Vese)

and, of unit 15, two that mend probability maps: `smooth` (total variation) and `crf` (dense CRF).
A function whose name ends in `_loop` is the definition, as slow and as plain as it can be.
"""

from minseg.masks.bspline import bspline_basis, fit_bspline, from_bspline, from_bspline_loop
from minseg.masks.crf import mean_field_crf, mean_field_crf_loop
from minseg.masks.curve import resample
from minseg.masks.distance import (
    from_signed_distance,
    interpolate_shapes,
    signed_distance,
    signed_distance_loop,
)
from minseg.masks.fourier import (
    fourier_descriptor,
    from_fourier,
    from_fourier_loop,
    normalise,
)
from minseg.masks.grid import from_grid, from_grid_loop, to_grid, to_grid_loop
from minseg.masks.level_set import chan_vese, reinitialise
from minseg.masks.polygon import (
    from_coco,
    largest_ring,
    polygon_area,
    simplify,
    to_coco,
    to_polygons,
)
from minseg.masks.rle import decode_rle, decode_rle_loop, encode_rle, encode_rle_loop
from minseg.masks.scanline import from_polygons, from_polygons_loop
from minseg.masks.smooth import total_variation, total_variation_loop, tv_flow
from minseg.masks.upsample import deconvolution_overlap, deconvolve, upsample

__all__ = [
    "bspline_basis",
    "chan_vese",
    "decode_rle",
    "decode_rle_loop",
    "deconvolution_overlap",
    "deconvolve",
    "encode_rle",
    "encode_rle_loop",
    "fit_bspline",
    "fourier_descriptor",
    "from_bspline",
    "from_bspline_loop",
    "from_coco",
    "from_fourier",
    "from_fourier_loop",
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
    "to_grid_loop",
    "to_polygons",
    "total_variation",
    "total_variation_loop",
    "tv_flow",
    "upsample",
]
