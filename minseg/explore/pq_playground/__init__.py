"""The PQ playground: spoil a perfect panoptic map, segment by segment, and watch PQ follow."""

from minseg.explore.pq_playground.widget import PQPlayground

__all__ = ["PQPlayground"]
