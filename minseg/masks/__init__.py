"""Ways to write a mask down."""

from minseg.masks.distance import (
    from_signed_distance,
    interpolate_shapes,
    signed_distance,
    signed_distance_loop,
)
from minseg.masks.rle import decode_rle, encode_rle

__all__ = [
    "decode_rle",
    "encode_rle",
    "from_signed_distance",
    "interpolate_shapes",
    "signed_distance",
    "signed_distance_loop",
]
