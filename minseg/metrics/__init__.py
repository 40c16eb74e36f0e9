"""What a prediction is worth: overlaps, average precision, boundaries, panoptic quality."""

from minseg.metrics.ap import APAccumulator, average_precision
from minseg.metrics.boundary import boundary_iou, boundary_of, trimap, trimap_accuracy
from minseg.metrics.iou import mask_iou
from minseg.metrics.pq import PQAccumulator, panoptic_quality
from minseg.metrics.pq_errors import panoptic_errors
from minseg.metrics.surface import (
    average_symmetric_surface_distance,
    hausdorff_distance,
    surface_distances,
)

__all__ = [
    "APAccumulator",
    "PQAccumulator",
    "average_precision",
    "average_symmetric_surface_distance",
    "boundary_iou",
    "boundary_of",
    "hausdorff_distance",
    "mask_iou",
    "panoptic_errors",
    "panoptic_quality",
    "surface_distances",
    "trimap",
    "trimap_accuracy",
]
