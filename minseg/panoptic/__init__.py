"""Panoptic segmentation: every pixel belongs to one segment, a thing or stuff."""

from minseg.panoptic.flatten import from_instances, owner_map, to_instances
from minseg.panoptic.ids import decode, encode

__all__ = ["decode", "encode", "from_instances", "owner_map", "to_instances"]
