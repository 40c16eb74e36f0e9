"""Panoptic segmentation: every pixel belongs to one segment, a thing or stuff."""

from minseg.panoptic.ids import decode, encode

__all__ = ["decode", "encode"]
