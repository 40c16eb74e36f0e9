"""Ways to write a mask down."""

from minseg.masks.rle import decode_rle, encode_rle

__all__ = ["decode_rle", "encode_rle"]
