"""Panoptic segmentation: every pixel belongs to one segment, a thing or stuff.

Read `ids` first (how a map writes category and instance as one number), then `flatten` (from masks
that overlap to such a map, and back).
"""

from minseg.panoptic.flatten import from_instances, owner_map, owner_map_loop, to_instances
from minseg.panoptic.ids import decode, encode

__all__ = ["decode", "encode", "from_instances", "owner_map", "owner_map_loop", "to_instances"]
